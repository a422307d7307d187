"""Records become rows, many at a time: a backfill makes millions."""

from __future__ import annotations

import json
import math
from hashlib import sha256
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.catalog import TOTAL_OVER_RANGE
from airflow_provider_msginsights.insights.graph.row_times import first_day
from airflow_provider_msginsights.insights.records import RecordSeries
from airflow_provider_msginsights.outputs.schema import BREAKDOWN_COLUMNS, COLUMN_NAMES
from airflow_provider_msginsights.outputs.series_rows import NOT_DIVIDED, RowSeries, SeriesDay, SeriesHead
from airflow_provider_msginsights.outputs.values import (
    BREAKDOWN_BY,
    FIRST_BREAKDOWN,
    METRIC,
    OTHER,
    PACIFIC_DATE,
    PAGE_ID,
    PERIOD,
    RANGE_START,
    RECORD_ID,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from airflow_provider_msginsights.insights.records import InsightsRecord, Records, TimeColumns
    from airflow_provider_msginsights.outputs.schema import Row
    from airflow_provider_msginsights.outputs.values import Values

_NO_EXTRA_COLUMNS: Mapping[str, str] = MappingProxyType({})
_EXACT_IN_A_DOUBLE = 2**53
_MOST_REMEMBERED = 1_024
_MOST_HEADS = 50_000
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
        self._known_times: dict[TimeColumns, tuple[SeriesDay, ...]] = {}
        self._latest_times: tuple[TimeColumns, tuple[SeriesDay, ...]] | None = None
        self._heads: dict[tuple[str, str, str, str], SeriesHead] = {}
        self._days: dict[date, bool] = {}

    @property
    def days(self) -> dict[date, bool]:
        """The last Pacific day of every row so far -> whether all its rows are final."""
        return dict(self._days)

    def rows(self, records: Records) -> list[Row]:
        """Return the rows by column name."""
        return [dict(zip(self._names, values, strict=True)) for values in self.values(records)]

    def values(self, records: Records) -> list[Values]:
        """Return the rows as bare values, in column order."""
        return list(chain.from_iterable(self.parts(records)))

    def parts(self, records: Records) -> Iterator[RowSeries | list[Values]]:
        """Yield the rows as bare values, those of a series as columns."""
        for part in records.parts:
            if isinstance(part, RecordSeries) and _are_exact(part.values):
                yield RowSeries(self._head_of(part), self._days_of(part.times), part.values)
            else:
                yield list(map(self._of_record, part))

    def _of_record(self, record: InsightsRecord) -> Values:
        page_id, metric, period, start, day, end, value, raw, unit, currency, named, other = record
        divisions, dimensions = _divided(dict(named), dict(other)) if named or other else (_NO_DIVISIONS, NOT_DIVIDED)
        kept = (value, raw) if value is None or _are_exact((value,)) else _kept_as_text(value, raw)
        key = f"{_whose(page_id, metric, period)}{_when(start, day)}{divisions}"
        record_id = sha256(key.encode()).hexdigest()[:32]
        is_final = self._note(day, end)
        whose = (record_id, page_id, metric, period)
        return (*whose, start, day, end, *kept, unit, currency, *dimensions, is_final, *self._extra)

    def _head_of(self, series: RecordSeries) -> SeriesHead:
        """Return one object for all stretches of days, so that a spool of many holds few."""
        shared = (series.page_id, series.metric, series.period, series.unit)
        if (head := self._heads.get(shared)) is None:
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            head = self._heads[shared] = SeriesHead(*shared, _whose(*shared[:3]).encode())
        return head

    def _days_of(self, times: TimeColumns) -> tuple[SeriesDay, ...]:
        if self._latest_times is not None and self._latest_times[0] is times:  # hashing it takes longer
            return self._latest_times[1]
        if (days := self._known_times.get(times)) is None:
            if len(self._known_times) >= _MOST_REMEMBERED:
                self._known_times.clear()
            days = self._known_times[times] = tuple(map(self._series_day, *times))
        self._latest_times = times, days
        return days

    def _series_day(self, start: date, day: date, end: datetime) -> SeriesDay:
        key_end = f"{_when(start, day)}{_NO_DIVISIONS}".encode()
        return SeriesDay(start, day, end, self._note(day, end), key_end, self._extra)

    def _note(self, day: date, end: datetime) -> bool:
        """Whether a row of this day and end is final."""
        is_final = end <= self._final_if_ended_by
        self._days[day] = self._days.get(day, True) and is_final
        return is_final


def present_id(values: Values) -> str:
    """Return the id that a stored row has today.

    Earlier versions took a row's first day from the start time, where the answer had one. It does not always have one,
    so today the first day follows from the period and the last day; such a row is the same fact under another id.
    """
    if has_present_id(values):
        return str(values[RECORD_ID])
    period, day, by = values[PERIOD], values[PACIFIC_DATE], values[BREAKDOWN_BY]
    named = [
        (name, value)
        for name, value in zip(BREAKDOWN_COLUMNS, values[FIRST_BREAKDOWN:OTHER], strict=True)
        if name in by.split(",")
    ]
    when = _when(first_day(period, day), day)
    key = f"{_whose(values[PAGE_ID], values[METRIC], period)}{when}{json.dumps([named, values[OTHER]])[1:]}"
    return sha256(key.encode()).hexdigest()[:32]


def has_present_id(values: Values) -> bool:
    """Whether a stored row's first day is the one it would have today."""
    period, start = values[PERIOD], values[RANGE_START]
    return bool(period == TOTAL_OVER_RANGE or start == first_day(period, values[PACIFIC_DATE]))


def _whose(page_id: str, metric: str, period: str) -> str:
    """Return what the key says of page and metric; the key is the JSON of a list."""
    return json.dumps([page_id, metric, period])[:-1]


def _when(start: date, day: date) -> str:
    return f', "{start.isoformat()}", "{day.isoformat()}", '


def _are_exact(values: Sequence[float]) -> bool:
    """Whether a double holds each of these numbers, one at least, as it is."""
    return min(values) >= -_EXACT_IN_A_DOUBLE and max(values) <= _EXACT_IN_A_DOUBLE


def _divided(named: dict[str, str | None], other: dict[str, str]) -> tuple[str, Values]:
    """Return what the key says of the dimensions, and their columns from ``breakdown_by`` on."""
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
