"""What became of a load -> how the task ends: quietly, with warnings, skipped, or with one error."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.airflow_names import AirflowSkipException
from airflow_provider_msginsights.exceptions import NEVER_RETRIED, EmptyAnswerError
from airflow_provider_msginsights.failures import wrapped
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.wording import (
    MOST_NAMED,
    failures_in_words,
    gravest,
    pages_in_words,
    some_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_msginsights.exceptions import MessagingInsightsError
    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.query import Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The rules a task set: how many Pages may fail, and what an answer without any row means.

    :param max_failed_pages: a count, a share of the Pages as a fraction below 1, or ``None`` for any number.
    :param on_empty: ``fail``, ``skip`` or ``succeed``.
    :param log: where warnings go.
    """

    max_failed_pages: float | None
    on_empty: str
    log: Any

    def error_in(self, outcomes: Iterable[FetchOutcome]) -> MessagingInsightsError | None:
        """Warn of what is missing, and give the error the task has to fail with, if more failed than it allows.

        A failure that a retry may mend comes before one that it cannot, as the retry may still load something.
        """
        outcomes = tuple(outcomes)
        errors: list[MessagingInsightsError] = []
        page_errors: dict[str, MessagingInsightsError] = {}
        page_count = 0
        self._log_gaps(outcomes)
        for outcome in outcomes:
            page_count = max(page_count, len(outcome.query.page_ids))
            page_errors |= outcome.page_failures
            errors += [outcome.stopped_by] if outcome.stopped_by else []
            errors += outcome.refused_explicit_metrics.values()
        if len(page_errors) > self._pages_that_may_fail(page_count):
            errors += page_errors.values()
        raised = min(errors, key=lambda error: isinstance(error, NEVER_RETRIED), default=None)
        others = {page_id: error for page_id, error in page_errors.items() if error is not raised}
        self._warn(f"{pages} not loaded: {reason}" for pages, reason in failures_in_words(others))
        return raised

    def judge_empty(self, outcomes: Iterable[FetchOutcome], hint: str) -> None:
        """Do what the task asked for when there was no row at all.

        :raises MessagingInsightsError: what every Page failed with, where that is why there is none.
        """
        outcomes = tuple(outcomes)
        failures = {page_id: error for outcome in outcomes for page_id, error in outcome.page_failures.items()}
        if self.on_empty == "fail" and failures and not any(outcome.empty for outcome in outcomes):
            raise gravest(failures)
        asked = ", ".join(str(outcome.query.days) for outcome in outcomes)
        message = f"The API returned no row at all for {asked}. {hint} Stored rows were left as they are."
        if self.on_empty == "skip":
            raise AirflowSkipException(message)
        if self.on_empty == "fail":
            raise EmptyAnswerError(message)
        self.log.warning(message)

    def _pages_that_may_fail(self, page_count: int) -> float:
        if (allowed := self.max_failed_pages) is None:
            return float("inf")
        return allowed * page_count if allowed < 1 else allowed

    def _log_gaps(self, outcomes: Iterable[FetchOutcome]) -> None:
        """Warn of the metrics and days that are missing: each metric and each kind of gap once, however many Pages."""
        refused: dict[str, MessagingInsightsError] = {}
        on_pages: dict[str, dict[str, MessagingInsightsError]] = {}
        empty: dict[tuple[str, ...], list[Slice]] = {}
        dropped: Counter[str] = Counter()
        for outcome in outcomes:
            refused |= outcome.unavailable_metrics
            for (page_id, metric), error in outcome.page_unavailable_metrics.items():
                on_pages.setdefault(metric, {})[page_id] = error
            places = {page_id: place for place, page_id in enumerate(outcome.query.page_ids)}
            for part in sorted(outcome.empty, key=lambda part: places[part.page_id]):
                empty.setdefault(part.metrics, []).append(part)
            dropped.update(outcome.dropped)
        self._warn(f"Metric {metric} was not loaded: {error}" for metric, error in refused.items())
        self._warn(
            f"Metric {metric} of {pages_in_words(pages)} was not loaded: {next(iter(pages.values()))}"
            for metric, pages in on_pages.items()
        )
        self._warn(_gap_in_words(parts) for parts in empty.values())
        for reason, count in dropped.items():
            self.log.info("%s rows of the API's replies were left out: %s", count, reason)

    def _warn(self, lines: Iterable[str]) -> None:
        """Log the first few, none wider than the log; the manifest has all."""
        told = list(lines)
        for line in [piece for one in told[:MOST_NAMED] for piece in wrapped(one)]:
            self.log.warning("%s", line)
        if len(told) > MOST_NAMED:
            self.log.warning("And %s more of the kind; the manifest names them all.", len(told) - MOST_NAMED)


def _gap_in_words(parts: Sequence[Slice]) -> str:
    """Which Pages have no row of the same metrics, and between which days."""
    days = DateRange(min(one.days.first_day for one in parts), max(one.days.end_day for one in parts))
    pages = pages_in_words(dict.fromkeys(one.page_id for one in parts))
    return f"{pages}, {days}: no row for {some_of(parts[0].metrics)}"


_WHAT_IT_MAY_BE = (
    "Either Meta has not computed the days yet (put a MessagingInsightsSensor before this task), or the token lacks "
    "read_insights or the ANALYZE task on the Page, or the Page has fewer than 100 followers."
)


def why_empty(hook: MessagingInsightsHook, page_ids: Sequence[str], log: Any) -> str:
    """Say what is wrong with the token, or, when nothing is or it cannot be looked at, what may be the reason.

    :param page_ids: the Pages that gave no row; the first one is looked at.
    """
    from airflow_provider_msginsights.insights.token.report import Severity

    try:
        report = hook.inspect_token(page_ids=page_ids[:1])
    except Exception as trouble:  # noqa: BLE001 - the empty answer is what the task has to tell
        log.warning("The token could not be looked at: %s: %s", type(trouble).__name__, trouble)
        return _WHAT_IT_MAY_BE
    errors = [one for one in report.findings if one.severity is Severity.ERROR]
    if not errors:
        return _WHAT_IT_MAY_BE
    told = " ".join(f"{one.what} {one.remedy}" for one in errors)
    return f"A look at the token of connection {hook.msginsights_conn_id!r} says why: {told}"
