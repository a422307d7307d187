"""The operator: load the Pacific days a run is about, to files or to XCom.

What only a running task needs is imported where it is used: DAG files import this module at every parse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk import BaseOperator

from airflow_provider_msginsights.airflow_names import AirflowSkipException, conf
from airflow_provider_msginsights.deadlines import TRIGGER_FAIL_REPR, TRIGGER_TIMED_OUT, ExecutionDeadline
from airflow_provider_msginsights.exceptions import RateLimitError
from airflow_provider_msginsights.failures import failing_without_retry, unknown_event
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.operators.links import PageInsightsLink
from airflow_provider_msginsights.operators.load.stoppable import StoppableLoad
from airflow_provider_msginsights.outlets import refuse_aliases
from airflow_provider_msginsights.run_days.requested import NoDayEndedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from os import PathLike

    from airflow.sdk import BaseOperatorLink, Context, ObjectStoragePath

    from airflow_provider_msginsights.operators.load.pending import PendingLoad
    from airflow_provider_msginsights.operators.load.task import Deferral, LoadResult, LoadTask
    from airflow_provider_msginsights.run_days.requested import When


class MessagingInsightsOperator(StoppableLoad, BaseOperator):
    """Load Messaging Insights metrics for the Pacific days that end within the run's interval.

    With ``output_path`` the rows become files under ``<output_path>/dt=<Pacific date>/``; a second run for the same
    days replaces its own rows and leaves the same bytes. Without it the rows go to XCom, as a list of dictionaries.
    All parameters are parsed when the task runs, before any request: numbers and lists may be given as text, text as
    numbers, and the text "None" counts as left out where a parameter may be left out.
    When a rate limit requires a long wait, what could be read is stored and the task reads what remains after the wait;
    from Airflow 3.3 on a retry, too, reads only what remains.

    :param page_ids: one Page id (1 to 32 digits, as text or a whole number), a collection of them, text with commas
        or of a list, or ``"all"`` for every Page the token may analyze; the connection's default Page when left out.
        An empty collection is refused; Pages gained or lost since the last load of the part are named in a warning
        (templated)
    :param metrics: metric names, ``"stable"`` (those not in development) or ``"all"`` (templated)
    :param period: ``day``, ``week``, ``month``, ``days_28`` or ``total_over_range`` (templated)
    :param since: first Pacific date, or the moment the interval starts; the run's interval when left out (templated)
    :param until: the date after the last one, or the moment the interval ends (templated)
    :param date_preset: one of the API's named ranges instead of the two, such as ``last_month``, counted from the run
        and not from today: a run of January, cleared today, loads January (templated)
    :param breakdowns: dimensions to group by; each metric must have them (templated)
    :param lookback_days: days before the range to load again, as recent days are restated. On a run whose interval has
        no length: the number of last days that had ended. Backfill runs do not extend their range (templated)
    :param output_path: where to write: an absolute path, a URL or a path object that Airflow's object storage knows:
        ``file://``, ``s3://`` (needs the extra ``s3``), ``gs://`` and ``abfs://`` with the Airflow provider that brings
        them, and others; ``None``, but not the text "None", sends the rows to XCom (templated)
    :param output_format: ``jsonl``, ``csv`` or ``parquet`` (needs the extra ``parquet``) (templated)
    :param compression: ``gzip`` for the text formats, which have none when it is left out; Parquet always has its own,
        ``zstd`` (templated)
    :param part: name of this task's file in each partition: up to 100 letters, digits and ``_ . = + -``. Mapped tasks
        that write the same days may share one on local disks, S3, Google Cloud Storage and Azure, and take one each
        elsewhere; one each is faster everywhere (templated)
    :param extra_columns: columns added to every row, name and text; numbers, truths and dates become text; never part
        of the key (templated)
    :param output_conn_id: the Airflow connection of the storage (templated)
    :param max_failed_pages: how many Pages may fail before the task does: a count, a fraction of them below 1, or
        ``None`` for any number; the good ones are stored in any case (templated)
    :param on_empty: what to do when the API returns no rows: ``fail`` (for a retry), ``skip`` or ``succeed``.
        The token is inspected once, and a permission it lacks is named. An empty answer never deletes stored rows
        (templated)
    :param final_after_hours: a row is marked final when its day had ended so many hours before it was loaded; a
        warning follows when the schedule loads a day for the last time before that (templated)
    :param xcom_max_rows: more rows than this are refused as XCom, before any reaches the metadata database (templated)
    :param deferrable: wait for the end of a rate limit in the triggerer, without a worker slot; otherwise the task
        fails, for a retry, and the message says until when to wait
    :param msginsights_conn_id: the Airflow connection of type ``msginsights`` (templated)
    :param api_version: Graph API version such as ``v26.0``; the connection's when left out (templated)
    :param retry_bounds: bounds on repeated requests that differ from the connection's, by the names they have there,
        such as ``{"max_attempts": 2}`` (templated)
    :param keep_changes: whether the load leaves ``_changes/<run>.jsonl.gz`` beside the data, with the old and the new
        value of every stored row that it changed (templated)
    :param on_finding: what to do about something new that a person should look at, such as a Page that fell silent:
        ``warn``, or ``fail`` the task when it is about final days, without retries and after everything is stored
        (templated)
    :param publish: what the page in Airflow's UI shows (Airflow 3.3 and newer, with an asset in ``outlets``): ``days``,
        which of them are there and why not; ``values`` too, the last 28 of each metric; or ``none``. Whoever may read
        the asset may read them (templated)
    :param partition_events: whether each loaded day gets an asset event of its own, with the day as its partition key
        (Airflow 3.3 and newer), for DAGs that are scheduled by partitions (templated)
    :return: with ``output_path`` a dictionary under a kilobyte: ``manifest`` (path of a JSON file that has it all,
        the ``files`` too), ``output_path``, ``rows``, ``rows_added``, ``rows_changed``, ``rows_unchanged``,
        ``rows_removed``, ``file_count``, ``day_count``, ``first_day``, ``last_day``, ``restated_day_count``,
        ``page_count``, ``failed_page_count``, ``failed_page_ids`` (the first five), ``unavailable_metrics``; otherwise
        the rows themselves.
    :raises AirflowFailException: for what a retry would meet again: a parameter or connection that is wrong, a token,
        permission or Page that the API refuses, a metric named one by one that it does not have, a reply of an unknown
        shape, new findings with ``on_finding="fail"``.
    :raises MessagingInsightsError: for what a retry may cure: `RateLimitError` in a task that does not defer,
        `EmptyAnswerError`, `ServiceUnavailableError`, `TransportError`, `StorageError`, `WriteConflictError`.
    :raises AirflowSkipException: when no Pacific day ends within the run's interval, or there are no rows and
        ``on_empty`` is ``skip``.
    :raises AirflowTaskTimeout: when ``execution_timeout`` is over, in which waiting in the triggerer counts.
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
        "max_failed_pages",
        "on_empty",
        "final_after_hours",
        "xcom_max_rows",
        "msginsights_conn_id",
        "api_version",
        "retry_bounds",
        "keep_changes",
        "on_finding",
        "publish",
        "partition_events",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "page_ids": "json",
        "metrics": "json",
        "breakdowns": "json",
        "extra_columns": "json",
        "retry_bounds": "json",
    }
    operator_extra_links: Collection[BaseOperatorLink] = (PageInsightsLink(),)
    ui_color = "#e4e6fb"
    loaded_page_ids: tuple[str, ...] = ()

    def __init__(  # noqa: PLR0913 - an operator's parameters are its documentation
        self,
        *,
        page_ids: str | int | Sequence[str | int] | None = None,
        metrics: str | Sequence[str] = "stable",
        period: str = "day",
        since: When = None,
        until: When = None,
        date_preset: str | None = None,
        breakdowns: str | Sequence[str] = (),
        lookback_days: int | str = 0,
        output_path: str | PathLike[str] | ObjectStoragePath | None = None,
        output_format: str = "jsonl",
        compression: str | None = None,
        part: str = "0",
        extra_columns: Mapping[str, str] | None = None,
        output_conn_id: str | None = None,
        max_failed_pages: float | str | None = 0,
        on_empty: str = "fail",
        final_after_hours: float | str = 48,
        xcom_max_rows: int | str = 1000,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        msginsights_conn_id: str = MessagingInsightsHook.default_conn_name,
        api_version: str | None = None,
        retry_bounds: Mapping[str, Any] | None = None,
        keep_changes: bool | str = False,
        on_finding: str = "warn",
        publish: str = "days",
        partition_events: bool | str = True,
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
        self.retry_bounds = retry_bounds
        self.keep_changes = keep_changes
        self.on_finding = on_finding
        self.publish = publish
        self.partition_events = partition_events

    def execute(self, context: Context) -> Any:
        """Load the run's days; return a summary of the files they went to, or the rows."""
        deadline = ExecutionDeadline.from_now(self.execution_timeout)
        with failing_without_retry(msginsights_conn_id=self.msginsights_conn_id, log=self.log):
            return self._load(context, deadline)

    def execute_complete(
        self, context: Context, event: dict[str, Any] | None = None, deadline: str | None = None
    ) -> Any:
        """Load what remained when the task was deferred for a rate limit.

        :param deadline: when the try is over; where Airflow drops it, the event has it.
        """
        with failing_without_retry(msginsights_conn_id=self.msginsights_conn_id, log=self.log):
            status = event.get("status") if isinstance(event, dict) else None
            if event is None or status not in {"resume", "timed_out"}:
                raise unknown_event(event)
            bound = ExecutionDeadline.resumed(deadline or event.get("deadline"), self.execution_timeout)
            if status == "timed_out":
                bound.end(f"Meta's limit lasts until {event.get('moment')}; what could be read is stored.")
            bound.enforce()
            return self._load(context, bound, saved=event["state"])

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after a deferral; one that Airflow ended itself lasted longer than ``execution_timeout`` allows."""
        if next_method == TRIGGER_FAIL_REPR and (next_kwargs or {}).get("error") == TRIGGER_TIMED_OUT:
            ExecutionDeadline.from_now(self.execution_timeout).end("No triggerer resumed the task in time.")
        return super().resume_execution(next_method, next_kwargs, context)

    def _load(self, context: Context, deadline: ExecutionDeadline, saved: Mapping[str, Any] | None = None) -> Any:
        """Load everything, or what a deferral saved, and end the task in Airflow's terms."""
        from airflow_provider_msginsights.operators.load.airflow_ui import emit_asset_events
        from airflow_provider_msginsights.operators.load.config import LoadConfig
        from airflow_provider_msginsights.operators.load.outcome_policy import NoRowsError
        from airflow_provider_msginsights.operators.load.pending import PendingLoad
        from airflow_provider_msginsights.operators.load.task import Deferral, LoadTask

        config = LoadConfig.from_operator(self)
        if config.output_path is None:
            refuse_aliases(self.outlets, "rows for XCom are in none")
        hook = MessagingInsightsHook(
            config.msginsights_conn_id, api_version=config.api_version, retry_bounds=config.retry_bounds
        )
        task = LoadTask(config, hook, context, log=self.log)
        try:
            result = self._run(task, task.pending() if saved is None else PendingLoad.from_dict(saved))
        except (NoDayEndedError, NoRowsError) as nothing_to_do:
            raise AirflowSkipException(str(nothing_to_do)) from nothing_to_do
        if isinstance(result, Deferral):
            self._wait(result, deadline, deferrable=config.deferrable)
        self._lineage = result.lineage
        emit_asset_events(
            context,
            self.outlets,
            result.facts,
            manifest_path=result.manifest_path,
            partition_events=config.partition_events,
            output_path=config.output_path,
            log=self.log,
        )
        return result.value

    def _run(self, task: LoadTask, pending: PendingLoad) -> LoadResult | Deferral:
        self.loaded_page_ids = pending.page_ids
        with self._storing():
            return task.run(pending)

    def _wait(self, deferral: Deferral, deadline: ExecutionDeadline, *, deferrable: bool) -> NoReturn:
        """Defer until the limit is over; fail for a retry where the task is not deferrable."""
        from airflow_provider_msginsights.triggers.resume import MessagingInsightsResumeTrigger

        if not deferrable:
            raise RateLimitError(
                f"{deferral.reason}; everything else is loaded. Set retry_delay so that a retry comes later, or "
                "deferrable=True.",
                retry_after_seconds=deferral.wait_seconds,
            )
        self.log.info("%s. Until then the task waits without a worker slot.", deferral.reason)
        moment, state = deferral.until.isoformat(), deferral.pending.to_dict()
        self.defer(
            trigger=MessagingInsightsResumeTrigger(moment=moment, state=state, deadline=deadline.text),
            method_name="execute_complete",
            kwargs={"deadline": deadline.text},
            timeout=deadline.backstop(),
        )
