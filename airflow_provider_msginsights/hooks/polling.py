"""Polls from a triggerer: a connection read before each, an HTTP client that all of them share, and turns at it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.availability.polling import poll_availability
from airflow_provider_msginsights.transports.nonblocking import NonblockingTransport
from airflow_provider_msginsights.transports.sharing import SharedClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from airflow_provider_msginsights.hooks.connection import Parts
    from airflow_provider_msginsights.insights.availability.polling import Found
    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.insights.query import InsightsQuery
    from airflow_provider_msginsights.transports.credentials import Credentials


AT_A_TIME = 32
"""A thousand triggers that wake in the same minute then hold 32 network connections, and not a thousand."""

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class Turn:
    """One trigger's place among those of its event loop: taken to poll, left between polls and at the end."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._all = _turns.setdefault(loop, asyncio.Semaphore(AT_A_TIME))
        self._is_taken = False

    async def take(self) -> None:
        """Wait until fewer than `AT_A_TIME` are at it."""
        await self._all.acquire()
        self._is_taken = True

    def leave(self) -> None:
        """Let the next one have its turn; does nothing when none was taken."""
        if self._is_taken:
            self._is_taken = False
            self._all.release()


async def poll(
    query: InsightsQuery,
    *,
    read: Callable[[float], Awaitable[Parts]],
    ranges: Callable[[], tuple[DateRange, ...]],
    clock: Callable[[], datetime],
    next_poll: Callable[[Found], float | None],
) -> None:
    """Ask what is there, poll by poll, until ``next_poll`` gives ``None`` for the seconds to wait.

    :param read: reads the connection, no earlier than at a moment of the loop's clock.
    :raises MessagingInsightsError: what is wrong with the connection, or what ``next_poll`` raises.
    """
    loop, turn = asyncio.get_running_loop(), Turn()
    settings, credentials = await read(0.0)
    ended: float | None = None

    def end(found: Found) -> float | None:
        nonlocal ended
        ended = loop.time()
        return next_poll(found)

    async def read_again() -> Credentials:
        """Before a poll a reading newer than the last poll will do; when the token is refused, only one made now."""
        nonlocal ended
        since, ended = loop.time() if ended is None else ended, None
        return (await read(since))[1]

    async def rest(seconds: float) -> None:
        turn.leave()
        await asyncio.sleep(seconds)
        await turn.take()

    # Nobody waits for a poll's end, so its Pages share one request rather than several side by side.
    alone = replace(settings, concurrency=1)
    flow = poll_availability(query, policy=settings.retry_policy, ranges=ranges, clock=clock, next_poll=end)
    await turn.take()
    try:
        async with NonblockingTransport(
            alone, credentials, client=SharedClient(alone), read_again=read_again, sleep=rest
        ) as transport:
            await transport.run(flow)
    finally:
        turn.leave()


async def load_for_polling() -> None:
    """Import the HTTP client and the flows, and read the usual certificates; quick once that is done."""
    await asyncio.to_thread(_load)


def _load() -> None:
    from airflow_provider_msginsights.transports.clients import new_client
    from airflow_provider_msginsights.transports.settings import TransportSettings

    import_module("airflow_provider_msginsights.hooks.connection")
    with contextlib.suppress(ConfigurationError):  # it is told when a connection really needs them
        new_client(TransportSettings())
