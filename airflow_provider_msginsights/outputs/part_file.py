"""One part's file in one partition: read it, merge the answers in, replace it."""

from __future__ import annotations

import contextlib
import threading
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.outputs.checked_rows import checked_rows
from airflow_provider_msginsights.outputs.merging import Tally, compared, in_order, merged
from airflow_provider_msginsights.outputs.series_rows import DayRows
from airflow_provider_msginsights.outputs.values import PAGE_ID
from airflow_provider_msginsights.outputs.write_result import StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.merging import Change
    from airflow_provider_msginsights.outputs.spool import RowSpool, Run
    from airflow_provider_msginsights.outputs.stores.patience import Patience
    from airflow_provider_msginsights.outputs.stores.store import Current, Entry, Store
    from airflow_provider_msginsights.outputs.values import Values

_BUDGET_ROWS = 100_000


class PartFile:
    """The file of a dataset's part in any partition; any thread may write one, each partition by one.

    :param merging: where rows are read, merged and encoded; ``None`` for the thread that writes the file.
    :param patience: for how long another writer of the same file may be first.
    :param on_changes: takes what changed in a partition once that is stored; from any thread.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        store: Store,
        merging: Executor | None,
        patience: Patience,
        on_changes: Callable[[Sequence[Change]], None] | None = None,
    ) -> None:
        self._format = dataset.file_format
        self._columns = dataset.columns
        self._name = dataset.file_name
        self._store = store
        self._merging = merging
        self._patience = patience
        self._on_changes = on_changes
        self._budget = _RowBudget(_BUDGET_ROWS)

    def write(self, partition: str, spool: RowSpool, runs: Sequence[Run], *, is_new: bool) -> tuple[StoredFile, Tally]:
        """Merge the spooled rows into the partition's file.

        :param is_new: the partition is known to have no file yet, so that none has to be looked for.
        :raises ConfigurationError: when another part of the partition holds one of the Pages, or a file is unreadable.
        :raises StorageError: when the store fails in passing, or other writers are first for too long.
        """
        name = f"{partition}/{self._name}"
        listing: Mapping[str, Entry] = {} if is_new else self._store.list(partition)
        answered_rows = sum(run.rows for run in runs)
        stored_bytes = listing[self._name].size_bytes if self._name in listing else 0

        def merge(current: Current, file: IO[bytes]) -> tuple[int, Tally]:
            owners = self._owners(self._others(partition, current.folder))
            if self._merging is None:
                return self._merge(name, current.data, owners, spool.rows(runs), file)
            return self._merging.submit(self._merge, name, current.data, owners, spool.rows(runs), file).result()

        with self._budget.held(answered_rows + stored_bytes // self._format.least_row_bytes):
            spooled, (count, tally) = self._store.update(name, merge, listing=listing, patience=self._patience)
        if self._on_changes is not None:
            self._on_changes(tally.changes)
        tally.changes.clear()  # a load of millions must not hold them to its end
        file = StoredFile(
            partition=partition,
            path=self._store.shown_path(name),
            rows=count,
            size_bytes=spooled.size_bytes,
            sha256=spooled.sha256,
            changed=spooled.changed,
        )
        return file, tally

    def _merge(
        self, name: str, stored: bytes | None, owners: dict[str, str], answered: Iterable[Values], file: IO[bytes]
    ) -> tuple[int, Tally]:
        """Write the file's rows; give their number, and what the answered ones did."""
        tally = Tally()
        if owners:
            answered = self._owned(answered, owners, name)
        if stored is not None:
            if isinstance(answered, DayRows) and (known := self._compared(stored, answered)) is not None:
                return self._format.write(answered, self._columns, file), known
            return self._format.write(merged(self._stored(name, stored), answered, tally), self._columns, file), tally
        tally.rows_added = self._format.write(answered, self._columns, file)
        return tally.rows_added, tally

    def _compared(self, stored: bytes, answered: DayRows) -> Tally | None:
        with contextlib.suppress(ValueError):  # `_stored` tells what is wrong with the file, if anything is
            return compared(self._format.read_columns(stored, self._columns), answered)
        return None

    def _others(self, partition: str, folder: Mapping[str, Entry]) -> dict[str, bytes]:
        """Read the other parts' files."""
        ending = f".{self._format.extension}"
        return {
            f"{partition}/{name}": self._store.read_listed(f"{partition}/{name}", entry)
            for name, entry in folder.items()
            if name != self._name and name.startswith("part-") and name.endswith(ending)
        }

    def _owners(self, others: dict[str, bytes]) -> dict[str, str]:
        """Say which file of another part holds which Page."""
        page_id = self._columns[PAGE_ID : PAGE_ID + 1]
        owners: dict[str, str] = {}
        for name, data in others.items():
            with self._naming(name):
                owners |= {page: name for (page,) in checked_rows(self._format.read(data, page_id), page_id)}
        return owners

    def _owned(self, rows: Iterable[Values], owners: dict[str, str], name: str) -> Iterable[Values]:
        """Return the rows, making sure that their Pages belong to this part: now, or as they are read."""
        if isinstance(rows, DayRows):
            for page_id in rows.heads.page_ids:
                self._check_owner(page_id, owners, name)
            return rows
        return self._checked(rows, owners, name)

    def _checked(self, rows: Iterable[Values], owners: dict[str, str], name: str) -> Iterator[Values]:
        for row in rows:
            self._check_owner(row[PAGE_ID], owners, name)
            yield row

    def _check_owner(self, page: str, owners: dict[str, str], name: str) -> None:
        if page in owners:
            raise ConfigurationError(
                f"Page {page} is held by {self._store.shown_path(owners[page])}, so {self._store.shown_path(name)} "
                "cannot have it too: readers would count it twice. Load the Page with the part that has it, or "
                "remove it there first.",
                parameter="part",
            )

    def _stored(self, name: str, data: bytes) -> Iterator[Values]:
        with self._naming(name):
            yield from in_order(checked_rows(self._format.read(data, self._columns), self._columns))

    @contextlib.contextmanager
    def _naming(self, name: str) -> Iterator[None]:
        """Name the file whose bytes cannot be read."""
        try:
            yield
        except ValueError as error:
            raise ConfigurationError(
                f"{self._store.shown_path(name)} cannot be read as {self._format.extension} ({error}), so nothing can "
                "be merged into it. Restore the file from a copy, or remove it and load its day again.",
                error_id="MSGI-dataset-file",
            ) from error


class _RowBudget:
    """Lets so many rows be held by all threads together; one with more than that waits to be alone."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._free = rows
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def held(self, rows: int) -> Iterator[None]:
        """Wait until there is room for the rows, and keep it until the block ends."""
        share = min(rows, self._rows)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= share)
            self._free -= share
        try:
            yield
        finally:
            with self._changed:
                self._free += share
                self._changed.notify_all()
