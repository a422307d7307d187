"""Whether enough is there: what a probe found, held against what a caller requires."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import EmptyAnswerError
from airflow_provider_msginsights.insights.dates import end_of_day
from airflow_provider_msginsights.insights.parameters.numbers import parse_min_ready_pages
from airflow_provider_msginsights.insights.parameters.parse import parse_choice
from airflow_provider_msginsights.insights.parameters.values import refusal
from airflow_provider_msginsights.insights.wording import failures_in_words, gravest, pages_in_words

if TYPE_CHECKING:
    from datetime import date, datetime

    from airflow_provider_msginsights.insights.availability.polling import Availability

ON_SILENT_PAGE = ("ignore", "wait", "fail")

_WHY_SILENT = (
    "It has no messages, fewer than 100 likes, or the token lacks read_insights for it: the API answers all three "
    "with nothing."
)


@dataclass(frozen=True, slots=True)
class FirstLook:
    """From when on it makes sense to look for a Pacific day: before its end it has no row that counts.

    :param final_after_hours: how much later, where rows are wanted that Meta restates no more.
    """

    day: date
    final_after_hours: float = 0

    @property
    def moment(self) -> datetime:
        """The moment, aware, in UTC."""
        return end_of_day(self.day) + timedelta(hours=self.final_after_hours)

    @property
    def why_not_before(self) -> str:
        """The reason in words; it stands for what is missing as long as nothing was asked."""
        what = "is final" if self.final_after_hours else "ends"
        return f"Pacific day {self.day} {what} at {self.moment}; nothing is asked before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What must be there before waiting ends; make it with `create`.

    :param min_ready_pages: how many Pages (an ``int``) or which share of them (a ``float``); ``None`` for all.
    :param on_silent_page: what a Page without any row in its last days means: it is left out of the count
        (``ignore``), waited for (``wait``), or an error (``fail``).
    """

    min_ready_pages: int | float | None = None
    on_silent_page: str = "ignore"

    @classmethod
    def create(cls, *, min_ready_pages: object, on_silent_page: object, page_count: int) -> Requirement:
        """A requirement that so many Pages can meet.

        :raises ConfigurationError: for a count or a share that means nothing, or an unknown word.
        """
        return cls(
            min_ready_pages=_checked_minimum(min_ready_pages, page_count),
            on_silent_page=parse_choice("on_silent_page", on_silent_page, ON_SILENT_PAGE),
        )

    def judge(self, found: Availability) -> Verdict:
        """Whether this is enough.

        :raises MessagingInsightsError: what waiting would only hide: a metric or a token that is refused, a Page that
            cannot be read and is needed, or a silent Page where that is an error.
        """
        silent = found.silent_pages
        if silent and self.on_silent_page == "fail":
            raise EmptyAnswerError(
                f"No row of any metric in the last days of Page {', '.join(silent)}. {_WHY_SILENT} "
                "With on_silent_page='ignore' such Pages are left out."
            )
        ignored = silent if self.on_silent_page == "ignore" else ()
        awaited = [page_id for page_id in found.outcome.query.page_ids if page_id not in ignored]
        unready = {page_id for page_id, _, _ in found.missing} | {one.part.page_id for one in found.outcome.paused}
        ready = tuple(page_id for page_id in awaited if page_id not in unready)
        needed = self._needed(len(awaited))
        verdict = Verdict(
            ready=len(ready) >= needed,
            ready_pages=ready,
            ignored_pages=ignored,
            late_pages=tuple(page_id for page_id in awaited if page_id in unready),
            missing=found.describe(without_pages=ignored),
            failed_page_ids=tuple(found.outcome.page_failures),
            failures=tuple(": ".join(pair) for pair in failures_in_words(found.outcome.page_failures)),
        )
        failed = found.outcome.page_failures
        can_become_ready = sum(page_id not in failed for page_id in awaited)
        _raise_what_waiting_would_hide(found, spares_failed_pages=can_become_ready >= needed)
        return verdict

    def _needed(self, page_count: int) -> int:
        if self.min_ready_pages is None:
            return page_count
        if isinstance(self.min_ready_pages, float):
            return ceil(self.min_ready_pages * page_count)
        return min(self.min_ready_pages, page_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a probe means to a caller.

    :param ready: whether the requirement is met.
    :param ready_pages: Pages with everything.
    :param ignored_pages: silent Pages that were left out of the count.
    :param late_pages: Pages that are waited for.
    :param missing: which Page lacks which metric on which day.
    :param failed_page_ids: those of the late Pages that could not be looked at.
    :param failures: which they are and why, in words.
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
        """What a person should know although waiting goes on, or is over."""
        told = []
        if self.ignored_pages:
            told.append(
                f"Left out, without a row in their last days: {pages_in_words(self.ignored_pages)}. {_WHY_SILENT}"
            )
        if self.ready and self.late_pages:
            told.append(f"Enough Pages are there; not these: {self.missing}")
        told += [f"Not needed, and cannot be read: {failure}" for failure in self.failures]
        return tuple(told)


def _raise_what_waiting_would_hide(found: Availability, *, spares_failed_pages: bool) -> None:
    outcome = found.outcome
    for error in (*filter(None, (outcome.stopped_by,)), *outcome.refused_explicit_metrics.values()):
        raise error
    if outcome.page_failures and not spares_failed_pages:
        raise gravest(outcome.page_failures)


def _checked_minimum(value: object, page_count: int) -> int | float | None:
    minimum = parse_min_ready_pages(value)
    if isinstance(minimum, int) and minimum > page_count:
        raise refusal("min_ready_pages", value, f"a number of Pages from 1 to {page_count}, or a share of them (0.9)")
    return minimum
