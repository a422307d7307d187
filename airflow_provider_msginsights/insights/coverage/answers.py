"""What a run asked for and was answered, in the form the ledger takes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_msginsights.insights.coverage.series import KEPT_VALUES
from airflow_provider_msginsights.insights.dates import pacific_date
from airflow_provider_msginsights.insights.query import Slice
from airflow_provider_msginsights.insights.records import RecordSeries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.records import Records, TimeColumns


@dataclass(slots=True)
class SeriesRows:
    """The rows of one (Page, metric) in a run: which days, and the values of the latest ones.

    :param stretches: consecutive days as ordinals of the first and of the day after the last.
    :param latest: stretches of values as (ordinal of the first, values), of the last days only.
    """

    stretches: list[tuple[int, int]] = field(default_factory=list)
    latest: list[tuple[int, list[float | None]]] = field(default_factory=list)

    @property
    def first(self) -> int:
        """The ordinal of the first day with a row."""
        return self.stretches[0][0] if len(self.stretches) == 1 else min(first for first, _ in self.stretches)

    @property
    def end(self) -> int:
        """The ordinal after the last day with a row."""
        return self.stretches[0][1] if len(self.stretches) == 1 else max(end for _, end in self.stretches)

    def covers(self, first: int, end: int) -> bool:
        """Whether one stretch has a row for each day of a range."""
        return any(start <= first and end <= until for start, until in self.stretches)

    def add(self, first: int, values: Sequence[float | None]) -> None:
        """Take the values of consecutive days."""
        end, kept = first + len(values), list(values[-KEPT_VALUES:])
        if not self.stretches:
            self.stretches.append(_stretch(first, end))
            self.latest.append((end - len(kept), kept))
            return
        if self.stretches[-1][0] <= first <= self.stretches[-1][1]:
            first_known, end_known = self.stretches[-1]
            self.stretches[-1] = _stretch(first_known, max(end, end_known))
        else:
            self.stretches.append(_stretch(first, end))
        newest = max(end, *(start + len(some) for start, some in self.latest)) if self.latest else end
        if end > newest - KEPT_VALUES:
            self.latest = [old for old in self.latest if old[0] + len(old[1]) > newest - KEPT_VALUES]
            self.latest.append((end - len(kept), kept))


@lru_cache(64)
def _stretch(first: int, end: int) -> tuple[int, int]:
    """Return a stretch of days, the same for all series: thousands have the same days."""
    return first, end


class RowLog:
    """Keeps which days had rows, as the records pass by; a load of millions keeps days and not rows."""

    def __init__(self) -> None:
        self.rows: defaultdict[tuple[str, str], SeriesRows] = defaultdict(SeriesRows)
        self._times: TimeColumns | None = None
        self._days: list[int] = []
        self._are_consecutive = False

    def add(self, records: Records) -> None:
        """Note the records of a reply."""
        for part in records.parts:
            if isinstance(part, RecordSeries):
                if part.times is not self._times:  # the series of a reply share their times
                    self._times = part.times
                    self._days = days = [day.toordinal() for day in part.times.pacific_dates]
                    self._are_consecutive = bool(days) and days == [*range(days[0], days[0] + len(days))]
                self._add(self.rows[part.page_id, part.metric], part.values)
            else:
                for record in part:
                    self.rows[record.page_id, record.metric].add(record.pacific_date.toordinal(), [record.value])

    def take(self, other: RowLog) -> None:
        """Add the days of another log; values are left out."""
        for place, found in other.rows.items():
            self.rows[place].stretches += found.stretches

    def _add(self, series: SeriesRows, values: Sequence[float | None]) -> None:
        if self._are_consecutive:
            series.add(self._days[0], values)
        else:
            for day, value in zip(self._days, values, strict=True):
                series.add(day, [value])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAnswers:
    """A run.

    :param on: ordinal of the Pacific day on which it asked.
    :param ended_before: ordinal of the first day that had not ended.
    :param final_before: ordinal of the first day that was not final.
    :param read: slices that were answered, with rows or without.
    :param refused: slices whose metrics were refused, and why.
    :param failed: slices without an answer, and why.
    :param rows: (Page, metric) -> the days with a row.
    """

    on: int
    ended_before: int
    final_before: int
    read: tuple[Slice, ...] = ()
    refused: tuple[tuple[Slice, str], ...] = ()
    failed: tuple[tuple[Slice, str], ...] = ()
    rows: Mapping[tuple[str, str], SeriesRows] = field(default_factory=dict)

    def ended_part(self, part: Slice) -> tuple[int, int]:
        """Return the ordinals of a slice's first day, and of the day after its last one that had ended."""
        first = part.days.first_day.toordinal()
        return first, max(first, min(part.days.end_day.toordinal(), self.ended_before))

    def last_row_days(self) -> dict[str, int]:
        """Return Page -> the ordinal of the last day for which it had a row."""
        last: dict[str, int] = {}
        for (page_id, _), rows in self.rows.items():
            last[page_id] = max(rows.end - 1, last.get(page_id, 0))
        return last

    @classmethod
    def of(
        cls,
        outcomes: Iterable[FetchOutcome],
        requested: Iterable[Sequence[Slice] | None],
        rows: Mapping[tuple[str, str], SeriesRows],
        *,
        at: datetime,
        final_after_hours: float,
    ) -> RunAnswers:
        """Return what outcomes say.

        :param requested: for each outcome the slices that were requested, ``None`` for all of its query.
        :param at: the aware moment at which the run asked.
        :param final_after_hours: how long after its end a day was taken to change no more.
        """
        read: list[Slice] = []
        refused: list[tuple[Slice, str]] = []
        failed: list[tuple[Slice, str]] = []
        for outcome, slices in zip(outcomes, requested, strict=True):
            read += [*outcome.answered, *outcome.empty]
            refused += _refused_in(outcome, slices)
            for part in outcome.unanswered:
                cause = outcome.page_failures.get(part.page_id, outcome.stopped_by)
                failed.append((part, _reason_of(cause) if cause is not None else "not requested"))
        return cls(
            on=pacific_date(at).toordinal(),
            ended_before=pacific_date(at).toordinal(),
            final_before=first_unfinal(at, final_after_hours),
            read=tuple(read),
            refused=tuple(refused),
            failed=tuple(failed),
            rows=rows,
        )

    @classmethod
    def without_answer(
        cls, failed: Iterable[Slice], error: Exception, *, at: datetime, final_after_hours: float
    ) -> RunAnswers:
        """Return what a run knows that an error ended before anything was answered."""
        reason = _reason_of(error)
        return cls(
            on=pacific_date(at).toordinal(),
            ended_before=pacific_date(at).toordinal(),
            final_before=first_unfinal(at, final_after_hours),
            failed=tuple((part, reason) for part in failed),
        )


