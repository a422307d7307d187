"""One turn of a task: what is left of the load is read and stored, told of, and ended or put off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_msginsights.exceptions import NEVER_RETRIED, RateLimitError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.catalog import resolve_metrics
from airflow_provider_msginsights.insights.parameters.parse import ALL_PAGES
from airflow_provider_msginsights.insights.query import InsightsQuery, check_width
from airflow_provider_msginsights.operators.destination import dataset_at
from airflow_provider_msginsights.operators.load.airflow_ui import name_map_index, send_measures, tell_outlets
from airflow_provider_msginsights.operators.load.lineage import LoadLineage, report_read
from airflow_provider_msginsights.operators.load.manifest import (
    check_can_be_continued,
    manifest_of,
    run_names,
    summary_of,
)
from airflow_provider_msginsights.operators.load.outcome_policy import Judge, why_empty
from airflow_provider_msginsights.operators.load.pending import (
    KeptWork,
    Memory,
    Work,
    first_changed_file,
    manifest_fingerprint,
)
from airflow_provider_msginsights.operators.load.progress import ProgressLog
from airflow_provider_msginsights.operators.load.reader import Load
from airflow_provider_msginsights.operators.load.shared_parts import refuse_shared_part, shares_its_part
from airflow_provider_msginsights.operators.load.warnings import left_behind_warning, page_changes
from airflow_provider_msginsights.outputs.manifest import manifest_name, read_manifest, write_manifest
from airflow_provider_msginsights.triggers.resume import MessagingInsightsResumeTrigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.deadlines import ExecutionDeadline
    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.operators.load.config import LoadConfig
    from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.write_result import WriteResult


class Turn:
    """A turn of a task.

    :param task: whose log, outlets and deferral are used.
    :param config: what its parameters say is to be loaded.
    :param context: Airflow's context of the task.
    :param ranges: the Pacific days the load is about.
    :param deadline: when the task's try is over, however often it is deferred.
    :raises ConfigurationError: for a range that is too wide for the period.
    """

    def __init__(
        self,
        task: MessagingInsightsOperator,
        config: LoadConfig,
        context: Any,
        ranges: tuple[DateRange, ...],
        *,
        deadline: ExecutionDeadline,
    ) -> None:
        for days in ranges:
            check_width(config.period, days)
        self.lineage: LoadLineage | None = None
        self._task, self._context, self._ranges, self._log = task, context, ranges, task.log
        self._config, self._deadline = config, deadline
        self._judge = Judge(max_failed_pages=config.max_failed_pages, on_empty=config.on_empty, log=task.log)

    @cached_property
    def _hook(self) -> MessagingInsightsHook:
        config = self._config
        return MessagingInsightsHook(
            config.msginsights_conn_id, api_version=config.api_version, retry_bounds=config.retry_bounds
        )

    @cached_property
    def _memory(self) -> Memory:
        return Memory.of(self._context, self._identity(), self._log)

    @cached_property
    def _page_ids(self) -> tuple[str, ...]:
        return self._hook.resolve_page_ids(self._config.page_ids)

    # What there is to do

    def work_left_by_an_earlier_try(self) -> Work | None:
        """Give what an earlier try of the same task did not get to, where Airflow remembers it and it still holds.

        Whoever clears a task may have changed what it is about: the Pages are resolved and the files looked at anew.
        """
        kept = self._memory.recall() if self._config.output_path else None
        if kept is None:
            return None
        if (change := self._change_since(kept)) is not None:
            self._log.info("An earlier try stored a part of the load, but %s: everything is read.", change)
            return None
        self._log.info("An earlier try stored a part of the load: only the rest is read.")
        return kept.work

    def _change_since(self, kept: KeptWork) -> str | None:
        """Say what of an earlier try's work is no longer so; ``None`` when all of it is."""
        manifest = self._earlier_turn(self._dataset)
        try:
            if manifest is None or manifest_fingerprint(manifest) != kept.stored:
                return "its manifest is gone or of a later try"
            path = first_changed_file(self._dataset.root, manifest["files"])
        except (KeyError, TypeError):
            return "its manifest is of another kind"
        if path is not None:
            return f"{path} is gone or was changed since"
        return None if set(self._page_ids) == set(kept.work.page_ids) else "the Pages are others by now"

    def whole_work(self) -> Work:
        """Give everything there is to load.

        :raises ConfigurationError: when mapped tasks share a part on storage where that loses rows.
        """
        if self._config.output_path:
            dataset = self._dataset  # claimed before any request
            if shares_its_part(self._context, self._config.part):
                refuse_shared_part(dataset)
        if self._follows_the_schedule:
            warning = left_behind_warning(
                self._context,
                self._ranges,
                lookback_days=self._config.lookback_days,
                final_after_hours=self._config.final_after_hours,
                now=datetime.now(UTC),
            )
            if warning:
                self._log.warning(warning)
        return Work.all_of(self._page_ids, self._ranges)

    @property
    def _follows_the_schedule(self) -> bool:
        config = self._config
        named = (config.since, config.until, config.date_preset)
        return all(one is None for one in named) and config.period != "total_over_range"

    def _identity(self) -> dict[str, Any]:
        """What a load must have in common with an earlier try of it, to go on where that one stopped."""
        differs_in_nothing_stored = {"max_failed_pages", "on_empty", "xcom_max_rows", "retry_bounds"}
        names = [name for name in self._task.template_fields if name not in differs_in_nothing_stored]
        settings = self._hook.settings
        return {name: getattr(self._config, name) for name in names} | {
            "ranges": [str(days) for days in self._ranges],
            "resolved_metrics": resolve_metrics(self._config.metrics),
            "asked": [settings.base_url, settings.api_version],
        }

    # Doing it

    def run(self, work: Work) -> Any:
        """Load, and give the task's result: a summary of the files, or the rows."""
        config = self._config
        part = config.part if config.output_path and config.part != "0" else None
        name_map_index(self._context, self._ranges, part=part, msginsights_conn_id=config.msginsights_conn_id)
        load = Load(
            hook=self._hook,
            queries=[self._query(days, work) for days in work.ranges],
            work=work,
            final_after_hours=self._config.final_after_hours,
            extra_columns=self._config.extra_columns,
            progress=ProgressLog(log=self._log),
        )
        return self._load_files(load, config.output_path) if config.output_path else self._load_rows(load)

    @cached_property
    def _dataset(self) -> Dataset[Any]:
        """Where the files go; claimed when this is first asked for."""
        config = self._config
        return dataset_at(
            str(config.output_path),
            period=config.period,
            breakdowns=config.breakdowns,
            output_conn_id=config.output_conn_id,
            output_format=config.output_format,
            compression=config.compression,
            part=config.part,
            extra_columns=config.extra_columns,
        ).claim()

    def _warn(self, load: Load) -> None:
        for query in load.queries:
            for warning in query.warnings(datetime.now(UTC)):
                self._log.warning(warning)
        if not load.work.is_continued:
            self._hook.warn_of_token_end()

    def _load_rows(self, load: Load) -> list[dict[str, Any]]:
        self._warn(load)
        rows = load.to_rows(max_rows=self._config.xcom_max_rows)
        self._tell_costs(load, None, None)
        # Rows cannot be kept from turn to turn, so the next one reads all of them again.
        self._end(load, left=Work.all_of(load.work.page_ids, load.work.ranges), rows=len(rows))
        self._tell_result(load, {"rows": len(rows), "days": sorted(map(str, load.days)), "files": []}, None)
        return rows

    def _load_files(self, load: Load, output_path: str) -> dict[str, Any]:
        dataset = self._dataset
        earlier_turn = self._earlier_turn(dataset) if load.work.is_continued else None
        if self._config.page_ids == ALL_PAGES and not load.work.is_continued:
            for change in page_changes(dataset, load.work.page_ids):
                self._log.warning(change)
        self._warn(load)
        started = datetime.now(UTC)
        stored = load.to_dataset(dataset)
        manifest, path = self._write_manifest(load, dataset, stored, started, earlier_turn)
        self._tell_costs(load, manifest, output_path)
        left = load.work.unread_by(load.outcomes)  # what failed is asked again with what waits, and told of again
        self._end(load, left=left, rows=left.rows_so_far, stored=manifest_fingerprint(manifest))
        self._memory.forget()
        self._tell_result(load, manifest, path)
        return summary_of(manifest, path=path, output_path=output_path)

    def _query(self, days: DateRange, work: Work) -> InsightsQuery:
        config = self._config
        return InsightsQuery.create(
            page_ids=work.page_ids,
            metrics=config.metrics,
            days=days,
            period=config.period,
            breakdowns=config.breakdowns,
        )

    # Ending it

    def _end(self, load: Load, *, left: Work, rows: int, stored: str | None = None) -> None:
        """Let the task go on to its result, or fail, skip or wait; what could be read is stored by now.

        :param stored: names what was stored; ``None`` when rows go to XCom.
        """
        error = self._judge.error_in(load.outcomes)
        if error is not None:
            if stored is not None and not isinstance(error, NEVER_RETRIED):
                self._memory.keep(load.work.unread_by(load.outcomes), stored=stored)
            raise error
        waits = [seconds for outcome in load.outcomes if (seconds := outcome.resume_after_seconds) is not None]
        if waits:
            self._wait(max(waits), left, sum(len(outcome.paused) for outcome in load.outcomes), stored)
        if not rows:
            self._judge.judge_empty(load.outcomes, why_empty(self._hook, load.work.page_ids, self._log))

    def _wait(self, seconds: float, left: Work, requests: int, stored: str | None) -> NoReturn:
        moment = datetime.now(UTC) + timedelta(seconds=seconds)
        told = f"{requests} requests have to wait for Meta's limit until {moment:%Y-%m-%d %H:%M:%S} UTC"
        if stored is not None:
            self._memory.keep(left, stored=stored)
        if not self._config.deferrable:
            raise RateLimitError(
                f"{told}; the rest is loaded. Set retry_delay so that a retry comes later, or deferrable=True.",
                retry_after_seconds=seconds,
            )
        self._log.info("%s; the task waits without a worker slot.", told)
        state = replace(left, waited_seconds=seconds).as_dict()
        deadline = self._deadline
        self._task.defer(
            trigger=MessagingInsightsResumeTrigger(moment=moment.isoformat(), state=state, deadline=deadline.text),
            method_name="execute_complete",
            kwargs={"deadline": deadline.text},
            timeout=deadline.backstop(),
        )

    # Telling of it

    def _earlier_turn(self, dataset: Dataset[Any]) -> dict[str, Any] | None:
        name = manifest_name(**run_names(self._context))
        return read_manifest(dataset.root, name, check=check_can_be_continued)

    def _write_manifest(
        self,
        load: Load,
        dataset: Dataset[Any],
        stored: WriteResult,
        started: datetime,
        earlier_turn: Mapping[str, Any] | None,
    ) -> tuple[dict[str, Any], str]:
        run = run_names(self._context)
        manifest = manifest_of(
            stored,
            load,
            run=run | {"try_number": getattr(self._context.get("ti"), "try_number", None)},
            started=started,
            finished=datetime.now(UTC),
            earlier_turn=earlier_turn,
        )
        return manifest, write_manifest(dataset.root, manifest_name(**run), manifest, part=dataset.part)

    def _tell_costs(self, load: Load, manifest: Mapping[str, Any] | None, output_path: str | None) -> None:
        """Whatever becomes of the task: its calls are made."""
        load.progress.summarize(load.outcomes, manifest, days=load.days, output_path=output_path)
        send_measures(load.outcomes, run_names(self._context), self._config.msginsights_conn_id)
        report_read(self._hook, load.work.page_ids)

    def _tell_result(self, load: Load, facts: Mapping[str, Any], manifest_path: str | None) -> None:
        tell_outlets(self._context, self._task.outlets, facts, manifest_path=manifest_path, log=self._log)
        self.lineage = LoadLineage.of(
            self._hook.settings, load.work.page_ids, self._config.output_path, facts, tuple(self._config.extra_columns)
        )
