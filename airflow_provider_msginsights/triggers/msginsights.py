"""The sensor's wait in the triggerer: no worker slot, no blocking call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from random import uniform
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_msginsights.exceptions import MessagingInsightsError
from airflow_provider_msginsights.failures import event_of_error
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.availability.check import (
    JITTER,
    MAX_FAILED_POLLS,
    AvailabilityCheck,
    Failed,
    Ready,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_msginsights.insights.availability.polling import Found
    from airflow_provider_msginsights.insights.availability.requirement import Readiness

_LOG_AGAIN_SECONDS = 60 * 60
"""After this long the log repeats what has not changed: a reader should see that the trigger is polling."""


class MessagingInsightsAvailabilityTrigger(BaseTrigger):
    """Fire when enough Pages have a row of every metric for every Pacific day, or when that cannot happen.

    Its event is one of ``{"status": "available", "days", "page_ids"}`` (with ``silent_page_ids``,
    ``late_page_ids`` and ``failed_page_ids`` where there are any), ``{"status": "timed_out", "missing"}`` (with
    ``"by": "execution_timeout"`` where that is over) and ``{"status": "failed", "kind", "message", "evidence"}``. All
    arguments are plain JSON, and none is a token.

    The arguments are what ``AvailabilityCheck.to_dict`` returns; they are checked when the trigger runs.

    :param msginsights_conn_id: the Airflow connection; it is read again at each poll, so a renewed token is used.
    :param page_ids: the Pages.
    :param metrics: names of metrics and groups.
    :param ranges: ranges of Pacific days as ``[first day, day after the last]``, ISO text.
    :param poll_interval_seconds: how long to wait between two polls.
    :param api_version: Graph API version; the connection's when ``None``.
    :param final_after_hours: how long after the end of the last day the first poll is made.
    :param not_before: ISO moment of the first poll, if that is later.
    :param deadline: ISO moment at which the trigger gives up; never when ``None``.
    :param min_ready_pages: as the sensor's.
    :param on_silent_page: as the sensor's.
    :param exponential_backoff: double the interval at each poll.
    :param max_wait_seconds: the longest interval then.
    :param max_failed_polls: how many polls in a row may fail for a temporary reason; no limit when ``None``.
    :param failed_polls: how many of them had failed before.
    :param retry_bounds: limits of the retries within a poll, as the sensor's.
    :param missing: what an earlier poll did not find; reported if no later one is made before the deadline.
    :param execution_deadline: ISO moment at which the task's ``execution_timeout`` ends; never when ``None``.
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
        self.arguments: dict[str, Any] = {
            "msginsights_conn_id": msginsights_conn_id,
            "page_ids": page_ids,
            "metrics": metrics,
            "ranges": ranges,
            "poll_interval_seconds": poll_interval_seconds,
            "api_version": api_version,
            "final_after_hours": final_after_hours,
            "not_before": not_before,
            "deadline": deadline,
            "min_ready_pages": min_ready_pages,
            "on_silent_page": on_silent_page,
            "exponential_backoff": exponential_backoff,
            "max_wait_seconds": max_wait_seconds,
            "max_failed_polls": max_failed_polls,
            "failed_polls": failed_polls,
            "retry_bounds": dict(retry_bounds) if isinstance(retry_bounds, Mapping) else retry_bounds,
            "missing": missing,
            "execution_deadline": execution_deadline,
        }

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what rebuilds this trigger elsewhere: plain JSON, and never a token."""
        return (
            "airflow_provider_msginsights.triggers.msginsights.MessagingInsightsAvailabilityTrigger",
            dict(self.arguments),
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until the wait is over; fire once."""
        yield TriggerEvent(await self._event())

    async def _event(self) -> dict[str, Any]:
        try:
            check = AvailabilityCheck.from_dict(self.arguments, now=datetime.now(UTC))
        except MessagingInsightsError as error:
            return event_of_error(error)
        if check.warning:
            self.log.warning(check.warning)
        wait = _Wait(check, self.log)
        limit = asyncio.timeout(_seconds_until(check.gives_up_at))
        try:
            async with limit:
                await wait.sleep_until_first_poll()
                return {"status": "available", **await wait.until_ready()}
        except TimeoutError:
            if not limit.expired():
                raise
            by = {"by": "execution_timeout"} if check.ends_by_execution_timeout else {}
            return {"status": "timed_out", "missing": wait.state.missing, **by}
        except MessagingInsightsError as error:
            return event_of_error(error)


class _Wait:
    """One run of the trigger."""

    def __init__(self, check: AvailabilityCheck, log: Any) -> None:
        self.check, self.log = check, log
        self.state = check.start()
        self.result: dict[str, list[str]] = {}
        self._logged: tuple[object, ...] = ()
        self._log_again_at = 0.0

    async def sleep_until_first_poll(self) -> None:
        """Sleep until there can be something new; restarted triggers, too, do not all poll in one second."""
        seconds = _seconds_until(self.check.first_poll_at) or 0.0
        if seconds > self.check.poll_interval_seconds:  # a line opens a file: too much for a thousand triggers at once
            self.log.info("The first poll is at %s.", self.check.first_poll_at)
        await asyncio.sleep(seconds + uniform(0, JITTER * self.check.poll_interval_seconds))  # noqa: S311 - spreads load, guards nothing

    async def until_ready(self) -> dict[str, list[str]]:
        """Poll until enough is available, and return it.

        :raises MessagingInsightsError: when a poll failed and waiting longer does not help.
        """
        from airflow_provider_msginsights.hooks.polling import load_for_polling

        await load_for_polling()
        check = self.check
        hook = MessagingInsightsHook(
            check.msginsights_conn_id, api_version=check.api_version, retry_bounds=check.retry_bounds
        )
        await hook.apoll_availability(
            check.query, ranges=lambda: check.ranges, clock=lambda: datetime.now(UTC), next_poll=self._next_poll
        )
        return self.result

    def _next_poll(self, found: Found) -> float | None:
        """Return the seconds until the next poll; ``None`` when enough is available."""
        result = self.state.record(found)
        if isinstance(result, Failed):
            if result.ends_waiting:
                raise result.error
            self.log.warning("%s", result.message)
        else:
            self._log_news(result.readiness)
        if isinstance(result, Ready):
            self.result = self.check.result(result.readiness)
            return None
        return self.check.interval_seconds(self.state.polls) * uniform(1 - JITTER, 1)  # noqa: S311 - spreads load, guards nothing

    def _log_news(self, readiness: Readiness) -> None:
        """Log what has changed, and once an hour what has not: a line a poll of a thousand triggers costs too much."""
        news, now = (readiness.ready, readiness.missing, *readiness.warnings), time.monotonic()
        if news == self._logged and now < self._log_again_at:
            return
        self._logged, self._log_again_at = news, now + _LOG_AGAIN_SECONDS
        for warning in readiness.warnings:
            self.log.warning("%s", warning)
        if not readiness.ready:
            self.log.info("Not available yet: %s", readiness.missing)


def _seconds_until(moment: datetime | None) -> float | None:
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())
