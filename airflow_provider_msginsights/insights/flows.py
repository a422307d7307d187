"""The room's front door: the pieces of work that a caller can have done against the API; a transport drives them.

Every flow is a generator of steps that returns its result. None touches a socket, a clock or a token.
"""

from __future__ import annotations

from airflow_provider_msginsights.insights.availability.polling import (
    Availability,
    poll_availability,
    probe_availability,
)
from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
from airflow_provider_msginsights.insights.fetch.page_tokens import list_pages
from airflow_provider_msginsights.insights.fetch.reading import fetch_insights, probe_metrics

__all__ = [
    "Availability",
    "FetchOutcome",
    "fetch_insights",
    "list_pages",
    "poll_availability",
    "probe_availability",
    "probe_metrics",
]
