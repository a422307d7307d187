"""Whether enough is available: what a probe found, compared with what a caller requires."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import EmptyAnswerError
from airflow_provider_msginsights.insights.parameters.numbers import parse_min_ready_pages
from airflow_provider_msginsights.insights.parameters.parse import parse_choice
from airflow_provider_msginsights.insights.parameters.values import refusal
from airflow_provider_msginsights.insights.wording import failures_in_words, gravest, pages_in_words

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.availability.polling import Availability
    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome

ON_SILENT_PAGE = ("ignore", "wait", "fail")

_WHY_SILENT = (
    "Such a Page has no messages or fewer than 100 followers, or the token lacks read_insights for it: in each of "
    "these cases the API returns no rows."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What must be available before waiting ends; make it with `create`.

    :param min_ready_pages: how many Pages (an ``int``) or which share of them (a ``float``); ``None`` for all.
    :param on_silent_page: what a Page without any row in its last days means: it is left out of the count
        (``ignore``), waited for (``wait``), or an error (``fail``).
    """

    min_ready_pages: int | float | None = None
    on_silent_page: str = "ignore"

    @classmethod
    def create(cls, *, min_ready_pages: object, on_silent_page: object, page_count: int) -> Requirement:
        """Return a requirement that this many Pages can meet.

        :raises ConfigurationError: for an invalid count or share of Pages, or an unknown word.
        """
        return cls(
            min_ready_pages=_checked_minimum(min_ready_pages, page_count),
            on_silent_page=parse_choice("on_silent_page", on_silent_page, ON_SILENT_PAGE),
        )

    def readiness(self, found: Availability) -> Readiness:
        """Return whether this is enough.

        :raises MessagingInsightsError: what waiting would only hide: a metric or a token that is refused, a Page that
            cannot be read and is needed, or a silent Page where that is an error.
        """
        silent = found.silent_pages
        if silent and self.on_silent_page == "fail":
            raise EmptyAnswerError(
                f"{pages_in_words(silent)}: no row of any metric in the last seven days of the range. {_WHY_SILENT} "
                "Use on_silent_page='ignore' to leave such Pages out."
            )
        outcome = found.outcome
        ignored = silent if self.on_silent_page == "ignore" else ()
        awaited = [page_id for page_id in outcome.query.page_ids if page_id not in ignored]
        late = {page_id for page_id, _, _ in found.missing} | {paused.part.page_id for paused in outcome.paused}
        needed = self._needed(len(awaited))
        readable = sum(page_id not in outcome.page_failures for page_id in awaited)
        _raise_what_waiting_would_hide(outcome, allows_failed_pages=readable >= needed)
        ready = tuple(page_id for page_id in awaited if page_id not in late)
        return Readiness(
            ready=len(ready) >= needed,
            ready_pages=ready,
            ignored_pages=ignored,
            late_pages=tuple(page_id for page_id in awaited if page_id in late),
            missing=found.describe(without_pages=ignored),
            failed_page_ids=tuple(outcome.page_failures),
            failures=tuple(": ".join(pair) for pair in failures_in_words(outcome.page_failures)),
        )

    def _needed(self, page_count: int) -> int:
        if self.min_ready_pages is None:
            return page_count
        if isinstance(self.min_ready_pages, float):
            return ceil(self.min_ready_pages * page_count)
        return min(self.min_ready_pages, page_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What a probe means for a requirement.

    :param ready: whether the requirement is met.
    :param ready_pages: Pages with everything.
    :param ignored_pages: silent Pages, left out of the count.
    :param late_pages: Pages with something missing.
    :param missing: which Page lacks which metric on which day.
    :param failed_page_ids: those of the late Pages that could not be read.
    :param failures: these Pages and the reasons, as text.
    """

    ready: bool
    ready_pages: tuple[str, ...]
    ignored_pages: tuple[str, ...]
    late_pages: tuple[str, ...]
    missing: str
    failed_page_ids: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to log as warnings, whether or not waiting goes on."""
        warnings = []
        if self.ignored_pages:
            warnings.append(
                f"Not waiting for {pages_in_words(self.ignored_pages)}: no row in the last seven days of the range. "
                f"{_WHY_SILENT}"
            )
        if self.ready and self.late_pages:
            warnings.append(f"Enough Pages are ready. Still missing: {self.missing}")
        warnings += [f"Not needed, and cannot be read: {failure}" for failure in self.failures]
        return tuple(warnings)


def _raise_what_waiting_would_hide(outcome: FetchOutcome, *, allows_failed_pages: bool) -> None:
    for error in (*filter(None, (outcome.stopped_by,)), *outcome.refused_explicit_metrics.values()):
        raise error
    if outcome.page_failures and not allows_failed_pages:
        raise gravest(outcome.page_failures)


def _checked_minimum(value: object, page_count: int) -> int | float | None:
    minimum = parse_min_ready_pages(value)
    if isinstance(minimum, int) and minimum > page_count:
        raise refusal("min_ready_pages", value, f"a number of Pages from 1 to {page_count}, or a share of them (0.9)")
    return minimum
