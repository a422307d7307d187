"""What a fill works on: which Pages from when on, in which order, and what it has filled.

Pages that are named are filled from ``fill_since`` on. With ``"all"`` somebody who shares a Page starts nothing that
was not wanted: `NewPages` says what happens to a Page of which people have said nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.gaps import Horizon, Managed, Stretch, missing, requests, unsettled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from airflow_provider_msginsights.insights.coverage.answers import SeriesRows
    from airflow_provider_msginsights.insights.coverage.ledger import Ledger, PageCells
    from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
    from airflow_provider_msginsights.insights.coverage.series import Series
    from airflow_provider_msginsights.insights.query import Slice

RECHECKED_EVERY_DAYS = 7
SETTLED_AFTER_LEAVING_DAYS = 28
"""For how long after its last day a Page is asked again for what was answered while it had no rows."""


class NewPages(StrEnum):
    """What a fill of all Pages does for one of which people have not said from when on it belongs to the dataset."""

    FILL = "fill"
    """Load its history, from ``fill_since`` on."""
    LOAD = "load"
    """Keep it complete from its first stored day on; its history is offered."""
    ANNOUNCE = "announce"
    """Leave it to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillScope:
    """The Pages that a fill works on.

    :param pages: Page id -> its time.
    :param begun: Pages that belong to the dataset from their first stored day on, as nobody has said otherwise.
    :param announced: Pages that are left to people.
    :param elsewhere: Page id -> the part that holds it, for Pages of other parts.
    """

    pages: Mapping[str, Managed] = field(default_factory=dict)
    begun: Mapping[str, date] = field(default_factory=dict)
    announced: tuple[str, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)


def scope_of_named(page_ids: Iterable[str], pages: PagesOfDataset, *, part: str, since: int) -> FillScope:
    """Return the scope of a fill whose Pages are named: from ``since`` on, unless retired or erased."""
    managed = pages.managed(None, default_first=since)
    wanted, elsewhere = {}, {}
    for page_id in page_ids:
        if page_id not in pages:
            wanted[page_id] = Managed(first=since, end=date.max.toordinal())
        elif (holder := pages[page_id].part) != part:
            elsewhere[page_id] = holder
        elif page_id in managed:
            wanted[page_id] = replace(managed[page_id], first=since)
    return FillScope(pages=wanted, elsewhere=elsewhere)


def scope_of_all(
    page_ids: Iterable[str], pages: PagesOfDataset, ledger: Ledger, *, part: str, since: int, new_pages: NewPages
) -> FillScope:
    """Return the scope of a fill of every Page that the token can analyze.

    :param page_ids: those Pages, as the API lists them.
    """
    managed = pages.managed(None, default_first=since)
    wanted, begun, announced, elsewhere = {}, {}, [], {}
    for page_id in page_ids:
        entry = pages.get(page_id)
        if entry is not None and entry.part != part:
            elsewhere[page_id] = entry.part
        elif entry is not None and page_id not in managed:
            continue
        elif new_pages is NewPages.FILL or (entry is not None and entry.active_from is not None):
            wanted[page_id] = managed.get(page_id, Managed(first=since, end=date.max.toordinal()))
        elif new_pages is NewPages.ANNOUNCE:
            announced.append(page_id)
        elif entry is not None and (first := first_stored_day(ledger, page_id)):
            wanted[page_id] = replace(managed[page_id], first=max(first, since))
            begun[page_id] = date.fromordinal(first)
    return FillScope(pages=wanted, begun=begun, announced=tuple(announced), elsewhere=elsewhere)


def first_stored_day(ledger: Ledger, page_id: str) -> int:
    """Return the ordinal of the first day with a row of any metric, 0 where there is none."""
    page = ledger.pages.get(page_id)
    firsts = [first for series in page.series.values() if (first := series.first_row())] if page is not None else []
    return min(firsts, default=0)


def work_of(
    scope: FillScope, ledger: Ledger, metrics: Sequence[str], horizon: Horizon, *, today: int, recheck_days: int = 0
) -> tuple[list[Stretch], frozenset[str]]:
    """Return what to request, and the Pages of which final days are read again.

    Pages that failed lately, while others were answered, wait. Of a Page that has left no later day will ever show
    that a silence or a refusal has ended: its days without an answer to rely on are asked for again once a week.

    :param today: ordinal of the Pacific day of the run.
    :param recheck_days: how many of the last days are read again though they are final, once a week.
    """
    ready = {
        page_id: time
        for page_id, time in scope.pages.items()
        if (page := ledger.pages.get(page_id)) is None or page.waits_until() <= today
    }
    stretches = list(missing(ledger, ready, metrics, horizon))
    rechecked = []
    for page_id, time in ready.items():
        page = ledger.pages.get(page_id)
        if page is None or today - page.rechecked_on < RECHECKED_EVERY_DAYS:
            continue
        again = list(_read_again(page_id, page, time, metrics, horizon, since=today - recheck_days))
        if again:
            rechecked.append(page_id)
            stretches += again
    return stretches, frozenset(rechecked)


def _read_again(
    page_id: str, page: PageCells, time: Managed, metrics: Sequence[str], horizon: Horizon, *, since: int
) -> Iterator[Stretch]:
    """Give what is read again of a Page once a week: its final days since a day, and, if it left, what is unsettled."""
    first, end = max(time.first, horizon.first), min(time.end, horizon.final_before)
    if time.end <= horizon.final_before < time.end + SETTLED_AFTER_LEAVING_DAYS:
        yield from unsettled(page_id, page, metrics, first, end)
    if max(first, since) < end:
        yield from (Stretch(page_id, metric, max(first, since), end) for metric in metrics if metric in page.series)


