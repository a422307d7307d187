"""Move Pages to another part of the same dataset: rows, ledger cells, findings, and who holds them.

Partition by partition the rows are put into the target's file, and only then taken out of the source's. Between these
two puts a reader of the partition sees the Pages' rows twice, for about as long as one file takes to be read and
written; never does it see them missing. Afterwards, in this order: the target's ledger takes the cells over,
``_coverage/pages.json`` names the target, the source's ledger and findings forget the Pages.

A call that was killed leaves at most one partition with rows twice; the same call finishes it. Meanwhile, and
afterwards, loads of the source part that still request the Pages are refused at every partition where the target has
their rows, so that no row is ever counted twice by a load: change ``part`` in the DAG together with the move.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError, StorageError
from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.findings.state import FindingsState, KnownFinding
from airflow_provider_msginsights.insights.coverage.ledger import CellRow, Ledger, PageCells
from airflow_provider_msginsights.insights.wording import pages_in_words
from airflow_provider_msginsights.outputs.coverage_files import FOLDER, CoverageFiles
from airflow_provider_msginsights.outputs.coverage_recorder import day_of, has_coverage
from airflow_provider_msginsights.outputs.maintenance.data_files import DataFiles, RewrittenFiles
from airflow_provider_msginsights.outputs.maintenance.erasing import forget_pages
from airflow_provider_msginsights.outputs.merging import Tally, merged
from airflow_provider_msginsights.outputs.values import IS_FINAL, METRIC, PAGE_ID, VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.maintenance.data_files import DataFile
    from airflow_provider_msginsights.outputs.stores.store import Current
    from airflow_provider_msginsights.outputs.values import Values

_TRIES = 5
"""How often a partition is moved again because a load restated its rows meanwhile."""
_RUN = "msginsights dataset move"


@dataclass(frozen=True, slots=True, kw_only=True)
class MovePlan:
    """What is to be moved.

    :param part: the part that gets the Pages.
    :param files: data file of another part -> how many rows of theirs it has.
    :param sources: the parts that have rows or cells of theirs.
    :param held_elsewhere: the Pages that ``_coverage/pages.json`` does not say the part holds.
    """

    page_ids: tuple[str, ...]
    part: str
    files: Mapping[str, int] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    held_elsewhere: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.files or self.sources or self.held_elsewhere)

    def as_dict(self) -> dict[str, Any]:
        """Return it in JSON's own types."""
        return {
            "page_ids": list(self.page_ids),
            "part": self.part,
            "from_parts": list(self.sources),
            "rows": sum(self.files.values()),
            "files": dict(sorted(self.files.items())),
        }


