"""The cells of one metric of one Page: a code a day, why a stretch is refused or failed, and the latest values.

Days are counted as ``date.toordinal`` does, ranges without their end.

Nearly all series of a dataset have the same codes, and answers change them alike. Codes are ``bytes``, which never
change, and what is made of them is remembered: series with equal codes share one object, and what was worked out for
one of them is looked up for the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.coverage import cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KEPT_VALUES = 28
"""Values of a series that findings compare the newest day with."""
MOST_REMEMBERED = 1024
"""Of each kind of work on codes; with codes of two years a megabyte."""


@lru_cache(MOST_REMEMBERED)
def translated(codes: bytes, table: bytes) -> bytes:
    """Return the codes as a table changes them."""
    return codes.translate(table)


@lru_cache(MOST_REMEMBERED)
def has_other(codes: bytes, known: bytes) -> bool:
    """Return whether there is a code that is none of those known."""
    return bool(codes.translate(None, known))


@lru_cache(MOST_REMEMBERED)
def _window(codes: bytes, start: int, end: int) -> bytes:
    inner = codes[max(0, start) : max(0, end)]
    return (cells.NEVER * (min(0, end) - min(0, start)) + inner).ljust(end - start, cells.NEVER)


@lru_cache(MOST_REMEMBERED)
def _with(codes: bytes, place: int, others: bytes) -> bytes:
    """Return the codes with others from a place on, which may lie before the first."""
    if place < 0:
        return others.ljust(-place, cells.NEVER) + codes[max(0, place + len(others)) :]
    return codes[:place].ljust(place, cells.NEVER) + others + codes[place + len(others) :]


@lru_cache(MOST_REMEMBERED)
def _codes_of_rows(days: int, final: int) -> bytes:
    """Return the codes of consecutive days with rows.

    :param final: how many days after the first of them the first one is that is not final.
    """
    final = max(0, min(days, final))
    return cells.FINAL * final + cells.PROVISIONAL * (days - final)


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
    codes: bytes = b""
    notes: tuple[Note, ...] = ()
    values_first: int = 0
    values: list[float | None] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The ordinal after the last cell."""
        return self.first + len(self.codes)

    def window(self, first: int, end: int) -> bytes:
        """Return the codes of a range of days, ``NEVER`` where there is none."""
        return _window(self.codes, first - self.first, end - self.first)

    def marks(self, first: int, end: int, table: bytes) -> bytes:
        """Return for each day of a range what a table says of its code (`cells.marks`)."""
        return translated(_window(self.codes, first - self.first, end - self.first), table)

    def first_row(self) -> int:
        """Return the ordinal of the first day with a row, 0 where there is none."""
        place = translated(self.codes, cells.STORED).find(b"1")
        return self.first + place if place >= 0 else 0

    def change(self, first: int, end: int, table: bytes) -> None:
        """Make of the cells of a range what a table says."""
        if first < end:
            self.put(first, translated(self.window(first, end), table))

    def change_known(self, first: int, end: int, table: bytes) -> None:
        """Make of those cells of a range that there are what a table says."""
        self.change(max(first, self.first), min(end, self.end), table)

    def put(self, first: int, codes: bytes) -> None:
        """Replace the cells from a day on."""
        if codes:
            if not self.codes:
                self.first = first
            self.codes = _with(self.codes, first - self.first, codes)
            self.first = min(first, self.first)

    def enter_rows(
        self,
        stretches: Iterable[tuple[int, int]],
        latest: Iterable[tuple[int, Sequence[float | None]]],
        final_before: int,
    ) -> None:
        """Enter that days have rows.

        :param stretches: ordinals of the first of consecutive days, and of the day after the last.
        :param latest: the values of the latest days: ordinal of the first, values.
        :param final_before: ordinal of the first day that is not final.
        """
        for first, end in stretches:
            self.put(first, _codes_of_rows(end - first, final_before - first))
        for first, values in latest:
            self.remember(first, values)

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
        self.notes = (*kept, Note(first, end, reason, tries, on))

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

    def take(self, other: Series) -> None:
        """Take over the cells of another series of the same metric; those that are known here stay."""
        if not other.codes:
            return
        first, end = other.first, other.end
        mine = self.window(first, end)
        joined = bytes(a if a != cells.NEVER[0] else b for a, b in zip(mine, other.codes, strict=True))
        self.put(first, joined)
        self.notes += tuple(note for note in other.notes if note not in self.notes)
        if not self.values or other.values_first + len(other.values) > self.values_first + len(self.values):
            self.values_first, self.values = other.values_first, list(other.values)

    def needed_notes(self) -> list[Note]:
        """Return the notes of cells that still are refused or failed, in their order."""
        return [note for note in sorted(self.notes, key=attrgetter("first")) if self._is_needed(note)]

    def _is_needed(self, note: Note) -> bool:
        codes = self.window(note.first, note.end)
        return cells.REFUSED in codes or cells.FAILED in codes
