"""The operator: load the Pacific days a run is about, to files or to XCom.

What only a running task needs is imported where it is used: DAG files import this module at every parse.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk import BaseHook, BaseOperator, ObjectStoragePath

from airflow_provider_msginsights.airflow_failures import failing_without_retry
from airflow_provider_msginsights.airflow_intervals import NoDayEndedError, requested_days
from airflow_provider_msginsights.airflow_names import AirflowSkipException, conf
from airflow_provider_msginsights.exceptions import RateLimitError, ResponseFormatError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from airflow_provider_msginsights.airflow_intervals import When
    from airflow_provider_msginsights.insights.date_ranges import DateRange
    from airflow_provider_msginsights.insights.query import InsightsQuery
    from airflow_provider_msginsights.operators.judgement import Judge
    from airflow_provider_msginsights.operators.load import Load
    from airflow_provider_msginsights.operators.work import Work
    from airflow_provider_msginsights.outputs.dataset import Dataset

_EMPTY_HINT = (
    "Either Meta has not computed the days yet (put a MessagingInsightsSensor before this task), or the token lacks "
    "read_insights or the ANALYZE task on the Page, or the Page has fewer than 100 followers."
)


class MessagingInsightsOperator(BaseOperator):
    """Load Messaging Insights metrics for the Pacific days that end within the run's interval.

    With ``output_path`` the rows become files under ``<output_path>/dt=<Pacific date>/``; a second run for the same
    days replaces its own rows and leaves the same bytes. Without it the rows go to XCom, as a list of dictionaries.
    When a limit of Meta's asks for a long wait, what could be read is stored and the rest follows.

    :param page_ids: one Page id, several, text with commas, or ``"all"`` for every Page the token may analyse; the
        connection's default Page when left out (templated)
    :param metrics: metric names, ``"stable"`` (those not in development) or ``"all"`` (templated)
    :param period: ``day``, ``week``, ``month``, ``days_28`` or ``total_over_range`` (templated)
    :param since: first Pacific date, or the moment the interval starts; the run's interval when left out (templated)
    :param until: the date after the last one, or the moment the interval ends (templated)
    :param date_preset: one of the API's named ranges instead of the two, such as ``last_month``, counted from the run
        and not from today (templated)
    :param breakdowns: dimensions to group by; each metric must have them (templated)
    :param lookback_days: days before the range to load again, as recent days are restated. On a run whose interval has
        no length: the number of last days that had ended. Backfill runs do not extend their range (templated)
    :param output_path: where to write, any path Airflow's object storage knows; none sends the rows to XCom (templated)
    :param output_format: ``jsonl``, ``csv`` or ``parquet`` (templated)
    :param compression: ``gzip`` for the text formats; Parquet always has its own, zstd (templated)
    :param part: name of this task's file in each partition; tasks that write the same days need one each (templated)
    :param extra_columns: columns added to every row, name and text; never part of the key (templated)
    :param output_conn_id: the Airflow connection of the storage (templated)
    :param max_failed_pages: how many Pages may fail before the task does: a count, a fraction of them below 1, or
        ``None`` for any number; the good ones are stored in any case
    :param on_empty: what to do when the API returns no row at all: ``fail`` (for a retry), ``skip`` or ``succeed``
    :param final_after_hours: a row is marked final when its day had ended so many hours before it was loaded
    :param xcom_max_rows: more rows than this are refused as XCom, before any reaches the metadata database
    :param deferrable: wait for a limit's end in the triggerer, without a worker slot; otherwise the task fails, for a
        retry, and the message says until when to wait
    :param msginsights_conn_id: the Airflow connection of type ``msginsights`` (templated)
    :param api_version: Graph API version such as ``v26.0``; the connection's when left out (templated)
    :return: with ``output_path`` a dictionary under a kilobyte: ``manifest`` (path of a JSON file that has it all,
        the ``files`` too), ``output_path``, ``rows``, ``rows_added``, ``rows_changed``, ``rows_unchanged``,
        ``rows_removed``, ``file_count``, ``day_count``, ``first_day``, ``last_day``, ``restated_day_count``,
        ``page_count``, ``failed_page_count``, ``unavailable_metrics``; otherwise the rows themselves.
    """

    template_fields: Sequence[str] = (
        "page_ids",
        "metrics",
        "period",
        "since",
        "until",
        "date_preset",
        "breakdowns",
        "lookback_days",
        "output_path",
        "output_format",
        "compression",
        "part",
        "extra_columns",
        "output_conn_id",
        "msginsights_conn_id",
        "api_version",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "page_ids": "json",
        "metrics": "json",
        "breakdowns": "json",
        "extra_columns": "json",
    }
    ui_color = "#e4e6fb"

    def __init__(  # noqa: PLR0913 - an operator's parameters are its documentation
        self,
        *,
        page_ids: str | Sequence[str] | None = None,
        metrics: str | Sequence[str] = "stable",
        period: str = "day",
        since: When = None,
        until: When = None,
        date_preset: str | None = None,
        breakdowns: str | Sequence[str] = (),
        lookback_days: int | str = 0,
        output_path: str | None = None,
        output_format: str = "jsonl",
        compression: str | None = None,
        part: str = "0",
        extra_columns: Mapping[str, str] | None = None,
        output_conn_id: str | None = None,
        max_failed_pages: float | None = 0,
        on_empty: str = "fail",
        final_after_hours: float = 48,
        xcom_max_rows: int = 1000,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        msginsights_conn_id: str = MessagingInsightsHook.default_conn_name,
        api_version: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.page_ids = page_ids
        self.metrics = metrics
        self.period = period
        self.since = since
        self.until = until
        self.date_preset = date_preset
        self.breakdowns = breakdowns
        self.lookback_days = lookback_days
        self.output_path = output_path
        self.output_format = output_format
        self.compression = compression
        self.part = part
        self.extra_columns = extra_columns
        self.output_conn_id = output_conn_id
        self.max_failed_pages = max_failed_pages
        self.on_empty = on_empty
        self.final_after_hours = final_after_hours
        self.xcom_max_rows = xcom_max_rows
        self.deferrable = deferrable
        self.msginsights_conn_id = msginsights_conn_id
        self.api_version = api_version

    def execute(self, context: Context) -> Any:
        """Load the run's days; give a summary of the files they went to, or the rows."""
        from airflow_provider_msginsights.operators.work import Work

        with failing_without_retry(msginsights_conn_id=self.msginsights_conn_id):
            try:
                ranges = requested_days(
                    context,
                    since=self.since,
                    until=self.until,
                    date_preset=self.date_preset,
                    lookback_days=self.lookback_days,
                )
            except NoDayEndedError as nothing_to_do:
                raise AirflowSkipException(str(nothing_to_do)) from nothing_to_do
            judge = self._judge()
            hook = self._hook()
            return self._load(context, hook, judge, Work.all_of(hook.page_ids_of(self.page_ids), ranges))

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> Any:
        """Go on with what a limit of Meta's made the load leave."""
        from airflow_provider_msginsights.operators.work import Work

        with failing_without_retry(msginsights_conn_id=self.msginsights_conn_id):
            if event is None or event.get("status") != "resume":
                raise ResponseFormatError(
                    f"The trigger sent an event this version does not know: {event!r}. "
                    "Run one version of the provider on workers and triggerers, then clear the task."
                )
            return self._load(context, self._hook(), self._judge(), Work.from_dict(event["state"]))

    def _load(self, context: Context, hook: MessagingInsightsHook, judge: Judge, work: Work) -> Any:
        from airflow_provider_msginsights.operators.load import Load
        from airflow_provider_msginsights.operators.report import manifest_of, summary_of
        from airflow_provider_msginsights.operators.work import Work
        from airflow_provider_msginsights.outputs.manifest import manifest_name, read_manifest, write_manifest

        started = datetime.now(UTC)
        extra_columns = dict(self.extra_columns or {})
        load = Load(
            hook=hook,
            queries=[self._query(days, work.page_ids) for days in work.ranges],
            work=work,
            final_after_hours=float(self.final_after_hours),
            extra_columns=extra_columns,
        )
        for query in load.queries:
            for warning in query.warnings(started):
                self.log.warning(warning)
        if not self.output_path:
            rows = load.to_rows(max_rows=int(self.xcom_max_rows))
            self._end(load, judge, left=Work.all_of(work.page_ids, work.ranges), rows=len(rows))
            return rows
        dataset = self._dataset(load.queries[0], self.output_path, extra_columns)
        dataset.claim()
        stored = load.to_dataset(dataset)
        name = manifest_name(**_run_names(context))
        manifest = manifest_of(
            stored,
            load.outcomes,
            run=_run_names(context) | {"try_number": getattr(context.get("ti"), "try_number", None)},
            started=started,
            finished=datetime.now(UTC),
            earlier_turn=read_manifest(dataset.root, name) if work.is_continued else None,
        )
        path = write_manifest(dataset.root, name, manifest, part=dataset.part)
        left = work.after(load.outcomes)
        self._end(load, judge, left=left, rows=left.rows_so_far)
        return summary_of(read_manifest(dataset.root, name) or manifest, path=path, output_path=self.output_path)

    def _end(self, load: Load, judge: Judge, *, left: Work, rows: int) -> None:
        """Let the task go on to its result, or fail, skip or wait; what could be read is stored by now."""
        judge.check_errors(load.outcomes)
        waits = [seconds for outcome in load.outcomes if (seconds := outcome.resume_after_seconds) is not None]
        if waits:
            self._wait(max(waits), left, sum(len(outcome.paused) for outcome in load.outcomes))
        if not rows:
            judge.check_empty(load.outcomes, _EMPTY_HINT)

    def _wait(self, seconds: float, left: Work, requests: int) -> NoReturn:
        from airflow_provider_msginsights.triggers.resume import MessagingInsightsResumeTrigger

        moment = datetime.now(UTC) + timedelta(seconds=seconds)
        told = f"{requests} requests have to wait for Meta's limit until {moment:%Y-%m-%d %H:%M:%S} UTC"
        if not self.deferrable:
            raise RateLimitError(
                f"{told}; the rest is loaded. Set retry_delay so that a retry comes later, or deferrable=True.",
                retry_after_seconds=seconds,
            )
        self.log.info("%s; the task waits without a worker slot.", told)
        trigger = MessagingInsightsResumeTrigger(moment=moment.isoformat(), state=left.as_dict())
        self.defer(trigger=trigger, method_name="execute_complete")

    def _hook(self) -> MessagingInsightsHook:
        return MessagingInsightsHook(self.msginsights_conn_id, api_version=self.api_version)

    def _judge(self) -> Judge:
        from airflow_provider_msginsights.operators.judgement import Judge

        return Judge(max_failed_pages=self.max_failed_pages, on_empty=self.on_empty, log=self.log)

    def _query(self, days: DateRange, page_ids: Sequence[str]) -> InsightsQuery:
        from airflow_provider_msginsights.insights.query import InsightsQuery

        return InsightsQuery.create(
            page_ids=page_ids, metrics=self.metrics, days=days, period=self.period, breakdowns=self.breakdowns
        )

    def _dataset(
        self, query: InsightsQuery, output_path: str, extra_columns: Mapping[str, str]
    ) -> Dataset[ObjectStoragePath]:
        from airflow_provider_msginsights.outputs.dataset import Dataset
        from airflow_provider_msginsights.outputs.formats import format_named
        from airflow_provider_msginsights.outputs.schema import check_extra_columns
        from airflow_provider_msginsights.outputs.storage_providers import naming_the_missing_provider

        check_extra_columns(extra_columns)
        if self.output_conn_id:
            # Airflow would take the machine's own credentials for a connection that does not exist.
            BaseHook.get_connection(self.output_conn_id)
        with naming_the_missing_provider(output_path):
            root = ObjectStoragePath(output_path, conn_id=self.output_conn_id)
        return Dataset(
            root=root,
            file_format=format_named(self.output_format, self.compression),
            period=query.period,
            breakdowns=query.breakdowns,
            part=str(self.part),
            extra_columns=tuple(extra_columns),
        )


def _run_names(context: Context) -> dict[str, Any]:
    """Name the run a task belongs to; outside of one there is nothing to name."""
    ti = context.get("ti")
    return {
        "dag_id": getattr(ti, "dag_id", "no-dag"),
        "task_id": getattr(ti, "task_id", "no-task"),
        "run_id": getattr(ti, "run_id", "no-run"),
        "map_index": getattr(ti, "map_index", -1),
    }
