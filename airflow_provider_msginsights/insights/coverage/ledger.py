"""The ledger of a part: the state of every cell, why it is so, and the vitals of each series.

A series is a byte a day (`cells`), and equal series share their bytes, in the file (`ledger_file`) too. Days are
counted as ``date.toordinal`` does, ranges without their end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.series import Series, has_other

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_msginsights.insights.coverage.answers import RunAnswers
    from airflow_provider_msginsights.insights.query import Slice

_ZEROS = re.compile(rb"0+")
_YES = ord("1")


@dataclass(slots=True)
class PageCells:
    """What is known of a Page in a part.

    :param series: metric -> its cells.
    :param failures: runs in a row in which the Page failed while others were answered.
    :param failed_on: ordinal of the day of the last of them.
    :param rechecked_on: ordinal of the day on which its final days were last read again.
    """

    series: dict[str, Series] = field(default_factory=dict)
    failures: int = 0
    failed_on: int = 0
    rechecked_on: int = 0

    def of(self, metric: str) -> Series:
        """Return the series of a metric, an empty one where nothing is known of it."""
        if (found := self.series.get(metric)) is None:
            found = self.series[metric] = Series()
        return found

    @property
    def may_reopen(self) -> bool:
        """Whether there is a cell that a row of a later day may open again."""
        return any(has_other(series.codes, cells.NEVER_REOPENED) for series in self.series.values())

    def silent_days(self, before: int) -> list[tuple[int, int]]:
        """Return the stretches before a day on which no metric has a row, as (ordinal of the first, of the end)."""
        first = min((series.first for series in self.series.values() if series.codes), default=before)
        stored = 0
        for series in self.series.values() if first < before else ():
            stored |= int.from_bytes(series.marks(first, before, cells.STORED), "big")
        days = stored.to_bytes(before - first, "big") if first < before else b""
        return [(first + match.start(), first + match.end()) for match in _ZEROS.finditer(days)]

    def waits_until(self) -> int:
        """Return the ordinal of the first day on which a fill may ask for the Page again: after 1, 2, 4 … 28 days."""
        return self.failed_on + min(2 ** (self.failures - 1), 28) if self.failures else 0


@dataclass(frozen=True, slots=True)
class FileMark:
    """A partition's file as a load left it.

    :param size_bytes: its size.
    :param tag: what the store says of its version: an ETag, a generation, on a local disk the time of modification.
    :param run: the run that wrote it last.
    :param restated: whether that run changed rows that were stored.
    """

    size_bytes: int
    tag: str
    run: str
    restated: bool


class CellRow(NamedTuple):
    """What a file says of a cell.

    :param value: of its last row, where it has several by breakdowns.
    """

    is_final: bool
    value: float | None


@dataclass(frozen=True, slots=True)
class Requester:
    """A task that loads by a schedule, and what its newest run requested.

    :param run: the run; the mapped tasks of one are one requester.
    :param on: ordinal of the day of that run.
    """

    run: str
    on: int
    page_ids: tuple[str, ...]
    metrics: tuple[str, ...]


@dataclass(slots=True)
class Ledger:
    """All that is known of a part's cells.

    :param pages: Page id -> its cells.
    :param files: partition -> its file as it was last written or seen.
    :param covers_all: whether it knows every stored row; not so where rows are older than the ledger.
    :param fill_since: ordinal of the first day that the latest fill was to fill; 0 where none ever ran.
    :param filled_on: ordinal of the day of that fill.
    :param requesters: DAG and task -> what its newest scheduled run requested.
    """

    pages: dict[str, PageCells] = field(default_factory=dict)
    files: dict[str, FileMark] = field(default_factory=dict)
    covers_all: bool = True
    fill_since: int = 0
    filled_on: int = 0
    requesters: dict[str, Requester] = field(default_factory=dict)

    def page(self, page_id: str) -> PageCells:
        """Return what is known of a Page, nothing at first."""
        if (found := self.pages.get(page_id)) is None:
            found = self.pages[page_id] = PageCells()
        return found

    def series(self) -> Iterator[tuple[str, str, Series]]:
        """Give each (Page, metric) with its cells."""
        for page_id, page in self.pages.items():
            for metric, series in page.series.items():
                yield page_id, metric, series

    def cells_now(self) -> Ledger:
        """Return a ledger of the cells as they are now, whatever changes in this one later."""
        pages = {
            page_id: PageCells({metric: Series(series.first, series.codes) for metric, series in page.series.items()})
            for page_id, page in self.pages.items()
        }
        return Ledger(pages)

    def first_row_day(self) -> int:
        """Return the ordinal of the first day with a row of any Page, 0 where there is none."""
        different = {(series.first, series.codes): series for _, _, series in self.series()}
        return min((first for series in different.values() if (first := series.first_row())), default=0)

    def stored_days(self, first: int, end: int) -> Iterator[int]:
        """Give the ordinals of the days of a range with a row of any Page."""
        stored = 0
        for _, _, series in self.series() if first < end else ():
            mask = series.marks(first, end, cells.STORED)
            stored |= int.from_bytes(mask, "big")
            if b"0" not in mask:  # nothing can be added; so it is for nearly every first series
                break
        marks = stored.to_bytes(end - first, "big") if first < end else b""
        return (first + place for place, mark in enumerate(marks) if mark == _YES)

    # What a run found out

    def apply(self, run: RunAnswers) -> None:
        """Enter what a run asked for and was answered; the same run may be entered again."""
        last_row_days = run.last_row_days()
        for page_id, last_day in last_row_days.items():
            if page_id in self.pages and self.pages[page_id].may_reopen:
                self._reopen(page_id, last_day, run)
        for part in run.read:
            self._enter_empty(part, last_row_days.get(part.page_id), run)
        for trouble, table, mark in (
            (run.refused, cells.REFUSAL, cells.REFUSED),
            (run.failed, cells.FAILURE, cells.FAILED),
        ):
            for part, reason in trouble:
                self._enter_trouble(part, reason, run, table, mark)
        for (page_id, metric), rows in run.rows.items():
            self.page(page_id).of(metric).enter_rows(rows.stretches, rows.latest, run.final_before)
        self._enter_waits(run)

    def _reopen(self, page_id: str, last_day: int, run: RunAnswers) -> None:
        """Open the cells of stretches that the rows of a run have ended, to be requested once more.

        A stretch ends when a later day is answered with a row: of the Page, where the whole Page was without rows; of
        the metric, where it was refused or had no row before.
        """
        page = self.pages[page_id]
        if any(cells.NO_ROW in series.codes for series in page.series.values()):
            for first, end in page.silent_days(last_day):
                for series in page.series.values():
                    series.change_known(first, end, cells.REOPENED_SILENT)
        for metric, series in page.series.items():
            if cells.MUTE in series.codes:
                series.change_known(series.first, last_day, cells.REOPENED_MUTE)
            if (rows := run.rows.get((page_id, metric))) is None:
                continue
            if cells.SILENT in series.codes:
                series.change_known(series.first, series.end, cells.REVIVED)
            if cells.REFUSED in series.codes:
                series.change_known(series.first, rows.end, cells.REOPENED)
            if not 0 < series.first_row() < rows.first:
                series.change_known(series.first, rows.first, cells.REOPENED_UNRELEASED)

    def _enter_empty(self, part: Slice, last_row_day: int | None, run: RunAnswers) -> None:
        """Enter what was read as if it had no rows; those it has come after.

        :param last_row_day: ordinal of the last day for which the Page had a row in the run.
        """
        page = self.page(part.page_id)
        first, end = run.ended_part(part)
        middle = min(max(first, run.final_before), end)
        passed = first if last_row_day is None else min(max(first, last_row_day), middle)
        for metric in part.metrics:
            rows = run.rows.get((part.page_id, metric))
            if rows is not None and rows.covers(first, end):
                continue
            series = page.of(metric)
            series.change(first, passed, cells.EMPTY_BEFORE_ROW)
            series.change(passed, middle, cells.EMPTY_OF_LIVE_PAGE if last_row_day else cells.EMPTY_OF_SILENT_PAGE)
            series.change(middle, end, cells.EMPTY_EARLY)

    def _enter_trouble(self, part: Slice, reason: str, run: RunAnswers, table: bytes, mark: bytes) -> None:
        first, end = run.ended_part(part)
        for metric in part.metrics:
            series = self.page(part.page_id).of(metric)
            series.change(first, end, table)
            if mark in series.window(first, end):
                series.note(first, end, reason, run.on)

    def _enter_waits(self, run: RunAnswers) -> None:
        """Let a Page wait that failed while others were answered; an outage of all counts against none."""
        answered = {part.page_id for part in run.read}
        for page_id in answered:
            self.page(page_id).failures = 0
        for page_id in {part.page_id for part, _ in run.failed} - answered if answered else ():
            page = self.page(page_id)
            if page.failed_on != run.on or not page.failures:
                page.failures, page.failed_on = page.failures + 1, run.on

    def enter_request(self, task: str, request: Requester) -> None:
        """Note what a scheduled run requested; the tasks of one run are added up."""
        known = self.requesters.get(task)
        if known is not None and known.run == request.run:
            page_ids = {*known.page_ids, *request.page_ids}
            metrics = {*known.metrics, *request.metrics}
            request = Requester(request.run, max(known.on, request.on), tuple(sorted(page_ids)), tuple(sorted(metrics)))
        if known is None or request.on >= known.on:
            self.requesters[task] = request

    def enter_fill(self, since: int, on: int) -> None:
        """Note that a fill worked on the days from one on."""
        self.fill_since, self.filled_on = since, max(on, self.filled_on)

    # What the listing shows

    def lost(self, day: int, stored: Mapping[tuple[str, str], object] | None) -> None:
        """Enter that a partition's file is gone, or no longer holds some rows.

        :param day: the ordinal of the partition's day.
        :param stored: the (Page, metric) whose rows the file still has; ``None`` when the file is gone.
        """
        for page_id, metric, series in self.series():
            if series.first <= day < series.end and (stored is None or (page_id, metric) not in stored):
                series.change(day, day + 1, cells.REMOVAL)

    def found(self, day: int, rows: Mapping[tuple[str, str], CellRow]) -> None:
        """Enter the rows that a file holds: (Page, metric) -> its row."""
        for (page_id, metric), row in rows.items():
            series = self.page(page_id).of(metric)
            series.put(day, cells.FINAL if row.is_final else cells.PROVISIONAL)
            series.remember(day, [row.value])

    def forget_page(self, page_id: str) -> None:
        """Drop all that is known of a Page, and that it was requested."""
        self.pages.pop(page_id, None)
        for task, known in self.requesters.items():
            if page_id in known.page_ids:
                others = tuple(other for other in known.page_ids if other != page_id)
                self.requesters[task] = replace(known, page_ids=others)

    def take_page(self, page_id: str, other: PageCells) -> None:
        """Take over what another ledger knows of a Page; of a day that both know, what is known here stays."""
        page = self.page(page_id)
        page.failures, page.failed_on = max((page.failures, page.failed_on), (other.failures, other.failed_on))
        page.rechecked_on = max(page.rechecked_on, other.rechecked_on)
        for metric, theirs in other.series.items():
            page.of(metric).take(theirs)
