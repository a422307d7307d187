"""The table: one row a fact, its columns and their types declared once.

The layout is public. Columns are only ever added, at the end.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from datetime import date, datetime

    from airflow_provider_msginsights.insights.records import InsightsRecord

SCHEMA_VERSION = 1

Row: TypeAlias = dict[str, Any]
"""One row, keyed by column name, in column order, with Python's own types."""

Unit: TypeAlias = tuple[str, str, "date", "date"]
"""What one answer replaces whole: page id, metric, first and last Pacific day."""


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


def row_of(record: InsightsRecord, *, final_if_ended_by: datetime) -> Row:
    """Turn a record into a row; it is final when its time ended at or before ``final_if_ended_by``."""
    dimensions = dict(record.breakdowns)
    breakdown_by = ",".join(sorted(dimensions))
    other = json.dumps(dict(record.breakdowns_other), sort_keys=True) if record.breakdowns_other else None
    key = [
        record.page_id,
        record.metric,
        record.period,
        record.range_start.isoformat(),
        record.pacific_date.isoformat(),
        sorted(dimensions.items()),
        other,
    ]
    return {
        "record_id": hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32],
        "page_id": record.page_id,
        "metric": record.metric,
        "period": record.period,
        "range_start": record.range_start,
        "pacific_date": record.pacific_date,
        "end_time": record.end_time,
        "value": record.value,
        "value_raw": record.value_raw,
        "unit": record.unit,
        "currency": record.currency,
        "breakdown_by": breakdown_by,
        **{name: dimensions.get(name) for name in BREAKDOWN_COLUMNS},
        "breakdowns_other": other,
        "is_final": record.end_time <= final_if_ended_by,
    }


def unit_of(row: Row) -> Unit:
    """Name the unit of replacement a row belongs to."""
    return (row["page_id"], row["metric"], row["range_start"], row["pacific_date"])


def sort_key(row: Row) -> tuple[Any, ...]:
    """Order rows by their key, so that equal answers give equal files."""
    return (
        row["page_id"],
        row["metric"],
        row["range_start"],
        row["pacific_date"],
        row["breakdown_by"],
        *(row[name] or "" for name in BREAKDOWN_COLUMNS),
        row["breakdowns_other"] or "",
        row["record_id"],
    )
