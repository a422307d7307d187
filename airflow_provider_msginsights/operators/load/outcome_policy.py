"""The outcomes of a load's queries -> how the task ends: with its result, warnings, a skip or one error."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import NEVER_RETRIED, EmptyAnswerError
from airflow_provider_msginsights.failures import wrapped
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.wording import (
    MOST_NAMED,
    failures_in_words,
    gravest,
    pages_in_words,
    plural,
    some_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_msginsights.exceptions import MessagingInsightsError
    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.query import Slice


class NoRowsError(Exception):
    """The API returned no rows, and ``on_empty="skip"``: the task is to be skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomePolicy:
    """The limits that the task's parameters set: how many Pages may fail, and whether there may be no rows.

    :param max_failed_pages: a count, a fraction of the Pages below 1, or ``None`` for any number.
    :param on_empty: ``fail``, ``skip`` or ``succeed``.
    :param log: where warnings go.
    """

    max_failed_pages: float | None
    on_empty: str
    log: Any

    def error_in(self, outcomes: Iterable[FetchOutcome]) -> MessagingInsightsError | None:
        """Warn of what is missing, and return the error that the task must fail with, if any.

        An error that a retry may resolve comes before one that it cannot, as the retry may still load something.
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

    def end_without_rows(self, outcomes: Iterable[FetchOutcome], hint: str) -> None:
        """Apply ``on_empty`` to a load that returned no rows.

        :param hint: what the reason may be.
        :raises MessagingInsightsError: the gravest error of the Pages, where every one failed.
        :raises EmptyAnswerError: with ``on_empty="fail"``.
        :raises NoRowsError: with ``on_empty="skip"``.
        """
        outcomes = tuple(outcomes)
        failures = {page_id: error for outcome in outcomes for page_id, error in outcome.page_failures.items()}
        if self.on_empty == "fail" and failures and not any(outcome.empty for outcome in outcomes):
            raise gravest(failures)
        days = ", ".join(str(outcome.query.days) for outcome in outcomes)
        message = f"The API returned no rows for {days}. {hint} Stored rows were not changed."
        if self.on_empty == "skip":
            raise NoRowsError(message)
        if self.on_empty == "fail":
            raise EmptyAnswerError(message)
        self.log.warning(message)

    def _pages_that_may_fail(self, page_count: int) -> float:
        if (allowed := self.max_failed_pages) is None:
            return float("inf")
        return allowed * page_count if allowed < 1 else allowed

    def _log_gaps(self, outcomes: Iterable[FetchOutcome]) -> None:
        """Warn of missing metrics and days, each metric and each kind of gap once for all Pages."""
        refused: dict[str, MessagingInsightsError] = {}
        on_pages: dict[str, dict[str, MessagingInsightsError]] = {}
        empty: dict[tuple[str, ...], list[Slice]] = {}
        dropped: Counter[str] = Counter()
        for outcome in outcomes:
            refused |= outcome.unavailable_metrics
            for (page_id, metric), error in outcome.page_unavailable_metrics.items():
                on_pages.setdefault(metric, {})[page_id] = error
            places = {page_id: place for place, page_id in enumerate(outcome.query.page_ids)}
            for piece in sorted(outcome.empty, key=lambda piece: places[piece.page_id]):
                empty.setdefault(piece.metrics, []).append(piece)
            dropped.update(outcome.dropped)
        self._warn(f"Metric {metric} was not loaded: {error}" for metric, error in refused.items())
        self._warn(
            f"Metric {metric} of {pages_in_words(pages)} was not loaded: {next(iter(pages.values()))}"
            for metric, pages in on_pages.items()
        )
        self._warn(_gap_in_words(slices) for slices in empty.values())
        for reason, count in dropped.items():
            self.log.info("Left out %s of the API's replies: %s", plural(count, "row"), reason)

    def _warn(self, lines: Iterable[str]) -> None:
        """Log the first few lines, wrapped; the manifest has them all."""
        lines = list(lines)
        for piece in [piece for line in lines[:MOST_NAMED] for piece in wrapped(line)]:
            self.log.warning("%s", piece)
        if len(lines) > MOST_NAMED:
            self.log.warning("And %s more like these; the manifest lists them all.", len(lines) - MOST_NAMED)


def _gap_in_words(slices: Sequence[Slice]) -> str:
    """Say which Pages have no rows of the same metrics, and between which days."""
    days = DateRange(min(piece.days.first_day for piece in slices), max(piece.days.end_day for piece in slices))
    pages = pages_in_words(dict.fromkeys(piece.page_id for piece in slices))
    return f"{pages}, {days}: no rows for {some_of(slices[0].metrics)}"


_POSSIBLE_REASONS = (
    "Either Meta has not computed the days yet (put a MessagingInsightsSensor before this task), or the token lacks "
    "read_insights or the ANALYZE task on the Page, or the Page has fewer than 100 followers."
)


def empty_result_hint(hook: MessagingInsightsHook, page_ids: Sequence[str], log: Any) -> str:
    """Say what is wrong with the token, or, when nothing is found or it cannot be inspected, what the reason may be.

    :param page_ids: the Pages that returned no rows; the token is inspected for the first one.
    """
    from airflow_provider_msginsights.insights.token.report import Severity

    try:
        report = hook.inspect_token(page_ids=page_ids[:1])
    except Exception as error:  # noqa: BLE001 - the empty answer is what the task has to report
        log.warning("The token could not be inspected: %s: %s", type(error).__name__, error)
        return _POSSIBLE_REASONS
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    if not errors:
        return _POSSIBLE_REASONS
    reasons = " ".join(f"{finding.what} {finding.remedy}" for finding in errors)
    return f"The token of connection {hook.msginsights_conn_id!r} is the reason: {reasons}"
