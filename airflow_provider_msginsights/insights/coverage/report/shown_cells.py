"""Cells as people see them: one state a day and why, over all parts, in runs of equal days.

A shown series is bytes, a code a day: those of ``cells`` where they mean the same, and some more for what depends on
the day of looking, the Page's time and the last run of a partition.
"""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.ledger import PageCells
from airflow_provider_msginsights.insights.coverage.series import MOST_REMEMBERED, Series, translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airflow_provider_msginsights.insights.coverage.gaps import Horizon, Managed
    from airflow_provider_msginsights.insights.coverage.ledger import Ledger


class DayState(StrEnum):
    """The state of a day of a (Page, metric); with ``PARTIAL`` also of a day of a Page, or of all Pages."""

    FINAL = "final"
    """Stored, loaded when the day changed no more."""
    PROVISIONAL = "provisional"
    """Stored, loaded before that."""
    RESTATED = "restated"
    """Stored, and changed by the last load of the day."""
    PARTIAL = "partial"
    """Some is stored and some is not."""
    NO_ROW = "no_row"
    """Requested, and answered without a row."""
    REFUSED = "refused"
    """The API refuses the metric."""
    FAILED = "failed"
    """Requested, and not answered."""
    MISSING = "missing"
    """Never requested, or to be requested once more."""
    REMOVED = "removed"
    """Stored once; people took the row or the file away."""
    TOO_OLD = "too_old"
    """Older than what the API keeps."""
    NOT_MANAGED = "not_managed"
    """Outside the Page's time in the dataset."""


_RESTATED, _TOO_EARLY, _TOO_OLD, _NOT_MANAGED = b"R", b"E", b"t", b"-"

_SHOWN: Mapping[bytes, tuple[DayState, str]] = {
    cells.FINAL: (DayState.FINAL, ""),
    cells.PROVISIONAL: (DayState.PROVISIONAL, "stored before the day was final"),
    cells.SETTLED: (DayState.PROVISIONAL, "stored before the day was final; the API has no newer answer"),
    cells.SILENT: (DayState.PROVISIONAL, "stored before the day was final; no row, or a refusal, since"),
    _RESTATED: (DayState.RESTATED, "in a file that the last load of the day changed"),
    cells.NO_ROW: (DayState.NO_ROW, "answered without a row"),
    cells.MUTE: (DayState.NO_ROW, "answered without any row of the Page"),
    cells.EARLY: (DayState.NO_ROW, "answered without a row; the day is not final yet"),
    cells.REFUSED: (DayState.REFUSED, "refused by the API"),
    cells.FAILED: (DayState.FAILED, "requested without an answer"),
    cells.NEVER: (DayState.MISSING, "never requested"),
    cells.OPEN: (DayState.MISSING, "to be requested once more: later days have rows"),
    _TOO_EARLY: (DayState.MISSING, "answered without a row before the day was final"),
    cells.REMOVED: (DayState.REMOVED, "its row or its file was deleted"),
    _TOO_OLD: (DayState.TOO_OLD, "older than what the API keeps"),
    _NOT_MANAGED: (DayState.NOT_MANAGED, "outside the Page's time in the dataset"),
}
_COUNTED = tuple(dict.fromkeys(state for state, _ in _SHOWN.values()))
_STORED = (cells.FINAL, cells.PROVISIONAL, cells.SETTLED, cells.SILENT)
_LACKING = (cells.NEVER, cells.OPEN, _TOO_EARLY, cells.FAILED)


def _runs_of(codes: Iterable[bytes]) -> re.Pattern[bytes]:
    """Return the pattern of a run; a class for each code is many times faster than a group that is repeated."""
    return re.compile(b"|".join(re.escape(code) + b"+" for code in codes))


_RUN = _runs_of(_SHOWN)


def _becomes(code: bytes, old: Iterable[bytes]) -> bytes:
    """Return a table that makes these codes another one."""
    codes = b"".join(old)
    return bytes.maketrans(codes, code * len(codes))


_WHEN_RECENT = _becomes(cells.NO_ROW, (cells.PASSED, cells.CLOSED))
_WHEN_FINAL = _WHEN_RECENT.translate(_becomes(_TOO_EARLY, (cells.EARLY,)))
_WHEN_OLD = _becomes(_TOO_OLD, _LACKING)
_WHEN_RESTATED = _becomes(_RESTATED, _STORED)
_WHEN_OUTSIDE = _becomes(_NOT_MANAGED, (code for code in _SHOWN if code not in (*_STORED, _RESTATED)))
_WHEN_UNWANTED = _becomes(_NOT_MANAGED, (cells.NEVER,)).translate(_becomes(cells.NO_ROW, (cells.OPEN, _TOO_EARLY)))
_IS_STORED = bytes(0xFF * (bytes([code]) in _STORED) for code in range(256))


