"""The end time of a row -> the Pacific days its value covers.

A ``start_time`` comes in some replies and not in others, so it never decides where there is an end time: the days are
a part of the row's key, and the same fact must have the same key in every load.

Sources: Page Insights guide (ISO text with ``+0000``); Messaging Insights API page (unix seconds as text); Meta's
Python SDK (``start_time``). The last day covered is the Pacific date of the last instant before the end time, so an
end time that is not a Pacific midnight still has its day.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from airflow_provider_msginsights.insights.catalog import TOTAL_OVER_RANGE
from airflow_provider_msginsights.insights.dates import ONE_DAY, DateRange, end_of_day, pacific_date
from airflow_provider_msginsights.insights.graph.row_values import number_in
from airflow_provider_msginsights.insights.records import TimeColumns

_LAST_INSTANT = timedelta(microseconds=1)
_ROLLING_DAYS = {"day": 1, "week": 7, "days_28": 28}
_MOST_RANGES, _MOST_COLUMNS = 64, 16
_EARLIEST, _LATEST = datetime(2004, 1, 1, tzinfo=UTC), datetime(2200, 1, 2, tzinfo=UTC)


class RowTime(NamedTuple):
    """First and last Pacific day a value covers, and the instant it ends."""

    range_start: date
    pacific_date: date
    end_time: datetime


class RowTimes:
    """Reads end times for one period, and remembers them, since all metrics and Pages repeat the same ones."""

    def __init__(self, period: str) -> None:
        self._period = period
        self._known: dict[str, RowTime] = {}
        self._columns: defaultdict[DateRange, dict[tuple[str, ...], TimeColumns | None]] = defaultdict(dict)

    def columns_of(self, asked: DateRange) -> dict[tuple[str, ...], TimeColumns | None]:
        """Whole columns of end times met in replies for these days, and what `column` made of them."""
        if len(self._columns) >= _MOST_RANGES:
            self._columns.clear()
        columns = self._columns[asked]
        if len(columns) >= _MOST_COLUMNS:  # replies that all differ must not fill the memory
            columns.clear()
        return columns

    def column(self, end_times: tuple[str, ...], asked: DateRange) -> TimeColumns | None:
        """Return the times of many rows at once; ``None`` unless each has its own day within the requested days."""
        whens = [self.read({"end_time": end_time}, asked) for end_time in end_times]
        within = [when for when in whens if when is not None and when.pacific_date in asked]
        if len({when.pacific_date for when in within}) < len(whens):
            return None
        return TimeColumns(*zip(*within, strict=True))

    def read(self, row: dict[str, object], asked: DateRange) -> RowTime | None:
        """Return what a row of a reply for these days covers; ``None`` when its times are missing or not understood."""
        raw = row.get("end_time")
        if isinstance(raw, str) and (when := self._known.get(raw)) is not None and self._period != TOTAL_OVER_RANGE:
            return when
        end_time, start_time = _instant(raw), _instant(row.get("start_time"))
        if raw is not None and end_time is None:
            return None
        when = self._covered(end_time, start_time, asked)
        if when is not None and isinstance(raw, str):
            self._known[raw] = when
        return when

    def _covered(self, end_time: datetime | None, start_time: datetime | None, asked: DateRange) -> RowTime | None:
        if self._period == TOTAL_OVER_RANGE:
            end_time = end_time or end_of_day(asked.last_day)
            return RowTime(asked.first_day, _last_day(end_time, asked), end_time)
        if end_time is None:
            if self._period != "day" or start_time is None:
                return None
            end_time = end_of_day(pacific_date(start_time))
        last_day = pacific_date(end_time - _LAST_INSTANT)
        return RowTime(first_day(self._period, last_day), last_day, end_time)


def _last_day(end_time: datetime, asked: DateRange) -> date:
    """Return the last day of the requested range, unless the reply is about another range."""
    last_day = pacific_date(end_time - _LAST_INSTANT)
    return asked.last_day if last_day in asked else last_day


def first_day(period: str, last_day: date) -> date:
    """Return the first day of a ``day``, ``week``, ``month`` or ``days_28`` that ends with a day.

    ``week`` and ``days_28`` are rolling; a month is the one that ends with the day, calendar month or not.
    """
    if days := _ROLLING_DAYS.get(period):
        return last_day - (days - 1) * ONE_DAY
    after = last_day + ONE_DAY
    year, month = divmod(after.year * 12 + after.month - 2, 12)
    first_of_month = date(year, month + 1, 1)
    return min(first_of_month + (after.day - 1) * ONE_DAY, date(after.year, after.month, 1))


def _instant(value: object) -> datetime | None:
    """Return an aware UTC datetime from ISO text with an offset, or from unix seconds as number or text."""
    try:
        if isinstance(value, str):
            seconds = number_in(value)
            moment = datetime.fromisoformat(value) if seconds is None else datetime.fromtimestamp(seconds, UTC)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC)
        else:
            return None
        moment = moment.astimezone(UTC) if moment.utcoffset() is not None else datetime.max.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if _EARLIEST <= moment <= _LATEST else None
