"""The ledger of a part: the state of every cell, why it is so, and the vitals of each series.

In memory a series is a byte a day (`cells`); in the file it is runs of equal days, so that the file grows with changes
of state and not with days. Days are counted as ``date.toordinal`` does, ranges without their end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage import cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_msginsights.insights.coverage.answers import RunAnswers, SeriesRows
    from airflow_provider_msginsights.insights.query import Slice

VERSION = 1
KEPT_VALUES = 28
"""Values of a series that findings compare the newest day with."""


_ZEROS = re.compile(rb"0+")


class NewerLedgerError(ConfigurationError):
    """The ledger was written by a newer version of the package: it is left alone."""


@dataclass(frozen=True, slots=True)
class Note:
    """Why a stretch of a series is refused or failed.

    :param first: ordinal of the first day.
    :param end: ordinal of the day after the last.
    :param reason: what the API or the network said.
    :param tries: runs in a row that met it.
    :param last_on: ordinal of the day of the latest of them.
    """

    first: int
    end: int
    reason: str
    tries: int
    last_on: int


@dataclass(slots=True)
class Series:
    """The cells of one metric of one Page.

    :param first: ordinal of the first cell.
    :param codes: a code a day.
    :param values: the values of the latest days, for findings; ``None`` where a day has none.
    :param values_first: ordinal of the first of them.
    """

    first: int = 0
    codes: bytearray = field(default_factory=bytearray)
    notes: list[Note] = field(default_factory=list)
    values_first: int = 0
    values: list[float | None] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The ordinal after the last cell."""
        return self.first + len(self.codes)

    def window(self, first: int, end: int) -> bytes:
        """Return the codes of a range of days, ``NEVER`` where there is none."""
        if not self.codes or first >= self.end or end <= self.first:
            return cells.NEVER * (end - first)
        inner = self.codes[max(0, first - self.first) : max(0, end - self.first)]
        return cells.NEVER * max(0, self.first - first) + inner + cells.NEVER * max(0, end - self.end)

    def first_row(self) -> int:
        """Return the ordinal of the first day with a row, 0 where there is none."""
        place = self.codes.translate(cells.STORED).find(b"1")
        return self.first + place if place >= 0 else 0

    def change(self, first: int, end: int, table: bytes) -> None:
        """Make of the cells of a range what a table says."""
        if first < end:
            start = self._reach(first, end)
            self.codes[start : start + end - first] = self.codes[start : start + end - first].translate(table)

    def change_known(self, first: int, end: int, table: bytes) -> None:
        """Make of those cells of a range that there are what a table says."""
        self.change(max(first, self.first), min(end, self.end), table)

    def put(self, first: int, codes: bytes) -> None:
        """Replace the cells from a day on."""
        if codes:
            start = self._reach(first, first + len(codes))
            self.codes[start : start + len(codes)] = codes

    def note(self, first: int, end: int, reason: str, on: int) -> None:
        """Keep why a range is refused or failed; what was noted of its days before is replaced."""
        tries, kept = 1, []
        for old in self.notes:
            if old.end < first or old.first > end:
                kept.append(old)
            elif old.reason == reason:  # the same trouble goes on, or is met again
                tries = max(tries, old.tries + (old.last_on != on))
                first, end = min(first, old.first), max(end, old.end)
            else:
                kept += [
                    Note(a, b, old.reason, old.tries, old.last_on)
                    for a, b in ((old.first, min(old.end, first)), (max(old.first, end), old.end))
                    if a < b
                ]
        self.notes = [*kept, Note(first, end, reason, tries, on)]

    def remember(self, first: int, values: Sequence[float | None]) -> None:
        """Keep the values of the latest days."""
        if not self.values:
            self.values_first, self.values = first, list(values[-KEPT_VALUES:])
            self.values_first += len(values) - len(self.values)
            return
        place = first - self.values_first
        if place < 0:
            values, place = values[-place:], 0
        if values:
            if place > len(self.values):
                self.values += [None] * min(place - len(self.values), KEPT_VALUES + place)
            self.values[place : place + len(values)] = values
            if (surplus := len(self.values) - KEPT_VALUES) > 0:
                del self.values[:surplus]
                self.values_first += surplus

    def _reach(self, first: int, end: int) -> int:
        """Have cells for a range; return the place of its first day."""
        if not self.codes:
            self.first = first
        if first < self.first:
            self.codes[:0] = cells.NEVER * (self.first - first)
            self.first = first
        if end > self.end:
            self.codes += cells.NEVER * (end - self.end)
        return first - self.first

    def to_json(self, reason_numbers: dict[str, int]) -> list[Any]:
        """Return the series as JSON's own types; the codes are text, which compression makes as short as its runs."""
        notes = [
            [one.first, one.end, reason_numbers.setdefault(one.reason, len(reason_numbers)), one.tries, one.last_on]
            for one in sorted(self.notes, key=lambda one: one.first)
            if self._is_needed(one)
        ]
        return [self.first, self.codes.decode("ascii"), notes, self.values_first, self.values]

    def _is_needed(self, note: Note) -> bool:
        codes = self.window(note.first, note.end)
        return cells.REFUSED in codes or cells.FAILED in codes

    @classmethod
    def from_json(cls, data: Sequence[Any], reasons: Sequence[str]) -> Series:
        """Return the series that ``to_json`` gave."""
        first, text, notes, values_first, values = data
        codes = text.encode("ascii")
        if codes.translate(None, cells.CODES):
            raise ValueError("unknown codes")
        return cls(
            first=first,
            codes=bytearray(codes),
            notes=[Note(a, b, reasons[number], tries, on) for a, b, number, tries, on in notes],
            values_first=values_first,
            values=values,
        )


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

    def silent_days(self, before: int) -> list[tuple[int, int]]:
        """Return the stretches before a day on which no metric has a row, as (ordinal of the first, of the end)."""
        first = min((series.first for series in self.series.values() if series.codes), default=before)
        stored = 0
        for series in self.series.values() if first < before else ():
            stored |= int.from_bytes(series.window(first, before).translate(cells.STORED), "big")
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


