"""The report says of each Page whether somebody must act, and of each cell what is known; one state a day."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.made_ledgers import FIRST, METRICS, DailyLoads, day, ever

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.findings.acknowledgements import Acknowledgements
from airflow_provider_msginsights.insights.coverage.findings.rules import find
from airflow_provider_msginsights.insights.coverage.findings.state import FindingsState
from airflow_provider_msginsights.insights.coverage.gaps import Managed, missing
from airflow_provider_msginsights.insights.coverage.ledger import FileMark, Ledger
from airflow_provider_msginsights.insights.coverage.pages import PageEntry, PagesOfDataset
from airflow_provider_msginsights.insights.coverage.report.build import coverage_report
from airflow_provider_msginsights.insights.coverage.report.model import PageStatus
from airflow_provider_msginsights.insights.coverage.report.shown_cells import DayState, page_over_parts

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.coverage.report.model import CoverageReport, PageReport

NEW, BLOCKED, CONNECTIONS = METRICS
THREE = ("101", "102", "103")
KNOWN = Acknowledgements().with_ack(["102"], until=day(999), reason="agreed")


def report_of(loads: DailyLoads, **more: Any) -> CoverageReport:
    state = FindingsState()
    found = find(loads.ledger, loads.pages, part="0", horizon=loads.horizon)
    state.update(found, on=day(loads.today), run="run")
    arguments = {
        "ledgers": {"0": loads.ledger},
        "pages": loads.pages,
        "states": {"0": state},
        "acks": Acknowledgements(),
        "today": day(loads.today),
        "final_before": day(loads.today - 2),
    }
    return coverage_report(**{**arguments, **more})


def page_of(report: CoverageReport, page_id: str = "102") -> PageReport:
    return next(page for page in report.pages if page.page_id == page_id)


def statuses(report: CoverageReport) -> dict[str, str]:
    return {page.page_id: str(page.status) for page in report.pages}


def with_hole(first: int = 10, end: int = 20, until: int = 40) -> DailyLoads:
    """Page 102 failed for some days of all metrics."""
    loads = DailyLoads(THREE).run(until)
    for metric in METRICS:
        loads.ledger.page("102").of(metric).put(day(first).toordinal(), cells.FAILED * (end - first))
        loads.ledger.page("102").of(metric).note(day(first).toordinal(), day(end).toordinal(), "down", 7)
    return loads


def test_a_well_dataset_is_complete_to_yesterday() -> None:
    report = report_of(DailyLoads(THREE).run(40))
    assert statuses(report) == dict.fromkeys(THREE, "complete")
    assert report.complete_through == day(39)
    assert not report.needs_person
    assert report.managed_pages == 3
    page = page_of(report)
    assert (page.missing_cells, page.pending_cells, page.fill_calls, page.total_days) == (0, 0, 0, 40)
    assert page.by_state == {DayState.FINAL: 38 * 3, DayState.PROVISIONAL: 2 * 3}


def test_missing_cells_that_no_fill_works_on_need_a_person() -> None:
    loads = with_hole()
    page = page_of(report_of(loads))
    assert page.status is PageStatus.NEEDS_PERSON
    assert (page.missing_cells, page.missing_days, page.fill_calls) == (30, 10, 1)
    assert page.complete_through == day(9)
    assert page.by_reason == {"down": 30}
    assert report_of(loads).pages[0] == page
    for filled_on, status in ((37, "filling"), (36, "needs_person"), (40, "filling")):
        loads.ledger.fill_since, loads.ledger.filled_on = FIRST.toordinal(), day(filled_on).toordinal()
        assert statuses(report_of(loads))["102"] == status
    loads.ledger.page("102").failures = 3
    assert statuses(report_of(loads))["102"] == "needs_person"
    assert statuses(report_of(loads, acks=KNOWN)) == {"102": "acknowledged", "101": "complete", "103": "complete"}


def test_days_that_are_not_final_are_pending_and_need_nobody() -> None:
    loads = DailyLoads(THREE).run(40)
    report = report_of(loads, today=day(41), final_before=day(39))
    assert statuses(report) == dict.fromkeys(THREE, "complete")
    assert (page_of(report).missing_cells, page_of(report).pending_cells) == (0, 6)  # one never requested, one early
    assert report.complete_through == day(37)
    assert report_of(loads, today=day(42), final_before=day(40)).needs_person


def test_a_finding_needs_a_person_until_somebody_knows_of_it() -> None:
    def silent(page_id: str, metric: str, number: int) -> float | None:
        return None if page_id == "102" and number >= 39 else ever(page_id, metric, number)

    loads = DailyLoads(THREE, silent).run(40)
    report = report_of(loads)
    assert statuses(report) == {"102": "needs_person", "101": "complete", "103": "complete"}
    assert report.needs_person
    (finding,) = report.findings
    assert finding.is_new
    assert page_of(report).findings == (finding,)
    known = report_of(loads, acks=KNOWN)
    assert page_of(known).status is PageStatus.ACKNOWLEDGED
    assert known.findings[0].ack == KNOWN.acks[0]
    assert not known.needs_person
    assert report_of(loads, page_ids=["101"]).findings == ()


def test_what_meets_most_pages_on_a_day_that_is_not_final_needs_nobody() -> None:
    def late(page_id: str, metric: str, number: int) -> float | None:
        return None if page_id != "103" and number >= 39 else ever(page_id, metric, number)

    report = report_of(DailyLoads(THREE, late).run(40))
    assert [one.finding.page_ids for one in report.findings] == [("101", "102")]
    assert not report.needs_person
    assert report_of(DailyLoads(THREE, late).run(42)).needs_person


def test_pages_whose_time_is_over_do_not_count() -> None:
    loads = with_hole()
    at = datetime(2026, 11, 1, tzinfo=UTC)
    for pages, status in (
        (loads.pages.erased(["102"], at=at, reason=""), "not_managed"),
        (loads.pages.retired(["102"], on=day(9), reason=""), "not_managed"),
        (loads.pages.retired(["102"], on=day(25), reason=""), "needs_person"),
        (PagesOfDataset({**loads.pages, "102": PageEntry("0", active_from=day(20))}), "complete"),
        (PagesOfDataset({**loads.pages, "102": PageEntry("0", active_from=day(90))}), "not_managed"),
    ):
        report = report_of(loads, pages=pages, states={})
        assert statuses(report)["102"] == status
        assert report.managed_pages == 3 - (status == "not_managed")


def test_a_dataset_from_before_ledgers_needs_nobody() -> None:
    loads = with_hole()
    loads.ledger.covers_all = False
    report = report_of(loads)
    assert statuses(report) == dict.fromkeys(THREE, "not_built")
    assert not report.needs_person
    assert report.not_built == ("0",)
    assert "--rebuild" in report.to_json()["not_built_remedy"]
    without = coverage_report({}, loads.pages, {}, Acknowledgements(), today=day(40), final_before=day(38), since=FIRST)
    assert without.not_built == ("0",)


def test_only_what_is_requested_is_missing() -> None:
    loads = DailyLoads(THREE).run(20)
    loads.metrics = (NEW, CONNECTIONS)
    loads.run(40)
    report = report_of(loads)
    assert statuses(report) == dict.fromkeys(THREE, "complete")
    runs = {(run.metric, run.state): run for run in report.cells() if run.page_id == "102"}
    assert runs[BLOCKED, DayState.NOT_MANAGED].first_day == day(20)
    every = report_of(loads, metrics=METRICS)
    assert page_of(every).missing_cells == 19
    assert page_of(every).pending_cells == 3


def test_since_says_what_is_looked_at() -> None:
    loads = with_hole(first=5, end=10)
    assert page_of(report_of(loads, since=day(10))).status is PageStatus.COMPLETE
    before = report_of(loads, since=date(2026, 9, 1))
    assert page_of(before, "101").missing_cells == 0  # nobody wants what lies before its first row
    assert before.window[0] == date(2026, 9, 1).toordinal()
    with pytest.raises(ConfigurationError, match="since"):
        report_of(loads, since=day(40))


def test_a_page_without_rows_before_what_the_api_keeps_is_too_old() -> None:
    loads = DailyLoads(THREE).run(20)
    loads.pages = PagesOfDataset({one: replace(loads.pages[one], active_from=date(2024, 1, 1)) for one in THREE})
    report = report_of(loads)
    runs = [(run.state, run.first_day) for run in report.cells() if (run.page_id, run.metric) == ("102", NEW)]
    assert runs[:2] == [(DayState.TOO_OLD, date(2024, 1, 1)), (DayState.MISSING, date(2024, 10, 21))]
    assert report.to_json()["days"][0] == ["too_old", (date(2024, 10, 21) - date(2024, 1, 1)).days]


def test_cells_say_what_is_known_and_by_which_run() -> None:
    loads = with_hole()
    ledger = loads.ledger
    ordinal = FIRST.toordinal()
    series = ledger.page("101").of(NEW)
    for number, code in enumerate((cells.REMOVED, cells.MUTE, cells.OPEN, cells.EARLY, cells.SETTLED, cells.REFUSED)):
        series.put(ordinal + number, code)
    series.note(ordinal + 5, ordinal + 6, "(#100) no valid metric", 7)
    ledger.files = {f"dt={day(number)}": FileMark(1, "", f"run {number}", number == 30) for number in range(40)}
    found = [run for run in report_of(loads).cells() if (run.page_id, run.metric) == ("101", NEW)]
    assert [(run.state, run.run) for run in found] == [
        (DayState.REMOVED, ""),
        (DayState.NO_ROW, ""),
        (DayState.MISSING, ""),
        (DayState.MISSING, ""),
        (DayState.PROVISIONAL, "run 4"),
        (DayState.REFUSED, ""),
        (DayState.FINAL, "run 29"),
        (DayState.RESTATED, "run 30"),
        (DayState.FINAL, "run 37"),
        (DayState.PROVISIONAL, "run 39"),
    ]
    assert found[5].reason == "(#100) no valid metric"
    assert [run.reason for run in found if run.state is DayState.FINAL] == ["", ""]
    down = [run for run in report_of(loads).cells() if run.state is DayState.FAILED]
    assert {(run.page_id, run.first_day, run.last_day, run.reason) for run in down} == {
        ("102", day(10), day(19), "down")
    }


def test_the_json_tells_all_of_it() -> None:
    loads = with_hole()
    report = report_of(loads, acks=KNOWN)
    data = json.loads(json.dumps(report.to_json()))
    assert data == report.to_json()
    assert (data["since"], data["today"], data["final_before"]) == ("2026-10-01", "2026-11-10", "2026-11-08")
    assert data["counts"] == {
        "needs_person": 0, "acknowledged": 1, "filling": 0, "not_built": 0, "complete": 2, "not_managed": 0
    }  # fmt: skip
    assert data["days"] == [["final", 10], ["partial", 10], ["final", 18], ["provisional", 2]]
    first = data["pages"][0]
    assert (first["page_id"], first["status"]) == ("102", "acknowledged")
    assert first["acknowledged"] == {"until": KNOWN.acks[0].until.isoformat(), "reason": "agreed"}
    assert first["days"] == [["final", 10], ["failed", 10], ["final", 18], ["provisional", 2]]
    state, days, reason = first["metrics"][NEW][1]
    assert (state, days, data["reasons"][reason]) == ("failed", 10, "down")


all_codes = st.binary(max_size=60).map(lambda data: bytes(cells.CODES[byte % len(cells.CODES)] for byte in data))


@given(
    series=st.lists(st.tuples(st.integers(0, 50), all_codes), min_size=3, max_size=3),
    part=st.sampled_from(["0", "eu", None]),
    active=st.tuples(st.none() | st.integers(0, 60), st.none() | st.integers(0, 60)),
    today=st.integers(1, 80),
    since=st.none() | st.integers(-900, 0),
)
def test_each_cell_has_one_state_each_day(
    series: list[tuple[int, bytes]],
    part: str | None,
    active: tuple[int | None, int | None],
    today: int,
    since: int | None,
) -> None:
    ledgers = {"0": Ledger(), "eu": Ledger()}
    for (first, codes), where, metric in zip(series, ("0", "0", "eu"), (NEW, BLOCKED, NEW), strict=True):
        ledgers[where].page("101").of(metric).put(day(first).toordinal(), codes)
    until = None if active[1] is None else day(active[1] + (active[0] or 0))
    entry = PageEntry(part or "0", None if active[0] is None else day(active[0]), until)
    report = coverage_report(
        ledgers,
        PagesOfDataset({"101": entry} if part else {}),
        {},
        Acknowledgements(),
        today=day(today),
        final_before=day(today - 2),
        since=None if since is None else day(since),
    )
    first, end = report.window
    (page,) = report.to_json()["pages"]
    lengths = [
        sum(run[1] for run in runs) for runs in [page["days"], report.to_json()["days"], *page["metrics"].values()]
    ]
    assert set(lengths) <= {end - first}
    by_metric: dict[str, list[Any]] = {}
    for run in report.cells():
        by_metric.setdefault(run.metric, []).append(run)
    for runs in by_metric.values():
        assert all(before.last_day.toordinal() + 1 == after.first_day.toordinal() for before, after in pairwise(runs))
        assert runs[0].first_day.toordinal() == first
        assert runs[-1].last_day.toordinal() == end - 1
    counted = sum(page["by_state"].values())
    assert counted == len(report.shown["101"].wanted) * (end - first)
    lacking = page["by_state"].get("missing", 0) + page["by_state"].get("failed", 0)
    provisional = page["by_state"].get("provisional", 0)
    assert lacking <= page["missing_cells"] + page["pending_cells"] <= lacking + provisional


def test_a_cell_stored_in_any_part_is_stored() -> None:
    home, other = Ledger(), Ledger()
    home.page("101").of(NEW).put(10, b"FFx.n.p")
    home.page("101").failures = 2
    other.page("101").of(NEW).put(8, b"FnnnF.Fr.F")
    other.page("101").of(BLOCKED).put(8, b"rFx")
    united = page_over_parts("101", [home, other])
    assert united is not None
    assert united.failures == 2
    assert bytes(united.series[NEW].window(8, 18)) == b"F.FFF.F.pF"
    assert bytes(united.series[BLOCKED].window(8, 11)) == b".F."
    assert page_over_parts("101", [other]) is other.pages["101"]
    assert page_over_parts("7", [home, other]) is None
    assert bytes(home.pages["101"].series[NEW].codes) == b"FFx.n.p"


def test_what_a_part_lacks_and_another_holds_is_not_missing() -> None:
    loads = with_hole()
    other = Ledger()
    for metric in METRICS:
        other.page("102").of(metric).put(day(10).toordinal(), cells.FINAL * 10)
    report = report_of(loads, ledgers={"0": loads.ledger, "eu": other})
    assert statuses(report) == dict.fromkeys(THREE, "complete")
    managed = {"102": Managed(first=FIRST.toordinal(), end=day(40).toordinal())}
    assert list(missing(loads.ledger, managed, METRICS, loads.horizon))