def rounds(slices: Sequence[Slice], *, most: int) -> Iterator[list[Slice]]:
    """Cut requests, the newest first, into rounds after each of which a fill may end.

    Requests of the same days stay together where they can, so that few files are written twice.
    """
    held: list[Slice] = []
    for _, group in groupby(slices, key=lambda piece: piece.days.end_day):
        together = list(group)
        if held and len(held) + len(together) > most:
            yield held
            held = []
        for start in range(0, len(together), most):
            held += together[start : start + most]
            if len(held) >= most:
                yield held
                held = []
    if held:
        yield held


class FilledRange(NamedTuple):
    """Consecutive days of a Page of which a fill stored cells that were not stored before."""

    page_id: str
    first_day: date
    last_day: date


def filled_days(
    before: Ledger, rows: Mapping[tuple[str, str], SeriesRows], pages: Collection[str]
) -> tuple[list[FilledRange], int]:
    """Return the days that have cells which were not stored before, Page by Page, and the number of these cells."""
    days: defaultdict[str, set[int]] = defaultdict(set)
    count = 0
    for (page_id, metric), found in rows.items():
        page = before.pages.get(page_id)
        series = page.series.get(metric) if page is not None else None
        stretches = found.stretches if page_id in pages else ()
        new = {day for first, end in stretches for day in _not_stored(series, first, end)}
        days[page_id] |= new
        count += len(new)
    return [stretch for page_id in sorted(days) for stretch in _ranges(page_id, sorted(days[page_id]))], count


def _not_stored(series: Series | None, first: int, end: int) -> Sequence[int]:
    if series is None:
        return range(first, end)
    stored = series.window(first, end).translate(cells.STORED)
    return [first + place for place, mark in enumerate(stored) if mark == ord("0")]


def _ranges(page_id: str, days: Sequence[int]) -> Iterator[FilledRange]:
    for _, group in groupby(enumerate(days), key=lambda item: item[1] - item[0]):
        together = [day for _, day in group]
        yield FilledRange(page_id, date.fromordinal(together[0]), date.fromordinal(together[-1]))


def missing_by_state(
    ledger: Ledger, pages: Mapping[str, Managed], metrics: Sequence[str], horizon: Horizon
) -> dict[str, int]:
    """Count the cells that are missing still, by state."""
    counts: defaultdict[str, int] = defaultdict(int)
    for page_id, metric, first, end in missing(ledger, pages, metrics, horizon):
        page = ledger.pages.get(page_id)
        series = page.series.get(metric) if page is not None else None
        window = series.window(first, end) if series is not None else cells.NEVER * (end - first)
        for code, state in cells.STATES.items():
            if number := window.count(code):
                counts[state] += number
    return dict(sorted(counts.items()))


def newest_complete_day(stretches: Iterable[Stretch], horizon: Horizon) -> date | None:
    """Return the newest ended day of which no cell is missing; ``None`` where there is none."""
    missing_days = {day for stretch in stretches for day in range(stretch.first, stretch.end)}
    days = (day for day in range(horizon.ended_before - 1, horizon.first - 1, -1) if day not in missing_days)
    newest = next(days, None)
    return None if newest is None else date.fromordinal(newest)


@dataclass(frozen=True, slots=True, kw_only=True)
class FillCost:
    """What a fill would request.

    :param cells: how many cells are missing.
    :param pages: how many Pages have such cells.
    :param calls: requests of the API.
    :param files: data files that would be written: one a day and part.
    :param waiting: Page id -> the ordinal of the day until which it waits, as it failed; their cells are counted.
    """

    cells: int = 0
    pages: int = 0
    calls: int = 0
    files: int = 0
    waiting: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: FillCost) -> FillCost:
        return FillCost(
            cells=self.cells + other.cells,
            pages=self.pages + other.pages,
            calls=self.calls + other.calls,
            files=self.files + other.files,
            waiting={**self.waiting, **other.waiting},
        )

    def nights(self, max_graph_calls: int) -> int:
        """Return how many runs of a fill with this bound it takes."""
        return -(-self.calls // max_graph_calls)


def cost_of(scope: FillScope, ledger: Ledger, metrics: Sequence[str], horizon: Horizon, *, today: int) -> FillCost:
    """Return what a fill of a scope would request of the API, without asking it.

    :param today: ordinal of the Pacific day of looking.
    """
    stretches = list(missing(ledger, scope.pages, metrics, horizon))
    slices = requests(stretches, ledger, horizon)
    days = {day for piece in slices for day in range(piece.days.first_day.toordinal(), piece.days.end_day.toordinal())}
    waits = {page_id: page.waits_until() for page_id, page in ledger.pages.items() if page_id in scope.pages}
    return FillCost(
        cells=sum(one.end - one.first for one in stretches),
        pages=len({one.page_id for one in stretches}),
        calls=len(slices),
        files=len(days),
        waiting={page_id: until for page_id, until in waits.items() if until > today},
    )


def known_metrics(ledgers: Iterable[Ledger]) -> tuple[str, ...]:
    """Return the metrics of which ledgers know cells, sorted."""
    return tuple(sorted({metric for ledger in ledgers for _, metric, _ in ledger.series()}))
