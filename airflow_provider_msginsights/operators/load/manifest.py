"""What a load did: all of it for its manifest, and a summary for XCom."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.operators.load.reader import LoadReader
    from airflow_provider_msginsights.outputs.write_result import WriteResult

_MOST_NAMES = 5
"""Names listed in XCom; the manifest lists them all."""

_ROW_COUNTS = ("rows", "rows_added", "rows_changed", "rows_unchanged", "rows_removed")
_ADDED_UP = (*_ROW_COUNTS, "graph_calls", "graph_retries", "throttled_seconds")
_JOINED = (
    "days",
    "restated_days",
    "restated_final_days",
    "provisional_days",
    "pages_ok",
    "metrics_returned",
    "api_versions",
)


MANIFEST_FIELDS = {
    "files": "the data files that the load had rows for, each with `path`, `partition`, `rows`, `size_bytes`, "
    "`sha256`, and whether this load `changed` it",
    "rows": "rows that the load had",
    "rows_added": "of them those whose key was not stored",
    "rows_changed": "those whose key was stored with another value",
    "rows_unchanged": "those that were stored with the same value",
    "rows_removed": "stored rows that the new answer no longer lists",
    "ranges": "the Pacific days that were requested, as pairs of first and last day",
    "days": "the Pacific days that had rows",
    "final_days": "those of them that change no more",
    "provisional_days": "those that may change",
    "restated_days": "days of which a stored row says something else than before",
    "restated_final_days": "those of them that had been stored as final",
    "page_ids": "the Pages that were requested",
    "pages_ok": "Pages that had rows, and of which nothing failed",
    "pages_failed": "Page id to error",
    "pages_without_rows": "Pages that were answered without any row",
    "pages_unanswered": "Pages that were not answered, or not in full",
    "metrics_asked": "the metrics that were requested",
    "metrics_returned": "those that had rows",
    "metrics_unavailable": "metric to the API's refusal, for all Pages",
    "metrics_unavailable_on_pages": "Page id, metric to the API's refusal, where other Pages have the metric",
    "api_version_asked": "the version of the connection or the task",
    "api_versions": "the versions that answered",
    "graph_calls": "calls of the API",
    "graph_retries": "of them those that repeated another",
    "throttled_seconds": "for how long limits held the load back",
    "peak_usage_percent": "Page id to the highest share of its allowance that a reply named",
    "app_peak_usage_percent": "the same of the app",
    "paused_requests": "requests that still have to wait for a limit",
    "dropped_rows": "reason to the number of rows of replies that were left out",
    "changes": "the path of the file of changes, with `keep_changes=True`, where any row changed",
    "findings": "what a person should look at, in the lists `new`, `ended` and `ongoing`",
    "dag_id": "the DAG",
    "task_id": "the task",
    "run_id": "the run",
    "map_index": "of a mapped task; -1 of another",
    "try_number": "the task's try",
    "started": "when the load began",
    "finished": "when it ended",
}
"""What each field of a load's manifest says."""


