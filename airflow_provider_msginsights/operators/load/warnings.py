"""Warnings before a load: days that will go stale, and Pages that ``"all"`` has gained or lost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.dates import end_of_day
from airflow_provider_msginsights.insights.wording import plural
from airflow_provider_msginsights.outputs.manifest import latest_manifest
from airflow_provider_msginsights.run_days.requested import youngest_day_left_behind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.outputs.dataset import Dataset


_HOUR_SECONDS = 3600
_DAY_HOURS = 24


def stale_days_warning(
    context: Mapping[str, Any],
    ranges: tuple[DateRange, ...],
    *,
    lookback_days: int,
    final_after_hours: float,
    now: datetime,
) -> str | None:
    """Say which day this run loads for the last time although it is not final yet; ``None`` when there is none.

    Only scheduled runs that take their days from the schedule count: a backfill, a manual run or a named range is not
    expected to run again. Of mapped tasks only the first one warns.
    """
    if getattr(context.get("ti"), "map_index", -1) > 0:
        return None
    day = youngest_day_left_behind(context, ranges, lookback_days)
    if day is None:
        return None
    age_hours = (now - end_of_day(day)).total_seconds() / _HOUR_SECONDS
    if age_hours >= final_after_hours:
        return None
    enough = lookback_days + math.ceil((final_after_hours - age_hours) / _DAY_HOURS)
    return (
        f"Pacific day {day} ended {plural(round(age_hours), 'hour')} ago and, with lookback_days={lookback_days}, is "
        "loaded for the last time: Meta may restate it, and its rows stay is_final=false "
        f"(final_after_hours={final_after_hours:g}). Set lookback_days={enough}."
    )


_MOST_NAMED = 20


def page_changes(dataset: Dataset[Any], page_ids: Collection[str]) -> Iterator[str]:
    """Yield a warning for Pages that ``"all"`` means now and did not in the last load of this part, and vice versa.

    :raises ConfigurationError: when the file of the last manifest is damaged.
    """
    last = latest_manifest(dataset.root, part=dataset.part) or {}
    if (earlier := last.get("page_ids")) is None:
        return
    when = f"the last load of part {dataset.part!r} ({last.get('run_id')})"
    if gained := sorted(set(page_ids) - set(earlier)):
        yield f"page_ids='all' now includes {_named(gained)} that {when} did not: their earlier days are not loaded."
    if lost := sorted(set(earlier) - set(page_ids)):
        yield (
            f"page_ids='all' no longer includes {_named(lost)} that {when} did: the token's owner lost the ANALYZE "
            "task there, or the Page no longer exists. Stored rows are not changed."
        )


def _named(page_ids: list[str]) -> str:
    more = f" and {len(page_ids) - _MOST_NAMED} more" if len(page_ids) > _MOST_NAMED else ""
    return f"{plural(len(page_ids), 'Page')} ({', '.join(page_ids[:_MOST_NAMED])}{more})"
