"""From ledgers, Pages, findings and acknowledgements to the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage.filling import first_stored_day
from airflow_provider_msginsights.insights.coverage.findings.part_days import recent_requesters
from airflow_provider_msginsights.insights.coverage.gaps import Horizon, Managed, missing, requests
from airflow_provider_msginsights.insights.coverage.ledger import Ledger, PageCells
from airflow_provider_msginsights.insights.coverage.report.model import (
    CoverageReport,
    PageReport,
    PageStatus,
    ReportedFinding,
    ShownPage,
)
from airflow_provider_msginsights.insights.coverage.report.shown_cells import (
    DayState,
    Look,
    counted,
    days_mask,
    page_over_parts,
    runs,
    shown,
)
from airflow_provider_msginsights.insights.dates import LAST_DAY, first_day_kept

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from airflow_provider_msginsights.insights.coverage.findings.acknowledgements import Acknowledgements
    from airflow_provider_msginsights.insights.coverage.findings.state import FindingsState
    from airflow_provider_msginsights.insights.coverage.gaps import Stretch
    from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset

FILLED_WITHIN_DAYS = 3
"""A fill that ran within so many days is taken to run again."""
FAILS_AGAIN_AND_AGAIN = 3
"""Failures in a row, while others were answered, from which on a Page needs a person."""
NEW_WITHIN_DAYS = 1
GRACE_DAYS = 1
"""Days after a day became final in which a load that looks back still brings its final rows."""
_NO_END = LAST_DAY.toordinal() + 1


def coverage_report(  # noqa: PLR0913 - what there is, and what of it is wanted
    ledgers: Mapping[str, Ledger],
    pages: PagesOfDataset,
    states: Mapping[str, FindingsState],
    acks: Acknowledgements,
    *,
    today: date,
    final_before: date,
    metrics: Sequence[str] | None = None,
    since: date | None = None,
    page_ids: Collection[str] | None = None,
) -> CoverageReport:
    """Return how complete a dataset is.

    :param ledgers: part -> its ledger.
    :param states: part -> its findings.
    :param today: the Pacific day of looking, which has not ended.
    :param final_before: the first day that is not final.
    :param metrics: what each Page should have; ``None`` for what scheduled loads request of it, or for what it has
        where none does.
    :param since: the first day looked at; ``None`` for the first day that a fill was to fill, or else each Page's
        first cell.
    :param page_ids: only these; ``None`` for all.
    """
    subject = _Subject.of(ledgers, pages, since=since, today=today, final_before=final_before, page_ids=page_ids)
    findings = _reported(states, acks, today, subject.times)
    written = {part: _written(ledger) for part, ledger in ledgers.items()}
    restated = {part: _restated(days, subject.window) for part, days in written.items()}
    shown_pages: dict[str, ShownPage] = {}
    reports = []
    for page_id, part in subject.parts.items():
        wanted = tuple(metrics) if metrics is not None else subject.wanted(page_id)
        page = subject.known.pages.get(page_id, PageCells())
        shown_pages[page_id] = _shown_page(page, wanted, subject.times[page_id], subject, restated.get(part, 0))
        report = _page_report(page_id, page, wanted, subject, shown_pages[page_id])
        reports.append(_judged(report, [one for one in findings if page_id in one.finding.page_ids], acks, subject))
    return CoverageReport(
        horizon=subject.horizon,
        window=subject.window,
        pages=tuple(sorted(reports, key=_order)),
        findings=findings,
        not_built=subject.not_built,
        shown=shown_pages,
        runs={part: {day: run for day, (run, _) in days.items()} for part, days in written.items()},
    )


def _order(page: PageReport) -> tuple[int, bool, int, str]:
    """Return what Pages are sorted by: status, news, what is missing."""
    is_new = any(one.is_new for one in page.findings)
    return tuple(PageStatus).index(page.status), not is_new, -page.missing_cells, page.page_id


@dataclass(frozen=True, slots=True)
class _Subject:
    """What the report is about.

    :param known: what is known of each Page over all parts.
    :param times: Page -> its time, within what is looked at; empty (its end not after its first day) for erased ones.
    :param parts: Page -> the part that holds it.
    """

    ledgers: Mapping[str, Ledger]
    known: Ledger
    times: Mapping[str, Managed]
    parts: Mapping[str, str]
    requested: Mapping[str, tuple[str, ...]]
    horizon: Horizon
    window: tuple[int, int]
    today: int

    @classmethod
    def of(
        cls,
        ledgers: Mapping[str, Ledger],
        pages: PagesOfDataset,
        *,
        since: date | None,
        today: date,
        final_before: date,
        page_ids: Collection[str] | None,
    ) -> _Subject:
        """Return the subject of a report; see `coverage_report`."""
        if since is not None and since >= today:
            raise ConfigurationError(
                f"since={since} is not valid: use a Pacific day before {today}, which has not ended.", parameter="since"
            )
        end = today.toordinal()
        names = {*pages, *(page_id for ledger in ledgers.values() for page_id in ledger.pages)}
        names = names if page_ids is None else names.intersection(page_ids)
        parts = {page_id: _part_of(page_id, pages, ledgers) for page_id in sorted(names)}
        known = Ledger()
        for page_id, part in parts.items():
            home = [ledgers[part]] if part in ledgers else []
            others = [ledgers[other] for other in sorted(ledgers) if other != part]
            if (page := page_over_parts(page_id, [*home, *others])) is not None:
                known.pages[page_id] = page
        times = {
            page_id: _time_of(page_id, pages, known, fill_since=_fill_since(ledgers.get(part)), since=since, today=end)
            for page_id, part in parts.items()
        }
        first = min((time.first for time in times.values() if time.first < time.end), default=end)
        first = since.toordinal() if since is not None else min(first, end)
        horizon = Horizon(
            since=first,
            oldest=first_day_kept(today).toordinal(),
            ended_before=end,
            final_before=min(final_before.toordinal(), end),
        )
        return cls(ledgers, known, times, parts, _requested(ledgers), horizon, (first, end), end)

    @property
    def not_built(self) -> tuple[str, ...]:
        """The parts whose ledger is missing, or does not know every stored row."""
        parts = {part for page_id, part in self.parts.items() if self.times[page_id].first < self.times[page_id].end}
        return tuple(
            sorted(part for part in parts if (ledger := self.ledgers.get(part)) is None or not ledger.covers_all)
        )

    def wanted(self, page_id: str) -> tuple[str, ...]:
        """Return the metrics that scheduled loads request of a Page; those it has where none requests it."""
        page = self.known.pages.get(page_id)
        return self.requested.get(page_id) or tuple(sorted(page.series) if page is not None else ())

    def is_filled(self, page_id: str) -> bool:
        """Whether a fill works on the part of a Page."""
        ledger = self.ledgers.get(self.parts[page_id])
        return ledger is not None and ledger.filled_on >= self.today - FILLED_WITHIN_DAYS


def _part_of(page_id: str, pages: PagesOfDataset, ledgers: Mapping[str, Ledger]) -> str:
    """Return the part that holds a Page; of a Page that the file does not name the first one that knows it."""
    if page_id in pages:
        return pages[page_id].part
    return next(part for part in sorted(ledgers) if page_id in ledgers[part].pages)


def _fill_since(ledger: Ledger | None) -> int:
    return ledger.fill_since if ledger is not None else 0


def _time_of(
    page_id: str, pages: PagesOfDataset, known: Ledger, *, fill_since: int, since: date | None, today: int
) -> Managed:
    """Return the time of a Page: from its first day, that of the fill or its first row on; never before ``since``."""
    entry = pages.get(page_id)
    if entry is not None and entry.erased_at is not None:
        return Managed(first=today, end=today)
    if entry is not None and entry.active_from is not None:
        first = entry.active_from.toordinal()
    else:
        first = fill_since or first_stored_day(known, page_id) or _first_cell(known, page_id) or today
    end = _NO_END if entry is None or entry.active_until is None else entry.active_until.toordinal() + 1
    return Managed(first=first if since is None else max(first, since.toordinal()), end=end)


def _first_cell(known: Ledger, page_id: str) -> int:
    page = known.pages.get(page_id)
    return min((series.first for series in page.series.values() if series.codes), default=0) if page is not None else 0


def _requested(ledgers: Mapping[str, Ledger]) -> dict[str, tuple[str, ...]]:
    """Return Page -> the metrics that scheduled loads request of it."""
    found: dict[str, set[str]] = {}
    for ledger in ledgers.values():
        for requester in recent_requesters(ledger):
            for page_id in requester.page_ids:
                found.setdefault(page_id, set()).update(requester.metrics)
    return {page_id: tuple(sorted(metrics)) for page_id, metrics in found.items()}


def _written(ledger: Ledger) -> dict[int, tuple[str, bool]]:
    """Return the ordinal of a day -> the run that last wrote its file, and whether that changed stored rows."""
    days = {}
    for partition, mark in ledger.files.items():
        try:
            day = date.fromisoformat(partition.rpartition("=")[2])
        except ValueError:  # a partition that is not of a day
            continue
        days[day.toordinal()] = mark.run, mark.restated
    return days


def _restated(written: Mapping[int, tuple[str, bool]], window: tuple[int, int]) -> int:
    """Return the days whose file was changed by its last run, as a mask."""
    return days_mask((day for day, (_, is_restated) in written.items() if is_restated), window)


def _reported(
    states: Mapping[str, FindingsState], acks: Acknowledgements, today: date, page_ids: Collection[str]
) -> tuple[ReportedFinding, ...]:
    """Return the findings about some Pages that go on: new ones, then others, then acknowledged ones."""
    newest = today - timedelta(days=NEW_WITHIN_DAYS)
    found = [
        ReportedFinding(known.finding, part, known.found_on >= newest, acks.covers(known.finding, today))
        for part, state in sorted(states.items())
        for _, known in sorted(state.known.items())
        if known.ended_on is None and not set(known.finding.page_ids).isdisjoint(page_ids)
    ]
    return tuple(sorted(found, key=lambda one: (one.ack is not None, not one.is_new)))


def _shown_page(page: PageCells, wanted: Sequence[str], time: Managed, subject: _Subject, restated: int) -> ShownPage:
    look = Look.of(subject.window, time=time, horizon=subject.horizon, restated=restated)
    return ShownPage(
        {metric: shown(page.series.get(metric), look) for metric in wanted},
        {
            metric: shown(series, look, is_wanted=False)
            for metric, series in page.series.items()
            if metric not in wanted
        },
    )


def _page_report(
    page_id: str, page: PageCells, wanted: Sequence[str], subject: _Subject, cells: ShownPage
) -> PageReport:
    """Return all of a Page's report but what findings say."""
    time, horizon = subject.times[page_id], subject.horizon
    stretches = list(missing(subject.known, {page_id: time}, wanted, horizon))
    last = min(time.end, horizon.ended_before) - 1
    through = min((one.first for one in stretches), default=last + 1) - 1
    by_state = counted(cells.wanted.values())
    by_reason: Counter[str] = Counter()
    if DayState.REFUSED in by_state or DayState.FAILED in by_state:
        for one in cells.wanted.values():
            for state, first, end, reason in runs(one, subject.window[0]):
                if state in (DayState.REFUSED, DayState.FAILED):
                    by_reason[reason] += end - first
    grave = [one._replace(end=min(one.end, horizon.final_before - GRACE_DAYS)) for one in stretches]
    grave = [one for one in grave if one.first < one.end]
    missing_cells = sum(one.end - one.first for one in grave)
    waits_until = page.waits_until()
    return PageReport(
        page_id=page_id,
        part=subject.parts[page_id],
        status=PageStatus.COMPLETE,
        time=time,
        complete_through=date.fromordinal(through) if through >= max(time.first, horizon.since) else None,
        missing_cells=missing_cells,
        missing_days=_days_in(grave),
        pending_cells=sum(one.end - one.first for one in stretches) - missing_cells,
        total_days=max(0, last + 1 - max(time.first, horizon.first)),
        fill_calls=len(requests(stretches, subject.known, horizon)) if stretches else 0,
        by_state=by_state,
        by_reason=by_reason,
        failures=page.failures,
        waits_until=date.fromordinal(waits_until) if waits_until > subject.today else None,
    )


