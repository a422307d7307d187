"""Which metrics the API refuses, for every Page or for one, and which Pages it refuses whole.

One refused metric fails a whole request and the refusal does not name it (seen in replies recorded by public
clients), so it is found by asking metric by metric. A Page that refuses every metric is itself what is refused: that
says nothing of the metrics. A Page that refuses some and answers others is the judge of the run: what it refuses is
left out on every Page, after one other Page confirmed it. If a Page answers with the metric after all, what was left
out is requested. Pages that still refuse are searched alone.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import InvalidRequestError
from airflow_provider_msginsights.insights.wording import some_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_msginsights.exceptions import MessagingInsightsError
    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.insights.graph.error_table import Problem
    from airflow_provider_msginsights.insights.query import Slice


@dataclass(frozen=True, slots=True)
class Refusal:
    """A slice of one metric that was refused."""

    part: Slice
    problem: Problem


@dataclass(slots=True)
class Ruling:
    """What follows from a reply.

    :param ask: slices to request, again or after all.
    :param failed: slices refused for every metric: their Page is at fault.
    :param error: why, where there are any.
    :param found_on: the Page on which a metric was found to be refused, so that its requests still waiting should do
        without it.
    :param found_for_all: a metric was found to be refused that the waiting requests of all Pages should do without.
    """

    ask: list[Slice] = field(default_factory=list)
    failed: list[Slice] = field(default_factory=list)
    error: MessagingInsightsError | None = None
    found_on: str | None = None
    found_for_all: bool = False


@dataclass(slots=True)
class _Search:
    """A request asked metric by metric."""

    pending: set[str] = field(default_factory=set)
    refusals: list[Refusal] = field(default_factory=list)
    was_answered: bool = False
    is_partial: bool = False


class MetricIsolation:
    """The refusals of a run, and what was left out because of them.

    :param metrics: those of the query.
    """

    def __init__(self, metrics: tuple[str, ...]) -> None:
        self._metrics = metrics
        self._searches: defaultdict[tuple[str, DateRange], _Search] = defaultdict(_Search)
        self._undecided: defaultdict[str, list[Refusal]] = defaultdict(list)
        self._answering_pages: set[str] = set()
        self._answered: set[str] = set()
        self._judge: str | None = None
        self._everywhere: set[str] = set()
        self._on_page: dict[tuple[str, str], MessagingInsightsError] = {}
        self._for_some_days: dict[tuple[str, str], MessagingInsightsError] = {}
        self._left_out: defaultdict[str, list[Slice]] = defaultdict(list)
        self._confirming_page: dict[str, str] = {}
        self._confirmed: set[str] = set()
        self._blamed: dict[str, MessagingInsightsError] = {}

    @property
    def has_judge(self) -> bool:
        """Whether some metric is known to be refused on a Page that answers others."""
        return self._judge is not None

    def has_answered(self, page_id: str) -> bool:
        """Whether a Page answered anything at all."""
        return page_id in self._answering_pages

    def among(self, part: Slice) -> tuple[str, ...]:
        """Return the metrics of a slice that are known to be refused."""
        return tuple(one for one in part.metrics if one in self._everywhere or (part.page_id, one) in self._on_page)

    def split(self, part: Slice) -> tuple[Slice, list[Slice]]:
        """Return the slice without them, and what to ask of its Page all the same, as a confirmation."""
        refused = self.among(part)
        confirmations: list[Slice] = []
        for metric in refused:
            is_known = (part.page_id, metric) in self._on_page or metric in self._confirming_page
            if not is_known:
                self._confirming_page[metric] = part.page_id
            (self._left_out[metric] if is_known else confirmations).append(part.of((metric,)))
        return part.without(refused) if refused else part, confirmations

    def search(self, part: Slice) -> list[Slice]:
        """Return the slices that ask for each metric of a refused one alone."""
        self._searches[part.page_id, part.days].pending.update(part.metrics)
        return [part.of((metric,)) for metric in part.metrics]

    # What is heard

    def refuse(self, part: Slice, problem: Problem) -> Ruling:
        """Note that a request for one metric alone was refused."""
        refusal = Refusal(part, problem)
        if (search := self._searched(part)) is not None:
            search.refusals.append(refusal)
            return self._end_search(part)
        if len(self._metrics) == 1:
            return self._refuse_page([refusal])
        self._undecided[part.page_id].append(refusal)
        return self._decide(part.page_id) if part.page_id in self._answering_pages else Ruling()

    def answer(self, part: Slice) -> Ruling:
        """Note that a Page answered: what was left out because of the judge is to be requested."""
        self._answering_pages.add(part.page_id)
        self._answered.update(part.metrics)
        ruling = self._decide(part.page_id)
        if len(part.metrics) == 1 and (search := self._searched(part)) is not None:
            search.was_answered = True
            found = self._end_search(part)
            ruling.found_on = ruling.found_on or found.found_on
            ruling.found_for_all |= found.found_for_all
            ruling.ask += found.ask
        for metric in part.metrics:
            if (error := self._on_page.pop((part.page_id, metric), None)) is not None:
                self._for_some_days[part.page_id, metric] = error
            elif metric not in self._everywhere:
                continue
            self._everywhere.discard(metric)
            ruling.ask += self._forget_confirmation(metric)
        return ruling

    def give_up(self, part: Slice) -> Ruling:
        """Note that a slice will be neither answered nor refused now: paused, failed, or cut into pieces."""
        ruling = Ruling()
        if len(part.metrics) != 1:
            return ruling
        (metric,) = part.metrics
        if (search := self._searched(part)) is not None:
            search.is_partial = True
            ruling = self._end_search(part)
        if self._confirming_page.get(metric) == part.page_id and metric not in self._confirmed:
            ruling.ask += self._forget_confirmation(metric)
        return ruling

    def lose(self, page_id: str) -> Ruling:
        """Note that a Page failed: what it refused says nothing of the metrics any more."""
        ruling = Ruling(failed=[one.part for one in self._undecided.pop(page_id, [])])
        for metric in [
            one for one, page in self._confirming_page.items() if page == page_id and one not in self._confirmed
        ]:
            ruling.ask += self._forget_confirmation(metric)
        return ruling

    def finish(self) -> list[Ruling]:
        """Decide what is undecided, now that nothing more is to be heard: one ruling a Page."""
        for (page_id, _), search in self._searches.items():
            self._undecided[page_id] += search.refusals
        self._searches.clear()
        rulings = []
        for page_id in list(self._undecided):
            refusals = self._undecided[page_id]
            answered = page_id in self._answering_pages
            rulings.append(self._decide(page_id) if answered or not refusals else self._refuse_page(refusals))
        return rulings

    # What follows

    def _searched(self, part: Slice) -> _Search | None:
        search = self._searches.get((part.page_id, part.days))
        return search if search is not None and part.metrics[0] in search.pending else None

    def _end_search(self, part: Slice) -> Ruling:
        """Rule once every metric of the search is heard of."""
        key = (part.page_id, part.days)
        search = self._searches[key]
        search.pending.difference_update(part.metrics)
        if search.pending:
            return Ruling()
        del self._searches[key]
        if search.was_answered or search.is_partial:
            self._undecided[part.page_id] += search.refusals
            return self._decide(part.page_id) if search.was_answered else Ruling()
        return self._refuse_page(search.refusals)

    def _refuse_page(self, refusals: list[Refusal]) -> Ruling:
        """Rule that a Page is refused whatever is asked of it; a metric that is alone may be to blame."""
        if len(self._metrics) == 1:
            for one in refusals:
                if one.problem.blames_metric:
                    self._blamed.setdefault(self._metrics[0], _of_metric(one))
        return Ruling(failed=[one.part for one in refusals], error=_of_page(refusals))

    def _decide(self, page_id: str) -> Ruling:
        """Rule on the single refusals of a Page that answers other metrics."""
        refusals = self._undecided.pop(page_id, [])
        for one in refusals:
            (metric,) = one.part.metrics
            self._on_page.setdefault((page_id, metric), _of_metric(one))
            self._judge = self._judge or page_id
            if page_id == self._judge:
                self._everywhere.add(metric)
            elif metric in self._everywhere:
                self._confirmed.add(metric)
        if not refusals:
            return Ruling()
        return Ruling(found_on=page_id, found_for_all=page_id == self._judge)

    def _forget_confirmation(self, metric: str) -> list[Slice]:
        self._confirming_page.pop(metric, None)
        self._confirmed.discard(metric)
        return self._left_out.pop(metric, [])

    # What it came to

    def everywhere(self) -> dict[str, MessagingInsightsError]:
        """Metric -> the refusal that kept it from being read on any further Page."""
        blamed = {metric: error for metric, error in self._blamed.items() if metric not in self._answered}
        return blamed | {
            metric: self._on_page[str(self._judge), metric]
            for metric in self._metrics
            if metric in self._everywhere and not self._is_of_judge_alone(metric)
        }

    def on_page(self) -> dict[tuple[str, str], MessagingInsightsError]:
        """(Page, metric) -> the refusal, where other Pages were read."""
        elsewhere = self.everywhere()
        refused = self._for_some_days | self._on_page
        return {key: error for key, error in refused.items() if key[1] not in elsewhere}

    def _is_of_judge_alone(self, metric: str) -> bool:
        of_others = (one for one in self._left_out.get(metric, ()) if one.page_id != self._judge)
        return metric in self._answered and next(of_others, None) is None


def _of_metric(refusal: Refusal) -> MessagingInsightsError:
    (metric,) = refusal.part.metrics
    what = f"The API refuses the metric {metric}. It said: {refusal.problem.error.what}"
    return _as(refusal, what, refusal.problem.error.advice, "MSGI-metric-refused")


def _of_page(refusals: Iterable[Refusal]) -> MessagingInsightsError:
    """Return the Page's own error; a sentence that blames a metric is the last to be believed where all are refused."""
    first, *others = sorted(refusals, key=lambda one: one.problem.blames_metric)
    if not others:
        return first.problem.error
    names = sorted({one.part.metrics[0] for one in (first, *others)})
    what = f"The API refuses the Page for every metric requested ({some_of(names, most=3)}). It said: "
    what += first.problem.error.what
    advice = "Check that the id is that of a Page, and what the token may do there."
    return _as(first, what, advice, "MSGI-page-refused")


def _as(refusal: Refusal, what: str, advice: str | None, error_id: str) -> MessagingInsightsError:
    error = refusal.problem.error
    return InvalidRequestError(
        f"{what} {advice}" if advice else what,
        http_status=error.http_status,
        code=error.code,
        error_subcode=error.error_subcode,
        fbtrace_id=error.fbtrace_id,
        page_id=refusal.part.page_id,
        advice=advice,
        error_id=error_id,
    )
