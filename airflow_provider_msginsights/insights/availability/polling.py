"""Whether every day has a row: one probe, and probes repeated in one flow until the caller has enough.

One flow holds all polls of a wait, so that Page tokens and Meta's limits are known from one poll to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import MessagingInsightsError
from airflow_provider_msginsights.insights.catalog import TOTAL_OVER_RANGE
from airflow_provider_msginsights.insights.dates import MAX_CHUNK_DAYS, DateRange
from airflow_provider_msginsights.insights.fetch.reading import fetch_eagerly
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.fetch.run import FetchRun
from airflow_provider_msginsights.insights.graph.usage_headers import regain_seconds
from airflow_provider_msginsights.insights.protocol import Emit, Receive, RefreshToken, Reply, Send, tap
from airflow_provider_msginsights.insights.query import Slice
from airflow_provider_msginsights.insights.wording import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import date, datetime

    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.protocol import Answer, Flow, Step
    from airflow_provider_msginsights.insights.query import InsightsQuery

_DEFAULT_POLICY = RetryPolicy()

_SILENT_AFTER = timedelta(days=7)
"""A Page without a row for so long is silent, not late: the API computes most metrics once in 24 hours (Graph API
reference, Insights edge)."""

_MOST_DESCRIBED = 20
"""How many missing (Page, metric), and how many days of each, a description lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """What one probe found.

    :param missing: (Page, metric, day) without a row that had ended by the moment of the probe.
    :param outcome: everything else the probe met: errors, paused slices, refused metrics.
    :param silent_pages: Pages that were read and have no row of any metric in the last seven days of the range.
    """

    missing: tuple[tuple[str, str, date], ...]
    outcome: FetchOutcome
    silent_pages: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether nothing is missing and everything could be read."""
        return not (self.missing or self.outcome.errors or self.outcome.paused)

    def describe(self, *, without_pages: Collection[str] = ()) -> str:
        """Return what is missing as text: the first twenty (Page, metric) by name, the others by their number.

        :param without_pages: Pages to leave out.
        """
        days: dict[tuple[str, str], list[str]] = {}
        for page_id, metric, day in self.missing:
            if page_id not in without_pages:
                days.setdefault((page_id, metric), []).append(day.isoformat())
        sentences = [
            f"Page {page_id} has no {metric} for {_listed(missing_days)}"
            for (page_id, metric), missing_days in islice(days.items(), _MOST_DESCRIBED)
        ]
        if len(days) > _MOST_DESCRIBED:
            sentences.append(f"and {len(days) - _MOST_DESCRIBED} more")
        if self.outcome.paused:
            sentences.append(f"{plural(len(self.outcome.paused), 'request')} waiting for Meta's rate limit")
        return "; ".join(sentences) or "nothing"


Found = Availability | MessagingInsightsError
"""What one poll brought: an answer, or the error that prevented one."""


def probe_availability(
    query: InsightsQuery,
    *,
    now: datetime,
    policy: RetryPolicy = _DEFAULT_POLICY,
    ranges: tuple[DateRange, ...] = (),
    at_once: bool = False,
    exchange_first: bool = False,
) -> Flow[Availability]:
    """Return whether every Page has, for every metric and day of the query, a row that had ended by ``now``.

    Rows of days not over are provisional and do not count. Breakdowns are left out, because days without any bucket
    have no rows; for totals over the range the single days are looked at. Metrics the API refuses,
    and Pages it keeps no insights for, are not waited for; the outcome names them. The same requests also show which
    Pages are silent: they reach a week back.

    :param ranges: the days, where they are not all of the query's; ranges near each other share a request.
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
            found.update((row.page_id, row.metric, row.pacific_date) for row in step.records if row.end_time <= now)

    slices = tuple(
        Slice(page_id, plain.metrics, days) for days in _spans((*ranges, last_days)) for page_id in query.page_ids
    )
    if at_once and len(slices) > 1:
        reading = fetch_eagerly(plain, policy=policy, slices=slices)
    else:
        reading = FetchRun(plain, slices, policy, exchange_first=exchange_first).run()
    outcome = yield from tap(reading, note, passes_on=False)
    missing = tuple(cell for cell in _expected(query, ranges, outcome) if cell not in found)
    alive = {page_id for page_id, _, day in found if day in last_days}
    return Availability(missing=missing, outcome=outcome, silent_pages=_silent_pages(missing, outcome, alive))


