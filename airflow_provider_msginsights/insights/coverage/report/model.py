"""How complete a dataset is, as one frozen object: for people, gates and pages, and as plain JSON.

Only days that have ended count. A cell counts as missing from the day after its day became final; before, the next
load still brings it, and it is *pending*.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_msginsights.insights.coverage.findings.state import finding_to_json
from airflow_provider_msginsights.insights.coverage.report.shown_cells import DayState, bits_of, runs, together

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_msginsights.insights.coverage.findings.acknowledgements import Ack
    from airflow_provider_msginsights.insights.coverage.findings.rules import CoverageFinding
    from airflow_provider_msginsights.insights.coverage.gaps import Horizon, Managed
    from airflow_provider_msginsights.insights.coverage.report.shown_cells import DayRun, ShownSeries
    from airflow_provider_msginsights.insights.coverage.series import Note

REBUILD = "Not built yet: run `msginsights coverage PATH --rebuild`. Until then nothing is filled and no gate fails."
"""What is said of a part whose ledger does not know every stored row."""

JSON_VERSION = 1


class PageStatus(StrEnum):
    """Whether somebody must act for a Page; the gravest first."""

    NEEDS_PERSON = "needs_person"
    ACKNOWLEDGED = "acknowledged"
    FILLING = "filling"
    NOT_BUILT = "not_built"
    COMPLETE = "complete"
    NOT_MANAGED = "not_managed"


class ReportedFinding(NamedTuple):
    """A finding that goes on.

    :param is_new: whether it was found today or yesterday.
    :param ack: who knows of it already; ``None`` for nobody.
    """

    finding: CoverageFinding
    part: str
    is_new: bool
    ack: Ack | None


class CellRun(NamedTuple):
    """Consecutive days of one state of a (Page, metric).

    :param run: the run that last wrote the file of the last day, where that is stored; else empty.
    """

    page_id: str
    metric: str
    first_day: date
    last_day: date
    state: DayState
    reason: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReport:
    """A Page.

    :param part: the part that holds it.
    :param time: its time in the dataset, within what is looked at.
    :param complete_through: the last day up to which nothing is missing or pending; ``None`` where the first is.
    :param missing_cells: cells that a fill would request, of days that are final for a day; ``missing_days`` are their
        days.
    :param pending_cells: those of later days, which loads request again.
    :param fill_calls: requests that a fill needs for the missing and the pending ones.
    :param by_state: how many cells of the requested metrics have each state.
    :param by_reason: why cells were refused or failed, and how many.
    :param findings: those about it.
    :param ack: an acknowledgement of all that is wrong with it.
    :param failures: runs in a row in which it failed while others were answered.
    :param waits_until: when a fill requests it again after failures; ``None`` where it does not wait.
    """

    page_id: str
    part: str
    status: PageStatus
    time: Managed
    complete_through: date | None = None
    missing_cells: int = 0
    missing_days: int = 0
    pending_cells: int = 0
    total_days: int = 0
    fill_calls: int = 0
    by_state: Mapping[DayState, int] = field(default_factory=dict)
    by_reason: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[ReportedFinding, ...] = ()
    ack: Ack | None = None
    failures: int = 0
    waits_until: date | None = None


@dataclass(frozen=True, slots=True)
class ShownPage:
    """The cells of a Page as people see them: metric -> series, requested metrics and others."""

    wanted: Mapping[str, ShownSeries]
    others: Mapping[str, ShownSeries]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageReport:
    """A dataset.

    :param window: ordinals of the first day looked at, and of the day after the last.
    :param pages: those that need a person first, and of each status those that miss most.
    :param findings: new ones first, then those that go on, then acknowledged ones.
    :param not_built: parts whose ledger does not know every stored row; see `REBUILD`.
    :param cells: Page -> its cells.
    :param runs: part -> ordinal of a day -> the run that last wrote its file.
    """

    horizon: Horizon
    window: tuple[int, int]
    pages: tuple[PageReport, ...]
    findings: tuple[ReportedFinding, ...]
    not_built: tuple[str, ...]
    shown: Mapping[str, ShownPage] = field(repr=False)
    runs: Mapping[str, Mapping[int, str]] = field(repr=False)

    @property
    def counts(self) -> dict[PageStatus, int]:
        """How many Pages have each status."""
        counts = Counter(page.status for page in self.pages)
        return {status: counts[status] for status in PageStatus}

    @property
    def managed_pages(self) -> int:
        """How many Pages belong to the dataset today."""
        return len(self.pages) - self.counts[PageStatus.NOT_MANAGED]

    @property
    def needs_person(self) -> bool:
        """Whether somebody must act."""
        return self.counts[PageStatus.NEEDS_PERSON] > 0

    @property
    def complete_through(self) -> date | None:
        """The last day up to which all complete Pages are; ``None`` where there are none."""
        days = [page.complete_through for page in self.pages if page.status is PageStatus.COMPLETE]
        return min((day for day in days if day is not None), default=None)

    def cells(self) -> Iterator[CellRun]:
        """Give the runs of equal days of every Page and metric, Pages and metrics sorted."""
        for page in sorted(self.pages, key=lambda one: one.page_id):
            both = {**self.shown[page.page_id].wanted, **self.shown[page.page_id].others}
            written = self.runs.get(page.part, {})
            for metric in sorted(both):
                for state, first, end, reason in runs(both[metric], self.window[0]):
                    is_stored = state in (DayState.FINAL, DayState.PROVISIONAL, DayState.RESTATED)
                    run = written.get(end - 1, "") if is_stored else ""
                    days = date.fromordinal(first), date.fromordinal(end - 1)
                    yield CellRun(page.page_id, metric, *days, state, reason, run)

    def to_json(self, *, values: bool = False) -> dict[str, Any]:
        """Return the report as JSON's own types; what the HTML page and the page in Airflow read.

        :param values: whether each Page has its latest values, too.

        ::

            {
              "version": 1,
              "since": "2025-01-01", "today": "2026-11-30", "final_before": "2026-11-28",    # Pacific days
              "complete_through": "2026-11-29",         # of the complete Pages; null for none
              "needs_person": true,
              "counts": {"needs_person": 1, "acknowledged": 1, "filling": 1, "not_built": 0, "complete": 397,
                         "not_managed": 0},         # Pages
              "managed_pages": 400,
              "not_built": [], "not_built_remedy": "Not built yet: …",
              "findings": [{"identity", "kind", "page_id", "page_ids", "metric", "first_day", "is_final", "what",
                            "remedy", "cause", "cause_in_words", "part", "is_new",
                            "acknowledged": null | {"until", "reason"}}, …],
              "reasons": ["never requested", …],        # runs of days name them by index
              "runs": ["<dag_id>/<task_id>/<run_id>", …],
              "written": {part: [[index of a run, days], …]},   # who last wrote each day's file; -1 for nobody
              "days": [[state, days], …],               # all Pages together
              "pages": [{
                "page_id", "part", "status", "complete_through", "missing_cells", "missing_days", "pending_cells",
                "total_days", "fill_calls", "by_state": {state: cells}, "by_reason": {reason: cells},
                "findings": [identity, …], "acknowledged": null | {"until", "reason"}, "failures", "waits_until",
                "days": [[state, days], …],             # all requested metrics together
                "metrics": {metric: [[state, days], [state, days, reason index], …]},
                "values": {metric: [first day, [value or null, …]]}     # the latest ones; only where wanted
              }, …]                                     # those that need a person first
            }

        Runs of days begin on ``since`` and follow each other without a gap up to ``today``, which is not in them.
        States are those of `DayState`: ``final``, ``provisional``, ``restated``, ``partial`` (of several metrics or
        Pages together only), ``no_row``, ``refused``, ``failed``, ``missing``, ``removed``, ``too_old`` and
        ``not_managed``.
        """
        reasons, run_numbers = _Reasons(), dict[str, int]()
        pages = [self._page_to_json(page, reasons, values=values) for page in self.pages]
        written = {part: self._written_to_json(days, run_numbers) for part, days in sorted(self.runs.items())}
        bits = bits_of(one for shown in self.shown.values() for one in shown.wanted.values())
        return {
            **self._head_to_json(),
            "reasons": list(reasons.numbers),
            "runs": list(run_numbers),
            "written": written,
            "days": self._days(bits),
            "pages": pages,
        }

    def _head_to_json(self) -> dict[str, Any]:
        return {
            "version": JSON_VERSION,
            "since": _day(self.window[0]),
            "today": _day(self.window[1]),
            "final_before": _day(self.horizon.final_before),
            "complete_through": self.complete_through and self.complete_through.isoformat(),
            "needs_person": self.needs_person,
            "counts": {str(status): count for status, count in self.counts.items()},
            "managed_pages": self.managed_pages,
            "not_built": list(self.not_built),
            "not_built_remedy": REBUILD if self.not_built else "",
            "findings": [_finding_to_json(one) for one in self.findings],
        }

    def _page_to_json(self, page: PageReport, reasons: _Reasons, *, values: bool) -> dict[str, Any]:
        shown = self.shown[page.page_id]
        kept = {"values": _values_of(shown)} if values else {}
        return {
            **_facts_of(page),
            "days": self._days(bits_of(shown.wanted.values())),
            "metrics": {
                metric: reasons.with_runs(one, self.window[0])
                for metric, one in sorted({**shown.wanted, **shown.others}.items())
            },
            **kept,
        }

    def _written_to_json(self, days: Mapping[int, str], numbers: dict[str, int]) -> list[list[int]]:
        first, end = self.window
        # The map index is not part of a run's name in Airflow; without it mapped tasks share a name.
        names = (days.get(day, "") for day in range(first, end))
        known = (numbers.setdefault(_run_of(name), len(numbers)) if name else -1 for name in names)
        return [[number, sum(1 for _ in same)] for number, same in groupby(known)]

    def _days(self, bits: int) -> list[list[Any]]:
        some = together(bits, self.window, self.horizon.oldest)
        return [[str(run.state), run.end - run.first] for run in some]


def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def _run_of(name: str) -> str:
    """Return a run's name without the index of a mapped task."""
    return "/".join(name.split("/")[:3])


