"""On which days the Pages of a part have rows, and on which they were loaded: a byte a day, as findings compare them.

Masks are bytes with ``1`` for yes and ``0`` for no, all of one window of days; a *place* is an index into them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.series import translated

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from airflow_provider_msginsights.insights.coverage.gaps import Horizon
    from airflow_provider_msginsights.insights.coverage.ledger import Ledger, PageCells, Requester
    from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset

REQUESTED_WITHIN_DAYS = 35
"""A schedule that did not run for longer than the others requests nothing any more."""

_WITH_ROW = (cells.FINAL, cells.PROVISIONAL, cells.SETTLED, cells.SILENT, cells.REMOVED)
_WITHOUT_ROW = (cells.NO_ROW, cells.PASSED, cells.MUTE, cells.CLOSED)
HAD = cells.marks(_WITH_ROW)
"""The API answered with a row."""
LOADED = cells.marks((*_WITH_ROW, *_WITHOUT_ROW, cells.EARLY, cells.REFUSED))
"""The API answered, with a row or without."""
GONE = cells.marks((*_WITHOUT_ROW, cells.REFUSED))
"""A final day answered without the row, or refused."""


@dataclass(frozen=True, slots=True)
class PageDays:
    """A Page's days: those on which some metric has a row, and those that were loaded for some metric."""

    cells: PageCells
    had: bytes
    loaded: bytes


@dataclass(frozen=True, slots=True)
class PartDays:
    """The days of the Pages that a part holds and that loads request.

    :param first: ordinal of the first day of all masks.
    :param end: ordinal of the day after the last, which is the first that has not ended.
    :param final_before: ordinal of the first day that is not final.
    :param pages: Page id -> its days.
    :param had: the days on which some Page has rows.
    :param metrics: what scheduled loads request; ``None`` where that is not known.
    :param unlisted: Pages of the part that scheduled loads request no more.
    """

    first: int
    end: int
    final_before: int
    pages: Mapping[str, PageDays]
    had: bytes
    metrics: frozenset[str] | None = None
    unlisted: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, ledger: Ledger, pages: PagesOfDataset, *, part: str, horizon: Horizon) -> PartDays:
        """Return the days of a part's ledger.

        :param pages: empty where the file cannot be read; then every Page of the ledger counts.
        """
        end = horizon.ended_before
        begun = min((series.first for _, _, series in ledger.series() if series.codes), default=end)
        first = min(max(begun, horizon.oldest), end)
        yesterday = date.fromordinal(end - 1)
        ours = {page_id for page_id, entry in pages.items() if entry.part == part}
        ours = {page_id for page_id in ours if pages.state_of(page_id, yesterday).is_managed}
        requesters = recent_requesters(ledger)
        unlisted = ours.difference(*(one.page_ids for one in requesters)) if requesters else set()
        known = {
            page_id: _page_days(page, first, end)
            for page_id, page in ledger.pages.items()
            if (page_id in ours or page_id not in pages) and page_id not in unlisted
        }
        return cls(
            first=first,
            end=end,
            final_before=min(max(horizon.final_before, first), end),
            pages=known,
            had=_any_of({page.had for page in known.values()}, end - first),
            metrics=frozenset(metric for one in requesters for metric in one.metrics) or None,
            unlisted=tuple(sorted(unlisted)),
        )


def recent_requesters(ledger: Ledger) -> list[Requester]:
    """Return the scheduled tasks that still run, as far as the ledger shows."""
    newest = max((requester.on for requester in ledger.requesters.values()), default=0)
    return [one for one in ledger.requesters.values() if one.on >= newest - REQUESTED_WITHIN_DAYS]


def _page_days(page: PageCells, first: int, end: int) -> PageDays:
    # Nearly all Pages have one window for all metrics.
    windows = {series.window(first, end) for series in page.series.values() if series.codes}
    had, loaded = (_any_of({translated(window, table) for window in windows}, end - first) for table in (HAD, LOADED))
    return PageDays(page, had, loaded)


def _any_of(masks: Collection[bytes], size: int) -> bytes:
    """Return the days that some mask has."""
    if len(masks) == 1:
        return next(iter(masks))
    either = 0
    for mask in masks:
        either |= int.from_bytes(mask, "big")
    return either.to_bytes(size, "big")


def first_of_both(one: bytes, other: bytes, start: int) -> int:
    """Return the first place from a start on that both masks have, -1 where there is none."""
    size = len(one) - start
    if size <= 0:
        return -1
    both = int.from_bytes(one[start:], "big") & int.from_bytes(other[start:], "big")
    place = both.to_bytes(size, "big").find(b"1")
    return start + place if place >= 0 else -1


def is_steady(had: bytes, loaded: bytes, last: int, days: int) -> bool:
    """Return whether there are rows on each of so many loaded days up to the place of the last."""
    place = last + 1
    for _ in range(days):
        place = loaded.rfind(b"1", 0, place)
        if place < 0 or had[place] != ord("1"):
            return False
    return True
