"""MessagingInsightsNewDayTrigger as a watcher: which days it tells of, when, and what it asks for that."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Asset, AssetWatcher
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.context import AssetStateStoreAccessors
from support.dag_runs import connection_to
from support.triggerers import StateStore, Triggerer, running, until

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.catalog import resolve_metrics
from airflow_provider_msginsights.insights.dates import pacific_date
from airflow_provider_msginsights.run_days.requested import requested_days
from airflow_provider_msginsights.triggers.announced_days import WINDOW_DAYS
from airflow_provider_msginsights.triggers.new_day import MessagingInsightsNewDayTrigger

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("connection", "store")

TODAY = pacific_date(datetime.now(UTC))


def day(days_ago: int) -> str:
    return (TODAY - timedelta(days=days_ago)).isoformat()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> StateStore:
    store = StateStore()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", store, raising=False)
    return store


def watcher(**different: Any) -> MessagingInsightsNewDayTrigger:
    arguments: dict[str, Any] = {"page_ids": "101", "poll_interval_seconds": 0.05}
    return MessagingInsightsNewDayTrigger(**arguments | different)


def test_the_last_day_that_ended_is_told_of_once_and_remembered(store: StateStore) -> None:
    async def watch() -> list[str]:
        async with running(("page", watcher())) as triggerer:
            await until(lambda: store.through == {"page": day(1)})
            await asyncio.sleep(0.3)
            return triggerer.days()

    assert asyncio.run(watch()) == [day(1)]


def test_every_day_since_the_first_is_told_of_by_an_event_of_its_own(store: StateStore) -> None:
    async def watch() -> list[dict[str, Any]]:
        async with running(("page", watcher(first_day=day(3)))) as triggerer:
            await until(lambda: store.through == {"page": day(1)})
            return [payload for _, payload in triggerer.events]

    told = asyncio.run(watch())
    assert [payload["day"] for payload in told] == [day(3), day(2), day(1)]
    assert {tuple(payload["page_ids"]) for payload in told} == {("101",)}
    assert len({payload["event_id"] for payload in told}) == 3
    assert json.loads(json.dumps(told)) == told


def test_a_restart_tells_nothing_twice_and_the_days_missed_meanwhile(store: StateStore) -> None:
    async def watch() -> list[str]:
        async with running(("page", watcher(first_day=day(5)))):
            await until(lambda: store.through == {"page": day(1)})
        (key,) = store.values
        store.values[key] = {"through": day(3), "later": []}
        async with running(("page", watcher(first_day=day(5)))) as triggerer:
            await until(lambda: store.through == {"page": day(1)})
            return triggerer.days()

    assert asyncio.run(watch()) == [day(2), day(1)]


def test_what_was_not_stored_is_told_again_with_the_same_id(store: StateStore) -> None:
    async def watch() -> tuple[StateStore, list[str]]:
        async with running(("page", watcher()), stores_events=False):
            await until(lambda: bool(store.values))
            await asyncio.sleep(0.3)
        assert store.through == {"page": day(2)}, "an event that was not stored must not be remembered"
        ids = []
        for _ in range(2):
            store.values = {key: {"through": day(2), "later": []} for key in store.values}
            async with running(("page", watcher())) as triggerer:
                await until(lambda: store.through == {"page": day(1)})
                ids += [payload["event_id"] for _, payload in triggerer.events]
        return store, ids

    _, ids = asyncio.run(watch())
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_days_owed_are_owed_even_if_the_first_start_found_nothing(emulator: GraphEmulator, store: StateStore) -> None:
    emulator.configure(readiness_lag_hours=24 * 40)

    async def watch() -> list[str]:
        async with running(("page", watcher())) as triggerer:
            await until(lambda: emulator.stats()["graph_calls"] >= 1)
            await asyncio.sleep(0.2)
            assert triggerer.events == []
        return list(store.through.values())

    assert asyncio.run(watch()) == [day(2)]


def test_a_late_day_does_not_hold_up_the_next_one(emulator: GraphEmulator, store: StateStore) -> None:
    emulator.change_page("101", first_day=TODAY - timedelta(days=2))

    async def watch() -> tuple[list[str], Any]:
        async with running(("page", watcher(first_day=day(4)))) as triggerer:
            await until(lambda: len(triggerer.events) >= 1)
            await until(lambda: all(value["later"] for value in store.values.values()))
            return triggerer.days(), next(iter(store.values.values()))

    days, kept = asyncio.run(watch())
    assert day(1) in days
    assert kept["through"] == day(5)
    assert day(1) in kept["later"]


def test_watchers_of_the_same_pages_share_one_poll(emulator: GraphEmulator, store: StateStore) -> None:
    async def watch() -> Triggerer:
        many = [(f"asset_{n}", watcher(first_day=day(1 + n % 3))) for n in range(20)]
        async with running(*many) as triggerer:
            await until(lambda: set(store.through.values()) == {day(1)} and len(store.through) == 20)
            return triggerer

    triggerer = asyncio.run(watch())
    assert emulator.stats()["http_requests"] == 1
    assert triggerer.days("asset_2") == [day(3), day(2), day(1)]
    assert triggerer.days("asset_0") == [day(1)]


def test_nothing_is_asked_between_a_day_that_is_there_and_the_end_of_the_next(
    emulator: GraphEmulator, store: StateStore
) -> None:
    async def watch() -> None:
        async with running(("page", watcher())):
            await until(lambda: store.through == {"page": day(1)})
            await asyncio.sleep(0.5)

    asyncio.run(watch())
    assert emulator.stats()["http_requests"] == 1


def test_many_pages_are_one_request_a_poll(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    emulator.change_page("105", readiness_lag_hours=30)
    pages = [str(101 + n) for n in range(8)]

    async def watch() -> None:
        async with running(("page", watcher(page_ids=pages))) as triggerer:
            await until(lambda: emulator.stats()["graph_calls"] > 60)
            assert triggerer.events == []

    asyncio.run(watch())
    stats = emulator.stats()
    once, batches = stats["http_requests"] - stats["batch_requests"], stats["batch_requests"]
    assert once == 1, "the one for the Page tokens"
    assert batches - 1 <= (stats["graph_calls"] - once) / len(pages) <= batches, "the last may be cut short by the end"


def test_a_refused_token_is_asked_with_again_only_after_an_interval_and_once_it_is_mended_goes_on(
    emulator: GraphEmulator, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password="a-token-nobody-knows")

    async def watch() -> list[str]:
        async with running(("page", watcher(poll_interval_seconds=0.4))) as triggerer:
            await until(lambda: emulator.stats()["http_requests"] >= 1)
            await asyncio.sleep(0.2)
            assert emulator.stats()["http_requests"] == 1
            connection_to(emulator, monkeypatch)
            await until(lambda: store.through == {"page": day(1)})
            return triggerer.days()

    assert asyncio.run(watch()) == [day(1)]


def test_its_own_bounds_on_asking_again_stand_above_the_connections(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, extra={"max_attempts": 5, "base_seconds": 0})
    emulator.add_fault(code=2, times=None)

    async def watch() -> int:
        bounded = watcher(poll_interval_seconds=60, retry_bounds={"max_attempts": 2})
        async with running(("page", bounded)):
            await until(lambda: emulator.stats()["graph_calls"] >= 2)
            await asyncio.sleep(0.3)
        return emulator.stats()["graph_calls"]

    assert asyncio.run(watch()) == 2


def test_a_silent_page_is_left_out_and_a_day_of_silence_alone_is_no_event(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.change_page("102", likes=12)
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)

    async def watch() -> Triggerer:
        both, silent = watcher(page_ids="101,102"), watcher(page_ids="102")
        async with running(("both", both), ("silent", silent)) as triggerer:
            await until(lambda: bool(triggerer.days("both")))
            await asyncio.sleep(0.3)
            return triggerer

    triggerer = asyncio.run(watch())
    assert triggerer.days("silent") == []
    ((_, payload),) = triggerer.events
    assert (payload["page_ids"], payload["silent_page_ids"]) == (["101"], ["102"])


def test_days_older_than_the_window_are_given_up_with_a_warning(
    store: StateStore, caplog: pytest.LogCaptureFixture
) -> None:
    async def watch() -> list[str]:
        async with running(("page", watcher(first_day=day(WINDOW_DAYS + 2)))) as triggerer:
            await until(lambda: store.through == {"page": day(1)})
            return triggerer.days()

    assert len(asyncio.run(watch())) == WINDOW_DAYS
    assert f"{day(WINDOW_DAYS + 2)} to {day(WINDOW_DAYS + 1)} are given up" in caplog.text


def test_alone_it_polls_for_itself(store: StateStore) -> None:
    async def watch() -> list[str]:
        trigger = watcher(first_day=day(2))
        trigger.asset_state_store = AssetStateStoreAccessors(inlets=[Asset("page")])
        days: list[str] = []

        async def listen() -> None:
            async for event in trigger.run():
                days.append(event.payload["day"])  # noqa: PERF401 - it never ends

        listening = asyncio.create_task(listen())
        await until(lambda: store.through == {"page": day(1)})
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        return days

    assert asyncio.run(watch()) == [day(2), day(1)]


def test_the_shared_poll_ends_at_whatever_moment_it_is_cancelled(emulator: GraphEmulator) -> None:
    """Also as a snapshot arrives, which is where ``asyncio.wait_for`` of Python 3.11 forgets a cancellation."""
    emulator.configure(readiness_lag_hours=30)
    asked = watcher(poll_interval_seconds=0.001)

    async def cancel_after(turns_of_the_loop: int) -> None:
        async def listen() -> None:
            async for _ in asked.create_shared_stream_producer(asked.serialize()[1]).open_stream():
                heard.set()

        heard = asyncio.Event()
        listening = asyncio.create_task(listen())
        await heard.wait()
        polled = emulator.stats()["graph_calls"]
        while emulator.stats()["graph_calls"] == polled:  # noqa: ASYNC110 - counted in another thread
            await asyncio.sleep(0)
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        listening.cancel()
        ended, _ = await asyncio.wait([listening], timeout=60)
        assert ended, f"cancelled {turns_of_the_loop} turns after a poll, and still running"

    async def cancel_often() -> None:
        for turns in range(30):
            await cancel_after(turns)

    asyncio.run(cancel_often())


def test_a_retired_metric_of_a_group_holds_up_no_day(emulator: GraphEmulator, store: StateStore) -> None:
    emulator.retire_metric("page_messages_reported_conversations_unique")

    async def watch() -> list[str]:
        async with running(("page", watcher(metrics="stable"))) as triggerer:
            await until(lambda: store.through == {"page": day(1)})
            return triggerer.days()

    assert asyncio.run(watch()) == [day(1)]


def test_a_group_and_its_metrics_one_by_one_have_one_memory(emulator: GraphEmulator, store: StateStore) -> None:
    async def watch(metrics: object) -> list[str]:
        calls = emulator.stats()["graph_calls"]
        async with running(("page", watcher(metrics=metrics))) as triggerer:
            await until(lambda: emulator.stats()["graph_calls"] > calls and store.through == {"page": day(1)})
            await asyncio.sleep(0.3)
            return triggerer.days()

    assert asyncio.run(watch(list(resolve_metrics("stable")))) == [day(1)]
    assert asyncio.run(watch("stable")) == []


def test_one_trigger_of_two_assets_remembers_for_both(store: StateStore) -> None:
    async def watch() -> dict[str, str]:
        trigger = watcher()
        trigger.asset_state_store = AssetStateStoreAccessors(inlets=[Asset("one"), Asset("two")])
        await anext(aiter(trigger.run()))
        return store.through

    assert asyncio.run(watch()) == {"one": day(2), "two": day(2)}


def test_an_asset_takes_it_as_a_watcher_and_it_rebuilds_from_plain_json() -> None:
    trigger = watcher(metrics="stable", min_ready_pages=1, retry_bounds={"total_seconds": 9, "max_attempts": 2})
    Asset("page", watchers=[AssetWatcher(name="new_day", trigger=trigger)])
    path, arguments = trigger.serialize()
    assert json.loads(json.dumps(arguments)) == arguments
    assert path.rsplit(".", 1)[1] == MessagingInsightsNewDayTrigger.__name__
    rebuilt = MessagingInsightsNewDayTrigger(**arguments)
    assert rebuilt.serialize() == (path, arguments)
    assert rebuilt.shared_stream_key() == trigger.shared_stream_key()
    assert watcher(page_ids="102,101").serialize() == watcher(page_ids=["101", "102"]).serialize()


@pytest.mark.parametrize(
    "wrong",
    [
        {"metrics": "page_message_sent"},
        {"page_ids": ""},
        {"on_silent_page": "fail"},
        {"min_ready_pages": 2},
        {"poll_interval_seconds": 0},
        {"first_day": "2026-11-01T00:00:00Z"},
        {"retry_bounds": {"attempts": 2}},
        {"retry_bounds": {"max_attempts": "many"}},
    ],
)
def test_wrong_arguments_are_refused_when_the_dag_is_parsed(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        watcher(**wrong)


def test_the_days_of_its_events_are_what_a_triggered_run_loads() -> None:
    @dataclass
    class Event:
        extra: dict[str, Any]

    events = [Event({"from_trigger": True, "payload": {"day": one}}) for one in ("2026-03-01", "2026-03-02")]
    (days,) = requested_days({"triggering_asset_events": {"page": events}})
    assert str(days) == "2026-03-01 to 2026-03-02"
