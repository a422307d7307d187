"""The operator: load the Pacific days a run is about, to files or to XCom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseHook, BaseOperator, ObjectStoragePath

from airflow_provider_msginsights.airflow_failures import failing_without_retry
from airflow_provider_msginsights.airflow_intervals import NoDayEndedError, requested_days
from airflow_provider_msginsights.airflow_names import AirflowSkipException
from airflow_provider_msginsights.exceptions import ConfigurationError, EmptyAnswerError, MessagingInsightsError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.date_ranges import end_of_day
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats import format_named, json_ready
from airflow_provider_msginsights.outputs.schema import row_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from airflow_provider_msginsights.airflow_intervals import When
    from airflow_provider_msginsights.insights.date_ranges import DateRange
    from airflow_provider_msginsights.insights.flows import FetchOutcome
    from airflow_provider_msginsights.outputs.schema import Row


class MessagingInsightsOperator(BaseOperator):
    """Load Messaging Insights metrics for the Pacific days that end within the run's interval.

    With ``output_path`` the rows become files under ``<output_path>/dt=<Pacific date>/``; a second run for the same
    days replaces its own rows and leaves the same bytes. Without it the rows go to XCom, as a list of dictionaries.

    :param page_ids: one Page id, several, or text with commas; the connection's default Page when left out (templated)
    :param metrics: metric names, ``"stable"`` (those not in development) or ``"all"`` (templated)
    :param period: ``day``, ``week``, ``month``, ``days_28`` or ``total_over_range`` (templated)
    :param since: first Pacific date, or the moment the interval starts; the run's data interval when left out (templated)
    :param until: the date after the last one, or the moment the interval ends (templated)
    :param breakdowns: dimensions to group by; each metric must have them (templated)
    :param lookback_days: days before the range to load again, as recent days are restated. On a run whose interval has
        no length: the number of last days that had ended. Backfill runs do not extend their range (templated)
    :param output_path: where to write, any path Airflow's object storage knows; none sends the rows to XCom (templated)
    :param output_format: ``jsonl``, one JSON object a line (templated)
    :param output_conn_id: the Airflow connection of the storage (templated)
    :param on_empty: what to do when the API returns no row at all: ``fail`` (for a retry), ``skip`` or ``succeed``
    :param final_after_hours: a row is marked final when its day had ended so many hours before it was loaded
    :param xcom_max_rows: more rows than this are refused as XCom, before any reaches the metadata database
    :param msginsights_conn_id: the Airflow connection of type ``msginsights`` (templated)
    :param api_version: Graph API version such as ``v26.0``; the connection's when left out (templated)
    :return: with ``output_path`` a dictionary with ``rows`` (int), ``days`` (list of Pacific dates), ``page_ids``,
        ``unavailable_metrics``, ``output_path`` and ``files`` (paths as text); otherwise the rows themselves.
    """

    template_fields: Sequence[str] = (
        "page_ids",
        "metrics",
        "period",
        "since",
        "until",
        "breakdowns",
        "lookback_days",
        "output_path",
        "output_format",
        "output_conn_id",
        "msginsights_conn_id",
        "api_version",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"page_ids": "json", "metrics": "json", "breakdowns": "json"}
    ui_color = "#e4e6fb"

    def __init__(  # noqa: PLR0913 - an operator's parameters are its documentation
        self,
        *,
        page_ids: str | Sequence[str] | None = None,
        metrics: str | Sequence[str] = "stable",
        period: str = "day",
        since: When = None,
        until: When = None,
        breakdowns: str | Sequence[str] = (),
        lookback_days: int | str = 0,
        output_path: str | None = None,
        output_format: str = "jsonl",
        output_conn_id: str | None = None,
        on_empty: str = "fail",
        final_after_hours: float = 48,
        xcom_max_rows: int = 1000,
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
        self.breakdowns = breakdowns
        self.lookback_days = lookback_days
        self.output_path = output_path
        self.output_format = output_format
        self.output_conn_id = output_conn_id
        self.on_empty = on_empty
        self.final_after_hours = final_after_hours
        self.xcom_max_rows = xcom_max_rows
        self.msginsights_conn_id = msginsights_conn_id
        self.api_version = api_version

    def execute(self, context: Context) -> Any:
        """Load the run's days; give the rows, or a summary of the files they went to."""
        with failing_without_retry():
            try:
                ranges = requested_days(
                    context, since=self.since, until=self.until, lookback_days=self.lookback_days
                )
            except NoDayEndedError as nothing_to_do:
                raise AirflowSkipException(str(nothing_to_do)) from nothing_to_do
            return self._load(ranges)

    def _load(self, ranges: tuple[DateRange, ...]) -> Any:
        if self.on_empty not in _ON_EMPTY:
            raise ConfigurationError(f"on_empty={self.on_empty!r} is not one of {', '.join(_ON_EMPTY)}.")
        hook = MessagingInsightsHook(self.msginsights_conn_id, api_version=self.api_version)
        queries = [self._query(days, hook) for days in ranges]
        self._warn_of_unfinished_days(ranges)
        dataset = self._dataset(queries[0])
        if dataset is not None:
            dataset.claim()
        rows, outcomes = self._fetch(hook, queries)
        files = dataset.store(rows) if dataset is not None else ()
        self._report(outcomes, len(rows))
        if not rows:
            self._answer_empty(queries[0], ranges)
        if dataset is None:
            return self._as_xcom(rows)
        return {
            "rows": len(rows),
            "days": [day.isoformat() for days in ranges for day in days],
            "page_ids": list(queries[0].page_ids),
            "unavailable_metrics": sorted({name for outcome in outcomes for name in outcome.unavailable_metrics}),
            "output_path": self.output_path,
            "files": [file.path for file in files],
        }
