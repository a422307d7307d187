"""The sensor: wait until the Pacific days a run is about are available."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from random import uniform
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, cast

from airflow.sdk import Asset, BaseSensorOperator, PokeReturnValue

from airflow_provider_msginsights.airflow_names import AirflowSensorTimeout, AirflowSkipException, conf
from airflow_provider_msginsights.deadlines import (
    TRIGGER_FAIL_REPR,
    TRIGGER_TIMED_OUT,
    ExecutionDeadline,
)
from airflow_provider_msginsights.exceptions import MessagingInsightsError, ResponseFormatError
from airflow_provider_msginsights.failures import (
    MAX_FAILED_POLLS,
    FailedPolls,
    error_from_event,
    failing_without_retry,
)
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.parameters.numbers import (
    NUMBERS,
    parse_retry_bounds,
)
from airflow_provider_msginsights.insights.parameters.parse import (
    parse_api_version,
    parse_conn_id,
    parse_switch,
)
from airflow_provider_msginsights.insights.parameters.values import number_of
from airflow_provider_msginsights.insights.wording import days_in_words, pages_in_words
from airflow_provider_msginsights.run_days.requested import NoDayEndedError
from airflow_provider_msginsights.sensors.memory import Memory
from airflow_provider_msginsights.sensors.question import Question
from airflow_provider_msginsights.triggers.msginsights import (
    CANARY_METRIC,
    JITTER,
    MessagingInsightsAvailabilityTrigger,
    available,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from airflow.sdk import Context

    from airflow_provider_msginsights.insights.availability.requirement import Verdict
    from airflow_provider_msginsights.run_days.requested import When

_GRACE = timedelta(minutes=15)
"""How much later than the trigger itself Airflow ends a deferral, in case no triggerer is there to do so."""


class MessagingInsightsSensor(BaseSensorOperator):
    """Wait until every Pacific day of the run has a row, for every Page and metric.

    Days follow from the run exactly as they do in ``MessagingInsightsOperator``. No request is made before the last
    of them has ended. The API computes most metrics once in 24 hours (Graph API reference, Insights edge), so the
    defaults ask every 15 minutes, for up to 48 hours. ``poke``, ``reschedule`` and deferred runs end in the same
    state with the same message.

    :param page_ids: one Page id, several, or text with commas; the connection's default Page when left out (templated)
    :param metrics: what must be there; by default one metric that every Page with messages has (templated)
    :param since: first Pacific date, or the moment the interval starts; the run's interval when left out (templated)
    :param until: the date after the last one, or the moment the interval ends (templated)
    :param lookback_days: as in the operator (templated)
    :param wait_for: ``available``: every day has a row; ``final``: and the last one ended ``final_after_hours`` ago,
        so that Meta restates it no more
    :param final_after_hours: as in the operator
    :param min_ready_pages: how many Pages must be there (``3``), or which share of them (``0.9``); all when left out
        (templated)
    :param on_silent_page: what a Page without any row in the last seven days of the range is: left out with a warning
        (``ignore``), waited for like the others (``wait``), or an error (``fail``)
    :param max_failed_polls: the task fails once so many polls in a row failed for a passing reason, each after its
        own retries; with ``silent_fail`` it goes on until the timeout. Airflow before 3.3 remembers no count from one
        poke to the next in ``reschedule`` mode, and there waits until the timeout
    :param retry_bounds: bounds on asking again within a poll that differ from the connection's, by the names they
        have there: ``{"max_attempts": 2, "total_seconds": 60}`` (templated)
    :param deferrable: wait in the triggerer, without a worker slot
    :param msginsights_conn_id: the Airflow connection of type ``msginsights`` (templated)
    :param api_version: Graph API version such as ``v26.0``; the connection's when left out (templated)
    :param timeout: 48 hours when left out, and ``final_after_hours`` more where ``final`` is waited for
    :param outlets: as in every task; the events of assets in it name ``days`` and ``page_ids`` as the XCom does, so
        that a DAG scheduled by such an asset loads these days
    :return: a dictionary with ``days`` (list of Pacific dates) and ``page_ids`` (those with every day); where there
        are any, also ``silent_page_ids`` and ``late_page_ids``, the Pages that were not waited for, and of the latter
        ``failed_page_ids`` (the first five), those that could not be read.
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
            timeout = timedelta(hours=48 + _hours_until_final(wait_for, final_after_hours))
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
        self._remembered: dict[str, Any] = {}
        self._asking: MessagingInsightsHook | None = None

    def execute(self, context: Context) -> Any:
        """Ask; while the days are not there, wait here, between pokes, or in the triggerer."""
        with self._as_pokes_end(), self._failing_without_retry():
            deferrable = self._is_deferrable()
        if deferrable:
            with self._as_pokes_end():
                return self._told(self._ask_then_defer(context), context)
        try:
            with self._passing_over_what_may_pass():
                return self._told(super().execute(context), context)
        except AirflowSensorTimeout:
            with self._as_pokes_end():
                raise AirflowSensorTimeout(self._told_when_timed_out(self._missing)) from None
        except AirflowSkipException as skipped:
            if self._missing is None or skipped.__cause__ is not None:
                raise
            raise AirflowSkipException(self._told_when_timed_out(self._missing)) from None

    def poke(self, context: Context) -> PokeReturnValue:
        """Ask whether the days are there; before the last of them has ended, nothing is asked."""
        with self._failing_without_retry():
            hook = self._hook()
            answer = self._ask(self._question(context, hook), hook, self._memory(context))
        return PokeReturnValue(is_done=answer is not None, xcom_value=answer)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after a deferral; where Airflow ended it, by whichever bound of the two was the earlier one."""
        if next_method == TRIGGER_FAIL_REPR and (next_kwargs or {}).get("error") == TRIGGER_TIMED_OUT:
            bound = ExecutionDeadline.from_now(self.execution_timeout)
            last = timedelta(seconds=self.timeout) + _GRACE
            if self.execution_timeout is not None and bound.backstop(last) != last:
                bound.end("No triggerer took the task up in time.")
        return super().resume_execution(next_method, next_kwargs, context)

    def execute_complete(
        self, context: Context, event: dict[str, Any] | None = None, deadline: str | None = None
    ) -> Any:
        """Take the triggerer's verdict; an error becomes what it would have been without deferral.

        :param deadline: when ``execution_timeout`` is over.
        """
        if isinstance(event, dict) and event.get("status") == "timed_out" and event.get("by") == "execution_timeout":
            # Not the sensor's own timeout, which soft_fail would make a skip of, and no retry would follow.
            ExecutionDeadline.resumed(deadline, self.execution_timeout).end(f"Missing: {event.get('missing')}")
        with self._as_pokes_end(), self._failing_without_retry():
            status = event.get("status") if event else None
            if event is None or status not in {"available", "timed_out", "failed"}:
                raise ResponseFormatError(
                    f"The trigger sent an event this version does not know: {event!r}. "
                    "Run one version of the provider on workers and triggerers, then clear the task."
                )
            if status == "failed":
                raise error_from_event(event)
            if status == "timed_out":
                raise AirflowSensorTimeout(self._told_when_timed_out(event.get("missing")))
        return self._told({name: value for name, value in event.items() if name != "status"}, context)

    def _told(self, answer: dict[str, list[str]], context: Context) -> dict[str, list[str]]:
        """Log what is there, and name the days in the events of the task's outlets: the DAGs they start load them."""
        self.log.info("Found %s of %s.", days_in_words(answer["days"]), pages_in_words(answer["page_ids"]))
        for name in ("silent", "late"):
            if page_ids := answer.get(f"{name}_page_ids"):
                self.log.info("Not waited for, %s: %s.", name, pages_in_words(page_ids))
        for outlet in self.outlets:
            if isinstance(outlet, Asset):
                context["outlet_events"][outlet].extra.update(cast("dict[str, Any]", answer))
        return answer

    def _ask(self, question: Question, hook: MessagingInsightsHook, memory: Memory) -> dict[str, list[str]] | None:
        """Give what is there, or ``None`` when it is not enough; what is missing is kept for the message."""
        now = datetime.now(UTC)
        if now < question.first_look.moment:
            self._missing = question.first_look.why_not_before
            self.log.info("%s.", self._missing)
            return None
        if memory.not_before is not None and now < memory.not_before:
            self._missing = memory.missing
            self.log.info("Meta's limit on calls ends at %s; not asking before.", memory.not_before)
            return None
        verdict = self._poll(question, hook, memory, now)
        if verdict is None or not verdict.ready:
            self.log.info("Not there yet: %s", self._missing)
            return None
        self._missing = None
        return available(question.ranges, verdict)

    def _poll(self, question: Question, hook: MessagingInsightsHook, memory: Memory, now: datetime) -> Verdict | None:
        failed = FailedPolls(self._allowed_failures(question), memory.failed_polls)
        try:
            found = hook.check_availability(question.query, ranges=question.ranges, now=now)
            verdict = question.requirement.judge(found)
        except MessagingInsightsError as error:
            failed.add(error)
            self._missing = str(error)
            self.log.warning("%s failed: %s", failed.counted, error)
            memory.keep(failed_polls=failed.in_a_row, pause_seconds=error.retry_after_seconds, missing=self._missing)
            return None
        for warning in verdict.warnings:
            self.log.warning("%s", warning)
        self._missing = verdict.missing
        memory.keep(failed_polls=0, pause_seconds=found.outcome.resume_after_seconds, missing=self._missing)
        return verdict

    def _ask_then_defer(self, context: Context) -> dict[str, list[str]]:
        started, deadline = datetime.now(UTC), ExecutionDeadline.from_now(self.execution_timeout)
        memory = self._memory(context)
        with self._failing_without_retry():
            hook = self._hook()
            question = self._question(context, hook)
            answer = self._ask(question, hook, memory)
        if answer is None:
            self._defer(question, memory, started, deadline)
        return answer

    def _defer(self, question: Question, memory: Memory, started: datetime, deadline: ExecutionDeadline) -> NoReturn:
        next_poll = started + timedelta(seconds=self.poke_interval * uniform(1 - JITTER, 1))  # noqa: S311 - spreads load, guards nothing
        was_asked = started >= question.first_look.moment
        not_before = max(filter(None, (memory.not_before, next_poll if was_asked else None)), default=None)
        self.defer(
            trigger=MessagingInsightsAvailabilityTrigger(
                msginsights_conn_id=parse_conn_id("msginsights_conn_id", self.msginsights_conn_id),
                api_version=parse_api_version(self.api_version),
                retry_bounds=parse_retry_bounds(self.retry_bounds) or None,
                **question.as_trigger_arguments(),
                poll_interval_seconds=self.poke_interval,
                not_before=not_before.isoformat() if not_before else None,
                deadline=(started + timedelta(seconds=self.timeout)).isoformat(),
                exponential_backoff=bool(self.exponential_backoff),
                max_wait_seconds=self.max_wait.total_seconds() if self.max_wait else None,
                max_failed_polls=self._allowed_failures(question),
                failed_polls=memory.failed_polls,
                missing=self._missing,
                execution_deadline=deadline.text,
            ),
            method_name="execute_complete",
            kwargs={"deadline": deadline.text},
            timeout=deadline.backstop(timedelta(seconds=self.timeout) + _GRACE),
        )

    @contextlib.contextmanager
    def _passing_over_what_may_pass(self) -> Iterator[None]:
        """Keep ``silent_fail`` from Airflow's loop around pokes: it would pass over a refused token too."""
        self.silent_fail, told = False, self.silent_fail
        try:
            yield
        finally:
            self.silent_fail = told

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

    def _memory(self, context: Context) -> Memory:
        is_rescheduled = self.reschedule and not self._is_deferrable()
        return Memory(cast("Mapping[str, Any]", context), self._remembered, is_rescheduled=is_rescheduled, log=self.log)

    def _is_deferrable(self) -> bool:
        return parse_switch("deferrable", self.deferrable)

    def _allowed_failures(self, question: Question) -> int | None:
        return None if self._allows_failures else question.max_failed_polls

    def _told_when_timed_out(self, missing: object) -> str:
        return f"The days were not available within {self.timeout:g} seconds. Missing: {missing}"

    def _failing_without_retry(self) -> AbstractContextManager[None]:
        return failing_without_retry(
            msginsights_conn_id=self.msginsights_conn_id, log=self.log, enabled=not self.soft_fail
        )

    def _hook(self) -> MessagingInsightsHook:
        """Give one hook for all pokes of this process: it keeps the Page tokens it was given."""
        if self._asking is None:
            self._asking = MessagingInsightsHook(
                self.msginsights_conn_id, api_version=self.api_version, retry_bounds=self.retry_bounds
            )
        return self._asking

    def _question(self, context: Context, hook: MessagingInsightsHook) -> Question:
        try:
            question = Question.of(self, cast("Mapping[str, Any]", context), hook)
        except NoDayEndedError as nothing_to_do:
            raise AirflowSkipException(str(nothing_to_do)) from nothing_to_do
        if question.warning and not self._has_warned:
            self._has_warned = True
            self.log.warning(question.warning)
        return question


def _hours_until_final(wait_for: object, final_after_hours: object) -> float:
    """How much longer to wait by default; what means nothing is refused when the task runs."""
    if wait_for != "final":
        return 0
    low, high, _ = NUMBERS["final_after_hours"]
    hours = number_of(final_after_hours)
    return hours if hours is not None and low <= hours <= high else 0
