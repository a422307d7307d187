"""The sensor: wait until the Pacific days a run is about are available."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from airflow_provider_msginsights.airflow_failures import error_from_event, failing_without_retry
from airflow_provider_msginsights.airflow_intervals import NoDayEndedError, requested_days
from airflow_provider_msginsights.airflow_names import AirflowSkipException, conf
from airflow_provider_msginsights.exceptions import ResponseFormatError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.date_ranges import end_of_day
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.triggers.msginsights import MessagingInsightsAvailabilityTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from airflow.sdk import Context

    from airflow_provider_msginsights.airflow_intervals import When
    from airflow_provider_msginsights.insights.date_ranges import DateRange

CANARY_METRIC = "page_messages_new_conversations_unique"


class MessagingInsightsSensor(BaseSensorOperator):
    """Wait until every Pacific day of the run has a row, for every Page and metric.

    Days follow from the run exactly as they do in ``MessagingInsightsOperator``. No request is made before the last
    of them has ended. The API computes most metrics once in 24 hours (Graph API reference, Insights edge), so the
    defaults ask every 15 minutes, for up to 48 hours.

    :param page_ids: one Page id, several, or text with commas; the connection's default Page when left out (templated)
    :param metrics: what must be there; by default one metric that every Page with messages has (templated)
    :param since: first Pacific date, or the moment the interval starts; the run's interval when left out (templated)
    :param until: the date after the last one, or the moment the interval ends (templated)
    :param lookback_days: as in the operator (templated)
    :param deferrable: wait in the triggerer, without a worker slot
    :param msginsights_conn_id: the Airflow connection of type ``msginsights`` (templated)
    :param api_version: Graph API version such as ``v26.0``; the connection's when left out (templated)
    :return: a dictionary with ``days`` (list of Pacific dates) and ``page_ids``.
    """

    template_fields: Sequence[str] = (
        "page_ids",
        "metrics",
        "since",
        "until",
        "lookback_days",
        "msginsights_conn_id",
        "api_version",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"page_ids": "json", "metrics": "json"}
    ui_color = "#e4e6fb"

    def __init__(  # noqa: PLR0913 - an operator's parameters are its documentation
        self,
        *,
        page_ids: str | Sequence[str] | None = None,
        metrics: str | Sequence[str] = CANARY_METRIC,
        since: When = None,
        until: When = None,
        lookback_days: int | str = 0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        msginsights_conn_id: str = MessagingInsightsHook.default_conn_name,
        api_version: str | None = None,
        poke_interval: timedelta | float = 15 * 60,
        timeout: timedelta | float = 48 * 60 * 60,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, timeout=timeout, **kwargs)
        self.page_ids = page_ids
        self.metrics = metrics
        self.since = since
        self.until = until
        self.lookback_days = lookback_days
        self.deferrable = deferrable
        self.msginsights_conn_id = msginsights_conn_id
        self.api_version = api_version

    def execute(self, context: Context) -> Any:
        """Ask once; when the days are not there, wait here, between pokes, or in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        answer = self.poke(context)
        if not answer:
            self._defer(context)
        return answer.xcom_value

    def _defer(self, context: Context) -> NoReturn:
        with self._failing_without_retry():
            queries = self._queries(self._ranges(context))
        self.defer(
            trigger=MessagingInsightsAvailabilityTrigger(
                msginsights_conn_id=self.msginsights_conn_id,
                api_version=self.api_version,
                page_ids=list(queries[0].page_ids),
                metrics=list(queries[0].metrics),
                ranges=[[query.days.first_day.isoformat(), query.days.end_day.isoformat()] for query in queries],
                poll_interval_seconds=self.poke_interval,
            ),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.timeout),
        )

    def poke(self, context: Context) -> PokeReturnValue:
        """Ask whether the days are there; before the last of them has ended, nothing is asked."""
        with self._failing_without_retry():
            ranges = self._ranges(context)
            queries = self._queries(ranges)
            ends_at = end_of_day(ranges[-1].last_day)
            now = datetime.now(UTC)
            if now < ends_at:
                self.log.info("Pacific day %s ends at %s; not asking before.", ranges[-1].last_day, ends_at)
                return PokeReturnValue(is_done=False)
            hook = self._hook()
            for query in queries:
                availability = hook.probe_availability(query, now=now)
                if not availability.ready:
                    self.log.info("Not there yet: %s", availability.description)
                    return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=_as_xcom(queries))

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> Any:
        """Take the triggerer's verdict; an error becomes what it would have been without deferral."""
        del context
        with self._failing_without_retry():
            if event is None or event.get("status") not in {"available", "failed"}:
                raise ResponseFormatError(
                    f"The trigger sent an event this version does not know: {event!r}. "
                    "Run one version of the provider on workers and triggerers, then clear the task."
                )
            if event["status"] == "failed":
                raise error_from_event(event)
        self.log.info("Available: Pacific days %s", ", ".join(event["days"]))
        return {"days": event["days"], "page_ids": event["page_ids"]}

    def _failing_without_retry(self) -> AbstractContextManager[None]:
        return failing_without_retry(msginsights_conn_id=self.msginsights_conn_id, enabled=not self.soft_fail)

    def _hook(self) -> MessagingInsightsHook:
        return MessagingInsightsHook(self.msginsights_conn_id, api_version=self.api_version)

    def _ranges(self, context: Context) -> tuple[DateRange, ...]:
        try:
            return requested_days(context, since=self.since, until=self.until, lookback_days=self.lookback_days)
        except NoDayEndedError as nothing_to_do:
            raise AirflowSkipException(str(nothing_to_do)) from nothing_to_do

    def _queries(self, ranges: tuple[DateRange, ...]) -> list[InsightsQuery]:
        page_ids = self._hook().page_ids_of(self.page_ids)
        return [InsightsQuery.create(page_ids=page_ids, metrics=self.metrics, days=days) for days in ranges]


def _as_xcom(queries: list[InsightsQuery]) -> dict[str, list[str]]:
    days = [day.isoformat() for query in queries for day in query.days]
    return {"days": days, "page_ids": list(queries[0].page_ids)}
