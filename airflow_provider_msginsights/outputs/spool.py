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
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeAlias

from airflow_provider_msginsights.outputs.values import RECORD_ID, VALUE, sort_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_msginsights.outputs.values import Values

HELD_ROWS = 40_000
_BLOCK_ROWS = 1_000
_SORTED_AT_ONCE_ROWS = 25_000


class Block(NamedTuple):
    """Where some rows lie in the file."""

    offset: int
    size_bytes: int
    rows: int


Run: TypeAlias = tuple[Block, ...]
"""Rows of one partition put down together; sorted, if they are several blocks."""


class RowSpool:
    """Takes rows in any order from one thread; gives a partition's rows, sorted, to any thread."""

    def __init__(self, held_rows: int = HELD_ROWS) -> None:
        self._held_rows = held_rows
        self._held: dict[str, list[Values]] = {}
        self._count = 0
        self._runs: dict[str, list[Run]] = {}
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="msginsights-")  # noqa: SIM115 - closed by close()

    @property
    def partitions(self) -> tuple[str, ...]:
        """The partitions that rows were added to."""
        return tuple(sorted(self._held.keys() | self._runs.keys()))

    def add(self, partition: str, rows: list[Values]) -> None:
        """Take rows."""
        self._held.setdefault(partition, []).extend(rows)
        self._count += len(rows)
        if self._count >= self._held_rows:
            for name in list(self._held):
                self._put_down(name)
            self._file.flush()

    def take(self, partition: str) -> tuple[Run, ...]:
        """Put down what is held of a partition, say where all its rows lie, and begin it anew."""
        self._put_down(partition)
        self._file.flush()
        return tuple(self._runs.pop(partition, ()))

    def rows(self, runs: Iterable[Run]) -> Iterator[Values]:
        """Read rows back, sorted by key; of those with the same key only the one added last."""
        runs = tuple(runs)
        if sum(block.rows for run in runs for block in run) <= _SORTED_AT_ONCE_ROWS:
            together = [values for run in runs for block in run for values in self._load(block)]
            together.sort(key=sort_key)
            return _newest(together)
        return _newest(heapq.merge(*map(self._sorted, runs), key=sort_key))

    def close(self) -> None:
        """Forget all rows."""
        self._held.clear()
        self._file.close()

    def _put_down(self, partition: str) -> None:
        rows = self._held.pop(partition, None)
        if not rows:
            return
        self._count -= len(rows)
        if len(rows) > _BLOCK_ROWS:
            rows.sort(key=sort_key)
        starts = range(0, len(rows), _BLOCK_ROWS)
        run = tuple(self._put_block(rows[start : start + _BLOCK_ROWS]) for start in starts)
        self._runs.setdefault(partition, []).append(run)

    def _put_block(self, rows: list[Values]) -> Block:
        """Write columns and not rows: most hold one value all over a block, which then stands there once."""
        columns = [
            column[:1] if place != VALUE and column.count(column[0]) == len(column) else column
            for place, column in enumerate(zip(*rows, strict=True))
        ]
        data = pickle.dumps(columns, protocol=pickle.HIGHEST_PROTOCOL)
        offset = self._file.seek(0, os.SEEK_END)
        self._file.write(data)
        return Block(offset, len(data), len(rows))

    def _load(self, block: Block) -> list[Values]:
        data = os.pread(self._file.fileno(), block.size_bytes, block.offset)
        columns = pickle.loads(data)  # noqa: S301 - written by this object to a file without a name
        whole = (one if len(one) == block.rows else one * block.rows for one in columns)
        return list(zip(*whole, strict=True))

    def _sorted(self, run: Run) -> Iterator[Values]:
        if len(run) == 1:
            return iter(sorted(self._load(run[0]), key=sort_key))
        return chain.from_iterable(map(self._load, run))


def _newest(rows: Iterable[Values]) -> Iterator[Values]:
    last: Any = None
    for values in rows:
        if last is not None and last[RECORD_ID] != values[RECORD_ID]:
            yield last
        last = values
    if last is not None:
        yield last
