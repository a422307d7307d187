"""Which metrics the API refuses, for every Page or for one.

One refused metric fails a whole request and the refusal does not name it (seen in replies recorded by public
clients), so it is found by asking metric by metric. That is done once a run, on the first Page refused, the judge:
what is found there is left out on every Page, after one other Page, the witness, was asked for a second opinion. If a
Page answers with the metric after all, what was left out is asked for. Pages that still refuse are searched alone.
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
        self._judge: str | None = None
        self._everywhere: dict[str, MessagingInsightsError] = {}
        self._on_page: dict[tuple[str, str], MessagingInsightsError] = {}
        self._left_out: defaultdict[str, list[Slice]] = defaultdict(list)
        self._witnessed: set[str] = set()
        self._answered: set[str] = set()

    def among(self, part: Slice) -> tuple[str, ...]:
        """The metrics of a slice that are known to be refused."""
        return tuple(one for one in part.metrics if one in self._everywhere or (part.page_id, one) in self._on_page)

    def split(self, part: Slice) -> tuple[Slice, list[Slice]]:
        """The slice without them, and what to ask of its Page all the same, as a witness."""
        refused = self.among(part)
        witnesses: list[Slice] = []
        for metric in refused:
            if (part.page_id, metric) in self._on_page or part.page_id == self._judge:
                continue
            kept = self._left_out[metric] if metric in self._witnessed else witnesses
            kept.append(part.of((metric,)))
            self._witnessed.add(metric)
        return part.without(refused) if refused else part, witnesses

    def convict(self, page_id: str, metric: str, error: MessagingInsightsError) -> None:
        """Note that a request for one metric alone was refused."""
        self._judge = self._judge or page_id
        named = InvalidRequestError(
            f"The API refuses the metric {metric}. It said: {error.message}",
            http_status=error.http_status,
            code=error.code,
            error_subcode=error.error_subcode,
            fbtrace_id=error.fbtrace_id,
            page_id=page_id,
        )
        if self._judge == page_id:
            self._everywhere[metric] = named
        else:
            self._on_page[page_id, metric] = named

    def acquit(self, metrics: Iterable[str]) -> list[Slice]:
        """Note that a Page answered with these metrics: what was left out because of the judge is to be asked for."""
        answered = tuple(metrics)
        self._answered.update(answered)
        slices: list[Slice] = []
        for metric in [one for one in answered if one in self._everywhere]:
            self._on_page[str(self._judge), metric] = self._everywhere.pop(metric)
            slices += self._left_out.pop(metric, [])
        return slices

    def all_of(self, metrics: Iterable[str]) -> MessagingInsightsError | None:
        """A refusal, if every one of the metrics is refused on every Page and none was answered."""
        refusals = [self._everywhere.get(metric) for metric in metrics]
        return refusals[-1] if all(refusals) and not self._answered else None

    def everywhere(self) -> dict[str, MessagingInsightsError]:
        """Metric -> the refusal that kept it from being read on any further Page."""
        return {metric: error for metric, error in self._everywhere.items() if not self._is_of_judge_alone(metric)}

    def on_page(self) -> dict[tuple[str, str], MessagingInsightsError]:
        """(Page, metric) -> the refusal, where other Pages were read."""
        of_judge = {
            (str(self._judge), metric): error
            for metric, error in self._everywhere.items()
            if self._is_of_judge_alone(metric)
        }
        return of_judge | self._on_page

    def _is_of_judge_alone(self, metric: str) -> bool:
        return metric in self._answered and metric not in self._left_out
