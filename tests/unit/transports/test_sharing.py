"""Triggers of one event loop share an HTTP client: fewer handshakes, and nothing that one sees of another."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from support.double import Answer, Call, GraphDouble, Heard
from support.fetch_helpers import make_query
from support.processes import wait_until
from support.scripted import insights_document

from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.insights.protocol import Request
from airflow_provider_msginsights.transports import sharing
from airflow_provider_msginsights.transports.nonblocking import NonblockingTransport
from airflow_provider_msginsights.transports.settings import from_connection_parts
from airflow_provider_msginsights.transports.sharing import SharedClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

SOON = 0.05


def healthy(call: Call) -> Answer:
    page_id = call.path.split("/")[1]
    document = insights_document(Request(call.path, tuple(call.params.items()), page_id))
    return Answer(document=document, headers={"Set-Cookie": f"session={call.token}"})


@asynccontextmanager
async def sharing_transport(url: str, token: str = "user-token") -> AsyncIterator[NonblockingTransport]:
    settings, credentials = from_connection_parts(host=url, password=token)
    async with NonblockingTransport(settings, credentials, client=SharedClient(settings)) as transport:
        yield transport


async def load(transport: NonblockingTransport) -> None:
    outcome = await transport.run(fetch_insights(make_query(pages=1)))
    assert not outcome.errors
    assert outcome.counts["records"] == 11


async def until(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_until, condition, timeout_seconds=10, told=str, every_seconds=0.01)


async def load_in_turn(url: str, *tokens: str) -> None:
    """One load with each token, in a transport of its own; all of them share."""
    async with AsyncExitStack() as stack:
        for transport in [await stack.enter_async_context(sharing_transport(url, token)) for token in tokens]:
            await load(transport)


def test_they_use_one_connection_each_with_its_own_token_and_no_cookie_of_another() -> None:
    tokens = ("token-1", "token-2", "token-1")
    with GraphDouble(healthy) as double:
        asyncio.run(load_in_turn(double.url, *tokens))
    assert double.connections == 1
    assert [heard.headers["authorization"] for heard in double.heard] == [f"Bearer {token}" for token in tokens]
    assert not any("cookie" in heard.headers for heard in double.heard)


def test_the_last_that_leaves_closes_the_connection() -> None:
    async def main(double: GraphDouble) -> None:
        async with sharing_transport(double.url) as last:
            async with sharing_transport(double.url) as first:
                await load(first)
            await load(last)
            assert double.open_connections == 1
        await until(lambda: double.open_connections == 0)
        async with sharing_transport(double.url) as later:
            await load(later)

    with GraphDouble(healthy) as double:
        asyncio.run(main(double))
    assert double.connections == 2


def test_what_nobody_uses_is_closed_and_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "IDLE_SECONDS", SOON)

    async def main(double: GraphDouble) -> None:
        async with sharing_transport(double.url) as resting:
            await load(resting)
            await until(lambda: double.open_connections == 0)
            await load(resting)

    with GraphDouble(healthy) as double:
        asyncio.run(main(double))
    assert double.connections == 2


def test_connections_of_a_busy_moment_are_closed_while_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "IDLE_SECONDS", SOON)
    both = threading.Barrier(2)
    waits = iter([True, True])

    def whole(_: Heard) -> None:
        if next(waits, False):
            both.wait(10)

    async def main(double: GraphDouble) -> None:
        async with sharing_transport(double.url) as one, sharing_transport(double.url) as other:
            await asyncio.gather(load(one), load(other))
            assert double.connections == 2
            for _ in range(100):
                await load(one)
                if double.open_connections == 1:
                    break
                await asyncio.sleep(SOON / 2)
            assert double.open_connections == 1
            assert double.connections == 2

    with GraphDouble(healthy, whole=whole) as double:
        asyncio.run(main(double))


def test_a_call_that_takes_long_is_not_taken_for_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "IDLE_SECONDS", SOON)
    waited = threading.Event()

    def whole(_: Heard) -> None:
        waited.wait(10 * SOON)

    async def main(url: str) -> None:
        async with sharing_transport(url) as patient:
            await load(patient)

    with GraphDouble(healthy, whole=whole) as double:
        asyncio.run(main(double.url))
    assert len(double.heard) == 1


def test_one_that_is_cancelled_in_a_call_leaves_the_others_alone() -> None:
    arrived, release = threading.Event(), threading.Event()

    def whole(heard: Heard) -> None:
        if heard.headers["authorization"] == "Bearer hangs":
            arrived.set()
            release.wait(10)

    async def main(double: GraphDouble) -> None:
        async def hang() -> None:
            async with sharing_transport(double.url, "hangs") as transport:
                await load(transport)

        hanging = asyncio.create_task(hang())
        async with sharing_transport(double.url) as other:
            await asyncio.to_thread(arrived.wait, 10)
            hanging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await hanging
            await load(other)
            await load(other)
        release.set()

    with GraphDouble(healthy, whole=whole) as double:
        asyncio.run(main(double))
    assert double.connections == 2


def test_other_timeouts_and_other_hosts_have_clients_of_their_own() -> None:
    async def main(first: GraphDouble, second: GraphDouble) -> None:
        settings, credentials = from_connection_parts(
            host=first.url, password="user-token", extra={"read_timeout_seconds": 7}
        )
        async with (
            sharing_transport(first.url) as one,
            sharing_transport(second.url) as two,
            NonblockingTransport(settings, credentials, client=SharedClient(settings)) as three,
        ):
            for transport in (one, two, three):
                await load(transport)

    with GraphDouble(healthy) as first, GraphDouble(healthy) as second:
        asyncio.run(main(first, second))
    assert (first.connections, second.connections) == (2, 1)
