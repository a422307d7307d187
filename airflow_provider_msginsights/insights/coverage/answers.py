"""What a run asked for and was answered, in the form the ledger takes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.dates import pacific_date
from airflow_provider_msginsights.insights.query import Slice
from airflow_provider_msginsights.insights.records import RecordSeries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.records import Records


@dataclass(slots=True)
class SeriesRows:
    """The rows of one (Page, metric) in a run: stretches of consecutive days as (ordinal of the first, values)."""

    stretches: list[tuple[int, Sequence[float | None]]] = field(default_factory=list)

    @property
    def first(self) -> int:
        """The ordinal of the first day with a row."""
        return min(first for first, _ in self.stretches)

    @property
    def end(self) -> int:
        """The ordinal after the last day with a row."""
        return max(first + len(values) for first, values in self.stretches)


class RowLog:
    """Keeps which days had rows, as the records pass by; a load of millions keeps columns and not rows."""

    def __init__(self) -> None:
        self.rows: defaultdict[tuple[str, str], SeriesRows] = defaultdict(SeriesRows)

    def add(self, records: Records) -> None:
        """Note the records of a reply."""
        for part in records.parts:
            if isinstance(part, RecordSeries):
                self._add(part.page_id, part.metric, [day.toordinal() for day in part.times.pacific_dates], part.values)
            else:
                for record in part:
                    self._add(record.page_id, record.metric, [record.pacific_date.toordinal()], [record.value])

    def _add(self, page_id: str, metric: str, days: Sequence[int], values: Sequence[float | None]) -> None:
        if not days:
            return
        stretches = self.rows[page_id, metric].stretches
        if days[-1] - days[0] + 1 == len(days) and list(days) == list(range(days[0], days[-1] + 1)):
            stretches.append((days[0], values))
        else:
            stretches += [(day, [value]) for day, value in zip(days, values, strict=True)]


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
    pages_with_rows: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pages_with_rows", frozenset(page_id for page_id, _ in self.rows))

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
        rows: Mapping[tuple[str, str], SeriesRows],
        *,
        at: datetime,
        final_after_hours: float,
    ) -> RunAnswers:
        """Return what outcomes say.

        :param at: the aware moment at which the run asked.
        :param final_after_hours: how long after its end a day was taken to change no more.
        """
        read: list[Slice] = []
        refused: list[tuple[Slice, str]] = []
        failed: list[tuple[Slice, str]] = []
        for outcome in outcomes:
            read += [*outcome.answered, *outcome.empty]
            query = outcome.query
            for metric, error in outcome.unavailable_metrics.items():
                refused += [(Slice(page_id, (metric,), query.days), str(error)) for page_id in query.page_ids]
            for (page_id, metric), error in outcome.page_unavailable_metrics.items():
                refused.append((Slice(page_id, (metric,), query.days), str(error)))
            for part in outcome.unanswered:
                cause = outcome.page_failures.get(part.page_id, outcome.stopped_by)
                failed.append((part, f"{type(cause).__name__}: {cause}" if cause is not None else "not requested"))
        return cls(
            on=pacific_date(at).toordinal(),
            ended_before=pacific_date(at).toordinal(),
            final_before=first_unfinal(at, final_after_hours),
            read=tuple(read),
            refused=tuple(refused),
            failed=tuple(failed),
            rows=rows,
        )


def first_unfinal(at: datetime, final_after_hours: float) -> int:
    """Return the ordinal of the first day that is not final at a moment."""
    latest = pacific_date(at - timedelta(hours=final_after_hours))
    return latest.toordinal()
