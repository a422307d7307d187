"""The pieces of work a caller can have done against the API; a transport drives them.

Every flow is a generator of steps that returns its result. None touches a socket, a clock or a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.availability.polling import (
    Availability,
    poll_availability,
    probe_availability,
)
from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
from airflow_provider_msginsights.insights.fetch.page_tokens import list_pages
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.fetch.run import FetchRun
from airflow_provider_msginsights.insights.protocol import observed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_msginsights.insights.protocol import Flow
    from airflow_provider_msginsights.insights.query import InsightsQuery, Slice

__all__ = [
    "Availability",
    "FetchOutcome",
    "fetch_insights",
    "list_pages",
    "poll_availability",
    "probe_availability",
    "probe_metrics",
]

_DEFAULT_POLICY = RetryPolicy()


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


def probe_metrics(query: InsightsQuery, *, policy: RetryPolicy = _DEFAULT_POLICY) -> Flow[FetchOutcome]:
    """Ask for every metric of the query alone; the outcome says which are answered, empty or refused.

    :raises MessagingInsightsError: as `fetch_insights` does.
    """
    alone = [part.of((metric,)) for part in query.slices() for metric in query.metrics]
    reading = fetch_insights(query, policy=policy, slices=alone)
    return (yield from observed(reading, lambda *_: None, passes_on=False))
