"""The pieces of work a caller can have done against the API; a transport drives them.

Every flow is a generator of steps that returns its result. None touches a socket, a clock or a token.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.catalog import TOTAL_OVER_RANGE
from airflow_provider_msginsights.insights.dates import MAX_CHUNK_DAYS, DateRange
from airflow_provider_msginsights.insights.fetch.eager import ask_at_once
from airflow_provider_msginsights.insights.fetch.outcome import Availability, FetchOutcome
from airflow_provider_msginsights.insights.fetch.page_tokens import list_pages
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.fetch.run import FetchRun
from airflow_provider_msginsights.insights.protocol import Emit, observed
from airflow_provider_msginsights.insights.query import Slice

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from airflow_provider_msginsights.insights.protocol import Answer, Flow, Step
    from airflow_provider_msginsights.insights.query import InsightsQuery

__all__ = [
    "Availability",
    "FetchOutcome",
    "fetch_insights",
    "list_pages",
    "probe_availability",
    "probe_metrics",
]

_DEFAULT_POLICY = RetryPolicy()

_SILENT_AFTER = timedelta(days=7)
"""A Page without a row for so long is silent, not late: the API computes most metrics once in 24 hours (Graph API
reference, Insights edge)."""


def fetch_insights(
    query: InsightsQuery,
    *,
    policy: RetryPolicy = _DEFAULT_POLICY,
    slices: Iterable[Slice] | None = None,
    exchange_first: bool = False,
) -> Flow[FetchOutcome]:
    """Emit every record the API has for the query, and return what became of each of its slices.

    An error of one Page is reported in the outcome and keeps no other Page from being read.

    :param slices: only these slices of the query, such as those an earlier run left paused.
    :param exchange_first: with several Pages begin with the list of their tokens. Each Page wants its own (Pages API
        error table, 190/2069032), so this spares a call that can only be refused; a single Page's may be the
        connection's.
    :raises MessagingInsightsError: what concerns the whole run (an expired token, say), if nothing was answered before;
        otherwise it is the outcome's ``stopped_by``.
    """
    asked = query.slices() if slices is None else slices
    return FetchRun(query, asked, policy, exchange_first=exchange_first).run()


def probe_availability(
    query: InsightsQuery,
    *,
    now: datetime,
    policy: RetryPolicy = _DEFAULT_POLICY,
    ranges: tuple[DateRange, ...] = (),
    at_once: bool = False,
    exchange_first: bool = False,
) -> Flow[Availability]:
    """Whether every Page has, for every metric and day of the query, a row that had ended by ``now``.

    Rows of days not over are provisional and do not count. Breakdowns are left out, because days without any bucket
    have no rows; for totals over the range the single days are looked at. Metrics the API refuses,
    and Pages it keeps no insights for, are not waited for; the outcome names them. The same requests also tell which
    Pages are silent: they reach a week back.

    :param ranges: the days, where they are not all of the query's; those near each other share a request.
    :param at_once: the tokens are known to work: send everything in one go, without a first request to try them.
    :param exchange_first: as in `fetch_insights`.
    :raises MessagingInsightsError: as `fetch_insights` does.
    """
    period = "day" if query.period == TOTAL_OVER_RANGE else query.period
    plain = replace(query, period=period, breakdowns=())
    ranges = tuple(sorted(ranges or (query.days,)))
    last_days = DateRange(ranges[-1].end_day - _SILENT_AFTER, ranges[-1].end_day)
    found: set[tuple[str, str, date]] = set()

    def note(step: Step, _: Answer) -> None:
        if isinstance(step, Emit):
            found.update((one.page_id, one.metric, one.pacific_date) for one in step.records if one.end_time <= now)

    slices = tuple(
        Slice(page_id, plain.metrics, days) for days in _spans((*ranges, last_days)) for page_id in query.page_ids
    )
    if at_once and len(slices) > 1:
        reading = ask_at_once(plain, policy=policy, slices=slices)
    else:
        reading = fetch_insights(plain, policy=policy, slices=slices, exchange_first=exchange_first)
    outcome = yield from observed(reading, note, passes_on=False)
    refused = set(outcome.page_unavailable_metrics)
    expected = (
        (page_id, metric, day)
        for page_id in query.page_ids
        if page_id not in outcome.pages_without_insights
        for metric in query.metrics
        if metric not in outcome.unavailable_metrics and (page_id, metric) not in refused
        for days in ranges
        for day in days
    )
    missing = tuple(one for one in expected if one not in found)
    alive = {page_id for page_id, _, day in found if day in last_days}
    return Availability(missing=missing, outcome=outcome, silent_pages=_silent_pages(missing, outcome, alive))


def _spans(ranges: Iterable[DateRange]) -> tuple[DateRange, ...]:
    """The fewest ranges that hold all of these, where each is narrow enough for one request or was given so."""
    spans: list[DateRange] = []
    for days in sorted(ranges):
        if spans and (max(days.end_day, spans[-1].end_day) - spans[-1].first_day).days <= MAX_CHUNK_DAYS:
            spans[-1] = DateRange(spans[-1].first_day, max(days.end_day, spans[-1].end_day))
        elif not (spans and days.end_day <= spans[-1].end_day):
            spans.append(days)
    return tuple(spans)


def _silent_pages(missing: Iterable[tuple[str, str, date]], outcome: FetchOutcome, alive: set[str]) -> tuple[str, ...]:
    """The Pages with something missing, all of which were read and gave no row of the last days."""
    unread = {part.page_id for part in (*outcome.unanswered, *(one.part for one in outcome.paused))}
    return tuple(dict.fromkeys(page_id for page_id, _, _ in missing if page_id not in alive | unread))


def probe_metrics(query: InsightsQuery, *, policy: RetryPolicy = _DEFAULT_POLICY) -> Flow[FetchOutcome]:
    """Ask for every metric of the query alone; the outcome says which are answered, empty or refused.

    :raises MessagingInsightsError: as `fetch_insights` does.
    """
    alone = [part.of((metric,)) for part in query.slices() for metric in query.metrics]
    reading = fetch_insights(query, policy=policy, slices=alone)
    return (yield from observed(reading, lambda *_: None, passes_on=False))