def manifest_of(
    stored: WriteResult,
    reader: LoadReader,
    *,
    run: Mapping[str, Any],
    started: datetime,
    finished: datetime,
    earlier: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return a load's manifest, in JSON's own types but for the two moments.

    :param earlier: the manifest so far of a load that had to wait; the figures of this process are added to it.
    """
    fields = (
        stored.as_fields()
        | {**run, "started": started, "finished": finished}
        | _days(reader)
        | _pages(reader)
        | _metrics(reader.outcomes)
        | _calls(reader)
    )
    return fields if earlier is None else _continued(earlier, fields)


def _days(reader: LoadReader) -> dict[str, Any]:
    return {
        "ranges": [[str(days.first_day), str(days.last_day)] for days in reader.pending.ranges],
        "final_days": sorted(str(day) for day, is_final in reader.days.items() if is_final),
        "provisional_days": sorted(str(day) for day, is_final in reader.days.items() if not is_final),
    }


def _pages(reader: LoadReader) -> dict[str, Any]:
    failed = {page_id: str(error) for outcome in reader.outcomes for page_id, error in outcome.page_failures.items()}
    answered = {piece.page_id for outcome in reader.outcomes for piece in outcome.answered}
    empty = {piece.page_id for outcome in reader.outcomes for piece in outcome.empty}
    return {
        "page_ids": list(reader.pending.page_ids),
        "pages_ok": sorted(answered - set(failed)),
        "pages_failed": failed,
        "pages_without_rows": sorted(empty - answered),
        "pages_unanswered": sorted({piece.page_id for outcome in reader.outcomes for piece in outcome.unanswered}),
        "paused_requests": sum(len(outcome.paused) for outcome in reader.outcomes),
    }


def _metrics(outcomes: Sequence[FetchOutcome]) -> dict[str, Any]:
    returned = {metric for outcome in outcomes for piece in outcome.answered for metric in piece.metrics}
    on_pages: dict[str, dict[str, str]] = {}
    for outcome in outcomes:
        for (page_id, name), error in outcome.page_unavailable_metrics.items():
            on_pages.setdefault(page_id, {})[name] = str(error)
    unavailable = {name: str(error) for outcome in outcomes for name, error in outcome.unavailable_metrics.items()}
    return {
        "metrics_asked": list(outcomes[0].query.metrics),
        "metrics_returned": sorted(returned),
        "metrics_unavailable": unavailable,
        "metrics_unavailable_on_pages": {page_id: dict(sorted(names.items())) for page_id, names in on_pages.items()},
        "dropped_rows": dict(sum((Counter(outcome.dropped) for outcome in outcomes), Counter())),
    }


def _calls(reader: LoadReader) -> dict[str, Any]:
    peaks: dict[str | None, float] = {}
    for outcome in reader.outcomes:
        for page_id, percent in outcome.peak_usage_percent.items():
            peaks[page_id] = max(percent, peaks.get(page_id, 0.0))
    app_peak = peaks.pop(None, None)
    waited = reader.pending.waited_seconds + sum(outcome.throttled_seconds for outcome in reader.outcomes)
    return {
        "api_version_asked": reader.hook.settings.api_version,
        "api_versions": sorted({version for outcome in reader.outcomes for version in outcome.api_versions}),
        "graph_calls": sum(outcome.counts["calls"] for outcome in reader.outcomes),
        "graph_retries": sum(outcome.counts["retries"] for outcome in reader.outcomes),
        "peak_usage_percent": {str(page_id): percent for page_id, percent in peaks.items()},
        "app_peak_usage_percent": app_peak,
        "throttled_seconds": round(waited, 1),
    }


def _continued(earlier: Mapping[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    files = {file["path"]: file for file in (*earlier["files"], *fields["files"])}
    sums = {name: earlier[name] + fields[name] for name in _ADDED_UP}
    both = {name: sorted({*earlier[name], *fields[name]}) for name in _JOINED}
    both["pages_ok"] = sorted({*both["pages_ok"]} - {*fields["pages_failed"]})
    silent = sorted({*earlier["pages_without_rows"], *fields["pages_without_rows"]} - {*both["pages_ok"]})
    unavailable = {
        name: error
        for name, error in (earlier["metrics_unavailable"] | fields["metrics_unavailable"]).items()
        if name not in fields["metrics_returned"]
    }
    peaks = earlier["peak_usage_percent"] | {
        page_id: max(percent, earlier["peak_usage_percent"].get(page_id, 0.0))
        for page_id, percent in fields["peak_usage_percent"].items()
    }
    app_peaks = [peak for manifest in (earlier, fields) if (peak := manifest["app_peak_usage_percent"]) is not None]
    return (
        fields
        | sums
        | both
        | {
            "files": [files[path] for path in sorted(files)],
            "final_days": sorted({*earlier["final_days"], *fields["final_days"]} - set(both["provisional_days"])),
            "pages_without_rows": silent,
            "metrics_unavailable": unavailable,
            "metrics_unavailable_on_pages": earlier.get("metrics_unavailable_on_pages", {})
            | fields["metrics_unavailable_on_pages"],
            "peak_usage_percent": peaks,
            "app_peak_usage_percent": max(app_peaks, default=None),
            "started": earlier["started"],
        }
    )


def check_can_be_continued(manifest: Mapping[str, Any]) -> None:
    """Add a manifest to itself, so that a fault in it shows before a load is read and stored.

    :raises AttributeError, KeyError, TypeError, ValueError, RecursionError: when a field is missing or of another kind.
    """
    json.dumps(_continued(manifest, dict(manifest)))


def summary_of(manifest: Mapping[str, Any], *, path: str, output_path: str) -> dict[str, Any]:
    """Return counts, ranges and the path of the manifest: under a kilobyte, however much was loaded."""
    days = manifest["days"]
    return {
        "manifest": path,
        "output_path": output_path,
        **{name: manifest[name] for name in _ROW_COUNTS},
        "file_count": len(manifest["files"]),
        "day_count": len(days),
        "first_day": days[0] if days else None,
        "last_day": days[-1] if days else None,
        "restated_day_count": len(manifest["restated_days"]),
        "page_count": len(manifest["pages_ok"]),
        "failed_page_count": len(manifest["pages_failed"]),
        "failed_page_ids": sorted(manifest["pages_failed"])[:_MOST_NAMES],
        "unavailable_metrics": sorted(manifest["metrics_unavailable"])[:_MOST_NAMES],
    }


def run_names(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names of the run a task belongs to; placeholders outside of a run."""
    ti = context.get("ti")
    return {
        "dag_id": getattr(ti, "dag_id", "no-dag"),
        "task_id": getattr(ti, "task_id", "no-task"),
        "run_id": getattr(ti, "run_id", "no-run"),
        "map_index": getattr(ti, "map_index", -1),
    }