class DayRun(NamedTuple):
    """Consecutive days of one state: ordinals of the first, and of the day after the last."""

    state: DayState
    first: int
    end: int
    reason: str = ""


def page_over_parts(page_id: str, ledgers: Iterable[Ledger]) -> PageCells | None:
    """Return what is known of a Page in several parts: a cell stored in any is stored, else the first one decides.

    :param ledgers: that of the part which holds the Page first.
    :return: ``None`` where nothing is known; not to be changed.
    """
    known = [page for ledger in ledgers if (page := ledger.pages.get(page_id)) is not None]
    if len(known) <= 1:
        return known[0] if known else None
    home, *others = known
    united = PageCells(failures=home.failures, failed_on=home.failed_on, rechecked_on=home.rechecked_on)
    for metric in sorted({metric for page in known for metric in page.series}):
        elsewhere = [page.series[metric] for page in others if metric in page.series]
        united.series[metric] = _united(home.series.get(metric, Series()), elsewhere)
    return united


def _united(home: Series, elsewhere: Sequence[Series]) -> Series:
    with_codes = [series for series in (home, *elsewhere) if series.codes]
    if with_codes == [home] or not with_codes:
        return home
    first, end = min(series.first for series in with_codes), max(series.end for series in with_codes)
    codes = home.window(first, end)
    for series in elsewhere:
        there = series.window(first, end)
        only_there = _number(there.translate(_IS_STORED)) & ~_number(codes.translate(_IS_STORED))
        merged = (_number(codes) & ~only_there) | (_number(there) & only_there)
        codes = merged.to_bytes(end - first, "big")
    values = max((home, *elsewhere), key=lambda series: series.values_first + len(series.values))
    return Series(first, codes, home.notes, values.values_first, values.values)


def _number(mask: bytes) -> int:
    return int.from_bytes(mask, "big")


class ShownSeries(NamedTuple):
    """A series as people see it.

    :param codes: a code a day from the first of the window on.
    :param series: where it comes from.
    """

    codes: bytes
    series: Series


class Look(NamedTuple):
    """What the look of a Page's series depends on, beside their codes.

    :param window: ordinals of the first day, and of the day after the last.
    :param final: the place in it of the first day that is not final.
    :param oldest: the place of the oldest day that the API keeps.
    :param time: the places of the first day of the Page's time in the dataset, and of the day after its last.
    :param restated: the days that their last load changed, as ``days_mask`` gives them.
    """

    window: tuple[int, int]
    final: int
    oldest: int
    time: tuple[int, int]
    restated: int

    @classmethod
    def of(cls, window: tuple[int, int], *, time: Managed, horizon: Horizon, restated: int = 0) -> Look:
        """Return the look of the series of a Page."""
        final, oldest = _within(horizon.final_before, window), _within(horizon.oldest, window)
        return cls(window, final, oldest, (_within(time.first, window), _within(time.end, window)), restated)


def shown(series: Series | None, look: Look, *, is_wanted: bool = True) -> ShownSeries:
    """Return a series as people see it on a day.

    :param is_wanted: whether the metric is requested still.
    """
    series = series or Series()
    _, final, oldest, time, restated = look
    raw = series.window(*look.window)
    return ShownSeries(_shown_codes(raw, final, oldest, time, restated, is_wanted=is_wanted), series)


@lru_cache(MOST_REMEMBERED)
def _shown_codes(
    raw: bytes, final: int, oldest: int, time: tuple[int, int], restated: int, *, is_wanted: bool
) -> bytes:
    """Return codes as people see them: worked out once for all series that are equal.

    :param final: the place of the first day that is not final; ``oldest`` and ``time`` are places, too.
    """
    codes = raw[:final].translate(_WHEN_FINAL) + raw[final:].translate(_WHEN_RECENT)
    if not is_wanted:
        codes = codes.translate(_WHEN_UNWANTED)
    begin, over = time
    codes = (
        codes[:begin].translate(_WHEN_OUTSIDE)
        + codes[begin : max(begin, over)]
        + codes[max(begin, over) :].translate(_WHEN_OUTSIDE)
    )
    codes = codes[:oldest].translate(_WHEN_OLD) + codes[oldest:]
    if restated:
        changed = _number(codes.translate(_WHEN_RESTATED))
        codes = ((_number(codes) & ~restated) | (changed & restated)).to_bytes(len(codes), "big")
    return codes


def days_mask(days: Iterable[int], window: tuple[int, int]) -> int:
    """Return some days of a window, as the number that bytes of 0xff for them and 0 for others spell."""
    first, end = window
    return sum(0xFF << 8 * (end - 1 - day) for day in {*days} if first <= day < end)


