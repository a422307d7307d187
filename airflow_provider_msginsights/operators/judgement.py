"""What became of a load -> how the task ends: quietly, with warnings, skipped, or with one error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.airflow_failures import NEVER_RETRIED
from airflow_provider_msginsights.airflow_names import AirflowSkipException
from airflow_provider_msginsights.exceptions import EmptyAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_msginsights.exceptions import MessagingInsightsError
    from airflow_provider_msginsights.insights.outcome import FetchOutcome


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
        errors: list[MessagingInsightsError] = []
        page_errors: dict[str, MessagingInsightsError] = {}
        page_count = 0
        for outcome in outcomes:
            self._log_gaps(outcome)
            page_count = max(page_count, len(outcome.query.page_ids))
            page_errors |= outcome.page_failures
            errors += [outcome.stopped_by] if outcome.stopped_by else []
            errors += outcome.refused_explicit_metrics.values()
        for page_id, error in page_errors.items():
            self.log.warning("Page %s was not loaded: %s", page_id, error)
        if len(page_errors) > self._pages_that_may_fail(page_count):
            errors += page_errors.values()
        return min(errors, key=lambda error: isinstance(error, NEVER_RETRIED), default=None)

    def judge_empty(self, outcomes: Iterable[FetchOutcome], hint: str) -> None:
        """Do what the task asked for when there was no row at all."""
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

    def _log_gaps(self, outcome: FetchOutcome) -> None:
        for metric, error in outcome.unavailable_metrics.items():
            self.log.warning("Metric %s was not loaded: %s", metric, error)
        for (page_id, metric), error in outcome.page_unavailable_metrics.items():
            self.log.warning("Metric %s of Page %s was not loaded: %s", metric, page_id, error)
        for part in outcome.empty:
            self.log.warning("Page %s, %s: no row for %s", part.page_id, part.days, ", ".join(part.metrics))
        for reason, count in outcome.dropped.items():
            self.log.info("%s rows of the API's replies were left out: %s", count, reason)
