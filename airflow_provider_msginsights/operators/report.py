"""What a load did, told twice: whole, for its manifest, and in a few words, for XCom."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from airflow_provider_msginsights.insights.outcome import FetchOutcome
    from airflow_provider_msginsights.outputs.stored import Stored

_MOST_NAMES = 5
"""Names listed in XCom; the manifest has them all."""

_ADDED_UP = ("rows", "rows_added", "rows_changed", "rows_unchanged", "rows_removed")


def manifest_of(
    stored: Stored,
    outcomes: Sequence[FetchOutcome],
    *,
    run: Mapping[str, Any],
    started: datetime,
    finished: datetime,
    earlier_turn: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Everything there is to tell of a load; a load that had to wait goes on with the manifest of its earlier turn."""
    failed = {page_id: str(error) for outcome in outcomes for page_id, error in outcome.page_failures.items()}
    empty = {part.page_id for outcome in outcomes for part in outcome.empty}
    answered = {part.page_id for outcome in outcomes for part in outcome.answered}
    unanswered = {part.page_id for outcome in outcomes for part in outcome.unanswered}
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts.update({f"graph_{name}": outcome.counts[name] for name in ("calls", "retries")})
    told = stored.as_fields() | {
        **run,
        "started": started,
        "finished": finished,
        "paused_requests": sum(len(outcome.paused) for outcome in outcomes),
        "pages_ok": sorted(answered - set(failed)),
        "pages_failed": failed,
        "pages_without_rows": sorted(empty - answered),
        "pages_unanswered": sorted(unanswered),
        "metrics_asked": list(outcomes[0].query.metrics),
        "metrics_returned": sorted(
            {metric for outcome in outcomes for part in outcome.answered for metric in part.metrics}
        ),
        "metrics_unavailable": {
            name: str(error) for outcome in outcomes for name, error in outcome.unavailable_metrics.items()
        },
        "ranges": [[outcome.query.days.first_day, outcome.query.days.last_day] for outcome in outcomes],
        "api_versions": sorted({version for outcome in outcomes for version in outcome.api_versions}),
        "dropped_rows": dict(sum((Counter(outcome.dropped) for outcome in outcomes), Counter())),
        **counts,
    }
    return told if earlier_turn is None else _continued(earlier_turn, told)


def _continued(earlier: Mapping[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    files = {file["path"]: file for file in (*earlier["files"], *told["files"])}
    sums = {name: earlier[name] + told[name] for name in (*_ADDED_UP, "graph_calls", "graph_retries")}
    both = {
        name: sorted({*earlier[name], *told[name]})
        for name in ("days", "restated_days", "restated_final_days", "pages_ok", "metrics_returned")
    }
    silent = sorted({*earlier["pages_without_rows"], *told["pages_without_rows"]} - set(both["pages_ok"]))
    return (
        told
        | sums
        | both
        | {
            "files": [files[path] for path in sorted(files)],
            "pages_without_rows": silent,
            "started": earlier["started"],
        }
    )


def summary_of(manifest: Mapping[str, Any], *, path: str, output_path: str) -> dict[str, Any]:
    """Counts, ranges and where the manifest is: under a kilobyte, however much was loaded."""
    days = manifest["days"]
    return {
        "manifest": path,
        "output_path": output_path,
        **{name: manifest[name] for name in _ADDED_UP},
        "file_count": len(manifest["files"]),
        "day_count": len(days),
        "first_day": days[0] if days else None,
        "last_day": days[-1] if days else None,
        "restated_day_count": len(manifest["restated_days"]),
        "page_count": len(manifest["pages_ok"]),
        "failed_page_count": len(manifest["pages_failed"]),
        "unavailable_metrics": sorted(manifest["metrics_unavailable"])[:_MOST_NAMES],
    }