def _within(day: int, window: tuple[int, int]) -> int:
    """Return the place of a day, or of the end of the window that it lies beyond."""
    first, end = window
    return min(max(day, first), end) - first


def runs(one: ShownSeries, first: int) -> Iterator[DayRun]:
    """Give the runs of equal days, with their reasons.

    :param first: ordinal of the first day.
    """
    for run in _plain_runs(one.codes, first):
        if run.state in (DayState.REFUSED, DayState.FAILED):
            for begin, over, noted in _noted(one.series, run.first, run.end):
                yield DayRun(run.state, begin, over, noted or run.reason)
        else:
            yield run


@lru_cache(MOST_REMEMBERED)
def _plain_runs(codes: bytes, first: int) -> tuple[DayRun, ...]:
    """Return the runs of equal days, with the reasons that their codes give."""
    found = ((*_SHOWN[match[0][:1]], *match.span()) for match in _RUN.finditer(codes))
    return tuple(DayRun(state, first + start, first + end, reason) for state, reason, start, end in found)


def _noted(series: Series, first: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Cut a range where the noted reason changes; the reason is empty where none was noted."""
    for note in sorted(series.notes, key=lambda note: note.first):
        begin, over = max(first, note.first), min(end, note.end)
        if begin < over:
            if first < begin:
                yield first, begin, ""
            yield begin, over, note.reason
            first = over
    if first < end:
        yield first, end, ""


def counted(several: Iterable[ShownSeries]) -> dict[DayState, int]:
    """Return how many cells of some series have each state."""
    counts: dict[DayState, int] = {}
    for codes, times in Counter(one.codes for one in several).items():
        for state, number in _counts(codes):
            counts[state] = counts.get(state, 0) + times * number
    return {state: counts[state] for state in _COUNTED if state in counts}


@lru_cache(MOST_REMEMBERED)
def _counts(codes: bytes) -> tuple[tuple[DayState, int], ...]:
    return tuple((state, number) for code, (state, _) in _SHOWN.items() if (number := codes.count(code)))


# Several series together: a bit for each state that some of them has on a day

_BITS = {
    DayState.FINAL: 1,
    DayState.PROVISIONAL: 2,
    DayState.RESTATED: 4,
    DayState.NO_ROW: 8,
    DayState.REFUSED: 16,
    DayState.MISSING: 32,
    DayState.FAILED: 64,
    DayState.REMOVED: 128,
}
_STORED_BITS, _LACKING_BITS = 1 | 2 | 4, 32 | 64 | 128
_TO_BITS = bytes(_BITS.get(_SHOWN[code][0], 0) if (code := bytes([place])) in _SHOWN else 0 for place in range(256))
_GRAVEST = (DayState.FAILED, DayState.MISSING, DayState.REMOVED, DayState.REFUSED, DayState.NO_ROW)


def bits_of(several: Iterable[ShownSeries]) -> int:
    """Return which states some series has on each day, as a number that ``together`` and other Pages' join."""
    bits = 0
    for codes in {one.codes for one in several}:
        bits |= _number(translated(codes, _TO_BITS))
    return bits


@lru_cache(MOST_REMEMBERED)
def together(bits: int, window: tuple[int, int], oldest: int) -> tuple[DayRun, ...]:
    """Return the runs of equal days of several series together.

    A day is partial where some of it is stored and some is missing, failed or removed; where nothing is stored, the
    gravest state counts.

    :param oldest: ordinal of the oldest day that the API keeps.
    """
    first, end = window
    codes = bits.to_bytes(end - first, "big").translate(_STATE_CODES)
    found: list[DayRun] = []
    for match in _STATE_RUN.finditer(codes):
        start, over = first + match.start(), first + match.end()
        state = _STATES[match[0][0]]
        if state is DayState.NOT_MANAGED and start < oldest:
            found.append(DayRun(DayState.TOO_OLD, start, min(over, oldest)))
            start = min(over, oldest)
        if start < over:
            found.append(DayRun(state, start, over))
    return tuple(found)


def _state_of(bits: int) -> DayState:
    if not bits & _STORED_BITS:
        return next((state for state in _GRAVEST if bits & _BITS[state]), DayState.NOT_MANAGED)
    if bits & _LACKING_BITS:
        return DayState.PARTIAL
    return next(state for state in (DayState.RESTATED, DayState.PROVISIONAL, DayState.FINAL) if bits & _BITS[state])


_STATES = tuple(DayState)
_STATE_RUN = _runs_of(bytes([place]) for place in range(len(_STATES)))
_STATE_CODES = bytes(_STATES.index(_state_of(bits)) for bits in range(256))