def poll_availability(
    query: InsightsQuery,
    *,
    policy: RetryPolicy,
    ranges: Callable[[], tuple[DateRange, ...]],
    clock: Callable[[], datetime],
    next_poll: Callable[[Found], float | None],
) -> Flow[None]:
    """Probe, wait, and probe again until the caller has enough.

    Between two polls the connection is read again, and no poll is made earlier than Meta's limits allow.

    :param ranges: returns the days to look for, at each poll.
    :param clock: returns the present moment, aware.
    :param next_poll: takes what a poll found and returns the seconds until the next one, or ``None`` when done.
    :raises MessagingInsightsError: what ``next_poll`` raises.
    """
    tokens_work = False
    while True:
        replies = _Replies()
        probe = probe_availability(
            query, now=clock(), policy=policy, ranges=ranges(), at_once=tokens_work, exchange_first=True
        )
        found: Found
        try:
            found = yield from tap(probe, replies.note)
        except MessagingInsightsError as error:
            found = error
        yield from replies.drain()
        tokens_work = isinstance(found, Availability) and not found.outcome.errors
        seconds = next_poll(found)
        if seconds is None:
            return
        paused = found.outcome.resume_after_seconds if isinstance(found, Availability) else found.retry_after_seconds
        pause = Receive(max(seconds, replies.stay_away_seconds, paused or 0.0))
        # What lives through the pause counts as old for the garbage collector: enough of it makes it look through all.
        del found, probe, replies
        yield pause
        renewed = yield RefreshToken()
        tokens_work = tokens_work and not renewed


class _Replies:
    """Counts a probe's replies: how many are still to come, and for how long the server says to stay away."""

    def __init__(self) -> None:
        self.stay_away_seconds = 0.0
        self._in_flight = 0

    def drain(self) -> Flow[None]:
        """Wait for replies that the probe did not wait for: the next one must not take them for its own."""
        while self._in_flight:
            self.note(Receive(), (yield Receive()))

    def note(self, step: Step, answer: Answer) -> None:
        """Note what was sent and what was answered."""
        if isinstance(step, Send):
            self._in_flight += len(step.requests)
        elif isinstance(answer, Reply):
            self._in_flight -= 1
            headers = answer.response.headers if answer.response else {}
            seconds = regain_seconds(headers, answer.request.page_id) or 0.0
            self.stay_away_seconds = max(self.stay_away_seconds, seconds)


def _spans(ranges: Iterable[DateRange]) -> tuple[DateRange, ...]:
    """Return the fewest ranges that hold all of these, where each is narrow enough for one request or was given so."""
    spans: list[DateRange] = []
    for days in sorted(ranges):
        if spans and (max(days.end_day, spans[-1].end_day) - spans[-1].first_day).days <= MAX_CHUNK_DAYS:
            spans[-1] = DateRange(spans[-1].first_day, max(days.end_day, spans[-1].end_day))
        elif not (spans and days.end_day <= spans[-1].end_day):
            spans.append(days)
    return tuple(spans)


def _expected(
    query: InsightsQuery, ranges: Iterable[DateRange], outcome: FetchOutcome
) -> Iterable[tuple[str, str, date]]:
    """Yield each (Page, metric, day) that can have a row."""
    refused = set(outcome.page_unavailable_metrics)
    return (
        (page_id, metric, day)
        for page_id in query.page_ids
        if page_id not in outcome.pages_without_insights
        for metric in query.metrics
        if metric not in outcome.unavailable_metrics and (page_id, metric) not in refused
        for days in ranges
        for day in days
    )


def _silent_pages(missing: Iterable[tuple[str, str, date]], outcome: FetchOutcome, alive: set[str]) -> tuple[str, ...]:
    """Return the Pages with something missing, all of which were read and gave no row of the last days."""
    unread = {part.page_id for part in (*outcome.unanswered, *(paused.part for paused in outcome.paused))}
    return tuple(dict.fromkeys(page_id for page_id, _, _ in missing if page_id not in alive | unread))


def _listed(days: list[str]) -> str:
    if len(days) <= _MOST_DESCRIBED:
        return ", ".join(days)
    return f"{', '.join(days[:_MOST_DESCRIBED])} and {len(days) - _MOST_DESCRIBED} more days"
