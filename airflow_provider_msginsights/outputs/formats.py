"""Rows to bytes and back, one class a file format."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import IO, TYPE_CHECKING, Any, Protocol

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.outputs.schema import COLUMN_NAMES, COLUMNS, Kind, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Format(Protocol):
    """What a dataset needs of a file format."""

    extension: str

    def write(self, rows: Iterable[Row], file: IO[bytes]) -> int:
        """Write the rows, return how many."""

    def read(self, data: bytes) -> list[Row]:
        """Read all rows of one file."""


class JsonLines:
    """One JSON object a line, every column's key always present, UTF-8, a line feed after each.

    Dates are ``YYYY-MM-DD``; times are ISO 8601 in UTC with a ``Z``.
    """

    extension = "jsonl"

    def write(self, rows: Iterable[Row], file: IO[bytes]) -> int:
        """Write the rows, return how many."""
        count = 0
        for row in rows:
            file.write(json.dumps(json_ready(row), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode())
            file.write(b"\n")
            count += 1
        return count

    def read(self, data: bytes) -> list[Row]:
        """Read all rows of one file."""
        return [_typed(json.loads(line)) for line in data.splitlines() if line]


FORMATS: Mapping[str, Format] = {"jsonl": JsonLines()}


def format_named(name: str) -> Format:
    """Give the format of that name, or say which names there are."""
    try:
        return FORMATS[name]
    except KeyError:
        raise ConfigurationError(
            f"output_format {name!r} is not known; use one of: {', '.join(sorted(FORMATS))}."
        ) from None


def json_ready(row: Row) -> dict[str, Any]:
    """Give the row with its dates as ISO text, as JSON and XCom hold it."""
    return {name: _json_value(row[name]) for name in COLUMN_NAMES}


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value


def _typed(ready: dict[str, Any]) -> Row:
    row: Row = {}
    for column in COLUMNS:
        value = ready.get(column.name)
        if value is not None and column.kind is Kind.DATE:
            value = date.fromisoformat(value)
        elif value is not None and column.kind is Kind.TIMESTAMP:
            value = datetime.fromisoformat(value)
        row[column.name] = value
    return row
