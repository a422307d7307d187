"""What a load is about: values of metrics, one by one or many at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from airflow_provider_msginsights.insights.catalog import Unit


# A tuple and not a dataclass: a load makes one per value, millions in a backfill, and this is nine times as quick.
class InsightsRecord(NamedTuple):
    """One value of one metric of one Page.

    :param page_id: the Page, as the query named it.
    :param metric: the metric's name.
    :param period: the requested period.
    :param range_start: first Pacific day the value covers.
    :param pacific_date: last Pacific day the value covers; for ``period="day"`` the day itself.
    :param end_time: the API's end time as an aware UTC datetime.
    :param value: the number; money in units of ``currency``; ``None`` where the API said ``null``.
    :param value_raw: the value's JSON text, only where it was no plain number.
    :param unit: ``count``, ``ratio`` or ``money``.
    :param currency: ISO code, where the API gave one.
    :param breakdowns: the query's breakdowns in the query's order, as (name, value); ``None`` where the row had none.
    :param breakdowns_other: dimensions the row had beyond those, as (name, value), sorted by name.
    """

    page_id: str
    metric: str
    period: str
    range_start: date
    pacific_date: date
    end_time: datetime
    value: float | None
    value_raw: str | None
    unit: Unit
    currency: str | None
    breakdowns: tuple[tuple[str, str | None], ...]
    breakdowns_other: tuple[tuple[str, str], ...]


class TimeColumns(NamedTuple):
    """The times of many rows, field by field."""

    range_starts: tuple[date, ...]
    pacific_dates: tuple[date, ...]
    end_times: tuple[datetime, ...]


make_record = partial(tuple.__new__, InsightsRecord)
"""A record from its fields in order: a tuple or any other iterable."""


@dataclass(frozen=True, slots=True)
class RecordSeries:
    """Records of one metric of one Page that differ by time and value alone, and hold plain numbers.

    Nearly all of a long load comes so. Whoever has to do with millions reads the columns; iterating makes records.

    :param times: the days and the end time of each record.
    :param values: the number of each record, all finite and within 64 bits.
    """

    page_id: str
    metric: str
    period: str
    unit: Unit
    times: TimeColumns
    values: list[float]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[InsightsRecord]:
        whose = map(repeat, (self.page_id, self.metric, self.period))
        plain = map(repeat, (None, self.unit, None, (), ()))
        return map(make_record, zip(*whose, *self.times, self.values, *plain))  # noqa: B905 - some never end


Part: TypeAlias = "RecordSeries | tuple[InsightsRecord, ...]"


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a reply, in its order; iterating gives them one by one."""

    parts: tuple[Part, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __iter__(self) -> Iterator[InsightsRecord]:
        return chain.from_iterable(self.parts)
