"""The fill operator: request and store what a dataset lacks.

What only a running task needs is imported where it is used: DAG files import this module at every parse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_msginsights.failures import failing_without_retry
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.operators.links import PageInsightsLink
from airflow_provider_msginsights.operators.load.stoppable import StoppableLoad

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from os import PathLike

    from airflow.sdk import BaseOperatorLink, Context, ObjectStoragePath

    from airflow_provider_msginsights.run_days.requested import When

_SHARE_OF_TIMEOUT = 0.8
"""Of ``execution_timeout``, after which no round begins: a round may wait for the API."""


class MessagingInsightsFillOperator(StoppableLoad, BaseOperator):
    """Fill what a dataset of `MessagingInsightsOperator` lacks, in a task beside the load.

    The loads of a dataset keep a ledger of every Page, metric and Pacific day. A fill requests what is missing by it:
    days on which no run loaded, Pages and metrics that came later or were not answered, days that were loaded before
    they were final; and once more the days of a Page or metric that had no rows, or was refused, and has some again.
    The newest days come first. It ends by itself at its bounds and the next run goes on; it never defers. Rows that
    are stored are replaced as a load replaces them; files that people removed stay removed.
    All parameters are parsed when the task runs, before any request, as those of the load are.

    :param output_path: the dataset: the load's ``output_path`` (templated)
    :param fill_since: the first Pacific day that the dataset should have; what the API keeps no more, of days two
        years ago, is left out (templated)
    :param page_ids: as for the load: Pages that are named are filled from ``fill_since`` on, unless they were retired
        or erased; with ``"all"``, ``new_pages`` decides (templated)
    :param metrics: as for the load (templated)
    :param period: ``day``, ``week`` or ``days_28``, as the load's (templated)
    :param breakdowns: as for the load (templated)
    :param max_graph_calls: end after so many calls of the API (templated)
    :param max_seconds: begin no request after so many seconds; with ``execution_timeout`` four fifths of that is a
        bound too (templated)
    :param below_percent: end when the app or a Page has used more of its allowance than this: other tools share it
        (templated)
    :param recheck_days: read the final days of so many last days again, at most once in seven days: the only way to
        see late restatements. Up to 88 days make no further call for a Page that is requested anyway (templated)
    :param new_pages: with ``page_ids="all"``, what to do for Pages of which ``_coverage/pages.json`` does not say from
        when on they belong to the dataset: ``load`` keeps them complete from their first stored day on, ``fill`` loads
        their history from ``fill_since`` on, ``announce`` leaves them to people (templated)
    :param on_finding: ``warn`` of what a person should look at, or ``fail`` the task for new findings about final days,
        after everything is stored (templated)
    :param keep_changes: as for the load (templated)
    :param output_format: as for the load (templated)
    :param compression: as for the load (templated)
    :param part: as for the load: a fill works on the Pages of one part (templated)
    :param extra_columns: as for the load (templated)
    :param output_conn_id: as for the load (templated)
    :param final_after_hours: as for the load (templated)
    :param msginsights_conn_id: as for the load (templated)
    :param api_version: as for the load (templated)
    :param retry_bounds: as for the load (templated)
    :param publish: as for the load (templated)
    :param partition_events: as for the load (templated)
    :return: a dictionary of about a kilobyte: ``manifest`` (path of a JSON file that has it all; ``None`` where nothing
        was requested), ``output_path``, ``rows``, ``rows_added``, ``rows_changed``, ``graph_calls``, ``missing_cells``
        (before), ``filled_cells``, ``still_missing`` (counts by state), ``ended`` (``complete``, or what it ended at),
        ``filled`` (the first ranges of days, Page by Page), ``filled_range_count``, ``filled_day_count``,
        ``waiting_page_count``.
    :raises AirflowFailException: for a parameter or connection that is wrong; for what the API refuses, where that left
        nothing answered; for new findings with ``on_finding="fail"``.
    :raises MessagingInsightsError: for what a retry may cure: `StorageError`, `WriteConflictError`. What the API cannot
        answer now ends the fill, and the next run goes on.
    """

    template_fields: Sequence[str] = (
        "output_path",
        "fill_since",
        "page_ids",
        "metrics",
        "period",
        "breakdowns",
        "max_graph_calls",
        "max_seconds",
        "below_percent",
        "recheck_days",
        "new_pages",
        "on_finding",
        "keep_changes",
        "output_format",
        "compression",
        "part",
        "extra_columns",
        "output_conn_id",
        "final_after_hours",
        "msginsights_conn_id",
        "api_version",
        "retry_bounds",
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
    ui_color = "#dff3ea"
    loaded_page_ids: tuple[str, ...] = ()

    def __init__(  # noqa: PLR0913 - an operator's parameters are its documentation
        self,
        *,
        output_path: str | PathLike[str] | ObjectStoragePath,
        fill_since: When,
        page_ids: str | int | Sequence[str | int] | None = None,
        metrics: str | Sequence[str] = "stable",
        period: str = "day",
        breakdowns: str | Sequence[str] = (),
        max_graph_calls: int | str = 1000,
        max_seconds: float | str = 1800,
        below_percent: float | str = 50,
        recheck_days: int | str = 0,
        new_pages: str = "load",
        on_finding: str = "warn",
        keep_changes: bool | str = False,
        output_format: str = "jsonl",
        compression: str | None = None,
        part: str = "0",
        extra_columns: Mapping[str, str] | None = None,
        output_conn_id: str | None = None,
        final_after_hours: float | str = 48,
        msginsights_conn_id: str = MessagingInsightsHook.default_conn_name,
        api_version: str | None = None,
        retry_bounds: Mapping[str, Any] | None = None,
        publish: str = "days",
        partition_events: bool | str = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.output_path = output_path
        self.fill_since = fill_since
        self.page_ids = page_ids
        self.metrics = metrics
        self.period = period
        self.breakdowns = breakdowns
        self.max_graph_calls = max_graph_calls
        self.max_seconds = max_seconds
        self.below_percent = below_percent
        self.recheck_days = recheck_days
        self.new_pages = new_pages
        self.on_finding = on_finding
        self.keep_changes = keep_changes
        self.output_format = output_format
        self.compression = compression
        self.part = part
        self.extra_columns = extra_columns
        self.output_conn_id = output_conn_id
        self.final_after_hours = final_after_hours
        self.msginsights_conn_id = msginsights_conn_id
        self.api_version = api_version
        self.retry_bounds = retry_bounds
        self.publish = publish
        self.partition_events = partition_events

    def execute(self, context: Context) -> Any:
        """Fill what is missing; return a summary."""
        from airflow_provider_msginsights.operators.filling.config import FillConfig
        from airflow_provider_msginsights.operators.filling.task import FillTask
        from airflow_provider_msginsights.operators.load.airflow_ui import emit_asset_events

        with failing_without_retry(msginsights_conn_id=self.msginsights_conn_id, log=self.log):
            config = FillConfig.from_operator(self)
            hook = MessagingInsightsHook(
                config.msginsights_conn_id, api_version=config.api_version, retry_bounds=config.retry_bounds
            )
            timeout = self.execution_timeout.total_seconds() if self.execution_timeout else float("inf")
            seconds = min(config.max_seconds, timeout * _SHARE_OF_TIMEOUT)
            task = FillTask(config, hook, context, log=self.log, seconds=seconds)
            with self._storing():
                result = task.run()
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
