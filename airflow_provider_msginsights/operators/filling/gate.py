"""What the coverage check does: its parameters, the Pages that are complete, and why others are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_msginsights.insights.catalog import named_metrics, resolve_metrics
from airflow_provider_msginsights.insights.coverage.report.model import PageStatus
from airflow_provider_msginsights.insights.coverage.report.shown_cells import DayState
from airflow_provider_msginsights.insights.dates import pacific_date
from airflow_provider_msginsights.insights.parameters.numbers import parse_count, parse_number, parse_page_bound
from airflow_provider_msginsights.insights.parameters.parse import (
    ALL_PAGE_IDS,
    parse_choice,
    parse_optional_conn_id,
    parse_output_path,
    parse_page_ids,
)
from airflow_provider_msginsights.insights.parameters.values import is_given, refusal
from airflow_provider_msginsights.insights.wording import pages_in_words, plural
from airflow_provider_msginsights.operators.filling.config import parse_past_day
from airflow_provider_msginsights.operators.load.publishing import PUBLISH, CoveragePublisher
from airflow_provider_msginsights.operators.load.storage import storage_root
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.maintenance.known_coverage import KnownCoverage
from airflow_provider_msginsights.outputs.stores.locations import parse_location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_msginsights.insights.coverage.report.model import CoverageReport, PageReport

_MOST_REASONS = 10
_LACKING = (DayState.MISSING, DayState.FAILED)


class RenderedGateParameters(Protocol):
    """The attributes of the operator that are read here, as templates left them."""

    output_path: Any
    check_since: Any
    last_days: Any
    page_ids: Any
    metrics: Any
    max_incomplete_pages: Any
    final_after_hours: Any
    output_conn_id: Any
    publish: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    """The values of the operator's parameters of the same names.

    :param since: the first Pacific day that is checked.
    :param page_ids: ``None`` for all of the dataset.
    """

    output_path: str
    since: date
    page_ids: tuple[str, ...] | None
    metrics: tuple[str, ...] | None
    max_incomplete_pages: float | None
    final_after_hours: float
    output_conn_id: str | None
    publish: str


def parse_gate(operator: RenderedGateParameters) -> GateConfig:
    """Parse every parameter of an operator whose templates are rendered.

    :raises ConfigurationError: for the first one that is not valid; names it, its value and what is allowed.
    """
    output_path = parse_output_path(operator.output_path)
    if output_path is None:
        raise refusal("output_path", operator.output_path, "the path of the dataset to check")
    today, last_days = pacific_date(datetime.now(UTC)), parse_count("last_days", operator.last_days)
    since = today - timedelta(days=last_days)
    if is_given(operator.check_since):
        since = parse_past_day("check_since", operator.check_since)
        if since >= today:
            raise refusal("check_since", str(since), f"a Pacific day before {today}, which has not ended")
    page_ids = parse_page_ids(operator.page_ids)
    return GateConfig(
        output_path=output_path,
        since=since,
        page_ids=None if page_ids == ALL_PAGE_IDS else page_ids,
        metrics=resolve_metrics(named_metrics(operator.metrics)) if is_given(operator.metrics) else None,
        max_incomplete_pages=parse_page_bound("max_incomplete_pages", operator.max_incomplete_pages),
        final_after_hours=parse_number("final_after_hours", operator.final_after_hours),
        output_conn_id=parse_optional_conn_id("output_conn_id", operator.output_conn_id),
        publish=parse_choice("publish", operator.publish, PUBLISH),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPages:
    """The Pages of a dataset, by what was found.

    :param unchecked: Pages of parts whose ledger does not know every stored row.
    :param reasons: incomplete Page -> what it lacks, and why.
    :param counting: the incomplete Pages that need a person.
    :param problems: what a person must know, and what helps.
    """

    complete: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)
    counting: tuple[str, ...] = ()
    filling_count: int = 0
    acknowledged_count: int = 0
    not_managed_count: int = 0
    problems: tuple[str, ...] = ()

    def fails(self, most: float | None) -> bool:
        """Whether too many Pages are incomplete.

        :param most: a count, a fraction below 1 of all checked Pages, or ``None`` for any number.
        """
        if most is None:
            return False
        allowed = most * (len(self.complete) + len(self.incomplete)) if most < 1 else most
        return len(self.counting) > allowed

    def as_dict(self) -> dict[str, Any]:
        """Return what the task returns of it."""
        first = sorted(self.reasons, key=lambda page_id: (page_id not in self.counting, page_id))[:_MOST_REASONS]
        return {
            "complete_page_ids": list(self.complete),
            "incomplete_page_ids": list(self.incomplete),
            "unchecked_page_ids": list(self.unchecked),
            "needs_person_count": len(self.counting),
            "filling_count": self.filling_count,
            "acknowledged_count": self.acknowledged_count,
            "not_managed_count": self.not_managed_count,
            "reasons": {page_id: self.reasons[page_id] for page_id in first},
        }

    def lines(self) -> Iterator[str]:
        """Give the first Pages that need a person, and why, one by one."""
        for page_id in self.counting[:_MOST_REASONS]:
            yield f"Page {page_id}: {self.reasons[page_id]}"
        if len(self.counting) > _MOST_REASONS:
            yield f"and {len(self.counting) - _MOST_REASONS} more Pages"

    def in_words(self) -> str:
        """Return the error of the task."""
        first = self.counting[0]
        return (
            f"{pages_in_words(self.counting)} incomplete, and nobody works on it. Page {first}: {self.reasons[first]} "
            "msginsights coverage PATH shows all of it; acknowledge what is known with msginsights coverage ack."
        )


def check_pages(config: GateConfig, publisher: CoveragePublisher) -> CheckedPages:
    """Read what is known of the dataset, publish it, and sort its Pages.

    :raises ConfigurationError: for what is no dataset, and for files that people edited wrongly.
    :raises StorageError: when the store fails in passing.
    """
    dataset = Dataset.at(storage_root(parse_location(config.output_path, config.output_conn_id)))
    known, now = KnownCoverage.read(dataset), datetime.now(UTC)
    publisher.publish_parts(dataset, known.ledgers, known.pages, at=now, final_after_hours=config.final_after_hours)
    report = known.report(
        now,
        since=config.since,
        page_ids=config.page_ids,
        metrics=config.metrics,
        final_after_hours=config.final_after_hours,
    )
    days = _lacking_days(report)
    complete, reasons, counting, unchecked = [], dict[str, str](), [], []
    for page in report.pages:
        if page.status is PageStatus.NOT_BUILT or _is_unknown(page, known, config.since):
            unchecked.append(page.page_id)
        elif page.status is PageStatus.NOT_MANAGED:
            continue
        elif _is_complete(page):
            complete.append(page.page_id)
        else:
            reasons[page.page_id] = _reason(page, days.get(page.page_id, ""))
            if page.status is PageStatus.NEEDS_PERSON:
                counting.append(page.page_id)
    for page_id in config.page_ids or ():
        if not known.names(page_id):
            reasons[page_id] = "the dataset has nothing of it: load it, or remove it from page_ids."
            counting.append(page_id)
    counts, problems = report.counts, list(known.problems)
    if unchecked:
        problems.append(
            f"{plural(len(unchecked), 'Page')} not checked, as the ledger of part {', '.join(known.not_built)} does "
            f"not know every stored row. Build it once: msginsights coverage {dataset.root} --rebuild"
        )
    return CheckedPages(
        complete=tuple(sorted(complete)),
        incomplete=tuple(sorted(reasons)),
        unchecked=tuple(sorted(unchecked)),
        reasons=reasons,
        counting=tuple(sorted(counting)),
        filling_count=counts[PageStatus.FILLING],
        acknowledged_count=counts[PageStatus.ACKNOWLEDGED],
        not_managed_count=sum(page.page_id not in {*complete, *unchecked, *reasons} for page in report.pages),
        problems=tuple(problems),
    )


def _is_unknown(page: PageReport, known: KnownCoverage, since: date) -> bool:
    """Whether a Page belongs to the dataset in what is checked, and its part's ledger cannot tell of it."""
    entry = known.pages.get(page.page_id)
    is_over = entry is None or entry.erased_at is not None or (entry.active_until or since) < since
    return not is_over and page.part in known.not_built


