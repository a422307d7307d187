"""Which cells are missing, and the fewest requests that ask for them.

A cell is missing when nothing, or a failure, is known of it; when its row, or its having none, was answered before the
day was final and the day is final by now; or when it was reopened. Everything else has a reason a person can read.

Masks are bytes with ``1`` for yes and ``0`` for no, a byte a day of one window: found, joined and cut by the standard
library's C code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.series import MOST_REMEMBERED
from airflow_provider_msginsights.insights.dates import MAX_CHUNK_DAYS, DateRange
from airflow_provider_msginsights.insights.query import Slice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airflow_provider_msginsights.insights.coverage.ledger import Ledger, PageCells

SPANNED_DAYS = 7
"""Settled days that a request may ask for again rather than be two requests."""

_ONES = re.compile(rb"1+")


class Stretch(NamedTuple):
    """Missing days of one metric of one Page: ordinals of the first, and of the day after the last."""

    page_id: str
    metric: str
    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """Between which days cells are looked at.

    :param since: ordinal of the first day wanted.
    :param oldest: ordinal of the oldest day the API keeps.
    :param ended_before: ordinal of the first day that has not ended.
    :param final_before: ordinal of the first day that is not final.
    """

    since: int
    oldest: int
    ended_before: int
    final_before: int

    @property
    def first(self) -> int:
        """The first day that can be asked for."""
        return max(self.since, self.oldest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """A Page's time in the dataset: ordinals of its first day and of the day after its last."""

    first: int
    end: int


def missing(
    ledger: Ledger, pages: Mapping[str, Managed], metrics: Sequence[str], horizon: Horizon
) -> Iterator[Stretch]:
    """Give every stretch of missing cells of these Pages and metrics, Page by Page."""
    for page_id, time in pages.items():
        first, end = max(time.first, horizon.first), min(time.end, horizon.ended_before)
        if first >= end:
            continue
        known = ledger.pages.get(page_id)
        if known is None:
            yield from (Stretch(page_id, metric, first, end) for metric in metrics)
        else:
            yield from _missing_of_page(page_id, known, metrics, first, end, horizon.final_before)


def _missing_of_page(
    page_id: str, page: PageCells, metrics: Sequence[str], first: int, end: int, final_before: int
) -> Iterator[Stretch]:
    final = min(max(final_before, first), end) - first
    for metric in metrics:
        series = page.series.get(metric)
        window = series.window(first, end) if series else cells.NEVER * (end - first)
        for start, over in _missing_places(window, final):
            yield Stretch(page_id, metric, first + start, first + over)


@lru_cache(MOST_REMEMBERED)
def _missing_places(codes: bytes, final: int) -> tuple[tuple[int, int], ...]:
    """Return where cells are missing, as places of the first and of the end; equal codes are searched once.

    :param final: the place of the first day that is not final.
    """
    early = codes[final:].translate(cells.MISSING_IF_EARLY)
    if b"1" not in early and not codes[:final].translate(None, cells.NEVER_MISSING):
        return ()
    mask = codes[:final].translate(cells.MISSING_IF_FINAL) + early
    return tuple(match.span() for match in _ONES.finditer(mask))


def unsettled(page_id: str, page: PageCells, metrics: Sequence[str], first: int, end: int) -> Iterator[Stretch]:
    """Give the stretches of a Page that only new rows of later days would reopen."""
    for metric in metrics:
        if (series := page.series.get(metric)) is not None:
            for match in _ONES.finditer(series.window(first, end).translate(cells.REOPENED_BY_ROWS)):
                yield Stretch(page_id, metric, first + match.start(), first + match.end())


# The fewest requests


@dataclass(slots=True)
class _Block:
    """Days to ask for, for some metrics of one Page."""

    first: int
    end: int
    metrics: set[str]

    def takes(self, other: _Block) -> bool:
        """Whether one request for both asks for few settled cells beside the missing ones."""
        return abs(self.first - other.first) <= SPANNED_DAYS and abs(self.end - other.end) <= SPANNED_DAYS


def requests(stretches: Iterable[Stretch], ledger: Ledger, horizon: Horizon) -> list[Slice]:
    """Return the slices that ask for missing cells, the newest first: few requests and few settled cells among them.

    A request for reopened days reaches to a day that has a row, so that an answer without rows for them differs
    from that of a Page that is silent again.
    """
    by_page: dict[str, list[Stretch]] = {}
    for one in stretches:
        by_page.setdefault(one.page_id, []).append(one)
    slices = [
        Slice(page_id, tuple(sorted(piece.metrics)), days)
        for page_id, some in by_page.items()
        for block in _blocks(some, ledger.pages.get(page_id), horizon)
        for piece in _around_removed(block, some, ledger.pages.get(page_id))
        for days in _chunks_newest_first(piece)
    ]
    return sorted(slices, key=lambda part: (-part.days.end_day.toordinal(), part.page_id, part.metrics))


def _blocks(stretches: Iterable[Stretch], page: PageCells | None, horizon: Horizon) -> list[_Block]:
    by_metric: dict[str, list[_Block]] = {}
    for one in sorted(stretches, key=lambda one: (one.metric, one.first)):
        blocks = by_metric.setdefault(one.metric, [])
        first, end = one.first, _to_a_row(page, one, horizon)
        if blocks and first - blocks[-1].end <= SPANNED_DAYS:
            blocks[-1].end = max(blocks[-1].end, end)
        else:
            blocks.append(_Block(first, end, {one.metric}))
    joined: list[_Block] = []
    for block in sorted((block for blocks in by_metric.values() for block in blocks), key=lambda one: one.first):
        for other in joined:
            if other.takes(block):
                other.first, other.end = min(other.first, block.first), max(other.end, block.end)
                other.metrics |= block.metrics
                break
        else:
            joined.append(block)
    return joined


def _around_removed(block: _Block, stretches: Sequence[Stretch], page: PageCells | None) -> Iterator[_Block]:
    """Cut a block around the cells that people removed: an answer would bring them back."""
    series = [page.series[metric] for metric in block.metrics if metric in page.series] if page is not None else []
    if page is None or not any(cells.REMOVED in one.window(block.first, block.end) for one in series):
        yield block
        return
    pieces: dict[tuple[int, int], set[str]] = {}
    for metric in block.metrics:
        days = page.of(metric).window(block.first, block.end).translate(cells.NOT_REMOVED)
        for match in _ONES.finditer(days):
            first, end = block.first + match.start(), block.first + match.end()
            if any(one.metric == metric and one.first < end and first < one.end for one in stretches):
                pieces.setdefault((first, end), set()).add(metric)
    for (first, end), metrics in pieces.items():
        yield _Block(first, end, metrics)


def _to_a_row(page: PageCells | None, one: Stretch, horizon: Horizon) -> int:
    """Return the end of a range that begins with a stretch and, if some of it was reopened, has a day with a row."""
    if page is None or cells.OPEN not in page.of(one.metric).window(one.first, one.end):
        return one.end
    until = min(one.end + SPANNED_DAYS, horizon.ended_before)
    place = page.of(one.metric).window(one.end, max(until, one.end)).translate(cells.STORED).find(b"1")
    return one.end + place + 1 if place >= 0 else one.end


def _chunks_newest_first(block: _Block) -> Iterator[DateRange]:
    end = block.end
    while end > block.first:
        first = max(block.first, end - MAX_CHUNK_DAYS)
        yield DateRange(date.fromordinal(first), date.fromordinal(end))
        end = first