@dataclass(slots=True)
class Ledger:
    """All that is known of a part's cells.

    :param pages: Page id -> its cells.
    :param files: partition -> its file as it was last written or seen.
    """

    pages: dict[str, PageCells] = field(default_factory=dict)
    files: dict[str, FileMark] = field(default_factory=dict)

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

    # What a run found out

    def apply(self, run: RunAnswers) -> None:
        """Enter what a run asked for and was answered; the same run may be entered again."""
        for page_id, last_day in run.last_row_days().items():
            if page_id in self.pages:
                self._reopen(page_id, last_day, run)
        for part in run.read:
            page, table = self.page(part.page_id), cells.EMPTY_OF_LIVE_PAGE
            if part.page_id not in run.pages_with_rows:
                table = cells.EMPTY_OF_SILENT_PAGE
            first, end = run.ended_part(part)
            middle = min(max(first, run.final_before), end)
            for metric in part.metrics:
                series = page.of(metric)
                series.change(first, middle, table)
                series.change(middle, end, cells.EMPTY_EARLY)
        for trouble, table, mark in (
            (run.refused, cells.REFUSAL, cells.REFUSED),
            (run.failed, cells.FAILURE, cells.FAILED),
        ):
            for part, reason in trouble:
                self._enter_trouble(part, reason, run, table, mark)
        for (page_id, metric), rows in run.rows.items():
            self._enter_rows(self.page(page_id).of(metric), rows, run.final_before)
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
                    series.change_known(first, end, cells.REOPENED_WITHOUT_ROW)
        for metric, series in page.series.items():
            if cells.MUTE in series.codes:
                series.change_known(series.first, last_day, cells.REOPENED_MUTE)
            if (rows := run.rows.get((page_id, metric))) is None:
                continue
            if cells.SILENT in series.codes:
                series.change_known(series.first, series.end, cells.REVIVED)
            if cells.REFUSED in series.codes:
                series.change_known(series.first, rows.end, cells.REOPENED)
            if cells.NO_ROW in series.codes and not 0 < series.first_row() < rows.first:
                series.change_known(series.first, rows.first, cells.REOPENED_WITHOUT_ROW)

    def _enter_trouble(self, part: Slice, reason: str, run: RunAnswers, table: bytes, mark: bytes) -> None:
        first, end = run.ended_part(part)
        for metric in part.metrics:
            series = self.page(part.page_id).of(metric)
            series.change(first, end, table)
            if mark in series.window(first, end):
                series.note(first, end, reason, run.on)

    @staticmethod
    def _enter_rows(series: Series, rows: SeriesRows, final_before: int) -> None:
        for first, values in rows.stretches:
            end = first + len(values)
            final = max(0, min(end, final_before) - first)
            series.put(first, cells.FINAL * final + cells.PROVISIONAL * (len(values) - final))
            series.remember(first, values)

    def _enter_waits(self, run: RunAnswers) -> None:
        """Let a Page wait that failed while others were answered; an outage of all counts against none."""
        answered = {part.page_id for part in run.read}
        for page_id in answered:
            self.page(page_id).failures = 0
        for page_id in {part.page_id for part, _ in run.failed} - answered if answered else ():
            page = self.page(page_id)
            if page.failed_on != run.on or not page.failures:
                page.failures, page.failed_on = page.failures + 1, run.on

    # What the listing shows

    def lost(self, day: int, stored: Mapping[tuple[str, str], object] | None) -> None:
        """Enter that a partition's file is gone, or no longer holds some rows.

        :param day: the ordinal of the partition's day.
        :param stored: the (Page, metric) whose rows the file still has; ``None`` when the file is gone.
        """
        for page_id, metric, series in self.series():
            if series.first <= day < series.end and (stored is None or (page_id, metric) not in stored):
                series.change(day, day + 1, cells.REMOVAL)

    def found(self, day: int, rows: Mapping[tuple[str, str], bool]) -> None:
        """Enter the rows a file holds that others changed: (Page, metric) -> whether the row is final."""
        for (page_id, metric), is_final in rows.items():
            self.page(page_id).of(metric).put(day, cells.FINAL if is_final else cells.PROVISIONAL)

    def forget_page(self, page_id: str) -> None:
        """Drop all that is known of a Page."""
        self.pages.pop(page_id, None)

    # The file

    def to_json(self) -> dict[str, Any]:
        """Return the ledger as JSON's own types; equal ledgers give equal values."""
        numbers: dict[str, int] = {}
        pages = {
            page_id: {
                "wait": [page.failures, page.failed_on] if page.failures else [],
                "rechecked": page.rechecked_on,
                "series": {metric: page.series[metric].to_json(numbers) for metric in sorted(page.series)},
            }
            for page_id, page in sorted(self.pages.items())
        }
        runs: dict[str, int] = {}
        files = {
            name: [mark.size_bytes, mark.tag, runs.setdefault(mark.run, len(runs)), int(mark.restated)]
            for name, mark in sorted(self.files.items())
        }
        return {"version": VERSION, "reasons": list(numbers), "runs": list(runs), "pages": pages, "files": files}

    @classmethod
    def from_json(cls, data: object) -> Ledger:
        """Return the ledger that ``to_json`` gave.

        :raises NewerLedgerError: when a newer version wrote it.
        :raises ValueError: when it is no ledger.
        """
        if not isinstance(data, dict) or not isinstance(version := data.get("version"), int):
            raise ValueError("it is not a ledger")  # noqa: TRY004 - damage, of whatever type
        if version > VERSION:
            raise NewerLedgerError(f"It was written by a newer version of this package (ledger {version}).")
        try:
            return cls._read(data)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as damage:
            raise ValueError(f"it is damaged ({type(damage).__name__})") from None

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> Ledger:
        reasons, runs = [str(one) for one in data["reasons"]], [str(one) for one in data["runs"]]
        pages = {}
        for page_id, page in data["pages"].items():
            failures, failed_on = page["wait"] or (0, 0)
            series = {metric: Series.from_json(one, reasons) for metric, one in page["series"].items()}
            pages[page_id] = PageCells(series, int(failures), int(failed_on), int(page["rechecked"]))
        files = {
            name: FileMark(int(size), str(tag), runs[run], bool(restated))
            for name, (size, tag, run, restated) in data["files"].items()
        }
        return cls(pages=pages, files=files)
