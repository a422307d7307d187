"""Build the ledgers of a dataset anew from its rows and manifests, or compare them with the rows.

Rows are the truth of what is stored. Where a ledger can be read, what it knows of cells without a row stays, and a cell
that it knows stored and no file holds is ``removed``. Where it is damaged or missing, manifests tell that: a file that
one names and nobody finds was removed by people. What else was answered without a row is not known then, so that a
fill asks for it once more.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.ledger import CellRow, FileMark, Ledger
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles
from airflow_provider_msginsights.outputs.coverage_recorder import CoverageRecorder, day_of, has_coverage
from airflow_provider_msginsights.outputs.formats.json_values import json_object_in
from airflow_provider_msginsights.outputs.maintenance.data_files import READ_AT_ONCE, DataFiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
    from airflow_provider_msginsights.outputs.coverage_files import StoredLedger
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.maintenance.data_files import DataFile

_RUN = "msginsights coverage --rebuild"
_MANIFESTS = "_manifests"


class VerifiedDifference(NamedTuple):
    """What a ledger says and the files do not, or the other way round.

    :param page_id: empty where it is about a whole file.
    """

    part: str
    day: str
    page_id: str
    metric: str
    what: str


@dataclass(slots=True, kw_only=True)
class Rebuilt:
    """Ledgers made from the files.

    :param ledgers: part -> its ledger.
    :param files: how many files were read.
    :param pages: the Pages as they will be named.
    :param new_pages: those that ``_coverage/pages.json`` does not name yet.
    :param removed_cells: how many cells were stored once and are in no file.
    :param problems: what a person must know.
    """

    ledgers: dict[str, Ledger]
    pages: PagesOfDataset
    files: int = 0
    new_pages: tuple[str, ...] = ()
    removed_cells: int = 0
    problems: list[str] = field(default_factory=list)


class LedgerBuilder:
    """Builds and verifies the ledgers of a dataset.

    :param dataset: as labelled; claimed where the ledgers are to be stored.
    :raises ConfigurationError: for a period that has no coverage.
    """

    def __init__(self, dataset: Dataset[Any]) -> None:
        check_coverage(dataset)
        self._dataset = dataset
        self._files = DataFiles(dataset)
        self._store = self._files.store
        self._coverage = CoverageFiles(dataset.root, conditional=dataset.conditional_writes)

    def build(self) -> Rebuilt:
        """Make the ledgers of all parts anew; nothing is stored.

        :raises ConfigurationError: for a file that cannot be read, and for a ledger of a newer version.
        """
        pages, stored = self._coverage.pages(), self._coverage.ledgers()
        problems = [one.problem for one in stored.values() if one.problem]
        ledgers = {part: _base(one) for part, one in stored.items()}
        listed = self._files.listed()
        for file in listed:
            ledgers.setdefault(file.part, Ledger())
        present = {file.name for file in listed}
        for part, ledger in ledgers.items():
            if part not in stored or stored[part].ledger is None:
                self._enter_removed(ledger, part, present)
            else:
                for partition in ledger.files.keys() - {file.partition for file in listed if file.part == part}:
                    ledger.lost(day_of(partition).toordinal(), None)
                    del ledger.files[partition]
        holders: dict[str, str] = {}
        for file, rows in self._read(listed, problems):
            holders |= {page_id: file.part for page_id, _ in rows}
            self._enter(ledgers[file.part], file, rows)
        erased = sorted(one for one in holders if one in pages and pages[one].erased_at is not None)
        if erased:
            problems.append(
                f"There are rows of erased Pages: {', '.join(erased)}. Run msginsights dataset erase for them again."
            )
        for ledger in ledgers.values():
            ledger.covers_all = True
        removed = sum(series.codes.count(cells.REMOVED) for one in ledgers.values() for *_, series in one.series())
        return Rebuilt(
            ledgers=dict(sorted(ledgers.items())),
            pages=_with_holders(pages, holders),
            files=len(listed),
            new_pages=tuple(sorted(holders.keys() - pages.keys())),
            removed_cells=removed,
            problems=problems,
        )

    def store(self, rebuilt: Rebuilt) -> None:
        """Store the ledgers, and name the Pages that were found."""
        holders = {page_id: rebuilt.pages[page_id].part for page_id in rebuilt.new_pages}
        for part, ledger in rebuilt.ledgers.items():
            self._coverage.remove_leftovers(part)
            self._coverage.replace_ledger(part, ledger)
        self._coverage.update_pages(lambda pages: _with_holders(pages, holders))

    def verify(self) -> Iterator[VerifiedDifference]:
        """Read every file and give what the ledgers and the files do not agree on; nothing is stored."""
        pages, stored = self._coverage.pages(), self._coverage.ledgers()
        for part, one in stored.items():
            if one.problem:
                yield VerifiedDifference(part, "", "", "", one.problem)
        listed, problems = self._files.listed(), list[str]()
        for part in sorted({file.part for file in listed} - stored.keys()):
            yield VerifiedDifference(part, "", "", "", "there is no ledger: msginsights coverage PATH --rebuild")
        seen: dict[tuple[str, int], str] = {}
        found: dict[str, dict[int, Mapping[tuple[str, str], CellRow]]] = {}
        for file, rows in self._read(listed, problems):
            day = day_of(file.partition)
            found.setdefault(file.part, {})[day.toordinal()] = rows
            yield from _doubled(file, day, rows, seen, pages)
        for problem in problems:
            yield VerifiedDifference("", "", "", "", problem)
        for part, one in stored.items():
            if one.ledger is not None:
                yield from _compared(part, one.ledger, found.get(part, {}))

    # Files

    def _read(
        self, listed: Sequence[DataFile], problems: list[str]
    ) -> Iterator[tuple[DataFile, Mapping[tuple[str, str], CellRow]]]:
        """Read what the files of days hold; those that cannot be read become problems."""
        by_part: dict[str, list[DataFile]] = {}
        for file in listed:
            by_part.setdefault(file.part, []).append(file)
        for part, files in by_part.items():
            recorder = CoverageRecorder(
                dataset=replace(self._dataset, part=part), files=self._coverage, ledger=None, problems=problems
            )
            by_partition = {file.partition: file for file in files}
            entries = {partition: file.entry for partition, file in by_partition.items()}
            for partition, _, rows in recorder.read_files(entries):
                yield by_partition[partition], rows

    def _enter(self, ledger: Ledger, file: DataFile, rows: Mapping[tuple[str, str], CellRow]) -> None:
        """Enter what a file holds; a cell that was settled stays settled."""
        day, known = day_of(file.partition).toordinal(), ledger.files.get(file.partition)
        ledger.lost(day, rows)
        for (page_id, metric), row in rows.items():
            series = ledger.page(page_id).of(metric)
            if row.is_final or series.window(day, day + 1).translate(cells.STORED) != b"1":
                series.put(day, cells.FINAL if row.is_final else cells.PROVISIONAL)
            elif series.window(day, day + 1) == cells.FINAL:
                series.put(day, cells.PROVISIONAL)
            series.remember(day, [row.value])
        tag = self._store.tag_of(file.entry)
        is_same = known is not None and (known.size_bytes, known.tag) == (file.entry.size_bytes, tag)
        run, restated = (known.run, known.restated) if known is not None and is_same else ("", False)
        ledger.files[file.partition] = FileMark(file.entry.size_bytes, tag, run, restated)

    def _enter_removed(self, ledger: Ledger, part: str, present: set[str]) -> None:
        """Enter the cells that manifests stored in files that nobody finds."""
        for manifest in self._manifests():
            for file in manifest.get("files") or ():
                partition = str(file.get("partition")) if isinstance(file, dict) else ""
                name = self._files.name_of(partition, part)
                if not str(file.get("path", "")).endswith(f"/{name}") or name in present:
                    continue
                try:
                    day = day_of(partition).toordinal()
                except ValueError:
                    continue
                for page_id in manifest.get("pages_ok") or ():
                    for metric in manifest.get("metrics_returned") or ():
                        ledger.page(str(page_id)).of(str(metric)).put(day, cells.REMOVED)

    def _manifests(self) -> Iterator[dict[str, Any]]:
        names = [f"{_MANIFESTS}/{name}" for name in sorted(self._store.list(_MANIFESTS)) if name.endswith(".json")]
        with ThreadPoolExecutor(READ_AT_ONCE, thread_name_prefix="msginsights-manifests") as pool:
            for data in pool.map(self._store.read, names):
                if data is not None and (found := json_object_in(data)) is not None:
                    yield found


def check_coverage(dataset: Dataset[Any]) -> None:
    """Refuse a dataset whose period has no row for each day.

    :raises ConfigurationError: names the periods that can be complete.
    """
    if not has_coverage(dataset.period):
        raise ConfigurationError(
            f"{dataset.root} has period={dataset.period!r}, which has no row for each day, so that nothing can be "
            "missing there: coverage is about datasets of the periods day, week and days_28.",
            parameter="period",
        )


def _base(stored: StoredLedger) -> Ledger:
    """Return what a ledger anew begins with.

    :raises ConfigurationError: when a newer version wrote it.
    """
    if stored.ledger is None and "newer version" in stored.problem:
        raise ConfigurationError(stored.problem)
    return stored.ledger if stored.ledger is not None else Ledger()


def _with_holders(pages: PagesOfDataset, holders: Mapping[str, str]) -> PagesOfDataset:
    for part in sorted(set(holders.values())):
        new = [page_id for page_id, holder in sorted(holders.items()) if holder == part]
        pages = pages.with_entered(new, part=part, run=_RUN)
    return pages


def _doubled(
    file: DataFile,
    day: date,
    rows: Mapping[tuple[str, str], CellRow],
    seen: dict[tuple[str, int], str],
    pages: PagesOfDataset,
) -> Iterator[VerifiedDifference]:
    for page_id in sorted({page_id for page_id, _ in rows}):
        if page_id in pages and pages[page_id].erased_at is not None:
            what = "the Page was erased and has rows: msginsights dataset erase"
            yield VerifiedDifference(file.part, str(day), page_id, "", what)
        other = seen.setdefault((page_id, day.toordinal()), file.part)
        if other != file.part:
            what = f"part {other!r} has rows of the Page and day too: msginsights dataset move"
            yield VerifiedDifference(file.part, str(day), page_id, "", what)


def _compared(
    part: str, ledger: Ledger, found: Mapping[int, Mapping[tuple[str, str], CellRow]]
) -> Iterator[VerifiedDifference]:
    """Compare a ledger with the rows of its part's files: ordinal of the day -> its rows."""
    left = {(day, *place): row for day, rows in found.items() for place, row in rows.items()}
    for page_id, metric, series in ledger.series():
        for place, code in enumerate(bytes(series.codes)):
            day = series.first + place
            row = left.pop((day, page_id, metric), None)
            is_stored = bytes([code]).translate(cells.STORED) == b"1"
            if is_stored and row is None:
                what = "stored by the ledger, and no file has a row"
            elif row is not None and not is_stored:
                what = f"a file has a row, and the ledger says {cells.STATES[bytes([code])]}"
            elif row is not None and row.is_final != (bytes([code]) == cells.FINAL):
                what = f"the row is {'' if row.is_final else 'not '}final, and the ledger says otherwise"
            else:
                continue
            yield VerifiedDifference(part, str(date.fromordinal(day)), page_id, metric, what)
    for day, page_id, metric in sorted(left):
        what = "a file has a row, and the ledger knows nothing of it"
        yield VerifiedDifference(part, str(date.fromordinal(day)), page_id, metric, what)