def _values_of(shown: ShownPage) -> dict[str, list[Any]]:
    both = {**shown.wanted, **shown.others}
    found = {metric: one.series for metric, one in sorted(both.items()) if one.series.values}
    return {metric: [_day(series.values_first), list(series.values)] for metric, series in found.items()}


class _Reasons:
    """Numbers the reasons of a report, and makes the JSON of series: once for those that look the same."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self._made: dict[tuple[bytes, tuple[Note, ...]], list[list[Any]]] = {}

    def with_runs(self, one: ShownSeries, first: int) -> list[list[Any]]:
        """Return the runs of a series.

        :param first: ordinal of the first day of all series.
        """
        look = one.codes, one.series.notes
        if (found := self._made.get(look)) is None:
            found = self._made[look] = [self._with_reason(run) for run in runs(one, first)]
        return found

    def _with_reason(self, run: DayRun) -> list[Any]:
        pair = [str(run.state), run.end - run.first]
        return [*pair, self.numbers.setdefault(run.reason, len(self.numbers))] if run.reason else pair


def _ack_to_json(ack: Ack | None) -> dict[str, str] | None:
    return None if ack is None else {"until": ack.until.isoformat(), "reason": ack.reason}


def _finding_to_json(one: ReportedFinding) -> dict[str, Any]:
    cause = one.finding.cause
    return {
        **finding_to_json(one.finding),
        "remedy": one.finding.advice,
        "cause_in_words": None if cause is None else cause.what,
        "part": one.part,
        "is_new": one.is_new,
        "acknowledged": _ack_to_json(one.ack),
    }


def _facts_of(page: PageReport) -> dict[str, Any]:
    return {
        "page_id": page.page_id,
        "part": page.part,
        "status": str(page.status),
        "complete_through": page.complete_through and page.complete_through.isoformat(),
        "missing_cells": page.missing_cells,
        "missing_days": page.missing_days,
        "pending_cells": page.pending_cells,
        "total_days": page.total_days,
        "fill_calls": page.fill_calls,
        "by_state": {str(state): count for state, count in page.by_state.items()},
        "by_reason": dict(page.by_reason),
        "findings": [one.finding.identity for one in page.findings],
        "acknowledged": _ack_to_json(page.ack),
        "failures": page.failures,
        "waits_until": page.waits_until and page.waits_until.isoformat(),
    }
