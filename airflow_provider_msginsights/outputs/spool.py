"""Rows on the local disk, by partition, until their partition is written.

Answers come by Page and chunk of days, files are by day: a load of years meets every partition again with every Page.
Only the latest rows are held; the rest wait in one nameless file, which goes with the process however that ends.
"""

from __future__ import annotations

import heapq
import os
import pickle
import tempfile
from itertools import chain
from operator import itemgetter
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeAlias

from airflow_provider_msginsights.outputs.series_rows import DayRows, HeadColumns, HeadOrder
from airflow_provider_msginsights.outputs.values import METRIC, PAGE_ID, RECORD_ID, VALUE, sort_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_msginsights.outputs.series_rows import RowSeries, SeriesDay, SeriesHead
    from airflow_provider_msginsights.outputs.values import Values

HELD_ROWS = 40_000
_BLOCK_ROWS = 1_000
_SORTED_AT_ONCE_ROWS = 25_000
_PAGE_AND_METRIC = itemgetter(PAGE_ID, METRIC)


class Block(NamedTuple):
    """Where some rows lie in the file."""

    offset: int
    size_bytes: int
    rows: int


class RowRun(NamedTuple):
    """Rows of one partition put down together; sorted, if they are several blocks."""

    blocks: tuple[Block, ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(block.rows for block in self.blocks)


class SeriesRun(NamedTuple):
    """Values of one partition put down together, one for each head.

    :param heads: one object for all days that were put down together.
    """

    heads: tuple[SeriesHead, ...]
    day: SeriesDay
    block: Block

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.block.rows


Run: TypeAlias = RowRun | SeriesRun


class _HeldSeries:
    """Series with the same times, on their way to the file."""

    def __init__(self, days: tuple[SeriesDay, ...], partitions: Sequence[str]) -> None:
        self.days, self.partitions = days, partitions
        self.heads: list[SeriesHead] = []
        self.values: list[list[float]] = []

    def shares(self, partitions: Sequence[str]) -> bool:
        """Return whether any of these is a partition of the series."""
        return not set(self.partitions).isdisjoint(partitions)


class RowSpool:
    """Takes rows in any order from one thread; gives a partition's rows, sorted, to any thread."""

    def __init__(self, held_rows: int = HELD_ROWS) -> None:
        self._held_rows = held_rows
        self._held: dict[str, list[Values]] = {}
        self._held_series: dict[int, _HeldSeries] = {}
        self._units_of_rows: set[tuple[str, str]] = set()
        self._units_of_series: dict[tuple[str, str], list[_HeldSeries]] = {}
        self._count = 0
        self._runs: dict[str, list[Run]] = {}
        self._order: HeadOrder | None = None
        self._size_bytes = 0
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="msginsights-")  # noqa: SIM115 - closed by close()

    @property
    def partitions(self) -> tuple[str, ...]:
        """The partitions that rows were added to."""
        of_series = (name for held in self._held_series.values() for name in held.partitions)
        return tuple(sorted({*self._held, *self._runs, *of_series}))

    def add(self, partition: str, rows: list[Values]) -> None:
        """Take rows."""
        units = set(map(_PAGE_AND_METRIC, rows))
        if not units.isdisjoint(self._units_of_series):
            self._put_down_series()  # they came before
        self._units_of_rows |= units
        self._held.setdefault(partition, []).extend(rows)
        self._make_room(len(rows))

    def add_series(self, series: RowSeries, partitions: Sequence[str]) -> None:
        """Take a series.

        :param partitions: that of each day.
        """
        unit = (series.head.page_id, series.head.metric)
        if unit in self._units_of_rows:
            self._put_down_rows()  # they came before
        others = self._units_of_series.get(unit, ())
        if any(other.days is not series.days and other.shares(partitions) for other in others):
            self._put_down_series()  # they came before
        # By identity: comparing the days of every series would take longer than spooling it.
        if (held := self._held_series.get(id(series.days))) is None:
            held = self._held_series[id(series.days)] = _HeldSeries(series.days, partitions)
        held.heads.append(series.head)
        held.values.append(series.values)
        self._units_of_series.setdefault(unit, []).append(held)
        self._make_room(len(series))

    def take(self, partition: str) -> tuple[Run, ...]:
        """Put down what is held of a partition, say where all its rows lie, and begin it anew."""
        self._put_down(partition)
        if any(partition in held.partitions for held in self._held_series.values()):
            self._put_down_series()
        self._file.flush()
        return tuple(self._runs.pop(partition, ()))

    def rows(self, runs: Iterable[Run]) -> DayRows | Iterator[Values]:
        """Read rows back, sorted by key; of those with the same key only the one added last."""
        runs = tuple(runs)
        if (of_day := self._day_rows([run for run in runs if isinstance(run, SeriesRun)], len(runs))) is not None:
            return of_day
        if sum(run.rows for run in runs) <= _SORTED_AT_ONCE_ROWS:
            together = [values for run in runs for values in self._rows_of(run)]
            together.sort(key=sort_key)
            return _newest(together)
        return _newest(heapq.merge(*map(self._sorted, runs), key=sort_key))

    def close(self) -> None:
        """Forget all rows."""
        self._held.clear()
        self._held_series.clear()
        self._file.close()

    # Putting down

    def _make_room(self, added: int) -> None:
        self._count += added
        if self._count >= self._held_rows:
            self._put_down_rows()
            self._put_down_series()
            self._file.flush()

    def _put_down_rows(self) -> None:
        for name in list(self._held):
            self._put_down(name)
        self._units_of_rows.clear()

    def _put_down(self, partition: str) -> None:
        rows = self._held.pop(partition, None)
        if not rows:
            return
        self._count -= len(rows)
        if len(rows) > _BLOCK_ROWS:
            rows.sort(key=sort_key)
        starts = range(0, len(rows), _BLOCK_ROWS)
        run = RowRun(tuple(self._put_block(rows[start : start + _BLOCK_ROWS]) for start in starts))
        self._runs.setdefault(partition, []).append(run)

    def _put_down_series(self) -> None:
        for held in self._held_series.values():
            heads = tuple(held.heads)
            days = zip(held.partitions, held.days, zip(*held.values, strict=True), strict=True)
            for partition, day, values in days:
                run = SeriesRun(heads, day, self._put_pickled(values, len(heads)))
                self._runs.setdefault(partition, []).append(run)
            self._count -= len(heads) * len(held.days)
        self._held_series.clear()
        self._units_of_series.clear()

    def _put_block(self, rows: list[Values]) -> Block:
        """Write columns and not rows: most hold one value all over a block, which then stands there once."""
        columns = [
            column[:1] if place != VALUE and column.count(column[0]) == len(column) else column
            for place, column in enumerate(zip(*rows, strict=True))
        ]
        return self._put_pickled(columns, len(rows))

    def _put_pickled(self, content: object, rows: int) -> Block:
        data = pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL)
        self._file.write(data)
        block = Block(self._size_bytes, len(data), rows)
        self._size_bytes += len(data)
        return block

    # Reading back

    def _day_rows(self, runs: Sequence[SeriesRun], count: int) -> DayRows | None:
        """Return the rows as columns, if these are all the runs and they say the same of their day."""
        if not runs or len(runs) < count or any(run.day != runs[0].day for run in runs):
            return None
        heads, order = [run.heads for run in runs], self._order
        if order is None or not order.is_of(heads):
            order = self._order = HeadOrder(heads)
        return order.rows(runs[0].day, [value for run in runs for value in self._unpickled(run.block)])

    def _rows_of(self, run: Run) -> Iterable[Values]:
        if isinstance(run, SeriesRun):
            return DayRows(HeadColumns.of(run.heads), run.day, self._unpickled(run.block))
        return chain.from_iterable(map(self._load, run.blocks))

    def _load(self, block: Block) -> list[Values]:
        columns = self._unpickled(block)
        whole = (one if len(one) == block.rows else one * block.rows for one in columns)
        return list(zip(*whole, strict=True))

    def _unpickled(self, block: Block) -> Any:
        data = os.pread(self._file.fileno(), block.size_bytes, block.offset)
        return pickle.loads(data)  # noqa: S301 - written by this object to a file without a name

    def _sorted(self, run: Run) -> Iterator[Values]:
        if isinstance(run, SeriesRun) or len(run.blocks) == 1:
            return iter(sorted(self._rows_of(run), key=sort_key))
        return iter(self._rows_of(run))


def _newest(rows: Iterable[Values]) -> Iterator[Values]:
    last: Any = None
    for values in rows:
        if last is not None and last[RECORD_ID] != values[RECORD_ID]:
            yield last
        last = values
    if last is not None:
        yield last
