"""Rows in, in any order; out come partitions, several at a time, in bounded memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_msginsights.outputs.part_file import PartFile
from airflow_provider_msginsights.outputs.spool import RowSpool
from airflow_provider_msginsights.outputs.stored import Stored

if TYPE_CHECKING:
    from concurrent.futures import Future
    from datetime import date
    from types import TracebackType

    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.merging import Tally
    from airflow_provider_msginsights.outputs.schema import Row
    from airflow_provider_msginsights.outputs.storage import Store
    from airflow_provider_msginsights.outputs.stored import StoredFile

_MERGED_AT_ONCE = 2


class DatasetWriter:
    """Writes one part of a dataset; rows wait on the local disk until their partition is written.

    Use it in a ``with`` block and from one thread. Leaving the block early leaves every file whole, old or new.
    """

    def __init__(self, dataset: Dataset[Any], store: Store, *, concurrency: int) -> None:
        self._dataset = dataset
        self._store = store
        self._concurrency = concurrency
        self._values_of = itemgetter(*(column.name for column in dataset.columns))
        self._partitions: dict[tuple[date, date], str] = {}
        self._started: dict[str, Future[tuple[StoredFile, Tally]]] = {}

    def __enter__(self) -> Self:
        self._spool = RowSpool()
        self._pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix="msginsights-writer")
        self._merging = ThreadPoolExecutor(_MERGED_AT_ONCE, thread_name_prefix="msginsights-merger")
        self._part = PartFile(self._dataset, self._store, self._merging)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._merging.shutdown()
        self._spool.close()

    def add(self, row: Row) -> None:
        """Take a row; of rows with the same key the last one counts.

        :raises ValueError: when its day was said to be complete.
        """
        days = row["range_start"], row["pacific_date"]
        partition = self._partitions.get(days)
        if partition is None:
            partition = self._partitions[days] = self._dataset.partition_of(*days)
        if partition in self._started:
            raise ValueError(f"A row for {partition} came after complete() said that none would.")
        self._spool.add(partition, self._values_of(row))

    def complete(self, pacific_date: date) -> None:
        """Start to write the partitions whose last day this is; this call waits for nothing.

        To be called once no more rows can come for the day.
        """
        for (_, last), partition in self._partitions.items():
            if last == pacific_date and partition not in self._started:
                self._start(partition, is_new=False)

    def finish(self) -> Stored:
        """Write what is not written, wait for all of it and say what is stored.

        :raises ConfigurationError: when another part holds a Page of ours, or a stored file cannot be read; partitions
            without such an error are written all the same.
        """
        present = self._store.sizes()
        for partition in self._spool.partitions:
            if partition not in self._started:
                self._start(partition, is_new=partition not in present)
        errors = [error for future in self._started.values() if (error := future.exception()) is not None]
        if errors:
            for other in errors[1:]:
                errors[0].add_note(f"Not stored either: {other}")
            raise errors[0]
        written = [self._started[partition].result() for partition in sorted(self._started)]
        return _summed(written, {last for _, last in self._partitions})

    def _start(self, partition: str, *, is_new: bool) -> None:
        runs = self._spool.runs(partition)
        self._started[partition] = self._pool.submit(self._part.write, partition, self._spool, runs, is_new=is_new)


def _summed(written: list[tuple[StoredFile, Tally]], days: set[date]) -> Stored:
    tallies = [tally for _, tally in written]
    return Stored(
        files=tuple(file for file, _ in written),
        days=tuple(sorted(days)),
        rows_added=sum(tally.rows_added for tally in tallies),
        rows_changed=sum(tally.rows_changed for tally in tallies),
        rows_unchanged=sum(tally.rows_unchanged for tally in tallies),
        rows_removed=sum(tally.rows_removed for tally in tallies),
        restated_days=tuple(sorted(set().union(*(tally.restated_days for tally in tallies)))),
        restated_final_days=tuple(sorted(set().union(*(tally.restated_final_days for tally in tallies)))),
    )
