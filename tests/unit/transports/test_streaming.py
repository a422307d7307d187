"""Records leave while later replies are still on their way, and nothing runs ahead of a consumer that lags."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.double import Answer, Call, GraphDouble, Heard
from support.fetch_helpers import make_query
from support.scripted import insights_document

from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.insights.protocol import Request
from airflow_provider_msginsights.transports.blocking import BlockingTransport
from airflow_provider_msginsights.transports.nonblocking import NonblockingTransport
from airflow_provider_msginsights.transports.settings import from_connection_parts

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.records import InsightsRecord, Records

SMALL = RetryPolicy(max_in_flight=40)
LONG_ENOUGH_TO_RUN_AHEAD = 0.3


def healthy(call: Call) -> Answer:
    page_id = call.path.split("/")[1]
    return Answer(document=insights_document(Request(call.path, tuple(call.params.items()), page_id)))


def parts(double: GraphDouble) -> dict[str, Any]:
    settings, credentials = from_connection_parts(host=double.url, password="user-token", extra={"batch_size": 10})
    return {"settings": settings, "credentials": credentials}


class Gate:
    """Holds back the later batches until the first record has been consumed; a transport that collects would hang."""

    def __init__(self) -> None:
        self.consumed = threading.Event()
        self.in_time = True
        self._lock = threading.Lock()
        self._posts = 0

    def __call__(self, heard: Heard) -> None:
        with self._lock:
            self._posts += heard.method == "POST"
            is_later = self._posts > 1
        if is_later:
            self.in_time &= self.consumed.wait(10)


def test_records_arrive_while_later_replies_are_on_their_way() -> None:
    gate = Gate()
    with GraphDouble(healthy, whole=gate) as double, BlockingTransport(**parts(double)) as transport:
        count = 0
        for _ in transport.records(fetch_insights(make_query(pages=60))):
            count += 1
            gate.consumed.set()
    assert count == 60 * 11
    assert gate.in_time


def test_records_arrive_in_the_event_loop_while_later_replies_are_on_their_way() -> None:
    gate = Gate()
    seen: list[InsightsRecord] = []

    async def take(records: Records) -> None:
        seen.extend(records)
        gate.consumed.set()

    async def main(double: GraphDouble) -> None:
        async with NonblockingTransport(**parts(double)) as transport:
            await transport.run(fetch_insights(make_query(pages=60)), take)

    with GraphDouble(healthy, whole=gate) as double:
        asyncio.run(main(double))
    assert len(seen) == 60 * 11
    assert gate.in_time


def test_nothing_runs_ahead_of_a_consumer_that_lags() -> None:
    with GraphDouble(healthy) as double, BlockingTransport(**parts(double)) as transport:
        records = transport.records(fetch_insights(make_query(pages=300), policy=SMALL))
        for _ in range(12):  # the first Page's and one more: the second wave is under way
            next(records)
        time.sleep(LONG_ENOUGH_TO_RUN_AHEAD)
        assert len(double.calls) == 1 + 40
        assert sum(1 for _ in records) == 300 * 11 - 12


def test_nothing_runs_ahead_of_an_awaited_consumer() -> None:
    heard: list[int] = []
    taken: list[str] = []

    async def main(double: GraphDouble) -> None:
        async def take(records: Records) -> None:
            taken.extend(one.page_id for one in records)
            if len(taken) == 2 * 11:
                await asyncio.sleep(LONG_ENOUGH_TO_RUN_AHEAD)
                heard.append(len(double.calls))

        async with NonblockingTransport(**parts(double)) as transport:
            await transport.run(fetch_insights(make_query(pages=300), policy=SMALL), take)

    with GraphDouble(healthy) as double:
        asyncio.run(main(double))
    assert heard == [41]
    assert len(taken) == 300 * 11


def test_a_consumer_that_stops_early_ends_the_requests() -> None:
    with GraphDouble(healthy) as double:
        with BlockingTransport(**parts(double)) as transport:
            records = transport.records(fetch_insights(make_query(pages=300), policy=SMALL))
            next(records)
            records.close()
        assert len(double.calls) <= 41
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("msginsights_")]


def test_a_cancelled_run_leaves_nothing_open() -> None:
    release = threading.Event()
    second_wave = threading.Event()

    def whole(heard: Heard) -> None:
        if heard.method == "POST":
            second_wave.set()
            release.wait(10)

    async def main(double: GraphDouble) -> None:
        async with NonblockingTransport(**parts(double)) as transport:
            run = asyncio.create_task(transport.run(fetch_insights(make_query(pages=100))))
            await asyncio.to_thread(second_wave.wait, 10)
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            assert asyncio.all_tasks() == {asyncio.current_task()}
        release.set()

    with GraphDouble(healthy, whole=whole) as double:
        asyncio.run(main(double))


def test_a_transport_can_be_used_again_after_it_was_closed() -> None:
    with GraphDouble(healthy) as double:
        transport = BlockingTransport(**parts(double))
        for _ in range(2):
            assert len(list(transport.records(fetch_insights(make_query(pages=3))))) == 33
            transport.close()


def test_a_mistake_of_ours_in_a_thread_surfaces_and_does_not_hang() -> None:
    def broken() -> float:
        raise ZeroDivisionError

    with (
        GraphDouble(healthy) as double,
        BlockingTransport(**parts(double), clock=broken) as transport,
        pytest.raises(ZeroDivisionError),
    ):
        transport.run(fetch_insights(make_query()))
