"""The availability trigger: what it carries, when it asks, and what it tells."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from dag_runs import connection_to

from airflow_provider_msginsights.airflow_failures import MAX_FAILED_POLLS
from airflow_provider_msginsights.insights.date_ranges import pacific_date
from airflow_provider_msginsights.triggers.msginsights import MessagingInsightsAvailabilityTrigger

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("connection")

ONE_DAY = [["2026-11-01", "2026-11-02"]]


def trigger(**different: Any) -> MessagingInsightsAvailabilityTrigger:
    arguments: dict[str, Any] = {
        "msginsights_conn_id": "msginsights_default",
        "page_ids": ["101"],
        "metrics": ["page_messages_new_conversations_unique"],
        "ranges": ONE_DAY,
        "poll_interval_seconds": 0.01,
    }
    return MessagingInsightsAvailabilityTrigger(**arguments | different)


def event_of(asked: MessagingInsightsAvailabilityTrigger, *, timeout_seconds: float = 20) -> dict[str, Any]:
    async def first() -> dict[str, Any]:
        async for event in asked.run():
            payload: dict[str, Any] = event.payload
            return payload
        raise AssertionError("the trigger ended without an event")

    return asyncio.run(asyncio.wait_for(first(), timeout_seconds))


def test_its_arguments_are_plain_json_without_a_token_and_rebuild_it(emulator: GraphEmulator) -> None:
    path, arguments = trigger(api_version="v25.0").serialize()
    assert json.loads(json.dumps(arguments)) == arguments
    assert emulator.page_token("101") not in json.dumps(arguments)
    assert path.rsplit(".", 1)[1] == MessagingInsightsAvailabilityTrigger.__name__
    assert MessagingInsightsAvailabilityTrigger(**arguments).serialize() == (path, arguments)


def test_it_fires_once_all_days_are_there() -> None:
    assert event_of(trigger()) == {"status": "available", "days": ["2026-11-01"], "page_ids": ["101"]}


def test_it_asks_many_pages_in_one_request_after_the_first(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    assert event_of(trigger(page_ids=[str(page) for page in range(101, 110)]))["status"] == "available"
    assert emulator.stats()["http_requests"] <= 4


def test_it_polls_until_the_day_appears(emulator: GraphEmulator) -> None:
    emulator.set_clock(datetime(2026, 11, 2, 9, tzinfo=UTC))
    emulator.configure(readiness_lag_hours=6)

    async def wait_then_appear() -> dict[str, Any]:
        waiting = asyncio.ensure_future(anext(aiter(trigger().run())))
        while emulator.stats()["graph_calls"] < 3:  # noqa: ASYNC110 - the emulator counts in a thread of its own
            await asyncio.sleep(0.01)
        assert not waiting.done()
        emulator.advance(hours=6)
        payload: dict[str, Any] = (await waiting).payload
        return payload

    assert asyncio.run(asyncio.wait_for(wait_then_appear(), 20))["status"] == "available"


def test_it_asks_nothing_before_the_last_day_has_ended(emulator: GraphEmulator) -> None:
    today = pacific_date(datetime.now(UTC))
    unfinished = [[today.isoformat(), (today + timedelta(days=2)).isoformat()]]
    with pytest.raises(TimeoutError):
        event_of(trigger(ranges=unfinished), timeout_seconds=0.5)
    assert emulator.stats()["http_requests"] == 0


def test_a_hard_error_is_told_at_once_with_its_kind_and_evidence(emulator: GraphEmulator) -> None:
    emulator.expire_token(emulator.page_token("101"))
    event = event_of(trigger())
    assert (event["status"], event["kind"]) == ("failed", "AuthenticationError")
    assert (event["evidence"]["code"], event["evidence"]["error_subcode"]) == (190, 463)
    assert emulator.page_token("101") not in json.dumps(event)
    assert emulator.stats()["http_requests"] == 1


def test_passing_trouble_is_polled_through(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch, extra={"max_attempts": 1})
    emulator.add_fault(code=2, times=MAX_FAILED_POLLS - 1)
    assert event_of(trigger())["status"] == "available"


def test_trouble_that_stays_is_told_after_a_bounded_number_of_polls(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, extra={"max_attempts": 1})
    emulator.add_fault(code=2, times=None)
    assert event_of(trigger())["kind"] == "ServiceUnavailableError"
    assert emulator.stats()["graph_calls"] == MAX_FAILED_POLLS


def test_cancelling_it_leaves_no_event_and_nothing_open() -> None:
    far_away = date(2198, 1, 1)

    async def cancelled() -> bool:
        waiting = asyncio.ensure_future(
            anext(aiter(trigger(ranges=[[far_away.isoformat(), "2198-01-02"]]).run())),
        )
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return len(asyncio.all_tasks()) == 1

    assert asyncio.run(cancelled())
