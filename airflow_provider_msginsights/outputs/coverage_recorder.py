"""Keep a part's ledger beside its files: look at what others did before a run writes, enter what the run did after.

Rows are the truth of what is stored. A file that the ledger does not know as it is now was changed by people, or by a
run that was killed before it wrote the ledger: it is read again. A file that is gone was removed by people or by a
retention rule, which is respected: its cells are ``removed``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.catalog import TOTAL_OVER_RANGE
from airflow_provider_msginsights.insights.coverage.ledger import CellRow, FileMark, Ledger
from airflow_provider_msginsights.outputs.checked_rows import checked_rows
from airflow_provider_msginsights.outputs.coverage_files import DAY_PREFIX, CoverageFiles, UnusableLedgerError
from airflow_provider_msginsights.outputs.stores.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from airflow_provider_msginsights.outputs.coverage_files import StoredLedger
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.stores.store import Entry
    from airflow_provider_msginsights.outputs.write_result import WriteResult

_READ_AT_ONCE = 8
_COLUMNS = ("page_id", "metric", "value", "is_final")


def has_coverage(period: str) -> bool:
    """Return whether datasets of a period have a ledger: those with a row for each Pacific end day."""
    return period not in {"month", TOTAL_OVER_RANGE}


class Difference(NamedTuple):
    """A partition whose file is not the one that the ledger knows.

    :param known: the file as the ledger knows it; ``None`` for none.
    :param entry: the file as listed; ``None`` where it is gone.
    :param rows: what it holds.
    """

    known: FileMark | None
    entry: Entry | None
    rows: Mapping[tuple[str, str], CellRow]


@dataclass(slots=True, kw_only=True)
class CoverageRecorder:
    """A part's ledger during a run; make it with `open`, before the run writes.

    :param ledger: as it was then, with what others did to the files entered; ``None`` where it cannot be used.
    :param problems: what a person must know: an unusable ledger, unreadable files.
    """

    dataset: Dataset[Any]
    files: CoverageFiles
    ledger: Ledger | None
    problems: list[str] = field(default_factory=list)
    _stored: StoredLedger | None = None
    _differences: dict[str, Difference] = field(default_factory=dict)
    _is_new_and_partial: bool = False

    @classmethod
    def open(cls, dataset: Dataset[Any], *, days: Collection[date] | None = None) -> Self:
        """Read the ledger and compare it with the files.

        :param dataset: claimed, of a period that has coverage.
        :param days: the only days to compare; ``None`` for all of the part.
        :raises StorageError: when the store fails in passing.
        """
        files = CoverageFiles(dataset.root, conditional=dataset.conditional_writes)
        files.remove_leftovers(dataset.part)
        stored = files.ledger(dataset.part)
        recorder = cls(dataset=dataset, files=files, ledger=stored.ledger)
        if stored.problem:
            recorder.problems.append(stored.problem)
        elif stored.ledger is None and recorder._listed(None):
            recorder._is_new_and_partial, recorder.ledger = True, Ledger(covers_all=False)
        elif stored.ledger is None:
            # Before the first row: of a run that is killed now, the next one must not take its rows for older ones.
            recorder._keep(files.update_ledger(dataset.part, lambda _: None, at_first=Ledger))
        else:
            recorder._stored = stored
            recorder._compare(stored.ledger, days)
        return recorder

    def record(self, change: Callable[[Ledger], None], written: WriteResult, *, run: str) -> Ledger | None:
        """Enter what a run did; when another writer was first, it is entered in what that one stored.

        :param change: enters the run's answers; may be called several times.
        :param run: the run's name.
        :return: the ledger as stored; ``None`` where it cannot be used.
        :raises StorageError: when the store fails in passing, or other writers are first for too long.
        """
        if self.ledger is None:
            return None
        marks = self._marks(written, run)

        def enter(ledger: Ledger) -> None:
            self._enter_differences(ledger)
            change(ledger)
            for partition, mark in marks.items():
                known = ledger.files.get(partition)
                if known is None or (known.size_bytes, known.tag) != (mark.size_bytes, mark.tag):
                    ledger.files[partition] = mark

        try:
            self._keep(
                self.files.update_ledger(
                    self.dataset.part,
                    enter,
                    at_first=lambda: Ledger(covers_all=not self._is_new_and_partial),
                    known=self._stored,
                )
            )
        except UnusableLedgerError as error:  # another process damaged or upgraded it meanwhile
            self.problems.append(str(error))
            self.ledger = None
        return self.ledger

    def _keep(self, stored: StoredLedger) -> None:
        self._stored, self.ledger = stored, stored.ledger

    # What others did

    def _compare(self, ledger: Ledger, days: Collection[date] | None) -> None:
        listed = self._listed(days)
        wanted = None if days is None else {f"{DAY_PREFIX}{day}" for day in days}
        # A move or a load that was killed may have left rows in the ledger without a mark of their file.
        if days is None:
            spans = [(series.first, series.end) for *_, series in ledger.series() if series.codes]
        else:
            spans = [(day.toordinal(), day.toordinal() + 1) for day in days]
        first, end = min((first for first, _ in spans), default=0), max((end for _, end in spans), default=0)
        stored = ledger.stored_days(first, end)
        known = ledger.files.keys() | {f"{DAY_PREFIX}{date.fromordinal(day)}" for day in stored}
        gone = [name for name in known if name not in listed and (wanted is None or name in wanted)]
        changed = {
            name: entry
            for name, entry in listed.items()
            if (mark := ledger.files.get(name)) is None
            or (mark.size_bytes, mark.tag) != (entry.size_bytes, self.files.tag_of(entry))
        }
        if not ledger.covers_all:  # files from before the ledger are left to a rebuild
            changed = {name: entry for name, entry in changed.items() if name in ledger.files}
        self._differences = {name: Difference(ledger.files.get(name), None, {}) for name in gone}
        for name, entry, rows in self.read_files(changed):
            self._differences[name] = Difference(ledger.files.get(name), entry, rows)
        self._enter_differences(ledger)

    def _enter_differences(self, ledger: Ledger) -> None:
        """Enter what others did, but to files that another run has looked at since."""
        for name, difference in self._differences.items():
            if ledger.files.get(name) != difference.known:
                continue
            day = day_of(name).toordinal()
            if difference.entry is None:
                ledger.lost(day, None)
                ledger.files.pop(name, None)
            else:
                ledger.lost(day, difference.rows)
                ledger.found(day, difference.rows)
                ledger.files[name] = self._mark(difference.entry, difference.known.run if difference.known else "")

    def read_files(
        self, entries: Mapping[str, Entry]
    ) -> Iterable[tuple[str, Entry, Mapping[tuple[str, str], CellRow]]]:
        """Read what the part's files of some partitions hold; those that cannot be read become problems."""
        with ThreadPoolExecutor(_READ_AT_ONCE, thread_name_prefix="msginsights-coverage") as pool:
            for name, entry, found in pool.map(lambda item: (*item, self._rows(*item)), entries.items()):
                if isinstance(found, str):
                    self.problems.append(found)
                else:
                    yield name, entry, found

    def _rows(self, partition: str, entry: Entry) -> Mapping[tuple[str, str], CellRow] | str:
        columns = [column for column in self.dataset.columns if column.name in _COLUMNS]
        places = [[column.name for column in columns].index(name) for name in _COLUMNS]
        name = f"{partition}/{self.dataset.file_name}"
        store = open_store(self.dataset.root)
        rows: dict[tuple[str, str], CellRow] = {}
        try:
            for row in checked_rows(self.dataset.file_format.read(store.read_listed(name, entry), columns), columns):
                page_id, metric, value, is_final = (row[place] for place in places)
                rows[page_id, metric] = CellRow(bool(is_final), value)
        except (ValueError, ConfigurationError) as error:
            return f"{store.shown_path(name)} cannot be read ({error}); what it holds is not known."
        return rows

    # The files

    def _listed(self, days: Collection[date] | None) -> dict[str, Entry]:
        """Return partition -> the part's file as listed now."""
        partitions = None if days is None else [f"{DAY_PREFIX}{day}" for day in days]
        return self.files.data_files(self.dataset.file_name, partitions)

    def _marks(self, written: WriteResult, run: str) -> dict[str, FileMark]:
        """Return the marks of the files that a run had rows for, as they are listed now."""
        days = [day_of(file.partition) for file in written.files]
        restated = {f"{DAY_PREFIX}{day}" for day in written.restated_days}
        if not days:
            return {}
        names = {file.partition for file in written.files}
        return {
            name: self._mark(entry, run, restated=name in restated)
            for name, entry in self._listed(days).items()
            if name in names
        }

    def _mark(self, entry: Entry, run: str, *, restated: bool = False) -> FileMark:
        return FileMark(entry.size_bytes, self.files.tag_of(entry), run, restated)


def day_of(partition: str) -> date:
    """Return the Pacific day of a partition."""
    return date.fromisoformat(partition.removeprefix(DAY_PREFIX))
