"""Rows that differ by Page, metric, day and value alone, as columns from the reply to the bytes of a file.

A long load is made of them, and would spend most of its time on a tuple for each. Iterating makes the tuples; whoever
has to do with millions reads the columns.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import sha256
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from airflow_provider_msginsights.outputs.schema import BREAKDOWN_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime
    from hashlib import _Hash as Hash

    from airflow_provider_msginsights.outputs.values import Values

NOT_DIVIDED: Values = ("", *[None] * len(BREAKDOWN_COLUMNS), None)
"""The columns from ``breakdown_by`` on of a row without dimensions."""

_ID_DIGITS = 32


class SeriesHead(NamedTuple):
    """What the rows of a series share.

    :param key_start: the first part of their keys.
    """

    page_id: str
    metric: str
    period: str
    unit: str
    key_start: bytes


class SeriesDay(NamedTuple):
    """What the rows of many series say of one day.

    :param key_end: the last part of their keys.
    :param extra: the extra columns of the load.
    """

    range_start: date
    pacific_date: date
    end_time: datetime
    is_final: bool
    key_end: bytes
    extra: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowSeries:
    """Rows of one Page and metric, a value a day.

    :param days: one object for all series with the same times.
    :param values: numbers that a double holds as they are.
    """

    head: SeriesHead
    days: tuple[SeriesDay, ...]
    values: list[float]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Values]:
        page_id, metric, period, unit, key_start = self.head
        for (start, day, end, is_final, key_end, extra), value in zip(self.days, self.values, strict=True):
            said = (value, None, unit, None, *NOT_DIVIDED, is_final, *extra)
            record_id = sha256(key_start + key_end).hexdigest()[:_ID_DIGITS]
            yield (record_id, page_id, metric, period, start, day, end, *said)


@dataclass(frozen=True, eq=False)
class HeadColumns:
    """What the rows of a day say of Page and metric, as columns.

    One object for many days of a load, so that what is made of it can be made once.
    """

    page_ids: Sequence[str]
    metrics: Sequence[str]
    periods: Sequence[str]
    units: Sequence[str]
    key_starts: Sequence[bytes]

    @classmethod
    def of(cls, heads: Iterable[SeriesHead]) -> Self:
        """Return the columns of these heads, one at least."""
        return cls(*zip(*heads, strict=True))

    @cached_property
    def begun_hashes(self) -> list[Hash]:
        """Return the hash of the first part of each key, for days to copy and end."""
        return list(map(sha256, self.key_starts))

    def __getitem__(self, stretch: slice) -> HeadColumns:
        return HeadColumns(*[getattr(self, column.name)[stretch] for column in fields(self)])


@dataclass(frozen=True)
class DayRows:
    """Rows of one day, a value for each Page and metric."""

    heads: HeadColumns
    day: SeriesDay
    values: Sequence[float]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Values]:
        return zip(*self.columns())  # noqa: B905 - most columns never end

    def __getitem__(self, stretch: slice) -> DayRows:
        return DayRows(self.heads[stretch], self.day, self.values[stretch])

    def columns(self) -> tuple[repeat[Any] | Sequence[Any], ...]:
        """Return the columns in order; one that holds a single value is a `repeat` of it, without end."""
        heads = self.heads
        start, pacific_date, end, is_final, _, extra = self.day
        when = map(repeat, (start, pacific_date, end))
        said = (self.values, repeat(None), heads.units, repeat(None))
        return (
            self.record_ids, heads.page_ids, heads.metrics, heads.periods, *when, *said,
            *map(repeat, (*NOT_DIVIDED, is_final, *extra)),
        )  # fmt: skip

    @cached_property
    def record_ids(self) -> list[str]:
        """Return the hashes of the keys."""
        end, ids = self.day.key_end, []
        for begun in self.heads.begun_hashes:
            key = begun.copy()
            key.update(end)
            ids.append(key.hexdigest()[:_ID_DIGITS])
        return ids


class HeadOrder:
    """How the values of several runs of series become those of one sorted run; the same for many days.

    :param runs: the heads of each run. Of several with the same Page and metric the last one counts.
    """

    def __init__(self, runs: Sequence[tuple[SeriesHead, ...]]) -> None:
        self.runs = runs
        heads = [head for run in runs for head in run]
        places = {(head.page_id, head.metric): place for place, head in enumerate(heads)}
        self._places = [place for _, place in sorted(places.items())]
        self._heads = HeadColumns.of(heads[place] for place in self._places)

    def is_of(self, runs: Sequence[tuple[SeriesHead, ...]]) -> bool:
        """Return whether this is the order of these runs: the very same objects."""
        return len(runs) == len(self.runs) and all(mine is other for mine, other in zip(self.runs, runs, strict=True))

    def rows(self, day: SeriesDay, values: Sequence[float]) -> DayRows:
        """Return the rows of a day.

        :param values: those of all runs, one after another.
        """
        return DayRows(self._heads, day, [values[place] for place in self._places])
