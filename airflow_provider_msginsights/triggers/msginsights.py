"""The sensor's question, asked from the triggerer: no worker slot, no blocking call."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from random import uniform
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_msginsights.airflow_failures import NEVER_RETRIED, event_of_error
from airflow_provider_msginsights.exceptions import MessagingInsightsError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.date_ranges import DateRange, end_of_day
from airflow_provider_msginsights.insights.query import InsightsQuery

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_JITTER = 0.1
"""Polls are spread by a tenth of the interval, so that a thousand sensors do not ask in one second."""

MAX_FAILED_POLLS = 5
"""Polls in a row that may fail for a passing reason, beyond the retries within each."""


class MessagingInsightsAvailabilityTrigger(BaseTrigger):
    """Fire when every Pacific day of the ranges has a row, for every Page and metric, or when that cannot happen.

    :param msginsights_conn_id: the Airflow connection; it is read again at each poll, so a renewed token is used.
    :param page_ids: the Pages.
    :param metrics: the metrics' names.
    :param ranges: ranges of Pacific days as ``[first day, day after the last]``, ISO text.
    :param poll_interval_seconds: how long to wait between two polls.
    :param api_version: Graph API version; the connection's when ``None``.
    """

    def __init__(
        self,
        *,
        msginsights_conn_id: str,
        page_ids: list[str],
        metrics: list[str],
        ranges: list[list[str]],
        poll_interval_seconds: float,
        api_version: str | None = None,
    ) -> None:
        super().__init__()
        self.msginsights_conn_id = msginsights_conn_id
        self.page_ids = page_ids
        self.metrics = metrics
        self.ranges = ranges
        self.poll_interval_seconds = poll_interval_seconds
        self.api_version = api_version

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what rebuilds this trigger elsewhere: plain JSON, and never a token."""
        return (
            "airflow_provider_msginsights.triggers.msginsights.MessagingInsightsAvailabilityTrigger",
            {
                "msginsights_conn_id": self.msginsights_conn_id,
                "page_ids": self.page_ids,
                "metrics": self.metrics,
                "ranges": self.ranges,
                "poll_interval_seconds": self.poll_interval_seconds,
                "api_version": self.api_version,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until there is a verdict; fire it once."""
        try:
            queries = self._queries()
            await self._sleep_until(max(end_of_day(query.days.last_day) for query in queries))
            await self._wait_until_available(queries)
        except MessagingInsightsError as error:
            yield TriggerEvent(event_of_error(error))
        else:
            days = [day.isoformat() for query in queries for day in query.days]
            yield TriggerEvent({"status": "available", "days": days, "page_ids": self.page_ids})

    async def _wait_until_available(self, queries: list[InsightsQuery]) -> None:
        failed_polls = 0
        while True:
            try:
                if await self._all_available(queries):
                    return
                failed_polls = 0
            except NEVER_RETRIED:
                raise
            except MessagingInsightsError as error:
                failed_polls += 1
                if failed_polls >= MAX_FAILED_POLLS:
                    raise
                self.log.warning("Poll %s of at most %s failed: %s", failed_polls, MAX_FAILED_POLLS, error)
            await asyncio.sleep(self.poll_interval_seconds * uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 - spreads load, guards nothing

    async def _all_available(self, queries: list[InsightsQuery]) -> bool:
        hook = MessagingInsightsHook(self.msginsights_conn_id, api_version=self.api_version)
        for query in queries:
            availability = await hook.aprobe_availability(query, now=datetime.now(UTC))
            if not availability.ready:
                self.log.info("Not there yet: %s", availability.description)
                return False
        return True

    async def _sleep_until(self, moment: datetime) -> None:
        seconds = (moment - datetime.now(UTC)).total_seconds()
        if seconds > 0:
            self.log.info("The last Pacific day ends at %s; not asking before.", moment)
            await asyncio.sleep(seconds + uniform(0, _JITTER * self.poll_interval_seconds))  # noqa: S311 - spreads load, guards nothing

    def _queries(self) -> list[InsightsQuery]:
        return [
            InsightsQuery.create(
                page_ids=self.page_ids,
                metrics=self.metrics,
                days=DateRange(date.fromisoformat(first_day), date.fromisoformat(end_day)),
            )
            for first_day, end_day in self.ranges
        ]
