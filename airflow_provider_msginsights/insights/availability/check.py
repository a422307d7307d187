"""Waiting for Pacific days: what a sensor or trigger waits for, and what each of its polls means for the wait.

`AvailabilityCheck` is the question; it travels to the triggerer as plain JSON. `PollState` takes what each poll found
and says whether the wait is over. Neither reads a clock: sensor and triggers bring the time, the log and Airflow.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_msginsights.exceptions import (
    NEVER_RETRIED,
    ConfigurationError,
    EmptyAnswerError,
    MessagingInsightsError,
)
from airflow_provider_msginsights.insights.availability.requirement import Requirement
from airflow_provider_msginsights.insights.catalog import named_metrics
from airflow_provider_msginsights.insights.dates import DateRange, end_of_day
from airflow_provider_msginsights.insights.history import possible_days
from airflow_provider_msginsights.insights.parameters.numbers import parse_count, parse_number, parse_retry_bounds
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
    from collections.abc import Mapping

    from airflow_provider_msginsights.insights.availability.polling import Found
    from airflow_provider_msginsights.insights.availability.requirement import Readiness

CANARY_METRIC = "page_messages_new_conversations_unique"
"""The metric to wait for when none is named: not in development, and 0 on days without messages."""

MAX_FAILED_POLLS = 5
"""Polls in a row that may fail for a temporary reason, beyond the retries within each."""

JITTER = 0.1
"""Polls come up to a tenth of the interval early, so that a thousand sensors do not poll in one second."""

ENDS_WAITING = (*NEVER_RETRIED, EmptyAnswerError)
"""Errors that end the wait at once: polling on cannot change them, or ``on_silent_page="fail"`` asks for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityCheck:
    """Which days of which Pages and metrics to wait for, how often to poll, and when to give up.

    Make it with `create` or `from_dict`, which check its parts.

    :param query: the Pages and metrics, and all days from the first to the last.
    :param metrics: the names and groups that were requested; a refused metric of a group is not waited for, one that
        was named is an error.
    :param ranges: the days themselves, in order.
    :param msginsights_conn_id: the Airflow connection to poll with; never its contents.
    :param poll_interval_seconds: how long to wait between two polls.
    :param api_version: Graph API version; the connection's when ``None``.
    :param retry_bounds: bounds on the retries within a poll; the connection's when ``None``.
    :param final_after_hours: how long after the last day's end the first poll is made.
    :param not_before: when the first poll may be made, if that is later.
    :param deadline: when to give up; never when ``None``.
    :param execution_deadline: when the task's ``execution_timeout`` ends; never when ``None``.
    :param exponential_backoff: double the interval at each poll.
    :param max_wait_seconds: the longest interval then.
    :param max_failed_polls: how many failed polls in a row end the wait; ``None`` for no limit.
    :param failed_polls: how many polls had failed in a row before.
    :param missing: what an earlier poll did not find.
    :param warning: which requested days can never be available and are not waited for.
    """

    query: InsightsQuery
    metrics: tuple[str, ...]
    ranges: tuple[DateRange, ...]
    requirement: Requirement
    msginsights_conn_id: str
    poll_interval_seconds: float
    api_version: str | None = None
    retry_bounds: Mapping[str, float] | None = None
    final_after_hours: float = 0
    not_before: datetime | None = None
    deadline: datetime | None = None
    execution_deadline: datetime | None = None
    exponential_backoff: bool = False
    max_wait_seconds: float | None = None
    max_failed_polls: int | None = MAX_FAILED_POLLS
    failed_polls: int = 0
    missing: str | None = None
    warning: str | None = None

    @classmethod
    def create(
        cls,
        *,
        page_ids: object,
        metrics: object,
        ranges: tuple[DateRange, ...],
        min_ready_pages: object,
        on_silent_page: object,
        **waiting: Any,
    ) -> AvailabilityCheck:
        """Return a check of these Pages, metrics and days.

        :param ranges: days that can be available; see `possible_days`.
        :param waiting: all other fields, by name.
        :raises ConfigurationError: for an invalid Page, metric, count of Pages or word.
        """
        names = named_metrics(metrics)
        query = InsightsQuery.create(
            page_ids=page_ids, metrics=names, days=DateRange(ranges[0].first_day, ranges[-1].end_day)
        )
        requirement = Requirement.create(
            min_ready_pages=min_ready_pages, on_silent_page=on_silent_page, page_count=len(query.page_ids)
        )
        return cls(query=query, metrics=names, ranges=ranges, requirement=requirement, **waiting)

    @classmethod
    def from_dict(cls, arguments: Mapping[str, Any], *, now: datetime) -> AvailabilityCheck:
        """Return the check that `to_dict` wrote; days that can no longer be available are left out, with a warning.

        :param now: the present moment, aware.
        :raises ConfigurationError: for an invalid value, naming the argument.
        """
        waiting = {
            "msginsights_conn_id": parse_conn_id("msginsights_conn_id", arguments["msginsights_conn_id"]),
            "api_version": parse_api_version(arguments["api_version"]),
            "retry_bounds": parse_retry_bounds(arguments["retry_bounds"]) or None,
            "poll_interval_seconds": parse_number("poll_interval_seconds", arguments["poll_interval_seconds"]),
            "exponential_backoff": parse_switch("exponential_backoff", arguments["exponential_backoff"]),
            "max_wait_seconds": _parse_optional_number("max_wait_seconds", arguments["max_wait_seconds"]),
            "final_after_hours": parse_number("final_after_hours", arguments["final_after_hours"]),
            "max_failed_polls": _parse_optional_number("max_failed_polls", arguments["max_failed_polls"]),
            "failed_polls": parse_count("failed_polls", arguments["failed_polls"]),
            "missing": parse_optional_text("missing", arguments["missing"]),
            **{name: _parse_moment(name, arguments[name]) for name in MOMENTS},
        }
        possible = possible_days(_parse_ranges(arguments["ranges"]), now, may_come=True)
        return cls.create(
            page_ids=arguments["page_ids"],
            metrics=arguments["metrics"],
            ranges=possible.ranges,
            min_ready_pages=arguments["min_ready_pages"],
            on_silent_page=arguments["on_silent_page"],
            warning=possible.warning,
            **waiting,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the arguments of ``MessagingInsightsAvailabilityTrigger`` for this check: plain JSON, no secret."""
        return {
            "msginsights_conn_id": self.msginsights_conn_id,
            "page_ids": list(self.query.page_ids),
            "metrics": list(self.metrics),
            "ranges": [[days.first_day.isoformat(), days.end_day.isoformat()] for days in self.ranges],
            "poll_interval_seconds": self.poll_interval_seconds,
            "api_version": self.api_version,
            "final_after_hours": self.final_after_hours,
            "min_ready_pages": self.requirement.min_ready_pages,
            "on_silent_page": self.requirement.on_silent_page,
            "exponential_backoff": self.exponential_backoff,
            "max_wait_seconds": self.max_wait_seconds,
            "max_failed_polls": self.max_failed_polls,
            "failed_polls": self.failed_polls,
            "retry_bounds": dict(self.retry_bounds) if self.retry_bounds else None,
            "missing": self.missing,
            **{name: moment.isoformat() if (moment := getattr(self, name)) else None for name in MOMENTS},
        }

    @property
    def can_be_ready_at(self) -> datetime:
        """The moment before which the last day cannot be there: its end, or when Meta restates it no more."""
        return end_of_day(self.ranges[-1].last_day) + timedelta(hours=self.final_after_hours)

    @property
    def first_poll_at(self) -> datetime:
        """The moment of the first poll, aware, in UTC."""
        return max(filter(None, (self.can_be_ready_at, self.not_before)))

    @property
    def why_no_poll_yet(self) -> str:
        """The reason for polling no earlier; it says what is missing until the first poll."""
        ends = "is final" if self.final_after_hours else "ends"
        return f"Pacific day {self.ranges[-1].last_day} {ends} at {self.can_be_ready_at}; no request is made before"

    @property
    def gives_up_at(self) -> datetime | None:
        """The earlier of the two deadlines."""
        return min(filter(None, (self.deadline, self.execution_deadline)), default=None)

    @property
    def ends_by_execution_timeout(self) -> bool:
        """Whether ``execution_timeout`` is what ends the wait."""
        return self.execution_deadline is not None and self.gives_up_at == self.execution_deadline

    def interval_seconds(self, polls: int) -> float:
        """Return the seconds from one poll to the next, without jitter.

        :param polls: how many polls were made so far.
        """
        seconds = self.poll_interval_seconds
        if self.exponential_backoff:
            seconds *= 2.0 ** min(max(polls - 1, 0), 32)
        return seconds if self.max_wait_seconds is None else min(seconds, self.max_wait_seconds)

    def start(self) -> PollState:
        """Return the state of a wait before its first poll."""
        return PollState(
            requirement=self.requirement,
            max_failed_polls=self.max_failed_polls,
            failed_polls=self.failed_polls,
            missing=self.missing or self.why_no_poll_yet,
        )

    def result(self, readiness: Readiness) -> dict[str, list[str]]:
        """Return the days and Pages that are ready, and the Pages that were not waited for: the sensor's XCom."""
        others = {
            "silent_page_ids": list(readiness.ignored_pages),
            "late_page_ids": list(readiness.late_pages),
            "failed_page_ids": list(readiness.failed_page_ids)[:MOST_NAMED],
        }
        return {
            "days": [day.isoformat() for days in self.ranges for day in days],
            "page_ids": list(readiness.ready_pages),
            **{name: page_ids for name, page_ids in others.items() if page_ids},
        }


@dataclass(frozen=True, slots=True)
class Ready:
    """The requirement is met: the wait is over."""

    readiness: Readiness


@dataclass(frozen=True, slots=True)
class NotReady:
    """Something is missing: poll again."""

    readiness: Readiness


@dataclass(frozen=True, slots=True)
class Failed:
    """The poll failed.

    :param ends_waiting: whether the wait ends with the error; otherwise poll again.
    :param message: the error and how many polls in a row have failed.
    """

    error: MessagingInsightsError
    ends_waiting: bool
    message: str


PollResult: TypeAlias = Ready | NotReady | Failed


@dataclass(slots=True, kw_only=True)
class PollState:
    """What a wait knows from poll to poll.

    :param max_failed_polls: how many failed polls in a row end the wait; ``None`` for no limit.
    :param failed_polls: how many polls in a row have failed for a temporary reason.
    :param missing: what the last poll did not find, or why it failed.
    :param retry_after_seconds: how long Meta's limits forbid the next poll; ``None`` when they do not.
    :param polls: how many polls were recorded.
    """

    requirement: Requirement
    max_failed_polls: int | None = None
    failed_polls: int = 0
    missing: str | None = None
    retry_after_seconds: float | None = None
    polls: int = 0

    def record(self, found: Found) -> PollResult:
        """Record what a poll found, and return what it means for the wait."""
        self.polls += 1
        if isinstance(found, MessagingInsightsError):
            return self._record_failure(found)
        try:
            readiness = self.requirement.readiness(found)
        except MessagingInsightsError as error:
            return self._record_failure(error)
        self.failed_polls = 0
        self.missing = readiness.missing
        self.retry_after_seconds = found.outcome.resume_after_seconds
        return Ready(readiness) if readiness.ready else NotReady(readiness)

    def _record_failure(self, error: MessagingInsightsError) -> Failed:
        self.missing = str(error)
        self.retry_after_seconds = error.retry_after_seconds
        if isinstance(error, ENDS_WAITING):
            return Failed(error, ends_waiting=True, message=f"The poll failed: {error}")
        self.failed_polls += 1
        limit = self.max_failed_polls
        count = "" if limit is None else f" ({self.failed_polls} in a row; the limit is {limit})"
        is_over = limit is not None and self.failed_polls >= limit
        return Failed(error, ends_waiting=is_over, message=f"The poll failed{count}: {error}")


MOMENTS = ("not_before", "deadline", "execution_deadline")
"""The arguments of a waiting trigger that are moments."""


def _parse_ranges(value: object) -> tuple[DateRange, ...]:
    try:
        ranges = tuple(DateRange(date.fromisoformat(first), date.fromisoformat(end)) for first, end in value)  # type: ignore[attr-defined] # anything else is refused below
    except (TypeError, ValueError):
        ranges = ()
    if not ranges:
        raise refusal("ranges", value, "pairs of ISO dates: the first day and the day after the last one")
    return ranges


def _parse_moment(name: str, value: object) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type] # anything else is refused below
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise refusal(name, value, "an ISO moment with its offset")
    return moment


def _parse_optional_number(name: str, value: object) -> float | None:
    return None if value is None else parse_number(name, value)


def hours_until_final(wait_for: object, final_after_hours: object) -> float:
    """Return how much longer a sensor waits by default; an invalid value is refused when the task runs."""
    with contextlib.suppress(ConfigurationError):
        return parse_number("final_after_hours", final_after_hours) if wait_for == "final" else 0
    return 0
