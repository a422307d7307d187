"""Every metric, period and breakdown of the emulator against a plain count of its events."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from support.plain_counts import PLAIN_COUNTS

from airflow_provider_msginsights.emulator.documentation import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from airflow_provider_msginsights.emulator import Event, GraphEmulator

PACIFIC = ZoneInfo("America/Los_Angeles")
SINCE, UNTIL = date(2026, 10, 20), date(2026, 11, 10)
"""Three weeks with the end of daylight saving in them."""


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=PACIFIC)


def window_of(period: str, end_time: str) -> tuple[datetime, datetime]:
    end = datetime.strptime(end_time, "%Y-%m-%dT%H:%M:%S%z")
    last = end.astimezone(PACIFIC).date()
    if period == "total_over_range":
        return midnight(SINCE), end
    if period == "month":
        return midnight((last - timedelta(days=1)).replace(day=1)), end
    return midnight(last - timedelta(days={"day": 1, "week": 7, "days_28": 28}[period])), end


@pytest.fixture(scope="session")
def raw_events(shared_emulator: GraphEmulator) -> list[Event]:
    """What had happened by the emulator's noon; taken once, because the Page has tens of thousands."""
    shared_emulator.reset()
    return shared_emulator.events("101")


def values_of(answer: requests.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    (entry,) = answer.json()["data"]
    values: list[dict[str, Any]] = entry["values"]
    return values


@pytest.mark.parametrize(
    "period",
    [
        "day",
        "total_over_range",
        *(pytest.param(one, marks=pytest.mark.thorough) for one in ("week", "month", "days_28")),
    ],
)
@pytest.mark.parametrize("metric", METRICS)
def test_every_figure_equals_a_plain_count_of_the_events(
    ask: Callable[..., requests.Response], raw_events: list[Event], metric: str, period: str
) -> None:
    rows = values_of(ask("/v26.0/101/insights", metric=metric, period=period, since=SINCE, until=UNTIL))
    assert len(rows) == {"total_over_range": 1, "month": 1}.get(period, 21)
    for row in rows:
        counted = PLAIN_COUNTS[metric](raw_events, *window_of(period, row["end_time"]), ())
        assert row["value"] == pytest.approx(float(counted[()])), row


BROKEN_DOWN = [
    pytest.param(metric, names, id=f"{metric}-{'+'.join(names)}")
    for metric, known in METRICS.items()
    for size in range(1, len(known.breakdowns) + 1)
    for names in combinations(known.breakdowns, size)
]


@pytest.mark.parametrize(("metric", "names"), BROKEN_DOWN)
def test_every_combination_of_breakdowns_equals_a_plain_count(
    ask: Callable[..., requests.Response], raw_events: list[Event], metric: str, names: tuple[str, ...]
) -> None:
    rows = values_of(
        ask(
            "/v26.0/101/insights",
            metric=metric,
            period="total_over_range",
            since=SINCE,
            until=UNTIL,
            breakdown=",".join(names),
        )
    )
    counted = PLAIN_COUNTS[metric](raw_events, midnight(SINCE), midnight(UNTIL), names)
    answered = {tuple(row[name] for name in names): row["value"] for row in rows}
    assert answered == {key: pytest.approx(float(value)) for key, value in counted.items()}
    assert len(rows) == len(counted) > 0


def test_daily_breakdown_rows_are_flat_and_leave_zero_out(
    ask: Callable[..., requests.Response], raw_events: list[Event]
) -> None:
    rows = values_of(
        ask(
            "/v26.0/101/insights",
            metric="page_messages_sent",
            period="day",
            since=SINCE,
            until=UNTIL,
            breakdown='["campaign_id","messaging_channel"]',
        )
    )
    assert all(set(row) == {"value", "end_time", "campaign_id", "messaging_channel"} for row in rows)
    assert all(isinstance(row["campaign_id"], str) and row["value"] > 0 for row in rows)
    for end_time in {row["end_time"] for row in rows}:
        counted = PLAIN_COUNTS["page_messages_sent"](
            raw_events, *window_of("day", end_time), ("campaign_id", "messaging_channel")
        )
        answered = [row for row in rows if row["end_time"] == end_time]
        assert sum(row["value"] for row in answered) == sum(counted.values())
        assert len(answered) == len(counted)


def test_unique_conversations_over_a_range_are_not_the_sum_of_its_days(emulator: GraphEmulator, ask: Any) -> None:
    from airflow_provider_msginsights.emulator import Event, EventKind

    emulator.add_page("501")
    emulator.add_events(
        Event(page_id="501", kind=EventKind.BLOCKED, at=datetime(2026, 11, day, 20, tzinfo=UTC), person_id="ann")
        for day in (3, 4, 5)
    )
    asked = {"metric": "page_messages_blocked_conversations_unique", "since": "2026-11-03", "until": "2026-11-06"}
    daily = values_of(ask("/v26.0/501/insights", token="page-token-501", period="day", **asked))
    total = values_of(ask("/v26.0/501/insights", token="page-token-501", period="total_over_range", **asked))
    assert [row["value"] for row in daily] == [1, 1, 1]
    assert [row["value"] for row in total] == [1]


def test_the_same_seed_gives_the_same_numbers_in_whatever_order_pages_are_asked(emulator: GraphEmulator) -> None:
    from airflow_provider_msginsights.emulator import GraphEmulator

    with GraphEmulator(pages=4, clock=emulator.now()) as other:
        assert other.events("103") == emulator.events("103")
        assert other.events("101") == emulator.events("101")


def test_a_day_has_the_same_events_whenever_the_emulator_starts(emulator: GraphEmulator) -> None:
    from airflow_provider_msginsights.emulator import GraphEmulator

    later = emulator.now() + timedelta(days=45, hours=5)
    with GraphEmulator(pages=1, clock=later) as other:
        assert other.events("101", until=emulator.now()) == emulator.events("101", until=emulator.now())


def test_another_seed_gives_other_numbers(emulator: GraphEmulator) -> None:
    from airflow_provider_msginsights.emulator import GraphEmulator

    with GraphEmulator(pages=1, clock=emulator.now(), seed=2) as other:
        assert other.events("101") != emulator.events("101")
