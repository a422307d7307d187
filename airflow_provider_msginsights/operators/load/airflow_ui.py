"""What Airflow shows and passes on of a load: asset events, metrics (stats) and the label of a mapped task.

An asset event that has a partition key starts no ordinary asset-scheduled DAG, and one without a key starts no
partitioned one. So from Airflow 3.3 on, where tasks can set keys, an asset gets both: an event without a key that says
all there is to say, and one for each day that has the day as its key and says nothing else.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.airflow_names import airflow_stats
from airflow_provider_msginsights.operators.load.lineage import storage_names
from airflow_provider_msginsights.outlets import accessors_of, aliases_in, dataset_asset

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence

    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome


MOST_DAYS_NAMED = 31
"""Of more days an event has only the first and the last one: every event is a row of Airflow's database."""

MOST_PARTITIONS = 366
MOST_RANGES = 10
MOST_FINDINGS = 5

EVENT_FIELDS = {
    "rows": "rows that the load had",
    "rows_added": "of them those that are new",
    "rows_changed": "those that were stored with another value",
    "rows_removed": "stored rows that the API no longer lists",
    "day_count": "how many Pacific days had rows",
    "first_day": "the first of them",
    "last_day": "the last of them",
    "days": f"all of them, up to {MOST_DAYS_NAMED}: a DAG scheduled by the asset loads these days",
    "restated_day_count": "how many days say something else than before",
    "restated_days": f"these days, up to {MOST_DAYS_NAMED} of them",
    "filled_range_count": "of a fill: how many ranges of days of Pages are new",
    "filled": f"of a fill: these ranges, up to {MOST_RANGES} of them",
    "new_findings": f"the first {MOST_FINDINGS} findings that are new: `kind`, `page_id`, `metric`, `first_day`",
    "ended_findings": f"the first {MOST_FINDINGS} findings that have ended, likewise",
    "manifest": "the path of the manifest; absent for rows in XCom",
}
"""What the `extra` of an asset's event says; what does not apply is left out."""

_COUNTS = ("rows", "rows_added", "rows_changed", "rows_removed")


def emit_asset_events(
    context: Mapping[str, Any],
    outlets: Sequence[Any],
    facts: Mapping[str, Any],
    *,
    manifest_path: str | None,
    partition_events: bool,
    output_path: str | None,
    log: Any,
) -> None:
    """Set ``extra`` of the event of each asset in a task's outlets, and add an event for each day.

    With them another DAG can load, query or check the same days. A partitioned run keeps its own key. An alias gets
    an event of the asset that is the dataset's address; Airflow gives such events no partition keys.

    :param partition_events: whether each day gets an event of its own.
    :param facts: a manifest, or at least ``rows`` and ``days`` (ISO text, in order).
    :param output_path: the dataset; ``None`` for rows that went to XCom.
    """
    accessors = context.get("outlet_events")
    if accessors is None:
        return
    extra = extra_of(facts, manifest_path)
    if output_path:
        for alias in aliases_in(outlets):
            accessors[alias].add(dataset_asset(*storage_names(output_path)), extra=extra)
    for accessor in accessors_of(accessors, outlets, log):
        accessor.extra = {**accessor.extra, **extra}
        can_have_keys = hasattr(accessor, "add_partitions") and not context.get("partition_key")
        if partition_events and facts["days"] and can_have_keys:
            _add_partitions(accessors, accessor, facts["days"], accessor.key.name, log)


def extra_of(facts: Mapping[str, Any], manifest_path: str | None) -> dict[str, Any]:
    """Return what an event says of a load: about a kilobyte, whatever the size of the load."""
    days, restated = facts["days"], facts.get("restated_days", [])
    extra: dict[str, Any] = {name: facts[name] for name in _COUNTS if name in facts}
    extra |= {"day_count": len(days), "first_day": min(days, default=None), "last_day": max(days, default=None)}
    extra |= {"days": days} if len(days) <= MOST_DAYS_NAMED else {}
    extra |= {"restated_day_count": len(restated)}
    extra |= {"restated_days": restated} if len(restated) <= MOST_DAYS_NAMED else {}
    extra |= _filled(facts["filled"]) if "filled" in facts else {}
    extra |= _findings(facts["findings"]) if "findings" in facts else {}
    return extra | ({"manifest": manifest_path} if manifest_path else {})


def _filled(ranges: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return what an event says of a fill: its ranges where they are few, and never one made of first and last day."""
    some = {"filled": list(ranges)} if len(ranges) <= MOST_RANGES else {}
    return {"filled_range_count": len(ranges)} | some


def _findings(findings: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Return what an event says of findings: those that are new or have ended, the first few."""
    named = {
        state: [{name: finding[name] for name in ("kind", "page_id", "metric", "first_day")} for finding in found]
        for state in ("new", "ended")
        if (found := findings[state][:MOST_FINDINGS])
    }
    return {f"{state}_findings": found for state, found in named.items()}


def _add_partitions(accessors: Any, accessor: Any, days: Sequence[str], asset_name: str, log: Any) -> None:
    if len(days) > MOST_PARTITIONS:
        log.info("Asset %s gets no partition keys: %s days are more than %s.", asset_name, len(days), MOST_PARTITIONS)
        return
    events = getattr(accessors, "_dict", None)
    if not isinstance(events, dict):  # an Airflow that keeps them otherwise: all events say the same
        accessor.add_partitions(list(days))
        accessor.partition_keys.add(None)  # the event without a key, see above
        return
    # Airflow gives all keys of an accessor one extra. Each of these is an accessor of the same asset, and another key.
    base: Any = type(accessor.key)
    key_type = _key_of_its_own(base)
    for day in days:
        event = type(accessor)(key=key_type(name=accessor.key.name, uri=accessor.key.uri), extra={"days": [day]})
        event.add_partitions(day)
        events[event.key] = event


@cache
def _key_of_its_own(key_type: Any) -> Any:
    """Return a kind of keys that are equal to themselves alone, so that a mapping holds several of an asset."""
    return type("PartitionEventKey", (key_type,), {"__eq__": object.__eq__, "__hash__": object.__hash__})


PREFIX = "msginsights"


def send_stats(outcomes: Sequence[FetchOutcome], run: Mapping[str, Any], msginsights_conn_id: str) -> None:
    """Count calls, rows, failed Pages and throttled seconds; set the gauge of the highest usage in any reply."""
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


_VARIABLE = "msginsights_load"
_LONGEST_LABEL = 200


def set_map_index_label(
    context: MutableMapping[str, Any], ranges: tuple[DateRange, ...], *, part: str | None, msginsights_conn_id: str
) -> None:
    """Set the label that Airflow shows for this mapped task, unless the DAG's author chose a ``map_index_template``.

    Airflow renders the template when the task has ended, with the context as the task left it. Nothing is done for a
    task that is not mapped.
    """
    if getattr(context.get("ti"), "map_index", -1) < 0 or context.get("map_index_template"):
        return
    context[_VARIABLE] = map_index_label(ranges, part=part, msginsights_conn_id=msginsights_conn_id)
    context["map_index_template"] = "{{ " + _VARIABLE + " }}"


def map_index_label(ranges: tuple[DateRange, ...], *, part: str | None, msginsights_conn_id: str) -> str:
    """Return days, part and connection in a few words."""
    first, last = ranges[0].first_day, ranges[-1].last_day
    days = f"{first}" if first == last else f"{first} to {last}"
    words = [days, *([f"part {part}"] if part is not None else []), msginsights_conn_id]
    return ", ".join(words)[:_LONGEST_LABEL]