def _is_complete(page: PageReport) -> bool:
    """Whether reports can be made of a Page: its rows are there, and at most a passed event was found."""
    if page.missing_cells:
        return False
    if page.status in (PageStatus.COMPLETE, PageStatus.ACKNOWLEDGED):
        return True
    open_findings = [one.finding for one in page.findings if one.ack is None]
    return bool(open_findings) and all(finding.kind.is_event for finding in open_findings)


def _lacking_days(report: CoverageReport) -> dict[str, str]:
    """Return Page -> its first stretch of days that lacks cells, and why."""
    first: dict[str, tuple[date, date, str]] = {}
    for run in report.cells():
        if run.state in _LACKING and (run.page_id not in first or run.first_day < first[run.page_id][0]):
            first[run.page_id] = run.first_day, run.last_day, run.reason
    return {page_id: f"{start} to {end}: {reason}" for page_id, (start, end, reason) in first.items()}


def _reason(page: PageReport, days: str) -> str:
    """Return what a Page lacks, and what helps."""
    finding = next((one.finding for one in page.findings if one.ack is None), None)
    if finding is not None:
        return f"{finding.what} {finding.remedy}"
    lacks = f"{page.missing_days} of {plural(page.total_days, 'day')} missing ({days})."
    if page.status is PageStatus.FILLING:
        return f"{lacks} A fill works on it."
    if page.ack is not None:
        return f"{lacks} Known until {page.ack.until}: {page.ack.reason}"
    if page.failures:
        return f"{lacks} It failed in {plural(page.failures, 'run')} in a row: run msginsights check."
    return f"{lacks} No fill works on it: use MessagingInsightsFillOperator."
