"""Queries and checks that the tests of fetching share."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.insights.query import InsightsQuery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.query import Slice
    from support.scripted import ScriptedApi

NEW = "page_messages_new_conversations_unique"
DEAD = "page_messages_order_count"
FIRST_DAY = date(2026, 3, 1)
Key = tuple[str, str, date]


def make_query(pages: int = 1, days: int = 1, metrics: Any = "all", **more: Any) -> InsightsQuery:
    """Pages 101, 102, ... over days from 1 March 2026."""
    return InsightsQuery.create(
        page_ids=[str(101 + n) for n in range(pages)],
        metrics=metrics,
        days=DateRange(FIRST_DAY, FIRST_DAY + timedelta(days)),
        **more,
    )


def fetch(api: ScriptedApi, query: InsightsQuery, **policy: Any) -> FetchOutcome:
    """Run a fetch with a policy of these bounds."""
    return api.run(fetch_insights(query, policy=RetryPolicy(**policy)))


def fetched(api: ScriptedApi) -> list[Key]:
    """Page, metric and day of every record, sorted; a doubled record stands there twice."""
    return sorted((one.page_id, one.metric, one.pacific_date) for one in api.records)


def asked(query: InsightsQuery, *, but_pages: Iterable[str] = (), but_metrics: Iterable[str] = ()) -> list[Key]:
    """Page, metric and day of everything a query asks for, sorted."""
    return sorted(
        (page, metric, day)
        for page in set(query.page_ids) - set(but_pages)
        for metric in set(query.metrics) - set(but_metrics)
        for day in query.days
    )


def units(slices: Iterable[Slice]) -> list[Key]:
    """Page, metric and day of everything in these slices."""
    return [(part.page_id, metric, day) for part in slices for metric in part.metrics for day in part.days]
