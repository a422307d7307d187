"""Records become rows, many at a time: a backfill makes millions."""

from __future__ import annotations

import json
import math
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_provider_msginsights.outputs.schema import BREAKDOWN_COLUMNS, COLUMN_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from airflow_provider_msginsights.insights.records import InsightsRecord
    from airflow_provider_msginsights.outputs.schema import Row
    from airflow_provider_msginsights.outputs.values import Values

_NO_EXTRA_COLUMNS: Mapping[str, str] = MappingProxyType({})
_EXACT_IN_A_DOUBLE = 2**53
_MOST_REMEMBERED = 8_192
_NOT_DIVIDED: Values = ("", *[None] * len(BREAKDOWN_COLUMNS), None)
_NO_DIVISIONS = json.dumps([[], None])[1:]


class RowMaker:
    """Turns records into rows; remembers the stretches that a load repeats thousands of times.

    :param final_if_ended_by: a row is final when its time ended at or before this.
    :param extra_columns: text added to every row, such as the run's id; never part of the key.
    """

    def __init__(self, *, final_if_ended_by: datetime, extra_columns: Mapping[str, str] = _NO_EXTRA_COLUMNS) -> None:
        self._final_if_ended_by = final_if_ended_by
        extra = sorted(extra_columns.items())
        self._names = (*COLUMN_NAMES, *(name for name, _ in extra))
        self._extra = tuple(text for _, text in extra)
        self._whose: dict[tuple[str, str, str], str] = {}
        self._times: dict[tuple[date, date, datetime], tuple[str, Values]] = {}

    @property
    def days(self) -> dict[date, bool]:
        """The last Pacific day of every row so far -> whether all its rows are final."""
        found: dict[date, bool] = {}
        for _, day, end in self._times:
            found[day] = found.get(day, True) and end <= self._final_if_ended_by
        return found

    def rows(self, records: Iterable[InsightsRecord]) -> list[Row]:
        """Give the rows by column name."""
        return [dict(zip(self._names, values, strict=True)) for values in self.values(records)]

    def values(self, records: Iterable[InsightsRecord]) -> list[Values]:
        """Give the rows as bare values, in column order."""
        known_whose, known_times, exact = self._whose, self._times, _EXACT_IN_A_DOUBLE
        made: list[Values] = []
        for page_id, metric, period, start, day, end, value, raw, unit, currency, named, other in records:
            # A long load spends its time here, so what repeats is looked up and not made again.
            whose = known_whose.get((page_id, metric, period)) or self._know_whose(page_id, metric, period)
            days, tail = known_times.get((start, day, end)) or self._know_times(start, day, end)
            divisions = _NO_DIVISIONS
            if named or other:
                divisions, dimensions = _divided(dict(named), dict(other))
                tail = (*dimensions, *tail[len(dimensions) :])
            kept = (value, raw) if value is None or -exact <= value <= exact else _kept_as_text(value, raw)
            record_id = sha256(f"{whose}{days}{divisions}".encode()).hexdigest()[:32]
            made.append((record_id, page_id, metric, period, start, day, end, *kept, unit, currency, *tail))
        return made

    def _know_whose(self, page_id: str, metric: str, period: str) -> str:
        if len(self._whose) >= _MOST_REMEMBERED:
            self._whose.clear()
        text = self._whose[page_id, metric, period] = json.dumps([page_id, metric, period])[:-1]
        return text

    def _know_times(self, start: date, day: date, end: datetime) -> tuple[str, Values]:
        """What the key says of the days, and the last columns of a row without dimensions."""
        tail = (*_NOT_DIVIDED, end <= self._final_if_ended_by, *self._extra)
        known = self._times[start, day, end] = (f', "{start.isoformat()}", "{day.isoformat()}", ', tail)
        return known


def _divided(named: dict[str, str | None], other: dict[str, str]) -> tuple[str, Values]:
    """What the key says of the dimensions, and their columns from ``breakdown_by`` on."""
    others = json.dumps(other, sort_keys=True) if other else None
    dimensions = (",".join(sorted(named)), *map(named.get, BREAKDOWN_COLUMNS), others)
    return json.dumps([sorted(named.items()), others])[1:], dimensions


def _kept_as_text(value: float, raw: str | None) -> tuple[float | None, str | None]:
    """Keep as text what a double cannot hold: JSON has no NaN, and integers beyond 2**53 would be rounded."""
    text = raw or json.dumps(value)
    try:
        is_finite = math.isfinite(value)
    except OverflowError:
        is_finite = False
    return value if is_finite else None, text
