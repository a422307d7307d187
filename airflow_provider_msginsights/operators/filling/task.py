"""A fill: request what a dataset lacks, the newest first, and end well before anything else ends it.

Nothing here raises Airflow's exceptions or reads the operator: `MessagingInsightsFillOperator` does.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import NEVER_RETRIED, ConfigurationError
from airflow_provider_msginsights.insights.catalog import resolve_metrics
from airflow_provider_msginsights.insights.coverage.answers import RowLog
from airflow_provider_msginsights.insights.coverage.filling import (
    FillScope,
    filled_days,
    missing_by_state,
    rounds,
    scope_of_all,
    scope_of_named,
    work_of,
)
from airflow_provider_msginsights.insights.coverage.gaps import Horizon, requests
from airflow_provider_msginsights.insights.dates import DateRange, pacific_date
from airflow_provider_msginsights.insights.parameters.parse import ALL_PAGE_IDS
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.insights.wording import pages_in_words, plural
from airflow_provider_msginsights.operators.filling.report import FillReport
from airflow_provider_msginsights.operators.load.airflow_ui import send_stats
from airflow_provider_msginsights.operators.load.coverage import NO_ANSWER, CoverageKeeper, without_late_rows
from airflow_provider_msginsights.operators.load.findings import NotedFindings, horizon_at
from airflow_provider_msginsights.operators.load.lineage import LoadLineage, report_read
from airflow_provider_msginsights.operators.load.manifest import manifest_of, run_names
from airflow_provider_msginsights.operators.load.outcome_policy import OutcomePolicy
from airflow_provider_msginsights.operators.load.pending import PendingLoad
from airflow_provider_msginsights.operators.load.progress import ProgressLog
from airflow_provider_msginsights.operators.load.publishing import CoveragePublisher
from airflow_provider_msginsights.operators.load.reader import LoadReader
from airflow_provider_msginsights.operators.load.storage import dataset_of
from airflow_provider_msginsights.operators.load.task import LoadResult
from airflow_provider_msginsights.outputs.changes import ChangeLog
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles
from airflow_provider_msginsights.outputs.maintenance.mentions import without_pages
from airflow_provider_msginsights.outputs.manifest import manifest_name, run_path, write_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.insights.coverage.gaps import Stretch
    from airflow_provider_msginsights.insights.coverage.ledger import Ledger
    from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.query import Slice
    from airflow_provider_msginsights.operators.filling.config import FillConfig
    from airflow_provider_msginsights.outputs.dataset import Dataset

FIRST_ROUND = 50
"""One batch: its answer says how much of the app's allowance is used."""
ROUND = 1000
"""Requests of a round: after each the rows are stored, and the fill may end."""
LONG_ROUND = 2000
"""The same where the app's allowance is no bound: nothing is read while the last files of a round are written."""


