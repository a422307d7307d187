"""Rows as bare tuples, in column order: what a load of millions sorts, spools and merges.

Files are sorted by the key, so that equal answers give equal bytes, and its first part is the unit of replacement:
page, metric and range. Two sorted streams can so be merged unit by unit without holding either.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_msginsights.outputs.schema import BREAKDOWN_COLUMNS, COLUMN_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

Values: TypeAlias = tuple[Any, ...]
"""One row's values, in column order."""

ColumnValues: TypeAlias = Sequence[Sequence[Any]]
"""Some rows column by column, in column order."""

RECORD_ID, PAGE_ID, METRIC, PERIOD, RANGE_START, PACIFIC_DATE, VALUE, UNIT, IS_FINAL = map(
    COLUMN_NAMES.index,
    ("record_id", "page_id", "metric", "period", "range_start", "pacific_date", "value", "unit", "is_final"),
)

unit_of: Callable[[Values], tuple[Any, ...]] = itemgetter(
    *map(COLUMN_NAMES.index, ("page_id", "metric", "pacific_date"))
)
"""What one answer replaces whole: page id, metric and last Pacific day.

All rows of a file have the same first day, but for rows that earlier versions took from an answer with a start time:
they belong to the same unit, so that the next answer replaces them.
"""

facts_of: Callable[[Values], tuple[Any, ...]] = itemgetter(
    *map(COLUMN_NAMES.index, ("value", "value_raw", "unit", "currency"))
)
"""What the API said; a row is restated when this changes."""

key_of_days: Callable[[Values], tuple[Any, ...]] = itemgetter(
    *map(COLUMN_NAMES.index, ("record_id", "page_id", "metric", "period", "range_start", "pacific_date"))
)
"""What every row has: its id, and what of its key is not about dimensions."""

_undivided_key: Callable[[Values], tuple[Any, ...]] = itemgetter(
    *map(COLUMN_NAMES.index, ("page_id", "metric", "range_start", "pacific_date", "breakdown_by"))
)
BREAKDOWN_BY, OTHER = COLUMN_NAMES.index("breakdown_by"), COLUMN_NAMES.index("breakdowns_other")
FIRST_BREAKDOWN = COLUMN_NAMES.index(BREAKDOWN_COLUMNS[0])


def sort_key(values: Values) -> tuple[Any, ...]:
    """Order by the key; an absent dimension comes first, and so does a row without dimensions."""
    key = _undivided_key(values)
    if values[BREAKDOWN_BY] or values[OTHER]:
        return (*key, *[value or "" for value in values[FIRST_BREAKDOWN : OTHER + 1]], values[RECORD_ID])
    return key
