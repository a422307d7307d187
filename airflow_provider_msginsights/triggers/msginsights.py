"""The sensor's question, asked from the triggerer: no worker slot, no blocking call."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, date, datetime
from random import uniform
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_msginsights.airflow_failures import MAX_FAILED_POLLS, FailedPolls, event_of_error
from airflow_provider_msginsights.exceptions import MessagingInsightsError
from airflow_provider_msginsights.hooks.loading import load_for_polling
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.date_ranges import DateRange
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.insights.readiness import FirstLook, Requirement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from airflow_provider_msginsights.insights.polling import Found
    from airflow_provider_msginsights.insights.readiness import Verdict

CANARY_METRIC = "page_messages_new_conversations_unique"
"""What is looked for when nothing else is named: a metric not in development, which is 0 where nobody wrote."""

JITTER = 0.1
"""Polls come up to a tenth of the interval early, so that a thousand sensors do not ask in one second."""

_TELL_AGAIN_SECONDS = 60 * 60
"""After so long the log says again what it said before: a person who looks should see that somebody is asking."""


class MessagingInsightsAvailabilityTrigger(BaseTrigger):
    """Fire when enough Pages have a row of every metric for every Pacific day, or when that cannot happen.

    Its event is one of ``{"status": "available", "days", "page_ids"}`` (with ``silent_page_ids`` and
    ``late_page_ids`` where there are any), ``{"status": "timed_out", "missing"}`` and ``{"status": "failed", "kind",
    "message", "evidence"}``. All arguments are plain JSON, and none is a token.

    :param msginsights_conn_id: the Airflow connection; it is read again at each poll, so a renewed token is used.
    :param page_ids: the Pages.
    :param metrics: the metrics' names.
    :param ranges: ranges of Pacific days as ``[first day, day after the last]``, ISO text.
    :param poll_interval_seconds: how long to wait between two polls.
    :param api_version: Graph API version; the connection's when ``None``.
    :param final_after_hours: wait so long after the end of the last day before the first poll.
    :param not_before: ISO moment of the first poll, where that is later.
    :param deadline: ISO moment at which the trigger gives up; never when ``None``.
    :param min_ready_pages: as the sensor's.
    :param on_silent_page: as the sensor's.
    :param exponential_backoff: double the interval at each poll.
    :param max_wait_seconds: longest interval then.
    :param max_failed_polls: how many polls in a row may fail for a passing reason; ``None`` for no bound.
    :param failed_polls: how many of them had failed before.
    :param retry_bounds: bounds on asking again within a poll, as the sensor's.
    :param missing: what an earlier poll did not find, told when no later one is made before the deadline.
    """

    def __init__(  # noqa: PLR0913 - everything a poke honours must travel
        self,
        *,
        msginsights_conn_id: str,
        page_ids: list[str],
        metrics: list[str],
        ranges: list[list[str]],
        poll_interval_seconds: float,
        api_version: str | None = None,
        final_after_hours: float = 0,
        not_before: str | None = None,
        deadline: str | None = None,
        min_ready_pages: float | None = None,
        on_silent_page: str = "ignore",
        exponential_backoff: bool = False,
        max_wait_seconds: float | None = None,
        max_failed_polls: int | None = MAX_FAILED_POLLS,
        failed_polls: int = 0,
        retry_bounds: Mapping[str, Any] | None = None,
        missing: str | None = None,
    ) -> None:
        super().__init__()
        self.msginsights_conn_id = msginsights_conn_id
        self.page_ids = page_ids
        self.metrics = metrics
        self.ranges = ranges
        self.poll_interval_seconds = poll_interval_seconds
        self.api_version = api_version
        self.final_after_hours = final_after_hours
        self.not_before = not_before
        self.deadline = deadline
        self.min_ready_pages = min_ready_pages
        self.on_silent_page = on_silent_page
        self.exponential_backoff = exponential_backoff
        self.max_wait_seconds = max_wait_seconds
        self.max_failed_polls = max_failed_polls
        self.failed_polls = failed_polls
        self.retry_bounds = dict(retry_bounds) if retry_bounds is not None else None
        self.missing = missing

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what rebuilds this trigger elsewhere: plain JSON, and never a token."""
        names = (
            "msginsights_conn_id",
            "page_ids",
            "metrics",
            "ranges",
            "poll_interval_seconds",
            "api_version",
            "final_after_hours",
            "not_before",
            "deadline",
            "min_ready_pages",
            "on_silent_page",
            "exponential_backoff",
            "max_wait_seconds",
            "max_failed_polls",
            "failed_polls",
            "retry_bounds",
            "missing",
        )
        return (
            "airflow_provider_msginsights.triggers.msginsights.MessagingInsightsAvailabilityTrigger",
            {name: getattr(self, name) for name in names},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until there is a verdict; fire it once."""
        yield TriggerEvent(await self._outcome())

    async def _outcome(self) -> dict[str, Any]:
        try:
            waiting = _Waiting(self)
        except MessagingInsightsError as error:
            return event_of_error(error)
        limit = asyncio.timeout(_seconds_until(self.deadline))
        try:
            async with limit:
                await waiting.sleep_until_first_poll()
                return {"status": "available", **await waiting.until_available()}
        except TimeoutError:
            if not limit.expired():
                raise
            return {"status": "timed_out", "missing": waiting.missing}
        except MessagingInsightsError as error:
            return event_of_error(error)


class _Waiting:
    """One run of the trigger: what it asks, and what it has heard so far."""

    def __init__(self, asked: MessagingInsightsAvailabilityTrigger) -> None:
        self.asked = asked
        self.log = asked.log
        self.ranges = tuple(
            DateRange(date.fromisoformat(first), date.fromisoformat(end)) for first, end in asked.ranges
        )
        self.query = InsightsQuery.create(
            page_ids=asked.page_ids,
            metrics=asked.metrics,
            days=DateRange(self.ranges[0].first_day, self.ranges[-1].end_day),
        )
        self.requirement = Requirement.create(
            min_ready_pages=asked.min_ready_pages,
            on_silent_page=asked.on_silent_page,
            page_count=len(self.query.page_ids),
        )
        self.failed = FailedPolls(asked.max_failed_polls, asked.failed_polls)
        self.first_look = FirstLook(self.ranges[-1].last_day, asked.final_after_hours)
        self.missing = asked.missing or self.first_look.why_not_before
        self.available: dict[str, list[str]] = {}
        self.polls = 0
        self.told: tuple[object, ...] = ()
        self.tell_again_at = 0.0

    async def sleep_until_first_poll(self) -> None:
        """Rest until there can be something new; restarted triggers, too, do not all ask in one second."""
        asked = self.asked
        moment = self.first_look.moment
        if asked.not_before is not None:
            moment = max(moment, datetime.fromisoformat(asked.not_before))
        seconds = max(0.0, (moment - datetime.now(UTC)).total_seconds())
        if seconds:
            self.log.info("Not asking before %s.", moment)
        await asyncio.sleep(seconds + uniform(0, JITTER * asked.poll_interval_seconds))  # noqa: S311 - spreads load, guards nothing

    async def until_available(self) -> dict[str, list[str]]:
        await load_for_polling()
        hook = MessagingInsightsHook(
            self.asked.msginsights_conn_id, api_version=self.asked.api_version, retry_bounds=self.asked.retry_bounds
        )
        await hook.apoll_availability(
            self.query, ranges=lambda: self.ranges, clock=lambda: datetime.now(UTC), next_poll=self.seconds_to_next_poll
        )
        return self.available

    def seconds_to_next_poll(self, found: Found) -> float | None:
        try:
            if isinstance(found, MessagingInsightsError):
                raise found
            verdict = self.requirement.judge(found)
        except MessagingInsightsError as error:
            self.failed.add(error)
            self.missing = str(error)
            self.log.warning("%s failed: %s", self.failed.counted, error)
        else:
            self.failed.in_a_row = 0
            self.missing = verdict.missing
            self._tell(verdict)
            if verdict.ready:
                self.available = available(self.ranges, verdict)
                return None
        return self._interval()

    def _tell(self, verdict: Verdict) -> None:
        """Log what is news, and what is not once an hour: a line a poll of a thousand triggers is work for Airflow."""
        told, now = (verdict.ready, verdict.missing, *verdict.warnings), time.monotonic()
        if told == self.told and now < self.tell_again_at:
            return
        self.told, self.tell_again_at = told, now + _TELL_AGAIN_SECONDS
        for warning in verdict.warnings:
            self.log.warning("%s", warning)
        if not verdict.ready:
            self.log.info("Not there yet: %s", verdict.missing)

    def _interval(self) -> float:
        asked = self.asked
        seconds = asked.poll_interval_seconds
        if asked.exponential_backoff:
            seconds *= 2.0 ** min(self.polls, 32)
            self.polls += 1
        if asked.max_wait_seconds is not None:
            seconds = min(seconds, asked.max_wait_seconds)
        return seconds * uniform(1 - JITTER, 1)  # noqa: S311 - spreads load, guards nothing


def available(ranges: tuple[DateRange, ...], verdict: Verdict) -> dict[str, list[str]]:
    """Give which days are there for which Pages, and which Pages were not waited for: the sensor's XCom."""
    told = {"days": [day.isoformat() for days in ranges for day in days], "page_ids": list(verdict.ready_pages)}
    apart = {"silent_page_ids": list(verdict.ignored_pages), "late_page_ids": list(verdict.late_pages)}
    return told | {name: page_ids for name, page_ids in apart.items() if page_ids}


def _seconds_until(moment: str | None) -> float | None:
    if moment is None:
        return None
    return max(0.0, (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds())
