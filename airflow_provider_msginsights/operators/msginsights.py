"""The operator: load the Pacific days a run is about, to files or to XCom.

What only a running task needs is imported where it is used: DAG files import this module at every parse.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_msginsights.airflow_names import AirflowSkipException, conf
from airflow_provider_msginsights.deadlines import TRIGGER_FAIL_REPR, TRIGGER_TIMED_OUT, ExecutionDeadline
from airflow_provider_msginsights.exceptions import ResponseFormatError
from airflow_provider_msginsights.failures import failing_without_retry
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.operators.links import PageInsightsLink
from airflow_provider_msginsights.run_days.requested import NoDayEndedError, requested_days

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from os import PathLike

    from airflow.sdk import BaseOperatorLink, Context, ObjectStoragePath

    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.operators.load.config import LoadConfig
    from airflow_provider_msginsights.operators.load.lineage import LoadLineage
    from airflow_provider_msginsights.operators.load.pending import Work
    from airflow_provider_msginsights.operators.load.task import Turn
    from airflow_provider_msginsights.run_days.requested import When


class MessagingInsightsOperator(BaseOperator):
    """Load Messaging Insights metrics for the Pacific days that end within the run's interval.

    With ``output_path`` the rows become files under ``<output_path>/dt=<Pacific date>/``; a second run for the same
    days replaces its own rows and leaves the same bytes. Without it the rows go to XCom, as a list of dictionaries.
    Parameters are read when the task runs, whole, before any request: numbers and lists may come as text, text as
    numbers, and the text "None" counts as left out where a parameter may be left out.
    When a limit of Meta's asks for a long wait, what could be read is stored and the rest follows; from Airflow 3.3 on
    a retry, too, reads only the rest.

    :param page_ids: one Page id (text or a whole number), a collection of them, text with commas or of a list, or
        ``"all"`` for every Page the token may analyse; the connection's default Page when left out. An empty
        collection is refused (templated)
    :param metrics: metric names, ``"stable"`` (those not in development) or ``"all"`` (templated)
    :param period: ``day``, ``week``, ``month``, ``days_28`` or ``total_over_range`` (templated)
    :param since: first Pacific date, or the moment the interval starts; the run's interval when left out (templated)
    :param until: the date after the last one, or the moment the interval ends (templated)
    :param date_preset: one of the API's named ranges instead of the two, such as ``last_month``, counted from the run
        and not from today (templated)
    :param breakdowns: dimensions to group by; each metric must have them (templated)
    :param lookback_days: days before the range to load again, as recent days are restated. On a run whose interval has
        no length: the number of last days that had ended. Backfill runs do not extend their range (templated)
    :param output_path: where to write: an absolute path or a URL that Airflow's object storage knows, as text or as a
        path object; ``None``, but not the text "None", sends the rows to XCom (templated)
    :param output_format: ``jsonl``, ``csv`` or ``parquet`` (templated)
    :param compression: ``gzip`` for the text formats; Parquet always has its own, zstd (templated)
    :param part: name of this task's file in each partition; tasks that write the same days need one each (templated)
    :param extra_columns: columns added to every row, name and text; numbers, truths and dates become text; never part
        of the key (templated)
    :param output_conn_id: the Airflow connection of the storage (templated)
    :param max_failed_pages: how many Pages may fail before the task does: a count, a fraction of them below 1, or
        ``None`` for any number; the good ones are stored in any case (templated)
    :param on_empty: what to do when the API returns no row at all: ``fail`` (for a retry), ``skip`` or ``succeed``
        (templated)
    :param final_after_hours: a row is marked final when its day had ended so many hours before it was loaded; a
        schedule that leaves a day behind before that is warned about (templated)
    :param xcom_max_rows: more rows than this are refused as XCom, before any reaches the metadata database (templated)
    :param deferrable: wait for a limit's end in the triggerer, without a worker slot; otherwise the task fails, for a
        retry, and the message says until when to wait
    :param msginsights_conn_id: the Airflow connection of type ``msginsights`` (templated)
    :param api_version: Graph API version such as ``v26.0``; the connection's when left out (templated)
    :param retry_bounds: bounds on asking again that differ from the connection's, by the names they have there, such as
        ``{"max_attempts": 2}`` (templated)
    :return: with ``output_path`` a dictionary under a kilobyte: ``manifest`` (path of a JSON file that has it all,
        the ``files`` too), ``output_path``, ``rows``, ``rows_added``, ``rows_changed``, ``rows_unchanged``,
        ``rows_removed``, ``file_count``, ``day_count``, ``first_day``, ``last_day``, ``restated_day_count``,
        ``page_count``, ``failed_page_count``, ``failed_page_ids`` (the first five), ``unavailable_metrics``; otherwise
        the rows themselves.
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
    _is_loading = False
    _lineage: LoadLineage | None = None

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

    def execute(self, context: Context) -> Any:
        """Load the run's days; give a summary of the files they went to, or the rows."""
        from airflow_provider_msginsights.operators.load.config import LoadConfig
        from airflow_provider_msginsights.operators.load.task import Turn

        deadline = ExecutionDeadline.from_now(self.execution_timeout)
        with failing_without_retry(msginsights_conn_id=self.msginsights_conn_id, log=self.log):
            config = LoadConfig.of(self)
            turn = Turn(self, config, context, self._ranges(config, context), deadline=deadline)
            return self._run(turn, turn.work_left_by_an_earlier_try() or turn.whole_work())

    def execute_complete(
        self, context: Context, event: dict[str, Any] | None = None, deadline: str | None = None
    ) -> Any:
        """Go on with what a limit of Meta's made the load leave.

        :param deadline: when the try is over; where Airflow drops it, the event has it.
        """
        from airflow_provider_msginsights.operators.load.config import LoadConfig
        from airflow_provider_msginsights.operators.load.pending import Work
        from airflow_provider_msginsights.operators.load.task import Turn

        with failing_without_retry(msginsights_conn_id=self.msginsights_conn_id, log=self.log):
            status = event.get("status") if isinstance(event, dict) else None
            if event is None or status not in {"resume", "timed_out"}:
                raise ResponseFormatError(
                    f"The trigger sent an event this version does not know: {event!r}. "
                    "Run one version of the provider on workers and triggerers, then clear the task."
                )
            bound = ExecutionDeadline.resumed(deadline or event.get("deadline"), self.execution_timeout)
            if status == "timed_out":
                bound.end(f"Meta's limit lasts until {event.get('moment')}; what could be read is stored.")
            bound.enforce()
            work = Work.from_dict(event["state"])
            return self._run(Turn(self, LoadConfig.of(self), context, work.ranges, deadline=bound), work)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after a deferral; one that Airflow ended itself lasted longer than ``execution_timeout`` allows."""
        if next_method == TRIGGER_FAIL_REPR and (next_kwargs or {}).get("error") == TRIGGER_TIMED_OUT:
            ExecutionDeadline.from_now(self.execution_timeout).end("No triggerer took the task up in time.")
        return super().resume_execution(next_method, next_kwargs, context)

    def on_kill(self) -> None:
        """Leave the load at once; Airflow calls this in the middle of it, from a signal handler."""
        if self._is_loading:
            from airflow_provider_msginsights.operators.load.reader import LoadStoppedError

            self._is_loading = False
            raise LoadStoppedError("Airflow ended the task. Every stored file is whole, old or new.")

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Give OpenLineage what was read and written; ``None`` where no load has ended."""
        del task_instance
        return self._lineage.facets() if self._lineage is not None else None

    def _run(self, turn: Turn, work: Work) -> Any:
        self.loaded_page_ids = work.page_ids
        self._is_loading = True
        try:
            result = turn.run(work)
        finally:
            self._is_loading = False
        self._lineage = turn.lineage
        return result

    def _ranges(self, config: LoadConfig, context: Context) -> tuple[DateRange, ...]:
        from airflow_provider_msginsights.insights.catalog import TOTAL_OVER_RANGE
        from airflow_provider_msginsights.insights.history import possible_days

        try:
            requested = requested_days(
                context,
                since=config.since,
                until=config.until,
                date_preset=config.date_preset,
                lookback_days=config.lookback_days,
            )
        except NoDayEndedError as nothing_to_do:
            raise AirflowSkipException(str(nothing_to_do)) from nothing_to_do
        possible = possible_days(requested, datetime.now(UTC), is_total=config.period == TOTAL_OVER_RANGE)
        if possible.warning:
            self.log.warning(possible.warning)
        return possible.ranges
