"""What a load has to do, and what is left of it when Meta's limit makes it wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.date_ranges import DateRange
from airflow_provider_msginsights.insights.query import Slice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_msginsights.insights.outcome import FetchOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The Pages and ranges of a load.

    :param rests: for each range what is still to be read of it; ``None`` stands for everything.
    :param rows_so_far: rows that earlier turns of the same load had.
    """

    page_ids: tuple[str, ...]
    ranges: tuple[DateRange, ...]
    rests: tuple[tuple[Slice, ...] | None, ...]
    rows_so_far: int = 0

    @classmethod
    def all_of(cls, page_ids: Sequence[str], ranges: tuple[DateRange, ...]) -> Work:
        """Everything there is to read of these Pages and ranges."""
        return cls(page_ids=tuple(page_ids), ranges=ranges, rests=(None,) * len(ranges))

    @property
    def is_continued(self) -> bool:
        """Whether an earlier turn stored a part of it."""
        return any(rest is not None for rest in self.rests)

    def after(self, outcomes: Sequence[FetchOutcome]) -> Work:
        """What the outcomes left paused."""
        return Work(
            page_ids=self.page_ids,
            ranges=self.ranges,
            rests=tuple(tuple(paused.part for paused in outcome.paused) for outcome in outcomes),
            rows_so_far=self.rows_so_far + sum(outcome.counts["records"] for outcome in outcomes),
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the work as plain JSON, for a trigger; ``from_dict`` reads it back."""
        return {
            "page_ids": list(self.page_ids),
            "ranges": [[days.first_day.isoformat(), days.end_day.isoformat()] for days in self.ranges],
            "rests": [None if rest is None else [part.as_dict() for part in rest] for rest in self.rests],
            "rows_so_far": self.rows_so_far,
        }

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Work:
        """Read what ``as_dict`` told."""
        return cls(
            page_ids=tuple(told["page_ids"]),
            ranges=tuple(
                DateRange(date.fromisoformat(first), date.fromisoformat(end)) for first, end in told["ranges"]
            ),
            rests=tuple(
                None if rest is None else tuple(Slice.from_dict(part) for part in rest) for rest in told["rests"]
            ),
            rows_so_far=told["rows_so_far"],
        )
