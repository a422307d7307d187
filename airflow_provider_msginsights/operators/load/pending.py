"""What a load has to do, and what is left of it when it cannot be done in one go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.query import Slice

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome

Rest: TypeAlias = tuple[Slice, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The Pages and ranges of a load.

    :param rests: for each range what is still to be read of it; ``None`` stands for everything.
    :param rows_so_far: rows that earlier turns of the same load had.
    :param waited_seconds: for how long the task was to wait, without a worker slot, before it takes this up.
    """

    page_ids: tuple[str, ...]
    ranges: tuple[DateRange, ...]
    rests: tuple[Rest, ...]
    rows_so_far: int = 0
    waited_seconds: float = 0.0

    @classmethod
    def all_of(cls, page_ids: Sequence[str], ranges: tuple[DateRange, ...]) -> Work:
        """Everything there is to read of these Pages and ranges."""
        return cls(page_ids=tuple(page_ids), ranges=ranges, rests=(None,) * len(ranges))

    @property
    def is_continued(self) -> bool:
        """Whether an earlier turn stored a part of it."""
        return any(rest is not None for rest in self.rests)

    def unread_by(self, outcomes: Sequence[FetchOutcome]) -> Work:
        """What the outcomes have no answer to, because of a limit or an error."""
        return Work(
            page_ids=self.page_ids,
            ranges=self.ranges,
            rests=tuple((*(paused.part for paused in outcome.paused), *outcome.unanswered) for outcome in outcomes),
            rows_so_far=self.rows_so_far + sum(outcome.counts["records"] for outcome in outcomes),
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the work as plain JSON, small enough for a trigger; ``from_dict`` reads it back.

        Slices of the same metrics and days stand together, and Pages by their place in the list: a load of 200 Pages
        and two years, nothing of which is read, takes about 16 KB.
        """
        return {
            "page_ids": list(self.page_ids),
            "ranges": [_days_as_text(days) for days in self.ranges],
            "rests": [None if rest is None else self._grouped(rest) for rest in self.rests],
            "rows_so_far": self.rows_so_far,
            "waited_seconds": self.waited_seconds,
        }

    def _grouped(self, rest: Iterable[Slice]) -> list[dict[str, Any]]:
        places = {page_id: place for place, page_id in enumerate(self.page_ids)}
        groups: dict[tuple[tuple[str, ...], DateRange], list[int]] = {}
        for part in rest:
            groups.setdefault((part.metrics, part.days), []).append(places[part.page_id])
        return [
            {"metrics": list(metrics), "days": _days_as_text(days), "pages": pages}
            for (metrics, days), pages in groups.items()
        ]

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Work:
        """Read what ``as_dict`` told."""
        page_ids = tuple(told["page_ids"])
        return cls(
            page_ids=page_ids,
            ranges=tuple(_days_of(text) for text in told["ranges"]),
            rests=tuple(
                None
                if rest is None
                else tuple(
                    Slice(page_ids[place], tuple(group["metrics"]), _days_of(group["days"]))
                    for group in rest
                    for place in group["pages"]
                )
                for rest in told["rests"]
            ),
            rows_so_far=told["rows_so_far"],
            waited_seconds=told["waited_seconds"],
        )


def _days_as_text(days: DateRange) -> list[str]:
    return [days.first_day.isoformat(), days.end_day.isoformat()]


def _days_of(text: Iterable[str]) -> DateRange:
    first, end = map(date.fromisoformat, text)
    return DateRange(first, end)