class FillTask:
    """A fill of one part of a dataset.

    :param config: the operator's parameters.
    :param hook: reads the API with the connection and bounds that the parameters name.
    :param context: Airflow's context of the task.
    :param log: where progress and warnings go.
    :param seconds: for how long new requests may be begun.
    """

    def __init__(
        self, config: FillConfig, hook: MessagingInsightsHook, context: Any, *, log: Any, seconds: float
    ) -> None:
        self._config, self._hook, self._context, self._log = config, hook, context, log
        self._ends = time.monotonic() + seconds
        self._started = datetime.now(UTC)
        self._outcomes: list[FetchOutcome] = []
        self._manifest: dict[str, Any] | None = None
        self._row_log = RowLog()
        self._erased: list[str] = []

    @cached_property
    def _dataset(self) -> Dataset[Any]:
        return dataset_of(self._config).claim()

    @cached_property
    def _metrics(self) -> tuple[str, ...]:
        return resolve_metrics(self._config.metrics)

    @cached_property
    def _horizon(self) -> Horizon:
        return horizon_at(self._started, self._config.final_after_hours, self._config.fill_since)

    def run(self) -> LoadResult:
        """Request and store what is missing.

        :raises ConfigurationError: when the ledger or the Pages' file cannot be used, naming what helps.
        :raises MessagingInsightsError: an error that a person must resolve, when nothing was answered.
        """
        if not self._dataset.conditional_writes:
            self._log.warning(
                "The storage of %s replaces a file even if another task has changed it meanwhile: run this fill and "
                "the loads of part %r in a pool of one slot, or one may lose the rows of the other.",
                self._dataset.root,
                self._dataset.part,
            )
        pages = CoverageFiles(self._dataset.root, conditional=self._dataset.conditional_writes).pages()
        keeper = CoverageKeeper.open(self._dataset, days=None, log=self._log)
        ledger = keeper.recorder.ledger if keeper is not None else None
        if keeper is None or ledger is None:
            raise ConfigurationError(
                f"The ledger of part {self._dataset.part!r} of {self._dataset.root} cannot be used, so that nobody "
                "knows what is missing. Build it anew: msginsights coverage PATH --rebuild",
                error_id="MSGI-ledger",
            )
        if not ledger.covers_all:
            self._log.warning(
                "%s has rows from before ledgers were kept, so nothing is filled. Build the ledger once: msginsights "
                "coverage PATH --rebuild (with --dry-run it tells what a fill would cost).",
                self._dataset.root,
            )
            return self._result(FillReport(ended="a dataset without a complete ledger"), ())
        return self._fill(keeper, pages, ledger)

    # Which cells

    def _scope(self, keeper: CoverageKeeper, pages: PagesOfDataset, ledger: Ledger) -> FillScope:
        config, since = self._config, self._config.fill_since.toordinal()
        page_ids = self._hook.resolve_page_ids(config.page_ids)
        if config.page_ids != ALL_PAGE_IDS:
            scope = scope_of_named(page_ids, pages, part=config.part, since=since)
        else:
            scope = scope_of_all(page_ids, pages, ledger, part=config.part, since=since, new_pages=config.new_pages)
        if scope.begun:
            self._begin(keeper, scope)
        if scope.announced:
            self._log.warning(
                "%s new in this dataset: set active_from in _coverage/pages.json to have earlier days filled.",
                pages_in_words(scope.announced),
            )
        if scope.elsewhere:
            self._log.info("Left to the fills of the parts that hold them: %s.", pages_in_words(list(scope.elsewhere)))
        return scope

    def _begin(self, keeper: CoverageKeeper, scope: FillScope) -> None:
        """Note from when on new Pages belong to the dataset, and offer their history."""
        keeper.recorder.files.update_pages(lambda pages: pages.begun(scope.begun))
        calls = sum(-(-max(0, first.toordinal() - self._horizon.first) // 89) for first in scope.begun.values())
        self._log.info(
            "%s kept complete from the first stored day on (new_pages='load'). Earlier days back to %s take about %s: "
            "name the Pages in page_ids, or set new_pages='fill'.",
            pages_in_words(list(scope.begun)),
            date.fromordinal(self._horizon.first),
            plural(calls, "API call"),
        )

    # Filling them

    def _fill(self, keeper: CoverageKeeper, pages: PagesOfDataset, ledger: Ledger) -> LoadResult:
        scope, today = self._scope(keeper, pages, ledger), pacific_date(self._started).toordinal()
        stretches, rechecked = work_of(
            scope, ledger, self._metrics, self._horizon, today=today, recheck_days=self._config.recheck_days
        )
        missing_before = missing_by_state(ledger, scope.pages, self._metrics, self._horizon)
        slices = requests(stretches, ledger, self._horizon)
        self._log_work(stretches, slices)
        before = ledger.cells_now()
        with ChangeLog(at=self._started, keep=self._config.keep_changes) as changes:
            ended = self._rounds(keeper, slices, changes, rechecked)
            self._store_changes(changes)
        pages = keeper.enter_pages(pages, self._row_log, run=self._name)
        after = keeper.recorder.ledger or before
        stored = {page_id for page_id, _ in self._row_log.rows}
        changed = self._changes_name if self._config.keep_changes else None
        now, self._erased = without_late_rows(
            self._dataset, pages, stored, (), ledger=after, changes=changed, log=self._log
        )
        pages = now or pages
        findings = self._note_findings(keeper, after, pages, changes)
        CoveragePublisher.of(self._context, publish=self._config.publish, log=self._log).publish_part(
            self._dataset, after, pages, at=self._started, final_after_hours=self._config.final_after_hours
        )
        filled, filled_cells = filled_days(before, self._row_log.rows, scope.pages)
        report = FillReport(
            filled=filled,
            filled_cells=filled_cells,
            missing_cells=sum(missing_before.values()),
            still_missing=missing_by_state(after, scope.pages, self._metrics, self._horizon),
            waiting_pages={
                page_id: str(date.fromordinal(page.waits_until()))
                for page_id, page in after.pages.items()
                if page_id in scope.pages and page.waits_until() > today
            },
            ended=ended,
        )
        self._log.info("%s.", report.in_words())
        self._raise_if_nothing_was_answered()
        result = self._result(report, tuple(scope.pages))
        findings.raise_if_wanted(self._config.on_finding)
        return result

    def _note_findings(
        self, keeper: CoverageKeeper, ledger: Ledger, pages: PagesOfDataset, changes: ChangeLog
    ) -> NotedFindings:
        """Keep what a person should see, and look at Pages that fell silent."""
        if self._dataset.breakdowns:
            return NotedFindings()
        book = keeper.findings_book(pages, self._started, self._config.final_after_hours, run=self._name)
        findings = book.note(ledger, changes.restatements)
        findings.say(self._log)
        findings.send(run_names(self._context))
        book.explain(self._hook)
        if self._manifest is not None:
            self._manifest |= findings.as_fields()
        return findings

    def _log_work(self, stretches: Sequence[Stretch], slices: Sequence[Slice]) -> None:
        pages = {piece.page_id for piece in slices}
        cells = sum(stretch.end - stretch.first for stretch in stretches)
        if slices:
            self._log.info(
                "%s of %s to request, in %s.",
                plural(cells, "cell"),
                plural(len(pages), "Page"),
                plural(len(slices), "API call"),
            )

    def _rounds(
        self, keeper: CoverageKeeper, slices: Sequence[Slice], changes: ChangeLog, rechecked: frozenset[str]
    ) -> str:
        """Read and store round after round; return why that ended."""
        progress, failed, calls = ProgressLog(log=self._log), set[str](), 0
        is_bounded = self._config.below_percent < 100  # noqa: PLR2004 - a share of everything
        first = [list(slices[:FIRST_ROUND])] if is_bounded else []
        rest = slices[FIRST_ROUND:] if is_bounded else slices
        for batch in (*first, *rounds(rest, most=ROUND if is_bounded else LONG_ROUND)):
            wanted = [piece for piece in batch if piece.page_id not in failed]
            allowed = self._config.max_graph_calls - calls
            ended = self._reason_to_end(allowed)
            if ended or not wanted:
                if ended:
                    return ended
                continue
            reader = self._reader(wanted[:allowed], progress)
            try:
                outcome = self._round(keeper, reader, changes, rechecked)
            except NO_ANSWER as error:
                keeper.record_failure(reader, error, run=self._name)
                if isinstance(error, NEVER_RETRIED) and not self._outcomes:
                    raise
                return f"an error ({error})"
            calls += outcome.counts["calls"]
            failed |= outcome.page_failures.keys()
            if outcome.stopped_by is not None:
                return f"an error ({outcome.stopped_by})"
            if outcome.paused:
                return "a rate limit of the API"
            if len(wanted) > allowed:
                return f"max_graph_calls={self._config.max_graph_calls}"
        return "complete"

    def _reason_to_end(self, calls_left: int) -> str:
        if calls_left <= 0:
            return f"max_graph_calls={self._config.max_graph_calls}"
        if time.monotonic() >= self._ends:
            return f"max_seconds={self._config.max_seconds:g}"
        last = self._outcomes[-1] if self._outcomes else None
        used = max(last.peak_usage_percent.values(), default=0.0) if last is not None else 0.0
        if used > self._config.below_percent:
            return f"below_percent={self._config.below_percent:g} (the app or a Page has used {used:g} %)"
        return ""

    def _reader(self, batch: Sequence[Slice], progress: ProgressLog) -> LoadReader:
        days = DateRange(min(piece.days.first_day for piece in batch), max(piece.days.end_day for piece in batch))
        page_ids = tuple(dict.fromkeys(piece.page_id for piece in batch))
        return LoadReader(
            hook=self._hook,
            queries=[self._query(page_ids, days)],
            pending=PendingLoad(page_ids=page_ids, ranges=(days,), remaining=(tuple(batch),)),
            final_after_hours=self._config.final_after_hours,
            extra_columns=self._config.extra_columns,
            progress=progress,
            started=self._started,
        )

    def _round(
        self, keeper: CoverageKeeper, reader: LoadReader, changes: ChangeLog, rechecked: frozenset[str]
    ) -> FetchOutcome:
        """Read and store a round.

        :raises MessagingInsightsError: one of `NO_ANSWER`, when nothing was answered.
        """
        stored = reader.to_dataset(self._dataset, changes)
        keeper.record(
            reader,
            stored,
            run=run_path(**run_names(self._context)),
            fill_since=self._config.fill_since,
            rechecked=rechecked & set(reader.pending.page_ids),
        )
        self._row_log.take(reader.row_log)
        self._outcomes += reader.outcomes
        self._manifest = manifest_of(
            stored,
            reader,
            run=run_names(self._context),
            started=self._started,
            finished=datetime.now(UTC),
            earlier=self._manifest,
        )
        return reader.outcomes[0]

    def _query(self, page_ids: tuple[str, ...], days: DateRange) -> InsightsQuery:
        config = self._config
        return InsightsQuery.create(
            page_ids=page_ids, metrics=config.metrics, days=days, period=config.period, breakdowns=config.breakdowns
        )

    # Reporting it

    @cached_property
    def _name(self) -> str:
        return manifest_name(**run_names(self._context))

    @property
    def _changes_name(self) -> str:
        return f"{self._name}.{self._started:%Y%m%dT%H%M%S}"

    def _store_changes(self, changes: ChangeLog) -> None:
        path = changes.store(self._dataset.root, self._changes_name)
        if self._manifest is not None:
            self._manifest["changes"] = path

    def _raise_if_nothing_was_answered(self) -> None:
        """Warn of what failed; raise an error that only a person can resolve, when it left nothing answered."""
        error = OutcomePolicy(max_failed_pages=None, on_empty="succeed", log=self._log).error_in(self._outcomes)
        if isinstance(error, NEVER_RETRIED) and not any(one.answered or one.empty for one in self._outcomes):
            raise error
        if error is not None:
            self._log.warning("%s", error)

    def _result(self, report: FillReport, page_ids: tuple[str, ...]) -> LoadResult:
        """Write the manifest, when anything was requested, and return what the task returns."""
        config, path, facts = self._config, None, self._manifest
        if facts is None:
            facts = {"rows": 0, "files": [], "days": []} | report.as_fields()
        else:
            ranges = [[str(config.fill_since), str(date.fromordinal(self._horizon.ended_before - 1))]]
            facts |= {"page_ids": list(page_ids), "ranges": ranges} | report.as_fields()
            facts = without_pages(facts, frozenset(self._erased)) if self._erased else facts
            path = write_manifest(self._dataset.root, self._name, facts, part=config.part, is_latest=False)
            send_stats(self._outcomes, run_names(self._context), config.msginsights_conn_id)
            report_read(self._hook, page_ids)
        return LoadResult(
            value=report.summary(facts, path=path, output_path=config.output_path),
            facts=facts | {"days": report.days},
            manifest_path=path,
            lineage=LoadLineage.of(
                self._hook.settings, page_ids, config.output_path, facts, tuple(config.extra_columns)
            ),
        )
