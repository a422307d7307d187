"""What loads will cost, run by run, from what was asked and without a request.

Source of the allowance: Graph API guide "Rate Limits", Business Use Case "pages": 4,800 calls times the Page's engaged
users in each 24 hours, for Page and system-user tokens.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.cli.dry_run import Traffic, dry_run
from airflow_provider_msginsights.insights.catalog import TOTAL_OVER_RANGE
from airflow_provider_msginsights.insights.dates import ONE_DAY, DateRange
from airflow_provider_msginsights.insights.history import possible_days
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.run_days.requested import NoDayEndedError, requested_days

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow_provider_msginsights.run_days.requested import When
    from airflow_provider_msginsights.transports.settings import TransportSettings

CALLS_AN_ENGAGED_USER = 4800
"""Calls a Page allows in any 24 hours, for each of its engaged users."""

_ALLOWANCE_HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedQuery:
    """What each run asks for, as the operator's parameters of the same names say it."""

    page_ids: tuple[str, ...]
    metrics: tuple[str, ...] = ("stable",)
    period: str = "day"
    breakdowns: tuple[str, ...] = ()
    since: When = None
    until: When = None
    date_preset: str | None = None
    lookback_days: int = 0

    def queries(self, run: object, *, at: datetime) -> tuple[tuple[InsightsQuery, ...], str | None]:
        """Return what a load of the run asks: one query for each range of days, and a warning where days are left out.

        :param at: when the run loads.

        :raises NoDayEndedError: when no day ends within the run's interval, so that it is skipped.
        :raises ConfigurationError: for a question the operator would refuse.
        """
        requested = requested_days(
            {"dag_run": run},
            since=self.since,
            until=self.until,
            date_preset=self.date_preset,
            lookback_days=self.lookback_days,
        )
        possible = possible_days(requested, at, is_total=self.period == TOTAL_OVER_RANGE)
        queries = tuple(
            InsightsQuery.create(
                page_ids=self.page_ids,
                metrics=self.metrics,
                days=days,
                period=self.period,
                breakdowns=self.breakdowns,
            )
            for days in possible.ranges
        )
        return queries, possible.warning


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLoad:
    """One run's load.

    :param run_after: when Airflow starts the run; the moment of asking where there is no schedule.
    :param skipped: why the run loads nothing, where it does not.
    :param calls_a_page: Graph calls for the Page with the most.
    :param rows_at_most: rows if the API has one for every Page, metric and day; ``None`` where breakdowns make their
        number unknowable.
    """

    run_after: datetime
    data_interval: tuple[datetime, datetime] | None = None
    ranges: tuple[DateRange, ...] = ()
    skipped: str | None = None
    graph_calls: int = 0
    http_requests: int = 0
    posts: int = 0
    calls_a_page: int = 0
    rows_at_most: int | None = 0
    warnings: tuple[str, ...] = ()

    @property
    def day_count(self) -> int:
        """How many Pacific days it asks for."""
        return sum(map(len, self.ranges))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        interval = self.data_interval
        return {
            "run_after": self.run_after.isoformat(),
            "data_interval_start": interval[0].isoformat() if interval else None,
            "data_interval_end": interval[1].isoformat() if interval else None,
            "ranges": [
                {"since": days.first_day.isoformat(), "until": days.end_day.isoformat(), "days": len(days)}
                for days in self.ranges
            ],
            "skipped": self.skipped,
            "graph_calls": self.graph_calls,
            "http_requests": self.http_requests,
            "posts": self.posts,
            "calls_a_page": self.calls_a_page,
            "rows_at_most": self.rows_at_most,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How much of a Page's calls the loads use in their busiest 24 hours."""

    calls: int
    engaged_users: int

    @property
    def allowed(self) -> int:
        """Calls the Page allows in 24 hours."""
        return CALLS_AN_ENGAGED_USER * self.engaged_users

    @property
    def is_exceeded(self) -> bool:
        """Whether Meta would stop the loads."""
        return self.calls > self.allowed

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "hours": _ALLOWANCE_HOURS,
            "calls_a_page": self.calls,
            "engaged_users": self.engaged_users,
            "allowed": self.allowed,
            "is_exceeded": self.is_exceeded,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Plans loads of one question with one connection's settings; remembers what equal loads cost."""

    question: PlannedQuery
    settings: TransportSettings
    with_page_token: bool
    signed: bool
    _known: dict[InsightsQuery, Traffic] = field(default_factory=dict)

    def plan(self, run: Any, *, at: datetime) -> PlannedLoad:
        """Return what the load of a run costs; ``at`` is when it is planned, for the warnings.

        :param run: has ``run_after``, ``data_interval_start``, ``data_interval_end``, as a DAG run has.
        """
        start, end = run.data_interval_start, run.data_interval_end
        when = {"run_after": run.run_after, "data_interval": (start, end) if start and end else None}
        try:
            queries, left_out = self.question.queries(run, at=max(at, run.run_after))
        except NoDayEndedError as nothing:
            return PlannedLoad(**when, skipped=str(nothing))
        traffic = [self._dry_run(query) for query in queries]
        rows = [rows_at_most(query) for query in queries]
        return PlannedLoad(
            **when,
            ranges=tuple(query.days for query in queries),
            graph_calls=sum(part.graph_calls for part in traffic),
            http_requests=sum(part.http_requests for part in traffic),
            posts=sum(part.posts for part in traffic),
            calls_a_page=sum(max(part.calls_by_page.values(), default=0) for part in traffic),
            rows_at_most=None if None in rows else sum(count or 0 for count in rows),
            warnings=(
                *((left_out,) if left_out else ()),
                *(text for query in queries for text in query.warnings(max(at, run.run_after))),
            ),
        )

    def _dry_run(self, query: InsightsQuery) -> Traffic:
        if query not in self._known:
            self._known[query] = dry_run(
                query, settings=self.settings, with_page_token=self.with_page_token, signed=self.signed
            )
        return self._known[query]


def rows_at_most(query: InsightsQuery) -> int | None:
    """Rows if the API has one for each Page, metric and day (or range, or calendar month that ends within it)."""
    if query.breakdowns:
        return None
    if query.period == TOTAL_OVER_RANGE:
        times = 1
    elif query.period == "month":
        times = sum((day + ONE_DAY).day == 1 for day in query.days)
    else:
        times = len(query.days)
    return times * len(query.page_ids) * len(query.metrics)


def busiest_day(loads: Sequence[PlannedLoad]) -> int:
    """Return calls for one Page in the busiest 24 hours, which may begin at any moment; the loads in order of time."""
    width = timedelta(hours=_ALLOWANCE_HOURS)
    busiest = calls = 0
    within: deque[PlannedLoad] = deque()
    for load in loads:
        within.append(load)
        calls += load.calls_a_page
        while within[0].run_after <= load.run_after - width:
            calls -= within.popleft().calls_a_page
        busiest = max(busiest, calls)
    return busiest
