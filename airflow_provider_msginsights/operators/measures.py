"""Airflow's own metrics (StatsD, OpenTelemetry): what a load cost and how near it came to Meta's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.airflow_names import airflow_stats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome

PREFIX = "msginsights"


def send_measures(outcomes: Sequence[FetchOutcome], run: Mapping[str, Any], msginsights_conn_id: str) -> None:
    """Count calls, rows, failed Pages and throttled seconds; set the highest usage that any reply told."""
    stats = airflow_stats()
    tags = {"dag_id": run["dag_id"], "task_id": run["task_id"], "conn_id": msginsights_conn_id}
    counts = {
        "graph_calls": sum(outcome.counts["calls"] for outcome in outcomes),
        "rows": sum(outcome.counts["records"] for outcome in outcomes),
        "failed_pages": len({page_id for outcome in outcomes for page_id in outcome.page_failures}),
        "throttled_seconds": round(sum(outcome.throttled_seconds for outcome in outcomes)),
    }
    for name, count in counts.items():
        stats.incr(f"{PREFIX}.{name}", count, tags=tags)
    peaks = [percent for outcome in outcomes for percent in outcome.peak_usage_percent.values()]
    if peaks:
        stats.gauge(f"{PREFIX}.usage_percent", max(peaks), tags=tags)
