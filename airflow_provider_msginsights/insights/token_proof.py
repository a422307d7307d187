"""What reading a few rows proves of a token: that it may read a Page's insights, or why not.

It proves nothing when no row comes or the metric is refused, and so a report never depends on a metric.
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
)
from airflow_provider_msginsights.insights.date_ranges import DateRange, pacific_date
from airflow_provider_msginsights.insights.flows import probe_metrics
from airflow_provider_msginsights.insights.query import InsightsQuery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from airflow_provider_msginsights.insights.retry import RetryPolicy
    from airflow_provider_msginsights.insights.steps import Flow
    from airflow_provider_msginsights.insights.token_report import PageAccess

_METRIC = "page_messages_new_conversations_unique"
_DAYS_READ = 7
_PAGES_READ = 10


def pages_as_read(pages: Sequence[PageAccess], *, policy: RetryPolicy, now: datetime) -> Flow[tuple[PageAccess, ...]]:
    """The same Pages with what reading some of them showed: at most ten that loads ask for, or else one."""
    readable = [page for page in pages if page.problem is None and page.may_analyze is not False]
    chosen = [page.page_id for page in readable if page.is_asked_for][:_PAGES_READ]
    chosen = chosen or [page.page_id for page in readable[:1]]
    if not chosen:
        return tuple(pages)
    today = pacific_date(now)
    days = DateRange(today - timedelta(days=_DAYS_READ), today)
    query = InsightsQuery.create(page_ids=chosen, metrics=(_METRIC,), days=days)
    try:
        outcome = yield from probe_metrics(query, policy=policy)
    except FatalGraphAPIError as error:
        failed = dict.fromkeys(chosen, error)
        return tuple(_refused(page, failed) for page in pages)
    except MessagingInsightsError:
        return tuple(pages)  # no answer or a limit, now: nothing is known
    tried = {part.page_id: False for part in outcome.empty} | {part.page_id: True for part in outcome.answered}
    return tuple(
        replace(page, was_tried=True, reads_insights=tried[page.page_id] or None)
        if page.page_id in tried
        else _refused(page, outcome.page_failures)
        for page in pages
    )


def _refused(page: PageAccess, failures: Mapping[str, MessagingInsightsError]) -> PageAccess:
    """The Page with what a refused read says of it: only a refused token or permission says something."""
    error = failures.get(page.page_id)
    if isinstance(error, AuthenticationError | PermissionDeniedError):
        return replace(page, was_tried=True, reads_insights=False, problem=error)
    return page
