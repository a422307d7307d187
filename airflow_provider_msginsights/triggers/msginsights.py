"""The sensor's question, asked from the triggerer: no worker slot, no blocking call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from random import uniform
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_msginsights.exceptions import MessagingInsightsError
from airflow_provider_msginsights.failures import MAX_FAILED_POLLS, FailedPolls, event_of_error
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.hooks.polling import load_for_polling
from airflow_provider_msginsights.insights.availability.requirement import FirstLook, Requirement
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.history import possible_days
from airflow_provider_msginsights.insights.parameters.numbers import (
    parse_count,
    parse_number,
    parse_retry_bounds,
)
from airflow_provider_msginsights.insights.parameters.parse import (
    parse_api_version,
    parse_conn_id,
    parse_optional_text,
    parse_switch,
)
from airflow_provider_msginsights.insights.parameters.values import refusal
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.insights.wording import MOST_NAMED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_msginsights.insights.availability.polling import Found
    from airflow_provider_msginsights.insights.availability.requirement import Verdict

CANARY_METRIC = "page_messages_new_conversations_unique"
"""What is looked for when nothing else is named: a metric not in development, which is 0 where nobody wrote."""

JITTER = 0.1
"""Polls come up to a tenth of the interval early, so that a thousand sensors do not ask in one second."""

_TELL_AGAIN_SECONDS = 60 * 60
"""After so long the log says again what it said before: a person who looks should see that somebody is asking."""


class MessagingInsightsAvailabilityTrigger(BaseTrigger):
    """Fire when enough Pages have a row of every metric for every Pacific day, or when that cannot happen.

    Its event is one of ``{"status": "available", "days", "page_ids"}`` (with ``silent_page_ids``,
    ``late_page_ids`` and ``failed_page_ids`` where there are any), ``{"status": "timed_out", "missing"}`` (with
    ``"by": "execution_timeout"`` where that is over) and ``{"status": "failed", "kind", "message", "evidence"}``. All
    arguments are plain JSON, and none is a token.

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
    :param execution_deadline: ISO moment at which the task's ``execution_timeout`` is over; never when ``None``.
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
        execution_deadline: str | None = None,
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
        self.retry_bounds = dict(retry_bounds) if isinstance(retry_bounds, Mapping) else retry_bounds
        self.missing = missing
        self.execution_deadline = execution_deadline

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
            "execution_deadline",
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
        limit = asyncio.timeout(waiting.seconds_left())
        try:
            async with limit:
                await waiting.sleep_until_first_poll()
                return {"status": "available", **await waiting.until_available()}
        except TimeoutError:
            if not limit.expired():
                raise
            by = {"by": "execution_timeout"} if waiting.is_bound_by_execution else {}
            return {"status": "timed_out", "missing": waiting.missing, **by}
        except MessagingInsightsError as error:
            return event_of_error(error)


class _Waiting:
    """One run of the trigger: what it asks, and what it has heard so far."""

    def __init__(self, asked: MessagingInsightsAvailabilityTrigger) -> None:
        self.asked = asked
        self.log = asked.log
        self.hook = MessagingInsightsHook(
            parse_conn_id("msginsights_conn_id", asked.msginsights_conn_id),
            api_version=parse_api_version(asked.api_version),
            retry_bounds=parse_retry_bounds(asked.retry_bounds),
        )
        self.interval_seconds = parse_number("poll_interval_seconds", asked.poll_interval_seconds)
        self.backs_off = parse_switch("exponential_backoff", asked.exponential_backoff)
        self.max_wait_seconds = _optional_number("max_wait_seconds", asked.max_wait_seconds)
        self.not_before = _moment("not_before", asked.not_before)
        deadline = _moment("deadline", asked.deadline)
        of_execution = _moment("execution_deadline", asked.execution_deadline)
        self.deadline = min(filter(None, (deadline, of_execution)), default=None)
        self.is_bound_by_execution = of_execution is not None and self.deadline == of_execution
        possible = possible_days(_ranges(asked.ranges), datetime.now(UTC), may_come=True)
        if possible.warning:
            self.log.warning(possible.warning)
        self.ranges = possible.ranges
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
        allowed = _optional_number("max_failed_polls", asked.max_failed_polls)
        failed = parse_count("failed_polls", asked.failed_polls)
        self.failed = FailedPolls(None if allowed is None else int(allowed), failed)
        final_after_hours = parse_number("final_after_hours", asked.final_after_hours)
        self.first_look = FirstLook(self.ranges[-1].last_day, final_after_hours)
        self.missing = parse_optional_text("missing", asked.missing) or self.first_look.why_not_before
        self.available: dict[str, list[str]] = {}
        self.polls = 0
        self.told: tuple[object, ...] = ()
        self.tell_again_at = 0.0

    def seconds_left(self) -> float | None:
        """How long until the deadline; ``None`` where there is none."""
        return None if self.deadline is None else max(0.0, (self.deadline - datetime.now(UTC)).total_seconds())

    async def sleep_until_first_poll(self) -> None:
        """Rest until there can be something new; restarted triggers, too, do not all ask in one second."""
        moment = self.first_look.moment
        if self.not_before is not None:
            moment = max(moment, self.not_before)
        seconds = max(0.0, (moment - datetime.now(UTC)).total_seconds())
        if seconds:
            self.log.info("Not asking before %s.", moment)
        await asyncio.sleep(seconds + uniform(0, JITTER * self.interval_seconds))  # noqa: S311 - spreads load, guards nothing

    async def until_available(self) -> dict[str, list[str]]:
        await load_for_polling()
        await self.hook.apoll_availability(
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
        seconds = self.interval_seconds
        if self.backs_off:
            seconds *= 2.0 ** min(self.polls, 32)
            self.polls += 1
        if self.max_wait_seconds is not None:
            seconds = min(seconds, self.max_wait_seconds)
        return seconds * uniform(1 - JITTER, 1)  # noqa: S311 - spreads load, guards nothing


def available(ranges: tuple[DateRange, ...], verdict: Verdict) -> dict[str, list[str]]:
    """Give which days are there for which Pages, and which Pages were not waited for: the sensor's XCom."""
    told = {"days": [day.isoformat() for days in ranges for day in days], "page_ids": list(verdict.ready_pages)}
    apart = {
        "silent_page_ids": list(verdict.ignored_pages),
        "late_page_ids": list(verdict.late_pages),
        "failed_page_ids": list(verdict.failed_page_ids)[:MOST_NAMED],
    }
    return told | {name: page_ids for name, page_ids in apart.items() if page_ids}


def _ranges(value: object) -> tuple[DateRange, ...]:
    try:
        ranges = tuple(DateRange(date.fromisoformat(first), date.fromisoformat(end)) for first, end in value)  # type: ignore[attr-defined] # anything else is refused below
    except (TypeError, ValueError):
        ranges = ()
    if not ranges:
        raise refusal("ranges", value, "pairs of ISO dates: the first day and the day after the last one")
    return ranges


def _moment(name: str, value: object) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type] # anything else is refused below
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise refusal(name, value, "an ISO moment with its offset")
    return moment


def _optional_number(name: str, value: object) -> float | None:
    return None if value is None else parse_number(name, value)
