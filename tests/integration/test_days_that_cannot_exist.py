"""The API keeps two years: what lies before them, or in the future, is not requested, and nobody waits for it."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to
from support.operator_calls import execute
from support.sensor_modes import MODES, run_to_end

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.dates import DateRange, first_day_kept, pacific_date
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.triggers.msginsights import MessagingInsightsAvailabilityTrigger

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

ONE_DAY = timedelta(days=1)
METRIC = "page_messages_sent"
PAGES = "101,102,103"


@pytest.fixture(autouse=True)
def today(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> date:
    """The Pacific day it is, for the emulator too."""
    emulator.set_clock(datetime.now(UTC))
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    return pacific_date(datetime.now(UTC))


def warnings_in(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capfd.readouterr().out.splitlines() if "can be had and are requested" in line]


def test_a_range_that_begins_long_ago_costs_what_the_two_years_cost(
    emulator: GraphEmulator, tmp_path: Path, today: date, capfd: pytest.CaptureFixture[str]
) -> None:
    whole: dict[str, Any] = {"page_ids": PAGES, "metrics": METRIC, "until": str(today)}
    execute(**whole, since=str(first_day_kept(today)), output_path=(tmp_path / "a").as_uri())
    calls = emulator.stats()["graph_calls"]
    assert warnings_in(capfd) == []
    emulator.reset()
    emulator.set_clock(datetime.now(UTC))
    result = execute(**whole, since="2015-01-01", output_path=(tmp_path / "b").as_uri())
    assert emulator.stats()["graph_calls"] == calls
    assert (result["page_count"], result["last_day"]) == (3, str(today - ONE_DAY))
    (told,) = warnings_in(capfd)
    assert "2015-01-01 to" in told


@pytest.mark.parametrize(
    ("since", "until", "why"),
    [("2015-01-01", "2016-01-01", "the API keeps 2 years"), ("2198-12-24", "2198-12-26", "lie in the future")],
)
@pytest.mark.parametrize("period", ["day", "week", "total_over_range"])
def test_a_range_that_cannot_exist_is_refused_before_any_request(
    emulator: GraphEmulator, tmp_path: Path, since: str, until: str, why: str, period: str
) -> None:
    until = "2015-03-01" if period == "total_over_range" and since < "2016" else until
    before = emulator.stats()["graph_calls"]
    with pytest.raises(AirflowFailException, match=why):
        execute(page_ids=PAGES, since=since, until=until, period=period, output_path=tmp_path.as_uri())
    assert emulator.stats()["graph_calls"] == before
    assert list(tmp_path.iterdir()) == []


def test_a_total_is_never_clipped(tmp_path: Path, today: date) -> None:
    for since, until in (
        (first_day_kept(today) - ONE_DAY, first_day_kept(today) + 9 * ONE_DAY),
        (today - ONE_DAY, today + 2 * ONE_DAY),
    ):
        with pytest.raises(AirflowFailException, match="A total over"):
            execute(
                page_ids=PAGES,
                since=str(since),
                until=str(until),
                period="total_over_range",
                output_path=tmp_path.as_uri(),
            )


def test_look_back_reaches_no_further_than_the_two_years(
    tmp_path: Path, today: date, capfd: pytest.CaptureFixture[str]
) -> None:
    first = first_day_kept(today)
    result = execute(
        page_ids="101", since=first, until=first + ONE_DAY, lookback_days=30, output_path=tmp_path.as_uri()
    )
    assert (result["first_day"], result["last_day"]) == (str(first), str(first))
    assert len(warnings_in(capfd)) == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_sensor_does_not_wait_for_days_that_can_never_come(mode: str) -> None:
    ended = run_to_end(
        mode, page_ids="101", since="2015-01-01", until="2015-01-03", timeout=30, poke_interval=1, soft_fail=False
    )
    assert ended.state == "failed"
    assert "the API keeps 2 years" in ended.message


@pytest.mark.parametrize("mode", MODES)
def test_a_sensor_waits_for_those_days_of_a_range_that_can_come(
    mode: str, today: date, capfd: pytest.CaptureFixture[str]
) -> None:
    first = first_day_kept(today)
    ended = run_to_end(mode, page_ids="101", since=first - 3 * ONE_DAY, until=first + ONE_DAY, timeout=30)
    assert (ended.state, ended.value) == ("success", {"days": [str(first)], "page_ids": ["101"]})
    assert len(warnings_in(capfd)) == 1


def test_a_trigger_says_at_once_that_its_days_can_never_come() -> None:
    trigger = MessagingInsightsAvailabilityTrigger(
        msginsights_conn_id="msginsights_default",
        page_ids=["101"],
        metrics=[METRIC],
        ranges=[["2015-01-01", "2015-01-03"]],
        poll_interval_seconds=900,
    )
    event: Any = asyncio.run(anext(aiter(trigger.run())))  # type: ignore[arg-type] # an async generator
    assert event.payload["status"] == "failed"
    assert event.payload["kind"] == "ConfigurationError"
    assert "the API keeps 2 years" in event.payload["message"]


def test_the_hook_asks_only_for_what_can_exist(emulator: GraphEmulator, today: date) -> None:
    hook, first = MessagingInsightsHook(), first_day_kept(today)

    def query(since: date, until: date) -> InsightsQuery:
        return InsightsQuery.create(page_ids="101", metrics=METRIC, days=DateRange(since, until))

    days = {record.pacific_date for record in hook.get_records(query(date(2015, 1, 1), first + 2 * ONE_DAY))}
    assert days == {first, first + ONE_DAY}
    before = emulator.stats()["graph_calls"]
    old = query(date(2015, 1, 1), date(2015, 2, 1))
    with pytest.raises(ConfigurationError, match="the API keeps 2 years"):
        list(hook.get_records(old))
    with pytest.raises(ConfigurationError, match="the API keeps 2 years"):
        hook.probe_availability(old, now=datetime.now(UTC))

    async def awaited() -> None:
        async for _ in hook.aget_records(old):
            pass

    with pytest.raises(ConfigurationError, match="the API keeps 2 years"):
        asyncio.run(awaited())
    assert emulator.stats()["graph_calls"] == before
