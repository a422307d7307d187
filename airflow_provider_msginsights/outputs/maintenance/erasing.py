"""Erase Pages from a dataset: rows, ledger cells, and every mention but that they were erased.

The order, which a kill at any moment leaves so that the same call finishes it:

1. ``_coverage/pages.json`` says that the Pages are erased: from then on no load or fill requests them;
2. ``_coverage/erasure-<moment>.json`` says what is about to go, so that the receipt is whole however often it took;
3. rows go, file by file: a reader sees a file with them or without, and a file of theirs alone is removed;
4. the ledgers forget them; then manifests, changes, findings and acknowledgements do;
5. every file is read once more, and the receipt is completed.

A load that had begun before step 1 may store rows of a Page after step 3 was at its file. Step 5 finds those that came
meanwhile; later ones are taken out by that load itself, at its end, or by the next one (`erase_late_rows`).
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError, StorageError
from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.ledger import Ledger
from airflow_provider_msginsights.insights.wording import pages_in_words
from airflow_provider_msginsights.outputs.coverage_files import DAY_PREFIX, FOLDER, CoverageFiles
from airflow_provider_msginsights.outputs.formats.json_values import json_object_in
from airflow_provider_msginsights.outputs.maintenance.data_files import DataFiles, RewrittenFiles
from airflow_provider_msginsights.outputs.maintenance.mentions import mentions, remove_changes, remove_mentions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.maintenance.data_files import Marker

_RECEIPT = "erasure-"
_ROUNDS = 3
"""How often rows that loads stored meanwhile are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasePlan:
    """What a dataset has of some Pages.

    :param files: data file -> how many rows of theirs it has.
    :param emptied: those of them that have no other rows, and will be removed.
    :param cells: how many cells of theirs the ledgers know.
    :param mentions: how many entries name them, by kind of file.
    :param unmarked: the Pages that ``_coverage/pages.json`` does not call erased yet.
    :param holders: Page id -> a part that has rows of it.
    :param is_unfinished: whether a call that erased them was killed before it completed its receipt.
    """

    page_ids: tuple[str, ...]
    files: Mapping[str, int] = field(default_factory=dict)
    emptied: tuple[str, ...] = ()
    cells: int = 0
    mentions: Mapping[str, int] = field(default_factory=dict)
    unmarked: tuple[str, ...] = ()
    holders: Mapping[str, str] = field(default_factory=dict)
    is_unfinished: bool = False

    @property
    def rows(self) -> int:
        """How many rows of theirs there are."""
        return sum(self.files.values())

    @property
    def finds_nothing(self) -> bool:
        """Whether nothing of the Pages is left."""
        return not (self.files or self.cells or self.mentions or self.unmarked)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.finds_nothing and not self.is_unfinished

    def with_earlier(self, earlier: Mapping[str, Any] | None) -> ErasePlan:
        """Return this with what a call that was killed had found before it began."""
        if earlier is None:
            return self
        files = {**self.files, **{str(name): int(rows) for name, rows in earlier["files"].items()}}
        kinds = {*self.mentions, *earlier["mentions"]}
        return replace(
            self,
            files=files,
            emptied=tuple(sorted({*self.emptied, *map(str, earlier["emptied"])} & files.keys())),
            cells=max(self.cells, int(earlier["cells"])),
            mentions={kind: max(self.mentions.get(kind, 0), int(earlier["mentions"].get(kind, 0))) for kind in kinds},
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it in JSON's own types."""
        return {
            "page_ids": list(self.page_ids),
            "rows": self.rows,
            "files_rewritten": len(self.files) - len(self.emptied),
            "files_removed": len(self.emptied),
            "cells": self.cells,
            "mentions": dict(sorted(self.mentions.items())),
            "files": dict(sorted(self.files.items())),
            "emptied": list(self.emptied),
        }


class PageEraser:
    """Erases Pages from a dataset.

    :param dataset: claimed, but for a plan alone.
    """

    def __init__(self, dataset: Dataset[Any], page_ids: Sequence[str]) -> None:
        self._dataset = dataset
        self._page_ids = tuple(dict.fromkeys(page_ids))
        self._files = DataFiles(dataset)
        self._store = self._files.store
        self._coverage = CoverageFiles(dataset.root, conditional=dataset.conditional_writes)

    def plan(self) -> ErasePlan:
        """Look for all that the dataset has of the Pages; nothing is written.

        :raises ConfigurationError: for Pages that it has nothing of, and for files of which nobody knows whether they
            name them.
        """
        pages = self._coverage.pages()
        files, emptied, holders = self._data_files()
        cell_counts = self._cells()
        unmarked = tuple(one for one in self._page_ids if one not in pages or pages[one].erased_at is None)
        earlier = self._unfinished()
        removed = {*emptied, *self._gone(earlier[1]["emptied"] if earlier else ())}
        counts: Counter[str] = Counter()
        for mention in mentions(self._store, self._page_ids, removed=removed):
            counts[mention.kind] += mention.count
        unknown = [one for one in unmarked if one not in pages and one not in holders and not cell_counts[one]]
        if unknown:
            raise ConfigurationError(
                f"{self._store.shown} holds nothing of {pages_in_words(unknown)}. Use the ids of Pages that it holds: "
                "msginsights coverage names them.",
                error_id="MSGI-dataset-page",
            )
        return ErasePlan(
            page_ids=self._page_ids,
            files=files,
            emptied=emptied,
            cells=cell_counts.total(),
            mentions=dict(counts),
            unmarked=unmarked,
            holders=holders,
            is_unfinished=earlier is not None,
        )

    def run(self, plan: ErasePlan, *, at: datetime, reason: str) -> dict[str, Any]:
        """Erase what was planned, and what came since; return the receipt, the former one where nothing was left.

        :param at: the aware moment of the decision.
        :raises StorageError: when the store fails in passing, or a load goes on storing rows of the Pages.
        """
        if plan.is_done:
            return self.receipts()[-1][1] if self.receipts() else {"erased_at": None, **plan.as_dict()}
        pages = self._mark(plan.holders, at, reason)
        name, receipt = self._begin(plan, pages)
        for _ in range(_ROUNDS):
            self._remove(receipt["emptied"])
            if self.plan().finds_nothing:
                break
        else:
            raise StorageError(
                f"A load goes on storing rows of {pages_in_words(self._page_ids)} in {self._store.shown}. Wait until "
                "it has ended, and run the command again.",
                error_id="MSGI-dataset-busy",
            )
        receipt["completed_at"] = datetime.now(UTC).isoformat(timespec="seconds")
        self._store.write(name, _as_json(receipt))
        return receipt

    # The steps

    def _mark(self, holders: Mapping[str, str], at: datetime, reason: str) -> PagesOfDataset:
        def mark(pages: PagesOfDataset) -> PagesOfDataset:
            for page_id in self._page_ids:
                pages = pages.with_entered([page_id], part=holders.get(page_id, "0"), run="")
            return pages.erased(self._page_ids, at=at, reason=reason)

        return self._coverage.update_pages(mark)

    def _begin(self, plan: ErasePlan, pages: PagesOfDataset) -> tuple[str, dict[str, Any]]:
        """Store what is about to go, or go on with what a killed call had stored; return the file and the receipt."""
        found = self._unfinished()
        name, earlier = found if found is not None else ("", None)
        erased_at = max(moment for one in self._page_ids if (moment := pages[one].erased_at) is not None)
        receipt = {
            "version": 1,
            "dataset": self._store.shown,
            "erased_at": erased_at.isoformat(),
            "reason": pages[self._page_ids[0]].reason,
            **plan.with_earlier(earlier).as_dict(),
            "completed_at": None,
        }
        if not name:
            taken = self._store.list(FOLDER)
            number, stem = 0, f"{_RECEIPT}{erased_at:%Y%m%dT%H%M%SZ}"
            while f"{stem}{f'-{number}' if number else ''}.json" in taken:
                number += 1
            name = f"{FOLDER}/{stem}{f'-{number}' if number else ''}.json"
        self._store.write(name, _as_json(receipt))
        return name, receipt

    def _remove(self, emptied: Collection[str]) -> None:
        self._files.remove_leftovers()
        wanted, rewritten = set(self._page_ids), dict[str, RewrittenFiles]()
        counted = self._files.rows_by_page(self._files.listed())
        for file in [file for file, counts in counted if counts.keys() & wanted]:
            spooled, _ = self._files.remove_rows(file.name, wanted)
            rewritten.setdefault(file.part, RewrittenFiles()).note(file.partition, file.entry, spooled)
        self._forget(rewritten)
        for mention in mentions(self._store, self._page_ids, removed=self._gone(emptied)):
            remove_mentions(self._store, mention.name, mention.without)

    def _forget(self, rewritten: Mapping[str, RewrittenFiles]) -> None:
        listed = self._files.listed()
        for part, stored in self._coverage.ledgers().items():
            if stored.ledger is not None and (part in rewritten or _knows(stored.ledger, self._page_ids)):
                files = rewritten.get(part, RewrittenFiles())
                forget_pages(self._coverage, files.marker(listed, part, self._store.tag_of, ""), part, self._page_ids)

    # What there is

    def _data_files(self) -> tuple[dict[str, int], tuple[str, ...], dict[str, str]]:
        files, emptied, holders = dict[str, int](), list[str](), dict[str, str]()
        for file, counts in self._files.rows_by_page(self._files.listed()):
            if rows := sum(counts[page_id] for page_id in self._page_ids):
                files[file.name] = rows
                holders |= dict.fromkeys((page_id for page_id in self._page_ids if page_id in counts), file.part)
                if rows == counts.total():
                    emptied.append(file.name)
        return files, tuple(emptied), holders

    def _gone(self, names: Collection[str]) -> set[str]:
        """Return those data files that there are no more."""
        return {*names} - {file.name for file in self._files.listed()} if names else set()

    def _cells(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for stored in self._coverage.ledgers().values():
            if stored.problem:
                raise ConfigurationError(stored.problem)
            for page_id in self._page_ids if stored.ledger is not None else ():
                counts[page_id] += _cells_of(stored.ledger or Ledger(), page_id)
        return counts

    def receipts(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the receipts of these Pages, with the files' names; the newest comes last."""
        names = [f"{FOLDER}/{file}" for file in sorted(self._store.list(FOLDER)) if file.startswith(_RECEIPT)]
        read = [(name, json_object_in(data)) for name in names if (data := self._store.read(name)) is not None]
        return [(name, found) for name, found in read if found and set(found.get("page_ids", [])) == {*self._page_ids}]

    def _unfinished(self) -> tuple[str, dict[str, Any]] | None:
        """Return the receipt that a killed call for these Pages began."""
        return next(((name, found) for name, found in self.receipts() if not found.get("completed_at")), None)


def forget_pages(coverage: CoverageFiles, marker: Marker, part: str, page_ids: Collection[str]) -> None:
    """Let the ledger of a part forget Pages, and know the files that were rewritten as they are now."""

    def forget(ledger: Ledger) -> None:
        marker.enter(ledger)
        for page_id in page_ids:
            ledger.forget_page(page_id)

    coverage.remove_leftovers(part)
    coverage.update_ledger(part, forget, at_first=Ledger)


def late_pages(ledger: Ledger, pages: PagesOfDataset) -> list[str]:
    """Return the erased Pages that a ledger knows all the same: a load stored them that had begun before."""
    return [page_id for page_id, entry in pages.items() if entry.erased_at is not None and _knows(ledger, [page_id])]


def erase_late_rows(
    dataset: Dataset[Any],
    page_ids: Collection[str],
    partitions: Collection[str],
    *,
    ledger: Ledger | None,
    changes: str | None = None,
) -> None:
    """Take out what a load stored of Pages that were erased while it ran, or what one that was killed left of them.

    :param dataset: claimed, with the part that the load wrote.
    :param partitions: those that the load had rows for; those of which the ledger knows such rows are added.
    :param ledger: the part's ledger, which forgets the Pages too; ``None`` for periods without one, and where it
        cannot be used.
    :param changes: the file of changes that the load stored, by its path in the dataset.
    :raises StorageError: when the store fails in passing.
    """
    files, rewritten = DataFiles(dataset), RewrittenFiles()
    wanted = {*partitions, *_stored_days(ledger, page_ids)}
    present = [file for file in files.listed() if file.part == dataset.part and file.partition in wanted]
    for file in present:
        spooled, _ = files.remove_rows(file.name, page_ids)
        rewritten.note(file.partition, file.entry, spooled)
    if changes is not None:
        remove_changes(files.store, changes, page_ids)
    if ledger is not None:
        marker = rewritten.marker(files.listed(), dataset.part, files.store.tag_of, "")
        coverage = CoverageFiles(dataset.root, conditional=dataset.conditional_writes)
        forget_pages(coverage, marker, dataset.part, page_ids)
        for page_id in page_ids:
            ledger.forget_page(page_id)


def _stored_days(ledger: Ledger | None, page_ids: Collection[str]) -> Iterator[str]:
    for page_id in page_ids if ledger is not None else ():
        page = (ledger or Ledger()).pages.get(page_id)
        for series in page.series.values() if page is not None else ():
            for place, mark in enumerate(series.codes.translate(cells.STORED)):
                if mark == ord("1"):
                    yield f"{DAY_PREFIX}{date.fromordinal(series.first + place)}"


def _cells_of(ledger: Ledger, page_id: str) -> int:
    """Count the cells that a ledger knows of a Page; at least 1 where it names the Page."""
    page = ledger.pages.get(page_id)
    all_series = page.series.values() if page is not None else ()
    count = sum(len(series.codes) - series.codes.count(cells.NEVER) for series in all_series)
    return count or int(_knows(ledger, [page_id]))


def _knows(ledger: Ledger, page_ids: Collection[str]) -> bool:
    named = {*ledger.pages, *(page_id for request in ledger.requesters.values() for page_id in request.page_ids)}
    return not named.isdisjoint(page_ids)


def _as_json(receipt: Mapping[str, Any]) -> bytes:
    return json.dumps(receipt, indent=2, ensure_ascii=False).encode() + b"\n"
