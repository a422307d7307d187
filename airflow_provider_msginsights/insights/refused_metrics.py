"""Which metrics the API refuses, for every Page or for one.

One refused metric fails a whole request and the refusal does not name it (seen in replies recorded by public
clients), so it is found by asking metric by metric. That is done once a run, on the first Page refused: what is found
there holds for all Pages until one of them answers with the metric. Pages that still refuse are searched alone.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_msginsights.exceptions import MessagingInsightsError
    from airflow_provider_msginsights.insights.query import Slice


class RefusedMetrics:
    """The refusals of a run, and what was left out because of them."""

    def __init__(self) -> None:
        self.everywhere: dict[str, MessagingInsightsError] = {}
        self.on_page: dict[tuple[str, str], MessagingInsightsError] = {}
        self._judge: str | None = None
        self._left_out: defaultdict[str, list[Slice]] = defaultdict(list)

    def among(self, part: Slice) -> tuple[str, ...]:
        """The metrics of a slice that are known to be refused."""
        return tuple(one for one in part.metrics if one in self.everywhere or (part.page_id, one) in self.on_page)

    def strip(self, part: Slice) -> Slice:
        """The slice without them; what is refused everywhere is remembered, in case it proves not to be."""
        refused = self.among(part)
        for metric in refused:
            if (part.page_id, metric) not in self.on_page:
                self._left_out[metric].append(part.of((metric,)))
        return part.without(refused) if refused else part

    def convict(self, page_id: str, metric: str, error: MessagingInsightsError) -> None:
        """Note that a request for one metric alone was refused."""
        named = InvalidRequestError(
            f"The API refuses the metric {metric}. It said: {error.message}",
            http_status=error.http_status,
            code=error.code,
            error_subcode=error.error_subcode,
            fbtrace_id=error.fbtrace_id,
            page_id=page_id,
        )
        self._judge = self._judge or page_id
        if self._judge == page_id:
            self.everywhere[metric] = named
        else:
            self.on_page[page_id, metric] = named

    def acquit(self, metrics: Iterable[str]) -> list[Slice]:
        """Take back, for all Pages but the first, what a Page answered after all: the slices left out for it."""
        slices: list[Slice] = []
        for metric in metrics:
            if error := self.everywhere.pop(metric, None):
                self.on_page[str(self._judge), metric] = error
                slices += self._left_out.pop(metric, [])
        return slices