class PageMover:
    """Moves Pages of a dataset to a part.

    :param dataset: claimed, but for a plan alone; its part is the one that gets the Pages.
    """

    def __init__(self, dataset: Dataset[Any], page_ids: Sequence[str]) -> None:
        self._dataset = dataset
        self._part = dataset.part
        self._page_ids = tuple(dict.fromkeys(page_ids))
        self._files = DataFiles(dataset)
        self._store = self._files.store
        self._coverage = CoverageFiles(dataset.root, conditional=dataset.conditional_writes)

    def plan(self) -> MovePlan:
        """Look for what is to be moved; nothing is written.

        :raises ConfigurationError: for Pages that the dataset does not hold or that were erased, for unreadable files,
            and for ledgers that cannot be used.
        """
        pages = self._coverage.pages()
        files, sources, held = dict[str, int](), set[str](), set[str]()
        for file, counts in self._files.rows_by_page(self._files.listed()):
            here = counts.keys() & set(self._page_ids)
            held |= here
            if here and file.part != self._part:
                files[file.name] = sum(counts[page_id] for page_id in here)
                sources.add(file.part)
        for part, ledger in self._ledgers().items():
            known = ledger.pages.keys() & set(self._page_ids)
            held |= known
            if known and part != self._part:
                sources.add(part)
        if unknown := [one for one in self._page_ids if one not in held and one not in pages]:
            raise ConfigurationError(
                f"{self._store.shown} holds nothing of {pages_in_words(unknown)}. Use the ids of Pages that it holds: "
                "msginsights coverage names them.",
                error_id="MSGI-dataset-page",
            )
        self._moved(pages)  # refuses erased ones
        return MovePlan(
            page_ids=self._page_ids,
            part=self._part,
            files=files,
            sources=tuple(sorted(sources)),
            held_elsewhere=tuple(one for one in self._page_ids if one not in pages or pages[one].part != self._part),
        )

    def run(self, plan: MovePlan) -> None:
        """Move what was planned, and what came since.

        :raises StorageError: when the store fails in passing, or loads go on restating rows that are being moved.
        """
        if has_coverage(self._dataset.period):
            self._begin_ledger()
        marks = {part: RewrittenFiles() for part in {self._part, *plan.sources}}
        counted = self._files.rows_by_page(self._files.listed())
        wanted = set(self._page_ids)
        for file in [file for file, counts in counted if file.part != self._part and counts.keys() & wanted]:
            self._move_rows(file, marks)
        listed = self._files.listed()
        if has_coverage(self._dataset.period):
            self._give_cells(marks[self._part], listed)
        self._coverage.update_pages(self._moved)
        self._move_findings(plan.sources)
        for part in plan.sources:
            if self._coverage.ledger(part).ledger is not None:
                marker = marks[part].marker(listed, part, self._store.tag_of, _RUN)
                forget_pages(self._coverage, marker, part, self._page_ids)

    def _moved(self, pages: PagesOfDataset) -> PagesOfDataset:
        return pages.with_entered(self._page_ids, part=self._part, run=_RUN).moved(self._page_ids, part=self._part)

    # Rows

    def _move_rows(self, file: DataFile, marks: dict[str, RewrittenFiles]) -> None:
        target = self._files.name_of(file.partition, self._part)
        for _ in range(_TRIES):
            data = self._store.read(file.name)
            rows = [row for row in self._files.rows(file.name, data) if row[PAGE_ID] in self._page_ids] if data else []
            if not rows:
                return
            before = self._store.list(file.partition).get(target.rpartition("/")[2])
            spooled, _ = self._store.update(target, partial(self._add, target, rows))
            marks[self._part].note(file.partition, before, spooled)
            spooled, taken = self._files.remove_rows(file.name, self._page_ids, expected=rows)
            if taken >= 0:
                marks.setdefault(file.part, RewrittenFiles()).note(file.partition, file.entry, spooled)
                return
        raise StorageError(
            f"Loads go on changing {self._store.shown_path(file.name)} while its rows are being moved. Wait until they "
            "have ended, and run the command again.",
            error_id="MSGI-dataset-busy",
        )

    def _add(self, name: str, rows: Sequence[Values], current: Current, file: IO[bytes]) -> None:
        stored = [] if current.data is None else self._files.rows(name, current.data)
        self._files.write(list(merged(stored, rows, Tally())), file)

    # What is known of them

    def _ledgers(self) -> dict[str, Ledger]:
        found = {}
        for part, stored in self._coverage.ledgers().items():
            if stored.problem:
                raise ConfigurationError(stored.problem)
            if stored.ledger is not None:
                found[part] = stored.ledger
        return found

    def _begin_ledger(self) -> None:
        """Make the target's ledger before its first row: a killed move must not leave files that none knows of."""
        has_files = any(file.part == self._part for file in self._files.listed())
        ledgers = self._ledgers()
        if ledgers and self._part not in ledgers and not has_files:
            covers_all = all(ledger.covers_all for ledger in ledgers.values())
            self._coverage.update_ledger(self._part, lambda _: None, at_first=lambda: Ledger(covers_all=covers_all))

    def _give_cells(self, rewritten: RewrittenFiles, listed: Sequence[DataFile]) -> None:
        """Let the target's ledger know what the sources' do, and the rows that its files have."""
        ledgers = self._ledgers()
        others = [ledger for part, ledger in ledgers.items() if part != self._part]
        if not ledgers:
            return
        rows, marker = self._rows_of_part(listed), rewritten.marker(listed, self._part, self._store.tag_of, _RUN)
        has_only_these = all(file.partition in rewritten.rewritten for file in listed if file.part == self._part)

        def enter(ledger: Ledger) -> None:
            marker.enter(ledger)
            for page_id in self._page_ids:
                for other in others:
                    if (page := other.pages.get(page_id)) is not None:
                        ledger.take_page(page_id, page)
                if (known := ledger.pages.get(page_id)) is not None or page_id in rows:
                    _enter_rows(known or ledger.page(page_id), rows.get(page_id, {}))

        self._coverage.remove_leftovers(self._part)
        covers_all = has_only_these and all(ledger.covers_all for ledger in others)
        self._coverage.update_ledger(self._part, enter, at_first=lambda: Ledger(covers_all=covers_all))

    def _rows_of_part(self, listed: Sequence[DataFile]) -> dict[str, dict[tuple[str, int], CellRow]]:
        """Return Page -> (metric, ordinal of the day) -> its row in the target's files."""
        found: dict[str, dict[tuple[str, int], CellRow]] = {}
        for file, counts in self._files.rows_by_page([file for file in listed if file.part == self._part]):
            data = self._store.read(file.name) if counts.keys() & set(self._page_ids) else None
            for row in self._files.rows(file.name, data) if data is not None else ():
                if row[PAGE_ID] in self._page_ids:
                    place = row[METRIC], day_of(file.partition).toordinal()
                    found.setdefault(row[PAGE_ID], {})[place] = CellRow(bool(row[IS_FINAL]), row[VALUE])
        return found

    def _move_findings(self, sources: Sequence[str]) -> None:
        """Let the target's findings go on where the sources' were, so that nobody hears of them a second time."""
        wanted = set(self._page_ids)
        taken: dict[str, KnownFinding] = {}
        for part in sources:
            state = FindingsState.from_bytes(self._store.read(_findings(part)))
            taken |= {name: one for name, one in state.known.items() if wanted.issuperset(one.finding.page_ids)}
        if not taken:
            return
        self._update_findings(self._part, lambda state: state.known.update(taken | state.known))
        for part in sources:
            self._update_findings(part, lambda state: [state.known.pop(name, None) for name in taken])

    def _update_findings(self, part: str, change: Any) -> None:
        def merge(current: Current, file: IO[bytes]) -> None:
            state = FindingsState.from_bytes(current.data)
            if current.data is not None or part == self._part:
                change(state)
                file.write(state.to_bytes())

        self._store.update(_findings(part), merge)


def _findings(part: str) -> str:
    return f"{FOLDER}/findings-{part}.json.gz"


def _enter_rows(page: PageCells, rows: Mapping[tuple[str, int], CellRow]) -> None:
    """Let cells be stored on the days that have rows, and only there; what was settled stays settled."""
    for metric, series in page.series.items():
        for place, mark in enumerate(series.codes.translate(cells.STORED)):
            if mark == ord("1") and (metric, series.first + place) not in rows:
                series.put(series.first + place, cells.REMOVED)
    for (metric, day), row in sorted(rows.items(), key=lambda item: item[0][1]):
        series = page.of(metric)
        if series.window(day, day + 1).translate(cells.STORED) != b"1":
            series.put(day, cells.FINAL if row.is_final else cells.PROVISIONAL)
            series.remember(day, [row.value])
