"""Polls from a triggerer: a connection read before each, one HTTP client for all, and a limit on polls at a time.

DAG files import this module with the triggers, so that transports and flows are imported where they are used.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from airflow_provider_msginsights.hooks.connection import ConnectionValues
    from airflow_provider_msginsights.insights.availability.polling import Found
    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.insights.query import InsightsQuery
    from airflow_provider_msginsights.transports.credentials import Credentials


AT_A_TIME = 32
"""A thousand triggers that wake in the same minute then hold 32 network connections, and not a thousand."""

_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class PollSlot:
    """A trigger's permission to poll, one of `AT_A_TIME` of its event loop; held while it polls, not between polls."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._slots = _slots.setdefault(loop, asyncio.Semaphore(AT_A_TIME))
        self._is_held = False

    async def acquire(self) -> None:
        """Wait until a slot is free."""
        await self._slots.acquire()
        self._is_held = True

    def release(self) -> None:
        """Free the slot; does nothing when none is held."""
        if self._is_held:
            self._is_held = False
            self._slots.release()


async def poll(
    query: InsightsQuery,
    *,
    read: Callable[[float], Awaitable[ConnectionValues]],
    ranges: Callable[[], tuple[DateRange, ...]],
    clock: Callable[[], datetime],
    next_poll: Callable[[Found], float | None],
) -> None:
    """Look for the days, poll by poll, until ``next_poll`` returns ``None`` for the seconds to wait.

    :param read: reads the connection, no earlier than at a moment of the loop's clock.
    :raises MessagingInsightsError: what is wrong with the connection, or what ``next_poll`` raises.
    """
    from airflow_provider_msginsights.insights.flows import poll_availability
    from airflow_provider_msginsights.transports.nonblocking import NonblockingTransport
    from airflow_provider_msginsights.transports.sharing import SharedClient

    loop, slot = asyncio.get_running_loop(), PollSlot()
    settings, credentials = await read(0.0)
    ended: float | None = None

    def end(found: Found) -> float | None:
        nonlocal ended
        ended = loop.time()
        return next_poll(found)

    async def read_again() -> Credentials:
        """Return credentials read since the last poll; when the token is refused, read them now."""
        nonlocal ended
        since, ended = loop.time() if ended is None else ended, None
        return (await read(since))[1]

    async def sleep(seconds: float) -> None:
        slot.release()
        await asyncio.sleep(seconds)
        await slot.acquire()

    # Nobody waits for a poll's end, so its Pages share one request rather than several side by side.
    alone = replace(settings, concurrency=1)
    flow = poll_availability(query, policy=settings.retry_policy, ranges=ranges, clock=clock, next_poll=end)
    await slot.acquire()
    try:
        async with NonblockingTransport(
            alone, credentials, client=SharedClient(alone), read_again=read_again, sleep=sleep
        ) as transport:
            await transport.run(flow)
    finally:
        slot.release()


async def load_for_polling() -> None:
    """Import what `poll` needs and read the usual certificates, in a thread; nothing once that is done."""
    if not _load.cache_info().currsize:
        await asyncio.to_thread(_load)


@cache
def _load() -> None:
    from airflow_provider_msginsights.transports.clients import new_line
    from airflow_provider_msginsights.transports.settings import TransportSettings

    for module in ("hooks.connection", "insights.flows", "transports.nonblocking", "transports.sharing"):
        import_module(f"airflow_provider_msginsights.{module}")
    with contextlib.suppress(ConfigurationError):  # raised when a connection needs the certificates
        new_line(TransportSettings())
