"""A nonblocking transport's records as an async iterator."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.protocol import Flow
    from airflow_provider_msginsights.insights.records import Records
    from airflow_provider_msginsights.transports.nonblocking import NonblockingTransport


async def iterate(transport: NonblockingTransport, flow: Flow[FetchOutcome]) -> AsyncGenerator[Records | FetchOutcome]:
    """Give the flow's records in the groups they arrive in, and its outcome last.

    While the consumer lags, nothing more is asked for; when it stops early, what is under way is given up.

    :raises MessagingInsightsError: what the flow raises.
    """
    arrived: asyncio.Queue[Records | None] = asyncio.Queue(maxsize=1)
    run = asyncio.create_task(transport.run(flow, on_records=arrived.put))

    async def end() -> None:
        await asyncio.wait((run,))
        await arrived.put(None)

    ended = asyncio.create_task(end())
    try:
        while (records := await arrived.get()) is not None:
            yield records
        yield run.result()
    finally:
        for task in (run, ended):
            task.cancel()
        await asyncio.gather(run, ended, return_exceptions=True)