def _days_in(stretches: Iterable[Stretch]) -> int:
    """Return how many days some stretches have together."""
    count = reached = 0
    for first, end in sorted((one.first, one.end) for one in stretches):
        count += max(0, end - max(first, reached))
        reached = max(reached, end)
    return count


def _judged(
    report: PageReport, findings: Sequence[ReportedFinding], acks: Acknowledgements, subject: _Subject
) -> PageReport:
    """Return a Page's report with what findings say, and its status."""
    today = date.fromordinal(subject.today)
    ack = acks.covers_page(report.page_id, today)
    # What meets many Pages on a day that is not final yet is one thing to look at, and not one for each Page.
    own = [one for one in findings if one.finding.page_id is not None or one.finding.is_final]
    judged = replace(report, findings=tuple(findings), ack=ack)
    return replace(judged, status=_status(judged, own, subject))


def _status(report: PageReport, findings: Sequence[ReportedFinding], subject: _Subject) -> PageStatus:
    ledger = subject.ledgers.get(report.part)
    fails = report.failures >= FAILS_AGAIN_AND_AGAIN
    is_filled = subject.is_filled(report.page_id)
    is_known = report.ack is not None
    is_active = report.time.first < report.time.end and report.time.first < subject.today
    is_over = not is_active or report.time.end < subject.today
    statuses = (
        (not is_active, PageStatus.NOT_MANAGED),
        (ledger is None or not ledger.covers_all, PageStatus.NOT_BUILT),
        (not is_known and any(one.ack is None for one in findings), PageStatus.NEEDS_PERSON),
        (not is_known and fails, PageStatus.NEEDS_PERSON),
        (report.missing_cells > 0 and is_filled and not fails, PageStatus.FILLING),
        (report.missing_cells > 0 and not is_known, PageStatus.NEEDS_PERSON),
        (report.missing_cells > 0 or fails or bool(findings), PageStatus.ACKNOWLEDGED),
        (is_over, PageStatus.NOT_MANAGED),
    )
    return next((status for holds, status in statuses if holds), PageStatus.COMPLETE)
