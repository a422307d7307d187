"""The availability trigger: what it carries, when it asks, and what it tells."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import BaseHook
from support.dag_runs import connection_to

from airflow_provider_msginsights.insights.availability.check import MAX_FAILED_POLLS
from airflow_provider_msginsights.insights.dates import end_of_day, pacific_date
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
    path, arguments = trigger(api_version="v25.0", retry_bounds={"max_attempts": 2}, missing="all").serialize()
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


def test_fifty_pages_are_not_asked_before_they_are_due_and_then_cost_one_request_a_poll(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall clock is the real one: it is the wait for the day's final figures that ends in half a second."""
    page_ids = [str(page_id) for page_id in range(501, 551)]
    for page_id in page_ids:
        emulator.add_page(page_id)
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    emulator.set_clock(datetime(2026, 11, 2, 9, tzinfo=UTC))
    emulator.configure(readiness_lag_hours=6)
    due = datetime.now(UTC) + timedelta(seconds=0.5)
    asked = trigger(
        page_ids=page_ids,
        final_after_hours=(due - end_of_day(date(2026, 11, 1))) / timedelta(hours=1),
        poll_interval_seconds=0.2,
    )

    async def calls(at_least: int) -> tuple[int, int]:
        while (stats := emulator.stats())["graph_calls"] < at_least:  # noqa: ASYNC110 - counted in another thread
            await asyncio.sleep(0.01)
        return stats["http_requests"], stats["graph_calls"]

    async def watch() -> dict[str, Any]:
        waiting = asyncio.ensure_future(anext(aiter(asked.run())))
        while emulator.stats()["http_requests"] == 0:  # noqa: ASYNC110 - counted in another thread
            await asyncio.sleep(0.01)
        assert datetime.now(UTC) >= due, "asked before it was due"
        requests, made = await calls(51)
        assert (requests, made) == (2, 51), "one for the Page tokens, then one for all 50"
        requests, made = await calls(51 + 3 * 50)
        assert (requests, made) == (2 + 3, 51 + 3 * 50)
        emulator.advance(hours=6)
        payload: dict[str, Any] = (await waiting).payload
        assert emulator.stats()["http_requests"] <= requests + 1, "the first poll that can see the day is the last"
        return payload

    told = asyncio.run(asyncio.wait_for(watch(), 60))
    assert (told["status"], len(told["page_ids"])) == ("available", 50)


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


def test_a_token_renewed_in_the_connection_is_used_from_the_next_poll_on(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.set_clock(datetime(2026, 11, 2, 9, tzinfo=UTC))
    emulator.configure(readiness_lag_hours=6)

    (first,) = [token for token in emulator.tokens() if token.value == emulator.page_token("101")]
    emulator.add_token(replace(first, value="renewed"))

    async def rotate() -> dict[str, Any]:
        waiting = asyncio.ensure_future(anext(aiter(trigger(poll_interval_seconds=0.2).run())))
        while emulator.stats()["graph_calls"] < 1:  # noqa: ASYNC110 - the emulator counts in a thread of its own
            await asyncio.sleep(0.01)
        connection_to(emulator, monkeypatch, password="renewed")
        emulator.revoke_token(emulator.page_token("101"))
        emulator.advance(hours=6)
        payload: dict[str, Any] = (await waiting).payload
        return payload

    told = asyncio.run(asyncio.wait_for(rotate(), 20))
    assert told["status"] == "available", told
    assert emulator.stats()["errors"] == 0


def test_its_own_bounds_on_asking_again_stand_above_the_connections(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, extra={"max_attempts": 1, "base_seconds": 0})
    emulator.add_fault(code=2, times=None)
    assert event_of(trigger(retry_bounds={"max_attempts": 3}, max_failed_polls=2))["status"] == "failed"
    assert emulator.stats()["graph_calls"] == 3 * 2


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


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the connections that were read, one for each time Airflow was asked for one."""
    read: list[str] = []
    ask_airflow = BaseHook.aget_connection

    async def noted(conn_id: str) -> Any:
        read.append(conn_id)
        return await ask_airflow(conn_id)

    monkeypatch.setattr(BaseHook, "aget_connection", staticmethod(noted))
    return read


async def payloads_of(triggers: list[MessagingInsightsAvailabilityTrigger]) -> list[Any]:
    events = await asyncio.gather(*(anext(aiter(one.run())) for one in triggers))
    return [event.payload for event in events]


def test_triggers_that_poll_in_the_same_second_share_a_reading_of_their_connection(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, readings: list[str]
) -> None:
    connection_to(emulator, monkeypatch, variable="AIRFLOW_CONN_ANOTHER")
    triggers = [
        trigger(msginsights_conn_id=conn_id) for conn_id in ("msginsights_default", "another") for _ in range(20)
    ]
    told = asyncio.run(payloads_of(triggers))
    assert [one["status"] for one in told] == ["available"] * 40
    assert sorted(readings) == ["another", "msginsights_default"]


def test_a_trigger_reads_its_connection_anew_for_each_of_its_polls(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, readings: list[str]
) -> None:
    connection_to(emulator, monkeypatch, extra={"max_attempts": 1})
    emulator.add_fault(code=2, times=3)
    assert event_of(trigger())["status"] == "available"
    assert len(readings) == emulator.stats()["graph_calls"] == 4


def test_a_refused_token_is_looked_for_in_the_connection_as_it_is_now(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, readings: list[str]
) -> None:
    (first,) = [token for token in emulator.tokens() if token.value == emulator.page_token("101")]
    emulator.add_token(replace(first, value="renewed"))
    emulator.revoke_token(emulator.page_token("101"))
    ask_airflow = BaseHook.aget_connection

    async def renewed_once_read(conn_id: str) -> Any:
        connection = await ask_airflow(conn_id)
        connection_to(emulator, monkeypatch, password="renewed")
        return connection

    monkeypatch.setattr(BaseHook, "aget_connection", staticmethod(renewed_once_read))
    assert event_of(trigger())["status"] == "available"
    assert (len(readings), emulator.stats()["errors"]) == (2, 1)


@pytest.mark.parametrize("conn_id", ["nowhere", "wrong"])
def test_trouble_with_a_shared_reading_is_told_to_each_trigger(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, readings: list[str], conn_id: str
) -> None:
    connection_to(emulator, monkeypatch, variable="AIRFLOW_CONN_WRONG", extra={"concurrency": "many"})

    async def outcomes() -> list[str]:
        runs = [anext(aiter(trigger(msginsights_conn_id=conn_id).run())) for _ in range(5)]
        ended = await asyncio.gather(*runs, return_exceptions=True)
        return [str(one if isinstance(one, BaseException) else one.payload) for one in ended]

    told = asyncio.run(outcomes())
    assert len(told) == 5
    assert all(conn_id in one for one in told)
    assert readings == [conn_id]


def test_what_is_missing_is_logged_when_it_is_news(emulator: GraphEmulator, capfd: pytest.CaptureFixture[str]) -> None:
    emulator.set_clock(datetime(2026, 11, 2, 9, tzinfo=UTC))
    emulator.configure(readiness_lag_hours=6)
    with pytest.raises(TimeoutError):
        event_of(trigger(), timeout_seconds=0.5)
    assert emulator.stats()["graph_calls"] > 3
    assert capfd.readouterr().out.count("Not available yet") == 1
