"""What became of each metric on each Page, out of a probe's outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome

State = Literal["works", "empty", "refused", "not read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The state of every metric on every Page.

    :param states: (Page, metric) -> ``works`` (has rows), ``empty`` (answered without a row), ``refused``, or
        ``not read`` because of an error or a limit.
    :param problems: why something is not as it should be, in sentences.
    """

    page_ids: tuple[str, ...]
    metrics: tuple[str, ...]
    days: DateRange
    states: dict[tuple[str, str], State]
    problems: tuple[str, ...]
    calls: int

    @property
    def is_fine(self) -> bool:
        """Whether every metric was answered, and every Page had a row of some metric."""
        return not self.problems

    def count(self, metric: str, state: str) -> int:
        """On how many Pages a metric is in a state."""
        return sum(self.states[page_id, metric] == state for page_id in self.page_ids)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "since": self.days.first_day.isoformat(),
            "until": self.days.end_day.isoformat(),
            "pages": {
                page_id: {metric: self.states[page_id, metric] for metric in self.metrics} for page_id in self.page_ids
            },
            "problems": list(self.problems),
            "graph_calls": self.calls,
            "is_fine": self.is_fine,
        }


def survey_of(outcome: FetchOutcome) -> Survey:
    """Sort out what a probe of single metrics met."""
    query = outcome.query
    states: dict[tuple[str, str], State] = {
        (page_id, metric): "not read" for page_id in query.page_ids for metric in query.metrics
    }
    for parts, state in ((outcome.empty, "empty"), (outcome.answered, "works")):
        states |= {(part.page_id, metric): state for part in parts for metric in part.metrics}  # type: ignore[misc]
    for metric in outcome.unavailable_metrics:
        states |= {(page_id, metric): "refused" for page_id in query.page_ids}
    states |= dict.fromkeys(outcome.page_unavailable_metrics, "refused")
    return Survey(
        page_ids=query.page_ids,
        metrics=query.metrics,
        days=query.days,
        states=states,
        problems=tuple(dict.fromkeys(_problems(outcome, states))),
        calls=outcome.counts["calls"],
    )


def _problems(outcome: FetchOutcome, states: dict[tuple[str, str], State]) -> Iterator[str]:
    query = outcome.query
    if outcome.stopped_by is not None:
        yield str(outcome.stopped_by)
    yield from map(str, outcome.unavailable_metrics.values())
    yield from map(str, outcome.page_unavailable_metrics.values())
    yield from map(str, outcome.page_failures.values())
    if outcome.paused:
        yield (
            f"{len(outcome.paused)} requests have to wait for Meta's limit, the longest for "
            f"{outcome.resume_after_seconds:.0f} s: ask again after that."
        )
    for page_id in query.page_ids:
        if page_id in outcome.pages_without_insights:
            yield str(outcome.pages_without_insights[page_id])
        elif all(states[page_id, metric] == "empty" for metric in query.metrics):
            yield (
                f"Page {page_id} gave no row of any metric. A Page with fewer than 100 followers has none; otherwise "
                "the token may lack read_insights for it: 'msginsights check' tells."
            )
