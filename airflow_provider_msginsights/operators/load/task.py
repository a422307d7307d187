"""A load in one process of its task: read what is pending, store it, report it, and end with a result or a deferral.

Nothing here defers, raises Airflow's exceptions or reads the operator: `MessagingInsightsOperator` does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import NEVER_RETRIED
from airflow_provider_msginsights.insights.catalog import TOTAL_OVER_RANGE, resolve_metrics
from airflow_provider_msginsights.insights.history import possible_days
from airflow_provider_msginsights.insights.parameters.parse import ALL_PAGE_IDS
from airflow_provider_msginsights.insights.query import InsightsQuery, check_width
from airflow_provider_msginsights.insights.wording import plural
from airflow_provider_msginsights.operators.load.airflow_ui import send_stats, set_map_index_label
from airflow_provider_msginsights.operators.load.config import mapped_tasks_share_part, refuse_shared_part
from airflow_provider_msginsights.operators.load.coverage import LoadCoverage
from airflow_provider_msginsights.operators.load.lineage import LoadLineage, report_read
from airflow_provider_msginsights.operators.load.manifest import (
    check_can_be_continued,
    manifest_of,
    run_names,
    summary_of,
)
from airflow_provider_msginsights.operators.load.outcome_policy import OutcomePolicy, empty_result_hint
from airflow_provider_msginsights.operators.load.pending import (
    LoadCheckpoint,
    PendingLoad,
    SavedLoad,
    first_changed_file,
    manifest_fingerprint,
)
from airflow_provider_msginsights.operators.load.progress import ProgressLog
from airflow_provider_msginsights.operators.load.reader import LoadReader
from airflow_provider_msginsights.operators.load.warnings import page_changes, stale_days_warning
from airflow_provider_msginsights.outputs.manifest import manifest_name, read_manifest, write_manifest
from airflow_provider_msginsights.run_days.requested import requested_days

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.operators.load.config import LoadConfig
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.write_result import WriteResult


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """A load that has read everything it could.

    :param value: what the task returns: a summary of the files, or the rows.
    :param facts: the manifest, or for rows in XCom at least ``rows``, ``days`` and ``files``.
    :param manifest_path: where the manifest is; ``None`` for rows in XCom.
    """

    value: Any
    facts: Mapping[str, Any]
    manifest_path: str | None
    lineage: LoadLineage


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferral:
    """A load that has to wait for a limit of the API.

    :param pending: what remains to be read after the wait.
    :param request_count: how many requests wait.
    :param wait_seconds: from now until the moment.
    :param until: the moment, aware.
    """

    pending: PendingLoad
    request_count: int
    wait_seconds: float
    until: datetime

    @property
    def reason(self) -> str:
        """The wait in words."""
        requests = plural(self.request_count, "request")
        return f"{requests} must wait for Meta's rate limit until {self.until:%Y-%m-%d %H:%M:%S} UTC"


class LoadTask:
    """A load.

    :param config: the operator's parameters.
    :param hook: reads the API with the connection and bounds that the parameters name.
    :param context: Airflow's context of the task: it names the run, its days, its mapping and its state store.
    :param log: where progress and warnings go.
    """

    def __init__(self, config: LoadConfig, hook: MessagingInsightsHook, context: Any, *, log: Any) -> None:
        self._config, self._hook, self._context, self._log = config, hook, context, log
        self._policy = OutcomePolicy(max_failed_pages=config.max_failed_pages, on_empty=config.on_empty, log=log)

    # What is to be loaded

    def pending(self) -> PendingLoad:
        """Return what an earlier try left unread, if that is known and still holds, and otherwise the full load.

        :raises ConfigurationError: when the parameters and the run name no range of days, or one that is too wide; or
            when mapped tasks share a part on storage where that loses rows.
        :raises NoDayEndedError: when no day ends within the run's interval.
        """
        ranges = self._ranges()
        return self._left_by_earlier_try(ranges) or self._full_load(ranges)

    def _ranges(self) -> tuple[DateRange, ...]:
        config = self._config
        requested = requested_days(
            self._context,
            since=config.since,
            until=config.until,
            date_preset=config.date_preset,
            lookback_days=config.lookback_days,
        )
        possible = possible_days(requested, datetime.now(UTC), is_total=config.period == TOTAL_OVER_RANGE)
        if possible.warning:
            self._log.warning(possible.warning)
        for days in possible.ranges:
            check_width(config.period, days)
        return possible.ranges

    @cached_property
    def _page_ids(self) -> tuple[str, ...]:
        return self._hook.resolve_page_ids(self._config.page_ids)

    @cached_property
    def _dataset(self) -> Dataset[Any]:
        """The dataset of the files; claimed when it is first used, which is before any request."""
        return self._config.dataset().claim()

    def _left_by_earlier_try(self, ranges: tuple[DateRange, ...]) -> PendingLoad | None:
        """Return what an earlier try left unread, unless its Pages or files are not the same now.

        Whoever clears a task may have changed them.
        """
        saved = self._checkpoint(ranges).read() if self._config.output_path else None
        if saved is None:
            return None
        if (change := self._change_since(saved)) is not None:
            self._log.info("An earlier try stored a part of the load, but %s: everything is read again.", change)
            return None
        self._log.info("An earlier try stored a part of the load: only what it left is read.")
        return saved.pending

    def _change_since(self, saved: SavedLoad) -> str | None:
        """Say what has changed since an earlier try saved its checkpoint; ``None`` for nothing."""
        manifest = self._earlier_manifest(self._dataset)
        try:
            if manifest is None or manifest_fingerprint(manifest) != saved.stored:
                return "its manifest is missing or was written by a later try"
            path = first_changed_file(self._dataset.root, manifest["files"])
        except (KeyError, TypeError):
            return "its manifest lacks fields"
        if path is not None:
            return f"{path} is missing or has changed since"
        return None if set(self._page_ids) == set(saved.pending.page_ids) else "the Pages are not the same now"

    def _full_load(self, ranges: tuple[DateRange, ...]) -> PendingLoad:
        config = self._config
        if config.output_path:
            dataset = self._dataset
            if mapped_tasks_share_part(self._context, config.part):
                refuse_shared_part(dataset)
        if config.follows_schedule:
            warning = stale_days_warning(
                self._context,
                ranges,
                lookback_days=config.lookback_days,
                final_after_hours=config.final_after_hours,
                now=datetime.now(UTC),
            )
            if warning:
                self._log.warning(warning)
        return PendingLoad.full(self._page_ids, ranges)

    def _checkpoint(self, ranges: tuple[DateRange, ...]) -> LoadCheckpoint:
        settings = self._hook.settings
        identity = self._config.identity() | {
            "ranges": [str(days) for days in ranges],
            "resolved_metrics": resolve_metrics(self._config.metrics),
            "asked": [settings.base_url, settings.api_version],
        }
        return LoadCheckpoint.of(self._context, identity, self._log)

    # Loading it

    def run(self, pending: PendingLoad) -> LoadResult | Deferral:
        """Read and store what is pending.

        :raises MessagingInsightsError: when more failed than the parameters allow; what could be read is stored.
        :raises NoRowsError: when there are no rows and the task is to be skipped.
        """
        config = self._config
        part = config.part if config.output_path and config.part != "0" else None
        set_map_index_label(self._context, pending.ranges, part=part, msginsights_conn_id=config.msginsights_conn_id)
        if config.output_path is None:
            return self._load_rows(self._reader(pending))
        coverage = LoadCoverage.open(
            self._dataset,
            self._context,
            pending,
            keep_changes=config.keep_changes,
            publish=config.publish,
            log=self._log,
        )
        return self._load_files(self._reader(coverage.pending), config.output_path, coverage)

    def _reader(self, pending: PendingLoad) -> LoadReader:
        return LoadReader(
            hook=self._hook,
            queries=[self._query(days, pending) for days in pending.ranges],
            pending=pending,
            final_after_hours=self._config.final_after_hours,
            extra_columns=self._config.extra_columns,
            progress=ProgressLog(log=self._log),
        )

    def _query(self, days: DateRange, pending: PendingLoad) -> InsightsQuery:
        config = self._config
        return InsightsQuery.create(
            page_ids=pending.page_ids,
            metrics=config.metrics,
            days=days,
            period=config.period,
            breakdowns=config.breakdowns,
        )

    def _load_rows(self, reader: LoadReader) -> LoadResult | Deferral:
        self._warn(reader)
        rows = reader.to_rows(max_rows=self._config.xcom_max_rows)
        self._report_costs(reader, None)
        # Rows are not kept during a wait, so all of them are read again after it.
        remaining = PendingLoad.full(reader.pending.page_ids, reader.pending.ranges)
        if (deferral := self._unfinished(reader, remaining=remaining, rows=len(rows), stored=None)) is not None:
            return deferral
        facts = {"rows": len(rows), "days": sorted(map(str, reader.days)), "files": []}
        return self._result(rows, reader, facts, None)

    def _load_files(self, reader: LoadReader, output_path: str, coverage: LoadCoverage) -> LoadResult | Deferral:
        dataset, pending = self._dataset, reader.pending
        earlier = self._manifest_to_continue(dataset) if pending.is_continued else None
        if self._config.page_ids == ALL_PAGE_IDS and not pending.is_continued:
            for change in page_changes(dataset, pending.page_ids):
                self._log.warning(change)
        self._warn(reader)
        with coverage.changes(reader.started) as changes:
            with coverage.noting_failure(reader):
                stored = reader.to_dataset(dataset, changes)
            noted, findings = coverage.record(reader, stored, changes, follows_schedule=self._config.follows_schedule)
        manifest, path = self._write_manifest(reader, coverage, stored, noted, earlier)
        self._report_costs(reader, manifest)
        remaining = pending.unread_by(reader.outcomes)  # failed requests, too: they are sent again after a wait
        fingerprint = manifest_fingerprint(manifest)
        deferral = self._unfinished(reader, remaining=remaining, rows=remaining.rows_so_far, stored=fingerprint)
        if deferral is not None:
            return deferral
        self._checkpoint(pending.ranges).clear()
        findings.raise_if_wanted(self._config.on_finding)
        return self._result(summary_of(manifest, path=path, output_path=output_path), reader, manifest, path)

    def _warn(self, reader: LoadReader) -> None:
        for query in reader.queries:
            for warning in query.warnings(datetime.now(UTC)):
                self._log.warning(warning)
        if not reader.pending.is_continued:
            self._hook.warn_of_token_end()

    # Ending it

    def _unfinished(
        self, reader: LoadReader, *, remaining: PendingLoad, rows: int, stored: str | None
    ) -> Deferral | None:
        """Raise the error the load has to end with, or return its deferral; ``None`` when it is complete.

        :param rows: how many were read, in earlier processes of the load too.
        :param stored: the fingerprint of the manifest; ``None`` when rows go to XCom.
        """
        outcomes = reader.outcomes
        error = self._policy.error_in(outcomes)
        if error is not None:
            if stored is not None and not isinstance(error, NEVER_RETRIED):
                self._checkpoint(reader.pending.ranges).save(remaining, stored=stored)
            raise error
        waits = [seconds for outcome in outcomes if (seconds := outcome.resume_after_seconds) is not None]
        if waits:
            if stored is not None:
                self._checkpoint(reader.pending.ranges).save(remaining, stored=stored)
            return Deferral(
                pending=replace(remaining, waited_seconds=max(waits)),
                request_count=sum(len(outcome.paused) for outcome in outcomes),
                wait_seconds=max(waits),
                until=datetime.now(UTC) + timedelta(seconds=max(waits)),
            )
        if not rows:
            hint = empty_result_hint(self._hook, reader.pending.page_ids, self._log)
            self._policy.end_without_rows(outcomes, hint)
        return None

    def _result(
        self, value: Any, reader: LoadReader, facts: Mapping[str, Any], manifest_path: str | None
    ) -> LoadResult:
        config = self._config
        lineage = LoadLineage.of(
            self._hook.settings, reader.pending.page_ids, config.output_path, facts, tuple(config.extra_columns)
        )
        return LoadResult(value=value, facts=facts, manifest_path=manifest_path, lineage=lineage)

    # Reporting it

    def _earlier_manifest(self, dataset: Dataset[Any]) -> dict[str, Any] | None:
        """Return the manifest that an earlier process or try of this run wrote."""
        name = manifest_name(**run_names(self._context))
        return read_manifest(dataset.root, name, check=check_can_be_continued)

    def _manifest_to_continue(self, dataset: Dataset[Any]) -> dict[str, Any] | None:
        manifest = self._earlier_manifest(dataset)
        if manifest is None:
            self._log.warning(
                "The manifest of what this load stored before it waited is missing from %s. The stored rows are not "
                "affected, but the new manifest and the result count only what is read from now on.",
                dataset.root,
            )
        return manifest

    def _write_manifest(
        self,
        reader: LoadReader,
        coverage: LoadCoverage,
        stored: WriteResult,
        noted: dict[str, Any],
        earlier: Mapping[str, Any] | None,
    ) -> tuple[dict[str, Any], str]:
        run = run_names(self._context)
        manifest = manifest_of(
            stored,
            reader,
            run=run | {"try_number": getattr(self._context.get("ti"), "try_number", None)} | noted,
            started=reader.started,
            finished=datetime.now(UTC),
            earlier=earlier,
        )
        manifest, dataset = coverage.without_erased(manifest), coverage.dataset
        return manifest, write_manifest(dataset.root, manifest_name(**run), manifest, part=dataset.part)

    def _report_costs(self, reader: LoadReader, manifest: Mapping[str, Any] | None) -> None:
        """Report calls and rows, before it is known how the task ends."""
        config = self._config
        reader.progress.summarize(reader.outcomes, manifest, days=reader.days, output_path=config.output_path)
        send_stats(reader.outcomes, run_names(self._context), config.msginsights_conn_id)
        report_read(self._hook, reader.pending.page_ids)
