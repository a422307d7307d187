"""All that a dataset's small files say of how complete it is, read at once: for reports, gates and plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.coverage.answers import first_unfinal
from airflow_provider_msginsights.insights.coverage.filling import (
    FillCost,
    cost_of,
    first_stored_day,
    known_metrics,
    scope_of_named,
)
from airflow_provider_msginsights.insights.coverage.gaps import Horizon
from airflow_provider_msginsights.insights.coverage.ledger import Ledger
from airflow_provider_msginsights.insights.coverage.report.build import coverage_report
from airflow_provider_msginsights.insights.dates import first_day_kept, pacific_date
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles
from airflow_provider_msginsights.outputs.maintenance.rebuilding import check_coverage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from airflow_provider_msginsights.insights.coverage.findings.acknowledgements import Acknowledgements
    from airflow_provider_msginsights.insights.coverage.findings.state import FindingsState
    from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
    from airflow_provider_msginsights.insights.coverage.report.model import CoverageReport
    from airflow_provider_msginsights.outputs.dataset import Dataset

FINAL_AFTER_HOURS = 48.0
"""As loads have it, unless a parameter says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCoverage:
    """What is known of a dataset; make it with `read`.

    :param ledgers: part -> its ledger, where that can be used.
    :param states: part -> its findings.
    :param problems: ledgers that cannot be used, and what helps.
    """

    ledgers: Mapping[str, Ledger]
    pages: PagesOfDataset
    states: Mapping[str, FindingsState]
    acks: Acknowledgements
    problems: tuple[str, ...] = ()

    @classmethod
    def read(cls, dataset: Dataset[Any]) -> KnownCoverage:
        """Read the small files of a dataset; no file of rows is looked at, and nothing is written.

        :raises ConfigurationError: for a period without coverage, and for files that people edited wrongly.
        :raises StorageError: when the store fails in passing.
        """
        check_coverage(dataset)
        files = CoverageFiles(dataset.root, conditional=dataset.conditional_writes)
        stored = files.ledgers()
        return cls(
            ledgers={part: one.ledger for part, one in stored.items() if one.ledger is not None},
            pages=files.pages(),
            states={part: files.findings(part) for part in stored},
            acks=files.acknowledgements(),
            problems=tuple(one.problem for one in stored.values() if one.problem),
        )

    def report(
        self,
        at: datetime,
        *,
        since: date | None = None,
        page_ids: Collection[str] | None = None,
        metrics: Sequence[str] | None = None,
        final_after_hours: float = FINAL_AFTER_HOURS,
    ) -> CoverageReport:
        """Return how complete the dataset is at an aware moment; see `coverage_report`."""
        return coverage_report(
            self.ledgers,
            self.pages,
            self.states,
            self.acks,
            today=pacific_date(at),
            final_before=date.fromordinal(first_unfinal(at, final_after_hours)),
            metrics=metrics,
            since=since,
            page_ids=page_ids,
        )

    def names(self, page_id: str) -> bool:
        """Whether the dataset has, or had, a Page."""
        return page_id in self.pages or any(page_id in ledger.pages for ledger in self.ledgers.values())

    @property
    def not_built(self) -> tuple[str, ...]:
        """The parts that have Pages and no ledger that knows every stored row."""
        held = {entry.part for entry in self.pages.values() if entry.erased_at is None}
        parts = held | {part for part, ledger in self.ledgers.items() if not ledger.covers_all}
        return tuple(sorted(part for part in parts if part not in self.ledgers or not self.ledgers[part].covers_all))

    @property
    def fill_since(self) -> date | None:
        """The first day that the latest fill was to fill, or else the first day with a row; ``None`` for no row."""
        set_days = [ledger.fill_since for ledger in self.ledgers.values() if ledger.fill_since]
        rows = [first_stored_day(ledger, page_id) for ledger in self.ledgers.values() for page_id in ledger.pages]
        first = min(set_days, default=0) or min((day for day in rows if day), default=0)
        return date.fromordinal(first) if first else None

    def metrics(self) -> tuple[str, ...]:
        """Return the metrics that the ledgers know."""
        return known_metrics(self.ledgers.values())

    def fill_cost(
        self,
        at: datetime,
        *,
        since: date,
        page_ids: Sequence[str] | None = None,
        metrics: Sequence[str] | None = None,
        final_after_hours: float = FINAL_AFTER_HOURS,
        part: str = "0",
    ) -> FillCost:
        """Return what fills of all parts would request.

        :param page_ids: only these, also ones that the dataset does not have yet; ``None`` for all that it has.
        :param metrics: ``None`` for those that the ledgers know.
        :param part: the part of Pages that the dataset does not have yet.
        """
        today = pacific_date(at).toordinal()
        horizon = Horizon(
            since=since.toordinal(),
            oldest=first_day_kept(pacific_date(at)).toordinal(),
            ended_before=today,
            final_before=first_unfinal(at, final_after_hours),
        )
        holders = {page_id: name for name, ledger in self.ledgers.items() for page_id in ledger.pages}
        holders |= {page_id: entry.part for page_id, entry in self.pages.items()}
        wanted = holders if page_ids is None else {page_id: holders.get(page_id, part) for page_id in page_ids}
        total = FillCost()
        for name in sorted(set(wanted.values())):
            of_part = [page_id for page_id, holder in wanted.items() if holder == name]
            scope = scope_of_named(of_part, self.pages, part=name, since=since.toordinal())
            total += cost_of(scope, self.ledgers.get(name, Ledger()), metrics or self.metrics(), horizon, today=today)
        return total
