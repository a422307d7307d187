"""The operator: load the Pacific days a run is about, to files or to XCom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseHook, BaseOperator, ObjectStoragePath

from airflow_provider_msginsights.airflow_failures import NEVER_RETRIED, failing_without_retry
from airflow_provider_msginsights.airflow_intervals import NoDayEndedError, requested_days
from airflow_provider_msginsights.airflow_names import AirflowSkipException
from airflow_provider_msginsights.exceptions import ConfigurationError, EmptyAnswerError, RateLimitError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.outputs.dataset import Dataset, StoredFile
from airflow_provider_msginsights.outputs.formats import format_named, json_ready
from airflow_provider_msginsights.outputs.schema import Row, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow.sdk import Context

    from airflow_provider_msginsights.airflow_intervals import When
    from airflow_provider_msginsights.insights.date_ranges import DateRange
    from airflow_provider_msginsights.insights.outcome import FetchOutcome

_ON_EMPTY = ("fail", "skip", "succeed")


class MessagingInsightsOperator(BaseOperator):
    """Load Messaging Insights metrics for the Pacific days that end within the run's interval.

    With ``output_path`` the rows become files under ``<output_path>/dt=<Pacific date>/``; a second run for the same
    days replaces its own rows and leaves the same bytes. Without it the rows go to XCom, as a list of dictionaries.

    :param page_ids: one Page id, several, or text with commas; the connection's default Page when left out (templated)
    :param metrics: metric names, ``"stable"`` (those not in development) or ``"all"`` (templated)
    :param period: ``day``, ``week``, ``month``, ``days_28`` or ``total_over_range`` (templated)
    :param since: first Pacific date, or the moment the interval starts; the run's interval when left out (templated)
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
        with failing_without_retry(msginsights_conn_id=self.msginsights_conn_id):
            try:
                ranges = requested_days(context, since=self.since, until=self.until, lookback_days=self.lookback_days)
            except NoDayEndedError as nothing_to_do:
                raise AirflowSkipException(str(nothing_to_do)) from nothing_to_do
            return self._load(ranges)

    def _load(self, ranges: tuple[DateRange, ...]) -> Any:
        if self.on_empty not in _ON_EMPTY:
            raise ConfigurationError(f"on_empty={self.on_empty!r} is not one of {', '.join(_ON_EMPTY)}.")
        hook = MessagingInsightsHook(self.msginsights_conn_id, api_version=self.api_version)
        page_ids = self.page_ids or hook.default_page_ids()
        queries = [self._query(days, page_ids) for days in ranges]
        for query in queries:
            for warning in query.warnings(datetime.now(UTC)):
                self.log.warning(warning)
        outcomes: list[FetchOutcome] = []
        rows = self._rows(hook, queries, outcomes)
        if not self.output_path:
            held = self._held(rows)
            self._judge(outcomes)
            return held
        files = self._store(rows, queries[0], self.output_path)
        self._judge(outcomes)
        return _summary(files, outcomes, self.output_path)

    def _query(self, days: DateRange, page_ids: str | Sequence[str]) -> InsightsQuery:
        return InsightsQuery.create(
            page_ids=page_ids, metrics=self.metrics, days=days, period=self.period, breakdowns=self.breakdowns
        )

    def _rows(
        self, hook: MessagingInsightsHook, queries: list[InsightsQuery], outcomes: list[FetchOutcome]
    ) -> Iterator[Row]:
        """Give the rows as they arrive; what became of each query is added to ``outcomes`` at its end."""
        final_if_ended_by = datetime.now(UTC) - timedelta(hours=self.final_after_hours)
        with hook.get_conn() as transport:
            for query in queries:
                records = transport.records(hook.fetching(query))
                while True:
                    try:
                        record = next(records)
                    except StopIteration as end:
                        outcomes.append(end.value)
                        break
                    yield row_of(record, final_if_ended_by=final_if_ended_by)

    def _store(self, rows: Iterator[Row], query: InsightsQuery, output_path: str) -> tuple[StoredFile, ...]:
        file_format = format_named(self.output_format)
        if self.output_conn_id:
            # Airflow would take the machine's own credentials for a connection that does not exist.
            BaseHook.get_connection(self.output_conn_id)
        dataset = Dataset(
            root=ObjectStoragePath(output_path, conn_id=self.output_conn_id),
            file_format=file_format,
            period=query.period,
            breakdowns=query.breakdowns,
        )
        dataset.claim()
        return dataset.store(rows)

    def _held(self, rows: Iterator[Row]) -> list[dict[str, Any]]:
        held: list[dict[str, Any]] = []
        for row in rows:
            held.append(json_ready(row))
            if len(held) > self.xcom_max_rows:
                raise ConfigurationError(
                    f"The load has more than xcom_max_rows={self.xcom_max_rows} rows, and XCom lives in Airflow's "
                    "database. Set output_path to have them in files, or ask for less."
                )
        return held

    def _judge(self, outcomes: list[FetchOutcome]) -> None:
        """Log what was not loaded, and raise when the task must not succeed; what was loaded is stored by now.

        A failure that a retry may mend is raised before one that it cannot, as the retry may still load something.
        """
        for outcome in outcomes:
            self._log_gaps(outcome)
        errors = [error for outcome in outcomes for error in outcome.errors]
        if errors:
            errors.sort(key=lambda error: isinstance(error, NEVER_RETRIED))
            for other in errors[1:]:
                self.log.error("Not loaded: %s", other)
            raise errors[0]
        waits = [seconds for outcome in outcomes if (seconds := outcome.resume_after_seconds) is not None]
        if waits:
            resume_at = datetime.now(UTC) + timedelta(seconds=max(waits))
            raise RateLimitError(
                f"{sum(len(outcome.paused) for outcome in outcomes)} requests have to wait for Meta's limit until "
                f"{resume_at:%Y-%m-%d %H:%M:%S} UTC; the rest is loaded. Set retry_delay so that a retry comes later.",
                retry_after_seconds=max(waits),
            )
        if not any(outcome.counts["records"] for outcome in outcomes):
            self._answer_empty(outcomes)

    def _log_gaps(self, outcome: FetchOutcome) -> None:
        for metric, error in outcome.unavailable_metrics.items():
            self.log.warning("Metric %s was not loaded: %s", metric, error)
        for (page_id, metric), error in outcome.page_unavailable_metrics.items():
            self.log.warning("Metric %s of Page %s was not loaded: %s", metric, page_id, error)
        for part in outcome.empty:
            self.log.warning("Page %s, %s: no row for %s", part.page_id, part.days, ", ".join(part.metrics))
        for reason, count in outcome.dropped.items():
            self.log.info("%s rows of the API's replies were left out: %s", count, reason)
        self.log.info(
            "%s rows from %s calls of the API, %s of them retries",
            *(outcome.counts[name] for name in ("records", "calls", "retries")),
        )

    def _answer_empty(self, outcomes: list[FetchOutcome]) -> None:
        asked = ", ".join(str(outcome.query.days) for outcome in outcomes)
        message = (
            f"The API returned no row at all for {asked}. Either Meta has not computed the days yet (put a "
            "MessagingInsightsSensor before this task), or the token lacks read_insights or the ANALYZE task on the "
            "Page, or the Page has fewer than 100 followers. Stored rows were left as they are."
        )
        if self.on_empty == "skip":
            raise AirflowSkipException(message)
        if self.on_empty == "fail":
            raise EmptyAnswerError(message)
        self.log.warning(message)


def _summary(files: tuple[StoredFile, ...], outcomes: list[FetchOutcome], output_path: str) -> dict[str, Any]:
    return {
        "rows": sum(outcome.counts["records"] for outcome in outcomes),
        "days": [day.isoformat() for outcome in outcomes for day in outcome.query.days],
        "page_ids": list(outcomes[0].query.page_ids),
        "unavailable_metrics": sorted({name for outcome in outcomes for name in outcome.unavailable_metrics}),
        "output_path": output_path,
        "files": [file.path for file in files],
    }
