"""The table: one row a fact, its columns and their types declared once.

The layout is public. Columns are only ever added, at the end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA_VERSION = 1

Row: TypeAlias = dict[str, Any]
"""One row, keyed by column name, in column order, with Python's own types."""

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

COLUMNS = (
    _column("record_id", Kind.STRING, "hash of the row's key: the same fact has the same id in every load"),
    _column("page_id", Kind.STRING, "the Facebook Page"),
    _column("metric", Kind.STRING, "the metric's name in the API"),
    _column("period", Kind.STRING, "the period: day, week, month, days_28 or total_over_range"),
    _column("range_start", Kind.DATE, "first Pacific day the value covers"),
    _column("pacific_date", Kind.DATE, "last Pacific day the value covers: the day the row is about"),
    _column("end_time", Kind.TIMESTAMP, "the end of the covered time, UTC, as the API gives it"),
    _column("value", Kind.NUMBER, "the number; an integer stays an integer in JSON", nullable=True),
    _column("value_raw", Kind.STRING, "the JSON as sent, only where it was no plain number", nullable=True),
    _column("unit", Kind.STRING, "the unit: count, ratio or money"),
    _column("currency", Kind.STRING, "ISO 4217 code, where the API sends one", nullable=True),
    _column("breakdown_by", Kind.STRING, "names of the breakdowns asked for, joined by commas; empty without one"),
    *(_column(name, Kind.STRING, f"value of the breakdown {name}", nullable=True) for name in BREAKDOWN_COLUMNS),
    _column("breakdowns_other", Kind.STRING, "dimensions the documentation does not name, as JSON", nullable=True),
    _column("is_final", Kind.BOOLEAN, "whether the day was old enough, when loaded, to change no more"),
)

COLUMN_NAMES = tuple(column.name for column in COLUMNS)

KEY_COLUMNS = (
    "page_id",
    "metric",
    "period",
    "range_start",
    "pacific_date",
    "breakdown_by",
    *BREAKDOWN_COLUMNS,
    "breakdowns_other",
)
"""What tells a row from every other; ``record_id`` is the first half of the SHA-256 of their values, as JSON."""


def columns_with(extra_columns: Iterable[str] = ()) -> tuple[Column, ...]:
    """Return the columns of a dataset: ours, then the extra ones by name, all text."""
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
                "digits or underscores.",
                parameter="extra_columns",
            )
        if (clash := taken.get(name.lower())) is not None:
            raise ConfigurationError(
                f"extra_columns has the name {name!r}, which is {clash}; choose another name.",
                parameter="extra_columns",
            )
        taken[name.lower()] = f"there twice ({name!r}): most warehouses do not tell upper and lower case apart"
    values: Mapping[str, object] = columns if isinstance(columns, Mapping) else {}
    for name, value in values.items():
        if not isinstance(value, str) or not _is_unicode(value):
            raise ConfigurationError(
                f"extra_columns[{name!r}] is no text; give a string, such as a rendered template.",
                parameter="extra_columns",
            )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
