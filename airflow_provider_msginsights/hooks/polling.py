"""Polls from a triggerer: a connection read before each, an HTTP client that all of them share, and turns at it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_msginsights.hooks.turns import Turn
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
