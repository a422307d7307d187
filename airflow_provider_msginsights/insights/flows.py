"""The pieces of work a caller can have done against the API; a transport drives them.

Every flow is a generator of steps that returns its result. None touches a socket, a clock or a token.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

from airflow_provider_msginsights.insights.catalog import TOTAL_OVER_RANGE
from airflow_provider_msginsights.insights.fetching import FetchRun
from airflow_provider_msginsights.insights.outcome import Availability, FetchOutcome
from airflow_provider_msginsights.insights.retry import RetryPolicy
from airflow_provider_msginsights.insights.steps import Emit
from airflow_provider_msginsights.insights.tokens import inspect_token, list_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date, datetime

    from airflow_provider_msginsights.insights.query import InsightsQuery, Slice
    from airflow_provider_msginsights.insights.records import InsightsRecord
    from airflow_provider_msginsights.insights.steps import Answer, Flow

__all__ = [
    "Availability",
    "FetchOutcome",
    "fetch_insights",
    "inspect_token",
    "list_pages",
    "probe_availability",
    "probe_metrics",
]

T = TypeVar("T")

_DEFAULT_POLICY = RetryPolicy()


def fetch_insights(
    query: InsightsQuery, *, policy: RetryPolicy = _DEFAULT_POLICY, slices: Iterable[Slice] | None = None
) -> Flow[FetchOutcome]:
    """Emit every record the API has for the query, and return what became of each of its slices.

    An error of one Page is reported in the outcome and keeps no other Page from being read.

    :param slices: only these slices of the query, such as those an earlier run left paused.
    :raises MessagingInsightsError: what concerns the whole run (an expired token, say), if nothing was answered before;
        otherwise it is the outcome's ``stopped_by``.
    """
    return FetchRun(query, query.slices() if slices is None else slices, policy).run()


def probe_availability(
    query: InsightsQuery, *, now: datetime, policy: RetryPolicy = _DEFAULT_POLICY
) -> Flow[Availability]:
    """Whether every Page has, for every metric and day of the query, a row that had ended by ``now``.

    Rows of days not over are provisional and do not count. Breakdowns are left out, because days without any bucket
    have no rows; for totals over the range the single days are looked at. Metrics the API refuses,
    and Pages it keeps no insights for, are not waited for; the outcome names them.

    :raises MessagingInsightsError: as `fetch_insights` does.
    """
    period = "day" if query.period == TOTAL_OVER_RANGE else query.period
    plain = replace(query, period=period, breakdowns=())
    found: set[tuple[str, str, date]] = set()

    def note(records: Iterable[InsightsRecord]) -> None:
        found.update((one.page_id, one.metric, one.pacific_date) for one in records if one.end_time <= now)

    outcome = yield from _diverted(fetch_insights(plain, policy=policy), note)
    refused = set(outcome.page_unavailable_metrics)
    expected = (
        (page_id, metric, day)
        for page_id in query.page_ids
        if page_id not in outcome.pages_without_insights
        for metric in query.metrics
        if metric not in outcome.unavailable_metrics and (page_id, metric) not in refused
        for day in query.days
    )
    return Availability(missing=tuple(one for one in expected if one not in found), outcome=outcome)


def probe_metrics(query: InsightsQuery, *, policy: RetryPolicy = _DEFAULT_POLICY) -> Flow[FetchOutcome]:
    """Ask for every metric of the query alone; the outcome says which are answered, empty or refused.

    :raises MessagingInsightsError: as `fetch_insights` does.
    """
    alone = [part.of((metric,)) for part in query.slices() for metric in query.metrics]
    return (yield from _diverted(fetch_insights(query, policy=policy, slices=alone), lambda _: None))


def _diverted(flow: Flow[T], take: Callable[[tuple[InsightsRecord, ...]], None]) -> Flow[T]:
    """A flow whose records go to ``take`` instead of to the consumer."""
    answer: Answer = None
    while True:
        try:
            step = flow.send(answer)
        except StopIteration as stop:
            return cast("T", stop.value)
        if isinstance(step, Emit):
            take(step.records)
            answer = None
        else:
            answer = yield step
