"""Polls from a triggerer: a connection read before each, no network connection between two, and turns at it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_msginsights.hooks.turns import Turn
from airflow_provider_msginsights.insights.polling import poll_availability
from airflow_provider_msginsights.transports.nonblocking import NonblockingTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from airflow_provider_msginsights.hooks.connection_reader import ConnectionReader
    from airflow_provider_msginsights.insights.date_ranges import DateRange
    from airflow_provider_msginsights.insights.polling import Found
    from airflow_provider_msginsights.insights.query import InsightsQuery


async def poll(
    reader: ConnectionReader,
    query: InsightsQuery,
    *,
    ranges: Callable[[], tuple[DateRange, ...]],
    clock: Callable[[], datetime],
    next_poll: Callable[[Found], float | None],
) -> None:
    """Ask what is there until ``next_poll`` gives ``None``; see ``MessagingInsightsHook.apoll_availability``."""
    settings, credentials = await reader.aparts()
    turn = Turn()

    async def rest(seconds: float) -> None:
        await transport.aclose()
        turn.leave()
        await asyncio.sleep(seconds)
        await turn.take()

    # Nobody waits for a poll's end, so its Pages share one request rather than several side by side.
    alone = replace(settings, concurrency=1)
    flow = poll_availability(query, policy=settings.retry_policy, ranges=ranges, clock=clock, next_poll=next_poll)
    transport = NonblockingTransport(alone, credentials, read_again=reader.acredentials, sleep=rest)
    await turn.take()
    try:
        async with transport:
            await transport.run(flow)
    finally:
        turn.leave()
