"""The cells of one metric of one Page: a code a day, why a stretch is refused or failed, and the latest values.

Days are counted as ``date.toordinal`` does, ranges without their end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.coverage import cells

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT_VALUES = 28
"""Values of a series that findings compare the newest day with."""


_VALUE_TYPES = frozenset({int, float, type(None)})


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
        if self.first <= first and end <= self.first + len(self.codes):
            return bytes(self.codes[first - self.first : end - self.first])
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

    def take(self, other: Series) -> None:
        """Take over the cells of another series of the same metric; those that are known here stay."""
        if not other.codes:
            return
        first, end = other.first, other.end
        mine = self.window(first, end)
        joined = bytes(a if a != cells.NEVER[0] else b for a, b in zip(mine, other.codes, strict=True))
        self.put(first, joined)
        self.notes += [note for note in other.notes if note not in self.notes]
        if not self.values or other.values_first + len(other.values) > self.values_first + len(self.values):
            self.values_first, self.values = other.values_first, list(other.values)

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

    def to_json(self, reason_numbers: dict[str, int], code_numbers: dict[bytes, int]) -> list[Any]:
        """Return the series as JSON's own types.

        :param reason_numbers: reasons met so far, each with its number; those of the series are added.
        :param code_numbers: likewise the codes of whole series: nearly all Pages of a dataset have the same.
        """
        notes = [
            [one.first, one.end, reason_numbers.setdefault(one.reason, len(reason_numbers)), one.tries, one.last_on]
            for one in sorted(self.notes, key=lambda one: one.first)
            if self._is_needed(one)
        ]
        number = code_numbers.setdefault(bytes(self.codes), len(code_numbers))
        return [self.first, number, notes, self.values_first, self.values]

    def _is_needed(self, note: Note) -> bool:
        codes = self.window(note.first, note.end)
        return cells.REFUSED in codes or cells.FAILED in codes

    @classmethod
    def from_json(cls, data: Sequence[Any], reasons: Sequence[str], codes: Sequence[bytes]) -> Series:
        """Return the series that ``to_json`` gave.

        :param reasons: by number.
        :param codes: by number, checked.
        """
        first, number, notes, values_first, values = data
        if not {*map(type, values)} <= _VALUE_TYPES:
            raise ValueError("values that are no numbers")
        return cls(
            first=int(first),
            codes=bytearray(codes[number]),
            notes=[
                Note(int(start), int(end), reasons[reason], int(tries), int(on))
                for start, end, reason, tries, on in notes
            ],
            values_first=int(values_first),
            values=list(values),
        )
