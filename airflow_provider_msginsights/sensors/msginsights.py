"""The sensor: wait until the Pacific days of a run are available."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import uniform
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, cast

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from airflow_provider_msginsights.airflow_names import AirflowSensorTimeout, AirflowSkipException, conf
from airflow_provider_msginsights.deadlines import TRIGGER_FAIL_REPR, TRIGGER_TIMED_OUT, ExecutionDeadline
from airflow_provider_msginsights.documentation import ending_with
from airflow_provider_msginsights.exceptions import MessagingInsightsError
from airflow_provider_msginsights.failures import error_from_event, failing_without_retry, unknown_event
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.availability.check import (
    CANARY_METRIC,
    JITTER,
    MAX_FAILED_POLLS,
    AvailabilityCheck,
    Failed,
    Ready,
    hours_until_final,
)
from airflow_provider_msginsights.insights.availability.requirement import ON_SILENT_PAGE
from airflow_provider_msginsights.insights.catalog import named_metrics, resolve_metrics
from airflow_provider_msginsights.insights.history import possible_days
from airflow_provider_msginsights.insights.parameters.numbers import (
    parse_count,
    parse_min_ready_pages,
    parse_number,
    parse_retry_bounds,
)
from airflow_provider_msginsights.insights.parameters.parse import (
    parse_api_version,
    parse_choice,
    parse_conn_id,
    parse_page_ids,
    parse_switch,
    parse_when,
)
from airflow_provider_msginsights.insights.wording import days_in_words, pages_in_words
from airflow_provider_msginsights.outlets import refuse_aliases, tell_assets
from airflow_provider_msginsights.run_days.requested import NoDayEndedError, requested_days
from airflow_provider_msginsights.sensors.checkpoint import PollCheckpoint
from airflow_provider_msginsights.triggers.msginsights import MessagingInsightsAvailabilityTrigger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from airflow.sdk import Context

    from airflow_provider_msginsights.insights.availability.polling import Found
    from airflow_provider_msginsights.run_days.requested import When

_GRACE = timedelta(minutes=15)
"""How much later than the trigger itself Airflow ends a deferral, in case no triggerer is there to do so."""


class MessagingInsightsSensor(BaseSensorOperator):
    """Wait until every Pacific day of the run has a row, for every Page and metric.

    Days follow from the run exactly as they do in ``MessagingInsightsOperator``. No request is made before the last
    of them has ended. The API computes most metrics once in 24 hours (Graph API reference, Insights edge), so the
    defaults poll every 15 minutes, for up to 48 hours. ``poke``, ``reschedule`` and deferred runs end in the same
    state with the same message.

    :param page_ids: as for the load (templated)
    :param metrics: what must have a row; by default one metric that every Page with messages has (templated)
    :param since: first Pacific date, or the moment the interval starts; the run's interval when left out (templated)
    :param until: the date after the last one, or the moment the interval ends (templated)
    :param lookback_days: as for the load (templated)
    :param wait_for: ``available``: every day has a row; ``final``: and the last one ended ``final_after_hours`` ago,
        so that Meta restates it no more
    :param final_after_hours: as for the load; with ``wait_for="available"`` it means nothing
    :param min_ready_pages: how many Pages must be ready (``3``), or which share of them (``0.9``); all when left out
        (templated)
    :param on_silent_page: what to do with a Page that has no row in the last seven days of the range: leave it out
        with a warning (``ignore``), wait for it like the others (``wait``), or fail (``fail``)
    :param max_failed_polls: how many polls in a row may fail for a temporary reason, each after its own retries,
        until the task fails; with ``silent_fail`` it goes on until the timeout. Airflow before 3.3 keeps no count from
        one poke to the next in ``reschedule`` mode, and there waits until the timeout
    :param retry_bounds: limits of the retries within a poll that differ from the connection's, by the names they
        have there: ``{"max_attempts": 2, "total_seconds": 60}`` (templated)
    :param deferrable: wait in the triggerer, without a worker slot
    :param msginsights_conn_id: the Airflow connection of type ``msginsights`` (templated)
    :param api_version: Graph API version such as ``v26.0``; the connection's when left out (templated)
    :param poke_interval: seconds or a ``timedelta`` between two polls; Meta computes a day about once in 24 hours
    :param timeout: how long to wait in all, in seconds or as a ``timedelta``: 48 hours, and ``final_after_hours`` more
        where ``final`` is waited for
    :param outlets: as in every task; the events of assets in it name ``days`` and ``page_ids`` as the XCom does, so
        that a DAG scheduled by such an asset loads these days
    :return: a dictionary with ``days`` (list of Pacific dates) and ``page_ids`` (those with every day); where there
        are any, also ``silent_page_ids`` and ``late_page_ids``, the Pages that were not waited for, and of the latter
        ``failed_page_ids`` (the first five), those that could not be read.
    :raises AirflowSensorTimeout: when ``timeout`` is over, naming what is missing; ``soft_fail`` makes it a skip.
    :raises AirflowFailException: for what is wrong or refused; with ``soft_fail`` our own kind of error: it fails too.
    :raises MessagingInsightsError: after ``max_failed_polls`` polls that failed for a temporary reason.
    :raises AirflowSkipException: when no Pacific day ends within the run's interval.
    :raises AirflowTaskTimeout: when ``execution_timeout`` is over, in which waiting in the triggerer counts.
    """

    template_fields: Sequence[str] = (
        "page_ids",
        "metrics",
        "since",
        "until",
        "lookback_days",
        "min_ready_pages",
        "retry_bounds",
        "msginsights_conn_id",
        "api_version",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "page_ids": "json",
        "metrics": "json",
        "retry_bounds": "json",
    }
    ui_color = "#e4e6fb"

    def __init__(  # noqa: PLR0913 - an operator's parameters are its documentation
        self,
        *,
        page_ids: str | int | Sequence[str | int] | None = None,
        metrics: str | Sequence[str] = CANARY_METRIC,
        since: When = None,
        until: When = None,
        lookback_days: int | str = 0,
        wait_for: str = "available",
        final_after_hours: float | str = 48,
        min_ready_pages: float | str | None = None,
        on_silent_page: str = "ignore",
        max_failed_polls: int | str = MAX_FAILED_POLLS,
        retry_bounds: Mapping[str, Any] | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        msginsights_conn_id: str = MessagingInsightsHook.default_conn_name,
        api_version: str | None = None,
        poke_interval: timedelta | float = 15 * 60,
        timeout: timedelta | float | None = None,
        **kwargs: Any,
    ) -> None:
        if timeout is None:
            timeout = timedelta(hours=48 + hours_until_final(wait_for, final_after_hours))
        super().__init__(poke_interval=poke_interval, timeout=timeout, **kwargs)
        self.page_ids = page_ids
        self.metrics = metrics
        self.since = since
        self.until = until
        self.lookback_days = lookback_days
        self.wait_for = wait_for
        self.final_after_hours = final_after_hours
        self.min_ready_pages = min_ready_pages
        self.on_silent_page = on_silent_page
        self.max_failed_polls = max_failed_polls
        self.retry_bounds = retry_bounds
        self.deferrable = deferrable
        self.msginsights_conn_id = msginsights_conn_id
        self.api_version = api_version
        self._allows_failures = bool(self.silent_fail)  # while pokes run it is set aside
        self._missing: str | None = None
        self._has_warned = False
        self._kept: dict[str, Any] = {}

    def execute(self, context: Context) -> Any:
        """Poll; while the days are missing, wait here, between pokes, or in the triggerer."""
        with self._as_pokes_end(), self._failing_without_retry():
            deferrable = self._is_deferrable()
            refuse_aliases(self.outlets, "a sensor writes none")
        if deferrable:
            with self._as_pokes_end():
                return self._announce(self._poll_then_defer(context), context)
        try:
            with self._silent_fail_off():
                return self._announce(super().execute(context), context)
        except AirflowSensorTimeout:
            with self._as_pokes_end():
                raise AirflowSensorTimeout(self._timeout_message(self._missing)) from None
        except AirflowSkipException as skipped:
            if self._missing is None or skipped.__cause__ is not None:
                raise
            raise AirflowSkipException(self._timeout_message(self._missing)) from None

    def poke(self, context: Context) -> PokeReturnValue:
        """Return whether the days are available; before the last of them has ended, no request is made."""
        with self._failing_without_retry():
            result = self._poll(self._check(context), self._checkpoint(context))
        return PokeReturnValue(is_done=result is not None, xcom_value=result)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after a deferral; one that Airflow ended ends the task by the earlier of its two time limits."""
        if next_method == TRIGGER_FAIL_REPR and (next_kwargs or {}).get("error") == TRIGGER_TIMED_OUT:
            bound = ExecutionDeadline.from_now(self.execution_timeout)
            last = timedelta(seconds=self.timeout) + _GRACE
            if self.execution_timeout is not None and bound.backstop(last) != last:
                bound.end("No triggerer picked up the task in time.")
        return super().resume_execution(next_method, next_kwargs, context)

    def execute_complete(
        self, context: Context, event: dict[str, Any] | None = None, deadline: str | None = None
    ) -> Any:
        """Return what the trigger found, or raise the error that the same wait raises without deferral.

        :param deadline: when ``execution_timeout`` ends.
        """
        if isinstance(event, dict) and event.get("status") == "timed_out" and event.get("by") == "execution_timeout":
            # Not the sensor's own timeout, which soft_fail would turn into a skip, and no retry would follow.
            ExecutionDeadline.resumed(deadline, self.execution_timeout).end(f"Missing: {event.get('missing')}")
        with self._as_pokes_end(), self._failing_without_retry():
            status = event.get("status") if event else None
            if event is None or status not in {"available", "timed_out", "failed"}:
                raise unknown_event(event)
            if status == "failed":
                raise error_from_event(event)
            if status == "timed_out":
                raise AirflowSensorTimeout(self._timeout_message(event.get("missing")))
        return self._announce({name: value for name, value in event.items() if name != "status"}, context)

    def _announce(self, result: dict[str, list[str]], context: Context) -> dict[str, list[str]]:
        """Log what is available, and name the days in the events of the task's outlets: DAGs they start load them."""
        self.log.info("Found %s of %s.", days_in_words(result["days"]), pages_in_words(result["page_ids"]))
        for name in ("silent", "late"):
            if page_ids := result.get(f"{name}_page_ids"):
                self.log.info("Not waited for (%s): %s.", name, pages_in_words(page_ids))
        tell_assets(cast("Mapping[str, Any]", context), self.outlets, result, self.log)
        return result

    def _poll(self, check: AvailabilityCheck, checkpoint: PollCheckpoint) -> dict[str, list[str]] | None:
        """Return what is available, or ``None`` when it is not enough; what is missing is kept for the message.

        :raises MessagingInsightsError: when the poll failed and waiting longer does not help.
        """
        now = datetime.now(UTC)
        if now < check.can_be_ready_at:
            self._missing = check.why_no_poll_yet
            self.log.info("%s.", self._missing)
            return None
        if checkpoint.not_before is not None and now < checkpoint.not_before:
            self._missing = checkpoint.missing
            self.log.info("Meta's rate limit ends at %s; not polling before then.", checkpoint.not_before)
            return None
        state = replace(check, failed_polls=checkpoint.failed_polls).start()
        result = state.record(self._probe(check, now))
        if isinstance(result, Failed):
            if result.ends_waiting:
                raise result.error
            self.log.warning("%s", result.message)
        else:
            for warning in result.readiness.warnings:
                self.log.warning("%s", warning)
        checkpoint.save(state)
        if isinstance(result, Ready):
            self._missing = None
            return check.result(result.readiness)
        self._missing = state.missing
        self.log.info("Not available yet: %s", self._missing)
        return None

    def _probe(self, check: AvailabilityCheck, now: datetime) -> Found:
        try:
            return self._hook.check_availability(check.query, ranges=check.ranges, now=now)
        except MessagingInsightsError as error:
            return error

    def _poll_then_defer(self, context: Context) -> dict[str, list[str]]:
        started, deadline = datetime.now(UTC), ExecutionDeadline.from_now(self.execution_timeout)
        checkpoint = self._checkpoint(context)
        with self._failing_without_retry():
            check = self._check(context)
            result = self._poll(check, checkpoint)
        if result is None:
            self._defer(check, checkpoint, started, deadline)
        return result

    def _defer(
        self, check: AvailabilityCheck, checkpoint: PollCheckpoint, started: datetime, deadline: ExecutionDeadline
    ) -> NoReturn:
        next_poll = started + timedelta(seconds=self.poke_interval * uniform(1 - JITTER, 1))  # noqa: S311 - spreads load, guards nothing
        has_polled = started >= check.can_be_ready_at
        check = replace(
            check,
            not_before=max(filter(None, (checkpoint.not_before, next_poll if has_polled else None)), default=None),
            deadline=started + timedelta(seconds=self.timeout),
            execution_deadline=deadline.moment,
            failed_polls=checkpoint.failed_polls,
            missing=self._missing,
        )
        self.defer(
            trigger=MessagingInsightsAvailabilityTrigger(**check.to_dict()),
            method_name="execute_complete",
            kwargs={"deadline": deadline.text},
            timeout=deadline.backstop(timedelta(seconds=self.timeout) + _GRACE),
        )

    @contextlib.contextmanager
    def _silent_fail_off(self) -> Iterator[None]:
        """Hide ``silent_fail`` from Airflow's loop around pokes: it would ignore a refused token too."""
        self.silent_fail, silent_fail = False, self.silent_fail
        try:
            yield
        finally:
            self.silent_fail = silent_fail

    @contextlib.contextmanager
    def _as_pokes_end(self) -> Iterator[None]:
        """Apply ``soft_fail`` and ``never_fail`` where Airflow's loop around pokes does not reach: to deferred runs."""
        try:
            yield
        except AirflowSkipException:
            raise
        except AirflowSensorTimeout as timed_out:
            if self.soft_fail or self.never_fail:
                self.log.warning("Skipping: %s", timed_out)
                raise AirflowSkipException(str(timed_out)) from None
            raise
        except Exception as error:
            if self.never_fail:
                raise AirflowSkipException("Skipping due to never_fail is set to True.") from error
            raise

    def _checkpoint(self, context: Context) -> PollCheckpoint:
        is_rescheduled = self.reschedule and not self._is_deferrable()
        return PollCheckpoint(
            cast("Mapping[str, Any]", context), self._kept, is_rescheduled=is_rescheduled, log=self.log
        )

    def _is_deferrable(self) -> bool:
        return parse_switch("deferrable", self.deferrable)

    def _timeout_message(self, missing: object) -> str:
        text = f"The days were not available within {self.timeout:g} seconds. Missing: {missing}"
        return ending_with(text, "MSGI-sensor-timeout")

    def _failing_without_retry(self) -> AbstractContextManager[None]:
        return failing_without_retry(
            msginsights_conn_id=self.msginsights_conn_id, log=self.log, enabled=not self.soft_fail
        )

    @cached_property
    def _hook(self) -> MessagingInsightsHook:
        """One hook for all pokes of this process: it keeps its Page tokens."""
        return MessagingInsightsHook(
            self.msginsights_conn_id, api_version=self.api_version, retry_bounds=self.retry_bounds
        )

    def _check(self, context: Context) -> AvailabilityCheck:
        """Return the check that the rendered parameters describe; log once which days are left out of it.

        :raises AirflowSkipException: when no day ends within the run's interval.
        :raises ConfigurationError: for an invalid parameter or connection, before any request.
        """
        try:
            check = self._parse(context)
        except NoDayEndedError as nothing_to_do:
            raise AirflowSkipException(str(nothing_to_do)) from nothing_to_do
        if check.warning and not self._has_warned:
            self._has_warned = True
            self.log.warning(check.warning)
        return check

    def _parse(self, context: Context) -> AvailabilityCheck:
        metrics = named_metrics(self.metrics)
        resolve_metrics(metrics)
        page_ids = parse_page_ids(self.page_ids)
        wait_for = parse_choice("wait_for", self.wait_for, ("available", "final"))
        on_silent_page = parse_choice("on_silent_page", self.on_silent_page, ON_SILENT_PAGE)
        final_after_hours = parse_number("final_after_hours", self.final_after_hours)
        min_ready_pages = parse_min_ready_pages(self.min_ready_pages)
        max_failed_polls = parse_count("max_failed_polls", self.max_failed_polls)
        for name in ("poke_interval", "timeout"):
            parse_number(name, getattr(self, name))
        requested = requested_days(
            cast("Mapping[str, Any]", context),
            since=parse_when("since", self.since),
            until=parse_when("until", self.until),
            lookback_days=parse_count("lookback_days", self.lookback_days),
        )
        possible = possible_days(requested, datetime.now(UTC), may_come=True)
        self._hook.retry_policy()  # reads the connection, so that an invalid one fails before the day has ended
        return AvailabilityCheck.create(
            page_ids=self._hook.resolve_page_ids(page_ids),
            metrics=metrics,
            ranges=possible.ranges,
            min_ready_pages=min_ready_pages,
            on_silent_page=on_silent_page,
            msginsights_conn_id=parse_conn_id("msginsights_conn_id", self.msginsights_conn_id),
            api_version=parse_api_version(self.api_version),
            retry_bounds=parse_retry_bounds(self.retry_bounds) or None,
            poll_interval_seconds=self.poke_interval,
            final_after_hours=final_after_hours if wait_for == "final" else 0,
            exponential_backoff=bool(self.exponential_backoff),
            max_wait_seconds=self.max_wait.total_seconds() if self.max_wait else None,
            max_failed_polls=None if self._allows_failures else max_failed_polls,
            warning=possible.warning,
        )
