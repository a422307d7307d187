"""Reports of a dataset in which every state of a day occurs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.findings.acknowledgements import Acknowledgements
from airflow_provider_msginsights.insights.coverage.findings.rules import find
from airflow_provider_msginsights.insights.coverage.findings.state import FindingsState
from airflow_provider_msginsights.insights.coverage.ledger import FileMark
from airflow_provider_msginsights.insights.coverage.report.build import coverage_report
from support.made_ledgers import CONNECTIONS, METRICS, DailyLoads, day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_msginsights.insights.coverage.report.model import CoverageReport

DAYS = 400
SILENT, FAILED, REFUSED, REMOVED, LATE, WELL = "103", "102", "104", "105", "106", "101"
PAGE_IDS = (WELL, FAILED, SILENT, REFUSED, REMOVED, LATE)
RESTATED_DAYS = (380, 390)
HOSTILE = "</script><b>503</b><!--"
"""What an error of a network may say."""


def answer(page_id: str, metric: str, number: int) -> float | None:
    """Values with a rhythm; one Page falls silent at the end."""
    if page_id == SILENT and number >= DAYS - 4:
        return None
    return 1000 + number if metric == CONNECTIONS else 20 + number * 7 % 11 + int(page_id) % 7


def loads_of_all_states(page_ids: Sequence[str] = PAGE_IDS) -> DailyLoads:
    """Thirteen months of daily loads with whatever may happen, and a fill at the end."""
    loads = DailyLoads(page_ids, answer).run(DAYS)
    for page_id, code, first, end, reason in (
        (FAILED, cells.FAILED, 300, 320, HOSTILE),
        (REFUSED, cells.REFUSED, 250, 280, "(#100) The metric is not valid"),
        (REMOVED, cells.REMOVED, 200, 210, ""),
        (LATE, cells.NEVER, 0, 90, ""),
    ):
        for metric in METRICS:
            series = loads.ledger.page(page_id).of(metric)
            series.put(day(first).toordinal(), code * (end - first))
            if reason:
                series.note(day(first).toordinal(), day(end).toordinal(), reason, 7)
    for number in range(DAYS):
        run = f"daily/load_day/scheduled__{day(number)}T00:00:00+00:00"
        loads.ledger.files[f"dt={day(number)}"] = FileMark(1, "tag", run, number in RESTATED_DAYS)
    loads.ledger.fill_since, loads.ledger.filled_on = day(0).toordinal(), day(DAYS).toordinal()
    return loads


def report_of_all_states() -> CoverageReport:
    """The report of that dataset on the day after its last."""
    return report_with(loads_of_all_states())


def report_with(loads: DailyLoads) -> CoverageReport:
    """The report of a dataset on the day of its newest load, with what people know of a Page."""
    state = FindingsState()
    state.update(find(loads.ledger, loads.pages, part="0", horizon=loads.horizon), on=day(loads.today), run="run")
    known = Acknowledgements().with_ack([REMOVED], until=day(DAYS + 20), reason="agreed with the client")
    return coverage_report(
        {"0": loads.ledger}, loads.pages, {"0": state}, known, today=day(loads.today), final_before=day(loads.today - 2)
    )


def made_report() -> dict[str, Any]:
    """The same as the page reads it."""
    return report_of_all_states().to_json(values=True)
