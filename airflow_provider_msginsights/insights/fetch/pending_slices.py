"""The slices of a run that have no end yet, by the request that asks for each."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_msginsights.insights.protocol import Request
    from airflow_provider_msginsights.insights.query import Slice


class PendingSlices:
    """Request -> slice; knows the first day that any of them asks for, and the requests of each Page."""

    def __init__(self) -> None:
        self._of_request: dict[Request, Slice] = {}
        self._first_days: Counter[date] = Counter()
        self._of_page: defaultdict[str, dict[Request, None]] = defaultdict(dict)

    def __iter__(self) -> Iterator[Slice]:
        return iter(self._of_request.values())

    def __getitem__(self, request: Request) -> Slice:
        return self._of_request[request]

    def add(self, request: Request, part: Slice) -> None:
        """Note that a request asks for a slice."""
        self._of_request[request] = part
        self._of_page[part.page_id][request] = None
        self._first_days[part.days.first_day] += 1

    def pop(self, request: Request) -> Slice:
        """Forget a request, and return the slice it requested."""
        part = self._of_request.pop(request)
        del self._of_page[part.page_id][request]
        self._first_days[part.days.first_day] -= 1
        if not self._first_days[part.days.first_day]:
            del self._first_days[part.days.first_day]
        return part

    def requests_of(self, page_id: str) -> tuple[Request, ...]:
        """Return the requests for slices of a Page."""
        return tuple(self._of_page.get(page_id, ()))

    @property
    def first_day(self) -> date:
        """The earliest day requested; beyond all days when nothing is pending."""
        return min(self._first_days, default=date.max)