def _reason_of(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _refused_in(outcome: FetchOutcome, slices: Sequence[Slice] | None) -> Iterator[tuple[Slice, str]]:
    """Give what was requested of refused metrics, with the refusal."""
    by_page = {metric: str(error) for metric, error in outcome.unavailable_metrics.items()}
    on_page = {place: str(error) for place, error in outcome.page_unavailable_metrics.items()}
    if not by_page and not on_page:
        return
    query = outcome.query
    if slices is None:
        slices = [Slice(page_id, query.metrics, query.days) for page_id in query.page_ids]
    for part in slices:
        for metric in part.metrics:
            reason = by_page.get(metric) or on_page.get((part.page_id, metric))
            if reason is not None:
                yield part.of((metric,)), reason


class Restatement(NamedTuple):
    """A stored row that says something else now.

    :param day: its Pacific end day.
    :param old: the former value; ``None`` where there was no such row.
    :param new: the value now; ``None`` where there is no such row any more.
    :param was_final: whether the former value was stored when its day changed no more.
    """

    page_id: str
    metric: str
    day: date
    old: float | None
    new: float | None
    was_final: bool


def first_unfinal(at: datetime, final_after_hours: float) -> int:
    """Return the ordinal of the first day that is not final at a moment."""
    latest = pacific_date(at - timedelta(hours=final_after_hours))
    return latest.toordinal()
