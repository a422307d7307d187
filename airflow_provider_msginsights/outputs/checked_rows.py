"""Stored rows, looked at before anything is merged with them: people, tools and broken disks change files too."""

from __future__ import annotations

from datetime import UTC, date, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.outputs.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from airflow_provider_msginsights.outputs.schema import Column
    from airflow_provider_msginsights.outputs.values import Values

_TYPES: dict[Kind, tuple[type, ...]] = {
    Kind.STRING: (str,),
    Kind.DATE: (date,),
    Kind.TIMESTAMP: (datetime,),
    Kind.NUMBER: (int, float),
    Kind.BOOLEAN: (bool,),
}
_NEVER_EMPTY = ("record_id", "page_id", "metric", "period", "unit")
_LONGEST_SHOWN = 60


def checked_rows(rows: Iterable[Values], columns: Sequence[Column]) -> Iterator[Values]:
    """Pass on the rows of a file, making sure that each column holds what it is declared to hold.

    :raises ValueError: names the row, the column and what is wrong there; also when there is no row at all, as this
        package writes no such file.
    """
    known: set[tuple[type, ...]] = set()
    check_contents = _contents_check(columns)
    number = 0
    for number, row in enumerate(rows, start=1):
        # A row's types are nearly always those of its neighbour, so that only a few rows are looked at value by value.
        if (types := tuple(map(type, row))) not in known:
            for value, column in zip(row, columns, strict=True):
                _check(value, column, number)
            known.add(types)
        check_contents(row, number)
        yield row
    if not number:
        raise ValueError("it has no rows")


def _contents_check(columns: Sequence[Column]) -> Callable[[Values, int], None]:
    """Return the check of what a value's type does not tell; for rows whose types are right."""
    names = [column.name for column in columns]
    never_empty = [names.index(name) for name in _NEVER_EMPTY if name in names]
    numbers = [place for place, column in enumerate(columns) if column.kind is Kind.NUMBER]
    moments = [place for place, column in enumerate(columns) if column.kind is Kind.TIMESTAMP]

    def check(row: Values, number: int) -> None:
        for place in never_empty:
            if not row[place] or "\0" in row[place]:
                raise ValueError(f"{names[place]} of row {number} is {_shown(row[place])}")
        for place in numbers:
            if row[place].__class__ is float and not isfinite(row[place]):
                raise ValueError(f"{names[place]} of row {number} is not a finite number")
        for place in moments:
            if row[place].tzinfo is not UTC:
                _check_moment(row[place], names[place], number)

    return check


def _check(value: Any, column: Column, number: int) -> None:
    if value is None:
        if not column.nullable:
            raise ValueError(f"{column.name} of row {number} is missing")
        return
    # A bool is an int and a datetime a date, to Python.
    allowed = _TYPES[column.kind]
    if type(value) not in allowed and not (column.kind is Kind.TIMESTAMP and isinstance(value, datetime)):
        raise ValueError(f"{column.name} of row {number} is {_shown(value)}, which is not a {column.kind}")


def _check_moment(moment: datetime, name: str, number: int) -> None:
    if moment.tzinfo is None:
        raise ValueError(f"{name} of row {number} has no time zone")
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} of row {number} is not a time that UTC has") from None


def _shown(value: Any) -> str:
    """Return a value as people write it, within bounds: it may be nested without end."""
    if value is None or isinstance(value, str | int | float | date):
        text = repr(value) if not isinstance(value, int) or value.bit_length() < 256 else "a very long number"  # noqa: PLR2004 - any bound
        return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return f"a {type(value).__name__}"
