"""What a load tells the assets in a task's ``outlets``: enough for another DAG to load, query or check the same days.

An event that has a partition key starts no ordinary asset-scheduled DAG, and one without a key no partitioned one. So
from Airflow 3.3 on, where tasks can give keys, an asset gets both: an event without a key, and one for each day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_DAYS_NAMED = 31
"""More days are told by the first and the last one: every event is a row of Airflow's database."""

MOST_PARTITIONS = 366

_COUNTS = ("rows", "rows_added", "rows_changed", "rows_removed")


def tell_outlets(
    context: Mapping[str, Any],
    outlets: Sequence[Any],
    facts: Mapping[str, Any],
    *,
    manifest_path: str | None,
    log: Any,
) -> None:
    """Give each concrete asset among the outlets its ``extra``, and a partition key for each day.

    A partitioned run keeps its own key: that is the partition its event is about.

    :param facts: a manifest, or at least ``rows`` and ``days`` (ISO text, in order).
    """
    accessors = context.get("outlet_events")
    if accessors is None:
        return
    extra = extra_of(facts, manifest_path)
    for asset in (outlet for outlet in outlets if isinstance(outlet, Asset)):
        accessor = accessors[asset]
        accessor.extra = {**accessor.extra, **extra}
        if facts["days"] and hasattr(accessor, "add_partitions") and not context.get("partition_key"):
            _add_partitions(accessor, facts["days"], asset.name, log)


def extra_of(facts: Mapping[str, Any], manifest_path: str | None) -> dict[str, Any]:
    """Give what an event says of a load, whatever its size in about a kilobyte."""
    days, restated = facts["days"], facts.get("restated_days", [])
    extra: dict[str, Any] = {name: facts[name] for name in _COUNTS if name in facts}
    extra |= {"day_count": len(days), "first_day": min(days, default=None), "last_day": max(days, default=None)}
    extra |= {"days": days} if len(days) <= MOST_DAYS_NAMED else {}
    extra |= {"restated_day_count": len(restated)}
    extra |= {"restated_days": restated} if len(restated) <= MOST_DAYS_NAMED else {}
    return extra | ({"manifest": manifest_path} if manifest_path else {})


def _add_partitions(accessor: Any, days: Sequence[str], asset_name: str, log: Any) -> None:
    if len(days) > MOST_PARTITIONS:
        log.info("Asset %s: no partition keys, as %s days are more than %s.", asset_name, len(days), MOST_PARTITIONS)
        return
    accessor.add_partitions(list(days))
    accessor.partition_keys.add(None)  # the event without a key, see above
