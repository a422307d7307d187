"""What reading a few rows proves of a token: that it may read a Page's insights, or why not.

The Pages are read as a load reads them, token exchange and all, so that a report never says of a Page what a load would
prove wrong. A read proves nothing when no row comes or all metrics are refused, so a report never depends on a metric.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    FatalGraphAPIError,
    MessagingInsightsError,
    PermissionDeniedError,
    ResponseFormatError,
)
from airflow_provider_msginsights.insights.dates import DateRange, pacific_date
from airflow_provider_msginsights.insights.fetch.reading import fetch_insights
from airflow_provider_msginsights.insights.graph.batch import MAX_PARTS
from airflow_provider_msginsights.insights.graph.error_table import rule_for
from airflow_provider_msginsights.insights.protocol import tap
from airflow_provider_msginsights.insights.query import InsightsQuery

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.protocol import Flow
    from airflow_provider_msginsights.insights.token.report import PageAccess

PAGES_READ = MAX_PARTS
"""So many Pages are read at most: what fits into one batch."""

_DAYS_READ = 7


def pages_as_read(pages: Sequence[PageAccess], *, policy: RetryPolicy, now: datetime) -> Flow[tuple[PageAccess, ...]]:
    """Return the same Pages with what reading some of them showed: at most fifty that loads ask for, or else one.

    The first are those that the list of Pages does not show, or not as readable: of them nothing is known otherwise.
    """
    asked_for = sorted((page for page in pages if page.is_asked_for), key=lambda page: page.may_analyze is True)
    others = sorted(pages, key=lambda page: page.may_analyze is False)
    chosen = [page.page_id for page in (asked_for[:PAGES_READ] or others[:1])]
    if not chosen:
        return tuple(pages)
    today = pacific_date(now)
    days = DateRange(today - timedelta(days=_DAYS_READ), today)
    query = InsightsQuery.create(page_ids=chosen, metrics="stable", days=days)
    reading = fetch_insights(query, policy=policy, exchange_first=True)
    try:
        outcome = yield from tap(reading, lambda *_: None, passes_on=False)
    except (AuthenticationError, PermissionDeniedError, ResponseFormatError) as error:
        return tuple(_refused(page, error) if page.page_id in chosen else page for page in pages)
    except MessagingInsightsError:
        return tuple(pages)  # all metrics are refused, no answer or a limit, now: nothing is known
    return tuple(_as_read(page, outcome) for page in pages)


def _as_read(page: PageAccess, outcome: FetchOutcome) -> PageAccess:
    page_id = page.page_id
    if any(part.page_id == page_id for part in outcome.answered):
        return replace(page, was_tried=True, reads_insights=True)
    if any(part.page_id == page_id for part in outcome.empty):
        return replace(page, was_tried=True)
    error = outcome.page_failures.get(page_id)
    if isinstance(error, FatalGraphAPIError) and not _blames_metrics(error):
        return _refused(page, error)
    return page  # other trouble may pass, or is about metrics: of the Page nothing is known


def _blames_metrics(error: MessagingInsightsError) -> bool:
    rule = rule_for(error.code, error.error_subcode, error.message, status=error.http_status or 0, is_transient=False)
    return rule.blames_metric


def _refused(page: PageAccess, error: MessagingInsightsError) -> PageAccess:
    return replace(page, was_tried=True, reads_insights=False, problem=error)
