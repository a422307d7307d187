"""Rows in, in any order; out come partitions, several at a time, in bounded memory."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_msginsights.outputs.part_file import PartFile
from airflow_provider_msginsights.outputs.series_rows import RowSeries
from airflow_provider_msginsights.outputs.spool import RowSpool
from airflow_provider_msginsights.outputs.stores.opening import open_store
from airflow_provider_msginsights.outputs.stores.patience import Patience
from airflow_provider_msginsights.outputs.values import PACIFIC_DATE, RANGE_START
from airflow_provider_msginsights.outputs.write_result import WriteResult

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from concurrent.futures import Future
    from datetime import date
    from types import TracebackType

    from airflow_provider_msginsights.outputs.changes import ChangeLog
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.merging import Tally
    from airflow_provider_msginsights.outputs.series_rows import SeriesDay
    from airflow_provider_msginsights.outputs.values import Values
    from airflow_provider_msginsights.outputs.write_result import StoredFile

_days_of = itemgetter(RANGE_START, PACIFIC_DATE)
_GROUPED_AT_ONCE_ROWS = 10_000
_ON_DISK_AT_ONCE, _REMOTE_AT_ONCE = 4, 16
_MERGED_AT_ONCE = 2
"""Of remote files; however many threads wait for the store, Python runs one, and pyarrow keeps megabytes for each."""

_LOOKED_AT_ALONE = 2


class DatasetWriter:
    """Writes one part of a dataset; rows wait on the local disk until their partition is written.

    Use it in a ``with`` block and from one thread. Leaving the block early leaves each file as it was or complete.

    :param dataset: claimed; its part is what is written.
    :param concurrency: how many partitions are written at a time; fewer by default where little is waited for.
    :param changes: takes what changed in rows that were stored before.
    """

    def __init__(
        self, dataset: Dataset[Any], *, concurrency: int | None = None, changes: ChangeLog | None = None
    ) -> None:
        self._dataset = dataset
        self._on_changes = changes.add if changes is not None else None
        self._store = open_store(dataset.root, conditional=dataset.conditional_writes)
        self._concurrency = concurrency or (_REMOTE_AT_ONCE if self._store.is_remote else _ON_DISK_AT_ONCE)
        self._partitions: dict[tuple[date, date], str] = {}
        self._latest: tuple[tuple[SeriesDay, ...], tuple[str, ...]] | None = None
        self._settled_before: date | None = None
        self._writing: dict[str, list[Future[tuple[StoredFile, Tally]]]] = {}

    def __enter__(self) -> Self:
        self._spool = RowSpool()
        self._pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix="msginsights-writer")
        self._merging = (
            ThreadPoolExecutor(_MERGED_AT_ONCE, thread_name_prefix="msginsights-merger")
            if self._store.is_remote
            else None
        )
        self._patience = Patience()
        self._part = PartFile(self._dataset, self._store, self._merging, self._patience, self._on_changes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._patience.stopped.set()
        self._pool.shutdown(cancel_futures=True)
        if self._merging is not None:
            self._merging.shutdown()
        self._spool.close()

    def add(self, rows: Iterable[Values]) -> None:
        """Take rows, in column order of the dataset; of rows with the same key the last one counts.

        `RowSeries` are taken as they are, without making their rows.
        """
        if isinstance(rows, RowSeries):
            self._spool.add_series(rows, self._partitions_of(rows.days))
            return
        rows = iter(rows)
        while some := tuple(islice(rows, _GROUPED_AT_ONCE_ROWS)):
            self._add(some)

    def _add(self, rows: tuple[Values, ...]) -> None:
        by_days: defaultdict[tuple[date, date], list[Values]] = defaultdict(list)
        for values in rows:
            by_days[_days_of(values)].append(values)
        for days, together in by_days.items():
            self._spool.add(self._partition_of(*days), together)

    def _partitions_of(self, days: tuple[SeriesDay, ...]) -> tuple[str, ...]:
        if self._latest is None or self._latest[0] is not days:
            self._latest = days, tuple(self._partition_of(day.range_start, day.pacific_date) for day in days)
        return self._latest[1]

    def _partition_of(self, range_start: date, pacific_date: date) -> str:
        days = (range_start, pacific_date)
        if (name := self._partitions.get(days)) is None:
            name = self._partitions[days] = self._dataset.partition_of(*days)
        return name

    def settle(self, before: date) -> None:
        """Begin to write the partitions of all days before this one; waits for nothing.

        To be called when no rows are expected for them any more. What comes late all the same is merged in at the end.
        """
        if self._settled_before is None or before > self._settled_before:
            self._settled_before = before
            settled = {name for (_, last), name in self._partitions.items() if last < before}
            self._start([name for name in self._unwritten() if name in settled])

    def finish(self) -> WriteResult:
        """Write what is not written, wait for all of it and say what is stored.

        :raises ConfigurationError: when another part holds a Page of ours, or a stored file cannot be read; partitions
            without such an error are written all the same.
        :raises StorageError: when the store fails in passing, or other writers of a file are first for too long.
        """
        self._start(self._unwritten())
        wait([one for futures in self._writing.values() for one in futures])
        self._start(self._spool.partitions)  # whose rows came while the partition was written
        futures = [one for name in sorted(self._writing) for one in self._writing[name]]
        errors = [error for future in futures if (error := future.exception()) is not None]
        if errors:
            for other in errors[1:]:
                errors[0].add_note(f"Not stored either: {other}")
            raise errors[0]
        return _summed([future.result() for future in futures], {last for _, last in self._partitions})

    def _unwritten(self) -> list[str]:
        return [name for name in self._spool.partitions if name not in self._writing]

    def _start(self, partitions: Collection[str]) -> None:
        """Have partitions written; one listing of the dataset says which are new, unless they are few."""
        present = self._store.list() if len(partitions) > _LOOKED_AT_ALONE else partitions
        for name in partitions:
            runs, is_new = self._spool.take(name), name not in present
            future = self._pool.submit(self._part.write, name, self._spool, runs, is_new=is_new)
            self._writing.setdefault(name, []).append(future)


def _summed(written: list[tuple[StoredFile, Tally]], days: set[date]) -> WriteResult:
    tallies = [tally for _, tally in written]
    changed = {file.partition for file, _ in written if file.changed}
    files = {file.partition: replace(file, changed=file.partition in changed) for file, _ in written}
    return WriteResult(
        files=tuple(files.values()),
        days=tuple(sorted(days)),
        rows_added=sum(tally.rows_added for tally in tallies),
        rows_changed=sum(tally.rows_changed for tally in tallies),
        rows_unchanged=sum(tally.rows_unchanged for tally in tallies),
        rows_removed=sum(tally.rows_removed for tally in tallies),
        restated_days=tuple(sorted(set().union(*(tally.restated_days for tally in tallies)))),
        restated_final_days=tuple(sorted(set().union(*(tally.restated_final_days for tally in tallies)))),
    )
