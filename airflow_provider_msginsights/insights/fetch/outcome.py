"""What a fetch found out, apart from the records themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_msginsights.exceptions import MessagingInsightsError
    from airflow_provider_msginsights.insights.query import InsightsQuery, Slice


@dataclass(frozen=True, slots=True)
class Paused:
    """A slice that a limit keeps from being read for longer than the policy waits.

    :param retry_after_seconds: how long to stay away, counted from the end of the flow at the latest.
    :param error: the refusal, where there was one; a usage header alone can pause a Page too.
    """

    part: Slice
    retry_after_seconds: float
    error: MessagingInsightsError | None

    @staticmethod
    def joined(paused: Iterable[Paused]) -> tuple[Paused, ...]:
        """Return the same slices in the fewest requests: a Page that was read day by day is not one entry a day."""
        pieces: list[Paused] = []
        for one in sorted(paused, key=lambda one: (one.part.page_id, one.part.metrics, one.part.days)):
            if pieces and (whole := pieces[-1].part.joined(one.part)) is not None:
                wait = max(pieces[-1].retry_after_seconds, one.retry_after_seconds)
                pieces[-1] = Paused(whole, wait, pieces[-1].error or one.error)
            else:
                pieces.append(one)
        return tuple(pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOutcome:
    """What became of a query: every (Page, metric, day) is answered, empty, paused, unanswered, or its metric refused.

    :param query: what was asked.
    :param answered: slices read, holding the metrics that had at least one record.
    :param empty: slices read, holding the metrics without a record: missing is not zero, and a lost permission looks
        so too.
    :param unanswered: slices not read because of an error.
    :param paused: slices to ask again later; `fetch_insights` takes them as ``slices``.
    :param page_failures: Page -> the error that kept some of its slices from being read.
    :param pages_without_insights: Page -> why the API keeps no insights for it; its slices are ``empty``.
    :param unavailable_metrics: metric -> the refusal, for metrics that no Page can read.
    :param page_unavailable_metrics: (Page, metric) -> the refusal, where other Pages can read the metric.
    :param stopped_by: the error that ended the run before all was asked.
    :param counts: ``calls`` of the Graph API, ``retries`` among them, ``records``.
    :param dropped: rows of replies left out, by reason.
    :param api_versions: versions the replies say they were answered by.
    :param peak_usage_percent: Page -> the highest share of its allowance that replies reported; ``None`` for the app.
    :param throttled_seconds: for how long a limit, or the nearness of one, kept a Page or the run from being asked.
    """

    query: InsightsQuery
    answered: tuple[Slice, ...] = ()
    empty: tuple[Slice, ...] = ()
    unanswered: tuple[Slice, ...] = ()
    paused: tuple[Paused, ...] = ()
    page_failures: Mapping[str, MessagingInsightsError] = field(default_factory=dict)
    pages_without_insights: Mapping[str, MessagingInsightsError] = field(default_factory=dict)
    unavailable_metrics: Mapping[str, MessagingInsightsError] = field(default_factory=dict)
    page_unavailable_metrics: Mapping[tuple[str, str], MessagingInsightsError] = field(default_factory=dict)
    stopped_by: MessagingInsightsError | None = None
    counts: Mapping[str, int] = field(default_factory=Counter)
    dropped: Mapping[str, int] = field(default_factory=Counter)
    api_versions: frozenset[str] = frozenset()
    peak_usage_percent: Mapping[str | None, float] = field(default_factory=dict)
    throttled_seconds: float = 0.0

    @property
    def refused_explicit_metrics(self) -> dict[str, MessagingInsightsError]:
        """The refused metrics that the query named one by one: a load without them is a failure."""
        refused = dict(self.unavailable_metrics)
        for (_, metric), error in self.page_unavailable_metrics.items():
            refused.setdefault(metric, error)
        return {metric: error for metric, error in refused.items() if metric in self.query.explicit_metrics}

    @property
    def errors(self) -> tuple[MessagingInsightsError, ...]:
        """Every error that left something requested unread, the gravest kind of trouble first; paused slices apart."""
        stopped = (self.stopped_by,) if self.stopped_by else ()
        return (*stopped, *self.refused_explicit_metrics.values(), *self.page_failures.values())

    @property
    def resume_after_seconds(self) -> float | None:
        """When the last of the paused slices may be asked again; ``None`` when none is paused."""
        return max((one.retry_after_seconds for one in self.paused), default=None)
