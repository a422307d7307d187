"""What a mapped task is called in Airflow's grid: its days, its part and its connection instead of a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from airflow_provider_msginsights.insights.dates import DateRange

_VARIABLE = "msginsights_load"
_LONGEST_LABEL = 200


def name_map_index(
    context: MutableMapping[str, Any], ranges: tuple[DateRange, ...], *, part: str | None, msginsights_conn_id: str
) -> None:
    """Have Airflow show the label for this mapped task, unless the DAG's author chose a ``map_index_template``.

    Airflow renders the template when the task has ended, with the context the task left. A task that is not mapped is
    left alone.
    """
    if getattr(context.get("ti"), "map_index", -1) < 0 or context.get("map_index_template"):
        return
    words = [_days_in_words(ranges), *([f"part {part}"] if part is not None else []), msginsights_conn_id]
    context[_VARIABLE] = ", ".join(words)[:_LONGEST_LABEL]
    context["map_index_template"] = "{{ " + _VARIABLE + " }}"


def _days_in_words(ranges: tuple[DateRange, ...]) -> str:
    first, last = ranges[0].first_day, ranges[-1].last_day
    return f"{first}" if first == last else f"{first} to {last}"
