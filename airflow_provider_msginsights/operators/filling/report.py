"""What a fill did: all of it for its manifest, and a summary for XCom."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_msginsights.insights.coverage.filling import FilledRange

MOST_RANGES = 10
"""Ranges named in XCom; the manifest has all."""


FILL_FIELDS = {
    "filled": "the days that are new, as ranges of a Page: `page_id`, `first_day`, `last_day`",
    "filled_cells": "how many Pages, metrics and days these are",
    "missing_cells": "how many were missing before",
    "still_missing": "how many are missing now, by state",
    "waiting_pages": "Page id to the day from which on it is requested again, for Pages that failed lately",
    "ended": "`complete`, or what the fill ended at",
}
"""What the manifest of a fill says beside the fields of a load's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillReport:
    """What a fill found and did.

    :param filled: days of Pages that have cells which were not stored before.
    :param filled_cells: how many cells these are.
    :param missing_cells: what was missing before.
    :param still_missing: what is missing now, by state.
    :param waiting_pages: Page id -> the day from which on it is requested again, for Pages that failed lately.
    :param ended: why the fill ended: ``complete``, or what it ended at.
    """

    filled: Sequence[FilledRange] = ()
    filled_cells: int = 0
    missing_cells: int = 0
    still_missing: Mapping[str, int] = field(default_factory=dict)
    waiting_pages: Mapping[str, str] = field(default_factory=dict)
    ended: str = "complete"

    def as_fields(self) -> dict[str, Any]:
        """Return all of it as JSON's own types."""
        return {
            "filled": [
                {"page_id": page_id, "first_day": str(first), "last_day": str(last)}
                for page_id, first, last in self.filled
            ],
            "filled_cells": self.filled_cells,
            "missing_cells": self.missing_cells,
            "still_missing": dict(self.still_missing),
            "waiting_pages": dict(self.waiting_pages),
            "ended": self.ended,
        }

    @property
    def days(self) -> list[str]:
        """Return the filled days of all Pages, in order."""
        days = {day for _, first, last in self.filled for day in _days(first, last)}
        return [str(day) for day in sorted(days)]

    def summary(self, facts: Mapping[str, Any], *, path: str | None, output_path: str) -> dict[str, Any]:
        """Return counts, the first ranges and the path of the manifest: about a kilobyte, however much was filled.

        :param facts: the manifest's fields.
        :param path: where the manifest is; ``None`` where nothing was requested.
        """
        fields = self.as_fields()
        return {
            "manifest": path,
            "output_path": output_path,
            **{name: facts.get(name, 0) for name in ("rows", "rows_added", "rows_changed", "graph_calls")},
            **{name: fields[name] for name in ("filled_cells", "missing_cells", "still_missing", "ended")},
            "filled": fields["filled"][:MOST_RANGES],
            "filled_range_count": len(self.filled),
            "filled_day_count": len(self.days),
            "waiting_page_count": len(self.waiting_pages),
        }

    def in_words(self) -> str:
        """Return a line for the log."""
        still = sum(self.still_missing.values())
        reasons = ", ".join(f"{count} {state}" for state, count in self.still_missing.items())
        line = f"Cells missing before: {self.missing_cells}; filled: {self.filled_cells}; still missing: {still}"
        line += f" ({reasons})" if reasons else ""
        return line if self.ended == "complete" else f"{line}. Ended at {self.ended}; the next run goes on"


def _days(first: date, last: date) -> Iterator[date]:
    for number in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(number)
