"""How much one request asks for: learned from refusals, remembered for the run.

The API refuses a request that is too heavy without saying what would be light enough, so days are halved, then
metrics. What one Page needs is tried on all others, but not below an eighth of the documented size: one odd Page must
not multiply the calls of a whole run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_msginsights.insights.query import InsightsQuery, Slice

_SMALLEST_SHARE_FOR_ALL = 8


class Size(NamedTuple):
    """Most days (``None``: the range must stay whole) and most metrics of one request."""

    days: int | None
    metrics: int

    def holds(self, part: Slice) -> bool:
        """Whether a slice is no larger."""
        return len(part.metrics) <= self.metrics and (self.days is None or len(part.days) <= self.days)


class RequestSize:
    """The sizes a run asks in: one for all Pages, smaller ones for single Pages."""

    def __init__(self, query: InsightsQuery) -> None:
        self._full = self._of_all = Size(query.max_chunk_days, len(query.metrics))
        self._of_pages: dict[str, Size] = {}

    def fits(self, part: Slice) -> bool:
        """Whether a slice may be requested as it is."""
        return self._of(part).holds(part)

    def cut(self, part: Slice) -> Iterator[Slice]:
        """Return the slice in pieces that fit; itself, and no copy that a long load would keep, where it fits."""
        size = self._of(part)
        return iter((part,)) if size.holds(part) else part.cut(size.days, size.metrics)

    @property
    def of_all(self) -> Size:
        """The size for Pages that have no smaller one of their own."""
        return self._of_all

    def shrink(self, part: Slice, *, days_only: bool) -> bool:
        """Make room for less than this slice, which was refused as too heavy; whether there is less to ask for."""
        size = self._of(part)
        if size.days is not None and len(part.days) > 1:
            size = Size((len(part.days) + 1) // 2, size.metrics)
        elif len(part.metrics) > 1 and not days_only:
            size = Size(size.days, (len(part.metrics) + 1) // 2)
        else:
            return False
        self._of_pages[part.page_id] = size
        if self._volume(size) * _SMALLEST_SHARE_FOR_ALL >= self._volume(self._full):
            self._of_all = size
        return True

    def _of(self, part: Slice) -> Size:
        return self._of_pages.get(part.page_id, self._of_all)

    @staticmethod
    def _volume(size: Size) -> int:
        return (size.days or 1) * size.metrics
