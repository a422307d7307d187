"""The value of a row, in every JSON type it is known to come as.

Sources: Messaging Insights API page (integers, and integers as text); Page Insights guide (floats);
recorded replies for an earnings metric (``{"currency": ..., "microAmount": ...}``).
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any, NamedTuple

from airflow_provider_msginsights.insights.graph.json_text import canonical
from airflow_provider_msginsights.insights.graph.row_columns import RowColumns

INT64 = 2**63
"""Integers at or beyond it fit no column."""

_NUMBER = re.compile(r"-?\d{1,25}(\.\d{1,25})?([eE][+-]?\d{1,3})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)
_MICRO = 1_000_000
_NUMBERS = {int, float}


class RowValue(NamedTuple):
    """A number, its JSON text where it was no plain number, and its currency where it was money."""

    value: float | None
    raw: str | None = None
    currency: str | None = None


def read_value(value: object) -> RowValue | None:
    """Return what a row's ``value`` says; ``None`` when its shape is not known."""
    if (number := _plain(value)) is not None:
        return RowValue(number)
    if value is None:
        return RowValue(None, "null")
    if isinstance(value, str):
        return None if (number := number_in(value)) is None else RowValue(number, canonical(value))
    if isinstance(value, dict):
        return _money(value)
    return None


def plain_columns(rows: list[Any] | RowColumns) -> RowColumns | None:
    """Return rows that hold a number that fits, an end time and nothing else; ``None`` if any differs."""
    columns = rows if isinstance(rows, RowColumns) else _columns(rows)
    return columns if columns is not None and columns.values and _fit(columns.values) else None


def _columns(rows: list[Any]) -> RowColumns | None:
    try:
        values = [row["value"] for row in rows]
        end_times = tuple([row["end_time"] for row in rows])
    except (KeyError, TypeError):
        return None
    is_plain = sum(map(len, rows)) == 2 * len(rows) and set(map(type, end_times)) <= {str}
    return RowColumns(values, end_times) if is_plain and set(map(type, values)) <= _NUMBERS else None


def _fit(values: list[float]) -> bool:
    """Return whether all are finite and within 64 bits, without looking at them one by one in Python."""
    # The bounds come first: an integer of hundreds of digits has no float that could be asked whether it is finite.
    # A sum of numbers within them is finite unless one of them is no number at all.
    return min(values) >= -INT64 and max(values) < INT64 and isfinite(sum(values))


def number_in(text: str) -> float | None:
    """Return the number a text spells; an integer stays one."""
    if not (match := _NUMBER.fullmatch(text.strip())):
        return None
    return _plain(float(text) if match[1] or match[2] else int(text))


def _plain(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if -INT64 <= value < INT64 else None
    return value if isinstance(value, float) and isfinite(value) else None


def _money(value: dict[str, object]) -> RowValue | None:
    currency, micro = value.get("currency"), value.get("microAmount")
    amount = number_in(micro) if isinstance(micro, str) else _plain(micro)
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency) or amount is None:
        return None
    raw = canonical(value)
    return None if raw is None else RowValue(amount / _MICRO, raw, currency)
