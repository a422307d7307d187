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
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError, StorageError
from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.wording import pages_in_words
from airflow_provider_msginsights.outputs.coverage_files import FOLDER, CoverageFiles
from airflow_provider_msginsights.outputs.formats.json_values import json_object_in
from airflow_provider_msginsights.outputs.maintenance.data_files import DataFiles, RewrittenFiles
from airflow_provider_msginsights.outputs.maintenance.mentions import mentions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from airflow_provider_msginsights.insights.coverage.ledger import Ledger
    from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.maintenance.data_files import DataFile
    from airflow_provider_msginsights.outputs.stores.store import Current

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
    """

    page_ids: tuple[str, ...]
    files: Mapping[str, int] = field(default_factory=dict)
    emptied: tuple[str, ...] = ()
    cells: int = 0
    mentions: Mapping[str, int] = field(default_factory=dict)
    unmarked: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows of theirs there are."""
        return sum(self.files.values())

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.files or self.cells or self.mentions or self.unmarked)

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
        files, emptied, held = self._data_files()
        cell_counts = self._cells()
        unmarked = tuple(one for one in self._page_ids if one not in pages or pages[one].erased_at is None)
        earlier = self._unfinished()
        removed = {*emptied, *(earlier[1]["emptied"] if earlier else ())}
        counts: Counter[str] = Counter()
        for mention in mentions(self._store, self._page_ids, removed=removed):
            counts[mention.kind] += mention.count
        unknown = [one for one in unmarked if one not in pages and one not in held and not cell_counts[one]]
        if unknown:
            raise ConfigurationError(
                f"{self._store.shown} holds nothing of {pages_in_words(unknown)}. Use the ids of Pages that it holds: "
                "msginsights coverage names them."
            )
        return ErasePlan(
            page_ids=self._page_ids,
            files=files,
            emptied=emptied,
            cells=cell_counts.total(),
            mentions=dict(counts),
            unmarked=unmarked,
        )

    def run(self, plan: ErasePlan, *, at: datetime, reason: str) -> dict[str, Any]:
        """Erase what was planned, and what came since; return the receipt.

        :param at: the aware moment of the decision.
        :raises StorageError: when the store fails in passing, or a load goes on storing rows of the Pages.
        """
        pages = self._mark(at, reason)
        name, receipt = self._begin(plan, pages)
        for _ in range(_ROUNDS):
            self._remove(receipt["emptied"])
            if self.plan().is_done:
                break
        else:
            raise StorageError(
                f"A load goes on storing rows of {pages_in_words(self._page_ids)} in {self._store.shown}. Wait until "
                "it has ended, and run the command again."
            )
        receipt["completed_at"] = max(at, *(pages[one].erased_at or at for one in self._page_ids)).isoformat()
        self._store.write(name, _as_json(receipt))
        return receipt

    # The steps

    def _mark(self, at: datetime, reason: str) -> PagesOfDataset:
        holders = {
            page_id: file.part
            for file, counts in self._files.rows_by_page(self._files.listed())
            for page_id in counts.keys() & set(self._page_ids)
        }

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
        files = {file.name: file for file, counts in self._files.rows_by_page(self._files.listed()) if counts.keys() & wanted}
        for file in files.values():
            spooled, _ = self._files.remove_rows(file.name, wanted)
            rewritten.setdefault(file.part, RewrittenFiles()).note(file.partition, file.entry, spooled)
        self._forget(rewritten)
        for mention in mentions(self._store, self._page_ids, removed=emptied):
            self._rewrite(mention.name, mention.without)

    def _forget(self, rewritten: Mapping[str, RewrittenFiles]) -> None:
        listed = self._files.listed()
        for part, stored in self._coverage.ledgers().items():
            if stored.ledger is None or not (part in rewritten or _knows(stored.ledger, self._page_ids)):
                continue
            marker = rewritten.get(part, RewrittenFiles()).marker(listed, part, self._store.tag_of, "")

            def forget(ledger: Ledger, marker: Any = marker) -> None:
                marker.enter(ledger)
                for page_id in self._page_ids:
                    ledger.forget_page(page_id)

            self._coverage.remove_leftovers(part)
            self._coverage.update_ledger(part, forget, at_first=type(stored.ledger))

    def _rewrite(self, name: str, without: Any) -> None:
        def merge(current: Current, file: IO[bytes]) -> None:
            if current.data is not None:
                file.write(without(current.data))

        self._store.remove_leftovers(name)
        self._store.update(name, merge)

    # What there is

    def _data_files(self) -> tuple[dict[str, int], tuple[str, ...], set[str]]:
        wanted, files, emptied, held = set(self._page_ids), {}, [], set[str]()
        for file, counts in self._files.rows_by_page(self._files.listed()):
            if mine := sum(counts[page_id] for page_id in wanted):
                files[file.name] = mine
                held |= counts.keys()
                if mine == counts.total():
                    emptied.append(file.name)
        return files, tuple(emptied), held

    def _cells(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for stored in self._coverage.ledgers().values():
            if stored.problem:
                raise ConfigurationError(stored.problem)
            ledger = stored.ledger
            for page_id in self._page_ids if ledger is not None else ():
                page = ledger.pages.get(page_id) if ledger is not None else None
                for series in page.series.values() if page is not None else ():
                    counts[page_id] += len(series.codes) - series.codes.count(cells.NEVER)
                if not counts[page_id] and ledger is not None and _knows(ledger, [page_id]):
                    counts[page_id] = 1  # it is named there, without a cell
        return counts

    def _unfinished(self) -> tuple[str, dict[str, Any]] | None:
        """Return the receipt that a killed call for these Pages began."""
        for file in sorted(self._store.list(FOLDER)):
            if not file.startswith(_RECEIPT) or (data := self._store.read(f"{FOLDER}/{file}")) is None:
                continue
            found = json_object_in(data)
            if found and not found.get("completed_at") and set(found.get("page_ids", [])) == set(self._page_ids):
                return f"{FOLDER}/{file}", found
        return None


def _knows(ledger: Ledger, page_ids: Collection[str]) -> bool:
    named = {*ledger.pages, *(page_id for request in ledger.requesters.values() for page_id in request.page_ids)}
    return not named.isdisjoint(page_ids)


def erase_late_rows(dataset: Dataset[Any], ledger: Ledger | None, pages: PagesOfDataset, files: Sequence[str]) -> list[str]:
    """Take out what a load stored of Pages that were erased while it ran, or what one that was killed left of them.

    :param dataset: claimed, with the part that the load wrote.
    :param ledger: the part's ledger as it is now; ``None`` for periods without one, and where it cannot be used.
    :param files: the data files that the load had rows for.
    :return: the Pages; none where there was nothing of theirs, which takes no request.
    """
    raise NotImplementedError


def _as_json(receipt: Mapping[str, Any]) -> bytes:
    return json.dumps(receipt, indent=2, ensure_ascii=False).encode() + b"\n"
