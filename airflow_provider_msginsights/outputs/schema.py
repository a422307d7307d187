"""The table: one row a fact, its columns and their types declared once.

The layout is public. Columns are only ever added, at the end.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from airflow_provider_msginsights.insights.records import InsightsRecord

SCHEMA_VERSION = 1

Row: TypeAlias = dict[str, Any]
"""One row, keyed by column name, in column order, with Python's own types."""

_NO_EXTRA_COLUMNS: Mapping[str, str] = MappingProxyType({})
_EXACT_IN_A_DOUBLE = 2**53
_EXTRA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_PARTITION_COLUMNS = ("dt", "range")


class Kind(StrEnum):
    """What a column holds."""

    STRING = "string"
    DATE = "date"
    TIMESTAMP = "timestamp"
    NUMBER = "double"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its name, kind, whether it may be null, and what it means."""

    name: str
    kind: Kind
    nullable: bool
    meaning: str


def _column(name: str, kind: Kind, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name=name, kind=kind, nullable=nullable, meaning=meaning)


# The "Insights parameters" table of the Messaging Insights API page names these dimensions.
BREAKDOWN_COLUMNS = (
    "campaign_id",
    "engagement_source",
    "message_type",
    "messaging_channel",
    "recurring_notifications_entry_point",
    "recurring_notifications_frequency",
    "recurring_notifications_topic",
)

_NO_DIMENSIONS = dict.fromkeys(BREAKDOWN_COLUMNS)
_NO_DIVISIONS = json.dumps([[], None])

COLUMNS = (
    _column("record_id", Kind.STRING, "hash of the row's key: the same fact has the same id in every load"),
    _column("page_id", Kind.STRING, "the Facebook Page"),
    _column("metric", Kind.STRING, "the metric's name in the API"),
    _column("period", Kind.STRING, "day, week, month, days_28 or total_over_range"),
    _column("range_start", Kind.DATE, "first Pacific day the value covers"),
    _column("pacific_date", Kind.DATE, "last Pacific day the value covers: the day the row is about"),
    _column("end_time", Kind.TIMESTAMP, "the end of the covered time, UTC, as the API gives it"),
    _column("value", Kind.NUMBER, "the number; an integer stays an integer in JSON", nullable=True),
    _column("value_raw", Kind.STRING, "the JSON as sent, only where it was no plain number", nullable=True),
    _column("unit", Kind.STRING, "count, ratio or money"),
    _column("currency", Kind.STRING, "ISO 4217 code, where the API sends one", nullable=True),
    _column("breakdown_by", Kind.STRING, "names of the breakdowns asked for, joined by commas; empty without one"),
    *(_column(name, Kind.STRING, f"value of the breakdown {name}", nullable=True) for name in BREAKDOWN_COLUMNS),
    _column("breakdowns_other", Kind.STRING, "dimensions the documentation does not name, as JSON", nullable=True),
    _column("is_final", Kind.BOOLEAN, "whether the day was old enough, when loaded, to change no more"),
)

COLUMN_NAMES = tuple(column.name for column in COLUMNS)


def columns_with(extra_columns: Iterable[str] = ()) -> tuple[Column, ...]:
    """Give the columns of a dataset: ours, then the extra ones by name, all text."""
    extra = (_column(name, Kind.STRING, "as the load said", nullable=True) for name in sorted(extra_columns))
    return (*COLUMNS, *extra)


def check_extra_columns(columns: Iterable[str] | Mapping[str, str]) -> None:
    """Refuse names that no warehouse takes or that stand for something else here, and values that are no text.

    :param columns: the names, or the names with their values.
    :raises ConfigurationError: names the column and what is wrong with it.
    """
    taken = dict.fromkeys(COLUMN_NAMES, "a column of this table")
    taken |= dict.fromkeys(_PARTITION_COLUMNS, "the name of a partition")
    for name in columns:
        if not _EXTRA_NAME.fullmatch(name):
            raise ConfigurationError(
                f"extra_columns has the name {name!r}; a name is a letter or underscore, then at most 62 letters, "
                "digits or underscores."
            )
        if (clash := taken.get(name.lower())) is not None:
            raise ConfigurationError(f"extra_columns has the name {name!r}, which is {clash}; choose another name.")
        taken[name.lower()] = f"there twice ({name!r}): most warehouses do not tell upper and lower case apart"
    values: Mapping[str, object] = columns if isinstance(columns, Mapping) else {}
    for name, value in values.items():
        if not isinstance(value, str) or not _is_unicode(value):
            raise ConfigurationError(f"extra_columns[{name!r}] is no text; give a string, such as a rendered template.")


def row_of(
    record: InsightsRecord, *, final_if_ended_by: datetime, extra_columns: Mapping[str, str] = _NO_EXTRA_COLUMNS
) -> Row:
    """Turn a record into a row; it is final when its time ended at or before ``final_if_ended_by``.

    :param extra_columns: text added to every row, such as the run's id; never part of the key.
    """
    dimensions = dict(record.breakdowns)
    other = json.dumps(dict(record.breakdowns_other), sort_keys=True) if record.breakdowns_other else None
    divisions = json.dumps([sorted(dimensions.items()), other]) if dimensions or other else _NO_DIVISIONS
    whose = _key_text(record.page_id, record.metric, record.period)
    days = _key_text(record.range_start.isoformat(), record.pacific_date.isoformat())
    value, value_raw = _number_and_text(record.value, record.value_raw)
    return {
        "record_id": hashlib.sha256(f"[{whose}, {days}, {divisions[1:]}".encode()).hexdigest()[:32],
        "page_id": record.page_id,
        "metric": record.metric,
        "period": record.period,
        "range_start": record.range_start,
        "pacific_date": record.pacific_date,
        "end_time": record.end_time,
        "value": value,
        "value_raw": value_raw,
        "unit": record.unit,
        "currency": record.currency,
        "breakdown_by": ",".join(sorted(dimensions)),
        **({name: dimensions.get(name) for name in BREAKDOWN_COLUMNS} if dimensions else _NO_DIMENSIONS),
        "breakdowns_other": other,
        "is_final": record.end_time <= final_if_ended_by,
        **extra_columns,
    }


@lru_cache(maxsize=65_536)
def _key_text(*parts: str) -> str:
    """A stretch of a key as JSON has it within a list; a load meets each thousands of times."""
    return json.dumps(parts)[1:-1]


def _number_and_text(value: float | None, raw: str | None) -> tuple[float | None, str | None]:
    """Keep as text what a double cannot hold: JSON has no NaN, and integers beyond 2**53 would be rounded."""
    if value is None or -_EXACT_IN_A_DOUBLE <= value <= _EXACT_IN_A_DOUBLE:
        return value, raw
    text = raw or json.dumps(value)
    try:
        is_finite = math.isfinite(value)
    except OverflowError:
        is_finite = False
    return value if is_finite else None, text


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
