"""The one poll that watchers share. It needs Airflow 3.3: import this module where it is used."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import uniform
from typing import TYPE_CHECKING, Any

from airflow.triggers.shared_stream import SharedStreamProducer

from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.availability.check import JITTER
from airflow_provider_msginsights.insights.availability.polling import Availability
from airflow_provider_msginsights.insights.dates import DateRange, end_of_day, last_days_ended_by
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.triggers.announced_days import WINDOW_DAYS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import date

    from airflow.triggers.shared_stream import AdvanceItem

    from airflow_provider_msginsights.insights.availability.polling import Found
    from airflow_provider_msginsights.triggers.announced_days import Receipt

log = logging.getLogger(__name__)

_LATE_DAYS = 3
"""While one of the last days is missing, polling goes on; older gaps are checked once a day, with the next new day."""

_MAX_PAUSE_SECONDS = 60 * 60
"""The longest pause after failed polls: nobody who has replaced the token should have to wait longer."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one poll found: which days of the window are available.

    :param receipts: what to write once the events of this snapshot are stored, one a watcher.
    """

    window: DateRange
    found: Availability
    receipts: list[Receipt] = field(default_factory=list, compare=False)

    def of_day(self, day: date) -> Availability:
        """Return what was found of one day."""
        return replace(self.found, missing=tuple(cell for cell in self.found.missing if cell[2] == day))


class NewDayProducer(SharedStreamProducer):
    """Polls for all watchers of some Pages, and writes their state once Airflow has stored their events."""

    def __init__(
        self,
        *,
        page_ids: list[str],
        metrics: list[str],
        msginsights_conn_id: str,
        poll_interval_seconds: float,
        final_after_hours: float,
        api_version: str | None,
        retry_bounds: dict[str, Any] | None,
    ) -> None:
        self._hook = MessagingInsightsHook(msginsights_conn_id, api_version=api_version, retry_bounds=retry_bounds)
        self._interval = poll_interval_seconds
        self._final_after = timedelta(hours=final_after_hours)
        self._window = last_days_ended_by(datetime.now(UTC) - self._final_after, WINDOW_DAYS)
        self._query = InsightsQuery.create(page_ids=page_ids, metrics=metrics, days=self._window)
        self._failures = 0
        self._snapshots: asyncio.Queue[Snapshot] = asyncio.Queue()

    async def open_stream(self) -> AsyncIterator[tuple[Snapshot, list[Receipt]]]:
        """Yield a snapshot after each poll; between polls the last one again, for watchers that came meanwhile."""
        polling = asyncio.create_task(self._poll_for_ever())
        latest: Snapshot | None = None
        try:
            while True:
                try:
                    # Not wait_for, which in Python 3.11 forgets a cancellation that comes with the snapshot.
                    async with asyncio.timeout(self._interval):
                        latest = await self._snapshots.get()
                except TimeoutError:
                    latest = latest and Snapshot(latest.window, latest.found)
                if latest is not None:
                    yield latest, latest.receipts
        finally:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Write what the watchers announced, now that Airflow has it; what fails is written with a later snapshot."""
        for item in batch:
            if item.outcome.is_clean:
                await self._write(item.broker_payload)

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """Yield the snapshots to a single watcher, and write its state when it takes the next."""
        async for snapshot, receipts in self.open_stream():
            yield snapshot
            await self._write(receipts)

    async def _write(self, receipts: list[Receipt]) -> None:
        for receipt in receipts:
            await receipt.try_to_write()

    async def _poll_for_ever(self) -> None:
        """Poll and never end: Airflow restarts a watcher that ended at once, which would poll without a pause."""
        from airflow_provider_msginsights.hooks.polling import load_for_polling

        await load_for_polling()
        while True:
            try:
                await self._hook.apoll_availability(
                    self._query, ranges=self._ranges, clock=lambda: datetime.now(UTC), next_poll=self._next_poll
                )
            except Exception as error:  # noqa: BLE001 - a secrets backend may raise anything
                await asyncio.sleep(self._after_failure(error))

    def _ranges(self) -> tuple[DateRange, ...]:
        self._window = last_days_ended_by(datetime.now(UTC) - self._final_after, WINDOW_DAYS)
        return (self._window,)

    def _next_poll(self, found: Found) -> float:
        if not isinstance(found, Availability):
            return self._after_failure(found)
        self._failures = 0
        self._snapshots.put_nowait(Snapshot(self._window, found))
        if found.outcome.errors or found.outcome.paused or self._is_late(found):
            return self._interval * uniform(1 - JITTER, 1)  # noqa: S311 - spreads load, guards nothing
        return self._seconds_to_next_day() + uniform(0, JITTER * self._interval)  # noqa: S311 - spreads load, guards nothing

    def _is_late(self, found: Availability) -> bool:
        newest = set(self._window) - set(list(self._window)[:-_LATE_DAYS])
        return any(page_id not in found.silent_pages and day in newest for page_id, _, day in found.missing)

    def _seconds_to_next_day(self) -> float:
        moment = end_of_day(self._window.end_day) + self._final_after
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())

    def _after_failure(self, error: Exception) -> float:
        self._failures += 1
        longest = max(self._interval, _MAX_PAUSE_SECONDS)
        seconds = min(self._interval * 2.0 ** min(self._failures - 1, 32), longest)
        log.error("The poll failed (%s in a row); the next one is in %.0f seconds: %s", self._failures, seconds, error)
        return seconds
