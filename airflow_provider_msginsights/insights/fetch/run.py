"""One run over the slices of a query: settles tokens, refused metrics and sizes; records leave as they arrive."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    InvalidRequestError,
    MessagingInsightsError,
    RateLimitError,
    ResponseFormatError,
    RetriableGraphAPIError,
    TransportError,
)
from airflow_provider_msginsights.insights.fetch.metric_isolation import MetricIsolation
from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome, Paused
from airflow_provider_msginsights.insights.fetch.page_tokens import exchange_tokens, list_tokens
from airflow_provider_msginsights.insights.fetch.pending_slices import PendingSlices
from airflow_provider_msginsights.insights.fetch.request_size import RequestSize
from airflow_provider_msginsights.insights.fetch.scheduler import Scheduler
from airflow_provider_msginsights.insights.fetch.token_owner import (
    NO_PERMISSION,
    may_be_of_another_page,
    of_another_page,
    page_of_token,
)
from airflow_provider_msginsights.insights.graph.error_table import Problem, Remedy
from airflow_provider_msginsights.insights.graph.record_parser import RecordParser
from airflow_provider_msginsights.insights.protocol import Emit, RefreshToken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_msginsights.insights.fetch.metric_isolation import Ruling
    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.fetch.scheduler import RequestOutcome
    from airflow_provider_msginsights.insights.protocol import Flow, Request
    from airflow_provider_msginsights.insights.query import InsightsQuery, Slice


class FetchRun:
    """Drives every slice to one of its ends: answered, empty, paused, unanswered, or its metric refused.

    :param answered: slices that were answered before this run: whoever answered is not refused.
    """

    def __init__(
        self,
        query: InsightsQuery,
        slices: Iterable[Slice],
        policy: RetryPolicy,
        *,
        exchange_first: bool = False,
        answered: Iterable[Slice] = (),
    ) -> None:
        self._query = query
        self._policy = policy
        self._exchange_first = exchange_first
        self._scheduler = Scheduler(policy)
        self._parser = RecordParser(query)
        self._pending = PendingSlices()
        self._isolation = MetricIsolation(query.metrics)
        self._request_size = RequestSize(query)
        self._spent_on_heavy: dict[str, float] = {}
        self._pages_with_token: set[str] = set()
        self._has_renewed = False
        self._stopped_by: MessagingInsightsError | None = None
        self._page_failures: dict[str, MessagingInsightsError] = {}
        self._lost_pages: set[str] = set()
        self._pages_without_insights: dict[str, MessagingInsightsError] = {}
        self._answered: list[Slice] = []
        self._empty: list[Slice] = []
        self._unanswered: list[Slice] = []
        self._paused: list[Paused] = []
        self._dropped: Counter[str] = Counter()
        self._api_versions: set[str] = set()
        before = tuple(answered)
        for part in before:
            self._isolation.answer(part)
        self._was_answered = bool(before)
        self._queue(slices)

    def run(self) -> Flow[FetchOutcome]:
        """Ask for everything.

        :raises MessagingInsightsError: what stopped the run, if nothing at all was answered before.
        """
        page_ids = tuple(dict.fromkeys(part.page_id for part in self._pending))
        if self._exchange_first and len(page_ids) > 1:
            yield from self._list_page_tokens(page_ids)
        while self._stopped_by is None and (outcome := (yield from self._scheduler.next())) is not None:
            yield from self._settle(outcome)
        if self._stopped_by is not None:
            yield from self._read_what_is_under_way()
        self._decide_what_is_undecided()
        yield from self._name_owner_of_token()
        if self._stopped_by is not None and not (self._answered or self._empty or self._was_answered):
            raise self._stopped_by
        return FetchOutcome(
            query=self._query,
            answered=tuple(self._answered),
            empty=tuple(self._empty),
            unanswered=(*self._unanswered, *self._pending),
            paused=Paused.joined(self._paused),
            page_failures={page: self._page_failures[page] for page in page_ids if page in self._page_failures},
            pages_without_insights=self._pages_without_insights,
            unavailable_metrics=self._isolation.everywhere(),
            page_unavailable_metrics=self._isolation.on_page(),
            stopped_by=self._stopped_by,
            counts=self._scheduler.counts,
            dropped=self._dropped,
            api_versions=frozenset(self._api_versions),
            peak_usage_percent=self._scheduler.pacing.peak_usage_percent,
            throttled_seconds=self._scheduler.throttled_seconds,
        )

    def _queue(self, slices: Iterable[Slice]) -> None:
        """Have slices asked, less what is known to be refused, in sizes known to be accepted."""
        for one in slices:
            if one.page_id in self._lost_pages:
                self._unanswered.append(one)
                continue
            part, confirmations = self._isolation.split(one)
            for kept in (part, *confirmations) if part.metrics else confirmations:
                pieces = [self._request(piece) for piece in self._request_size.cut(kept)]
                self._scheduler.add(pieces, spent_seconds=self._spent_on_heavy.get(kept.page_id, 0.0))

    def _request(self, part: Slice) -> Request:
        request = self._query.request(part)
        self._pending.add(request, part)
        return request

    def _recut_what_waits(self, page_id: str | None = None) -> None:
        """Apply to the queue what was learned since: metrics refused, Pages lost, sizes accepted.

        :param page_id: the only Page that it was learned of; looking at all of them for each of many would take long.
        """
        if page_id is None:
            waiting = self._scheduler.waiting
        else:
            waiting = tuple(filter(self._scheduler.is_waiting, self._pending.requests_of(page_id)))
        stale = [request for request in waiting if not self._is_fit(self._pending[request])]
        self._scheduler.drop(stale)
        self._queue([self._pending.pop(request) for request in stale])

    def _is_fit(self, part: Slice) -> bool:
        is_refused = len(part.metrics) > 1 and bool(self._isolation.among(part))
        return self._request_size.fits(part) and part.page_id not in self._lost_pages and not is_refused

    def _settle(self, outcome: RequestOutcome) -> Flow[None]:
        part = self._pending.pop(outcome.request)
        if outcome.api_version:
            self._api_versions.add(outcome.api_version)
        if outcome.pause_seconds is not None:
            error = outcome.problem.error if outcome.problem else None
            self._paused.append(Paused(part, outcome.pause_seconds, error))
            self._apply(self._isolation.give_up(part))
        elif outcome.document is not None:
            yield from self._read(part, outcome.document)
        elif outcome.problem is not None:
            yield from self._remedy(part, outcome, outcome.problem)

    def _read(self, part: Slice, document: dict[str, object]) -> Flow[None]:
        try:
            parsed = self._parser.parse(document, part)
        except ResponseFormatError as error:
            self._fail(part, Problem(error, Remedy.STOP))
            return
        self._dropped.update(parsed.dropped)
        self._spent_on_heavy.pop(part.page_id, None)
        if parsed.answered == part.metrics:
            self._answered.append(part)
        else:
            self._answered += [part.of(parsed.answered)] if parsed.answered else []
            self._empty.append(part.without(parsed.answered))
        self._apply(self._isolation.answer(part))
        if parsed.records:
            self._scheduler.counts["records"] += len(parsed.records)
            yield Emit(parsed.records, self._scheduler.progress, self._pending.first_day)

    def _remedy(self, part: Slice, outcome: RequestOutcome, problem: Problem) -> Flow[None]:
        match problem.remedy:
            case Remedy.PAGE_TOKEN:
                yield from self._get_page_tokens(part, outcome, problem)
            case Remedy.NEW_TOKEN:
                yield from self._renew_token(part, outcome.epoch, problem)
            case Remedy.ISOLATE:
                yield from self._isolate(part, problem)
            case Remedy.SHRINK | Remedy.RETRY_THEN_SHRINK:
                self._shrink(part, problem, outcome.request)
            case Remedy.NO_DATA:
                self._pages_without_insights[part.page_id] = problem.error
                self._empty.append(part)
                self._apply(self._isolation.answer(part))
            case _:
                self._fail(part, problem)

    def _fail(self, part: Slice, problem: Problem) -> None:
        """Give a slice up; with a hard error all of its Page, or the run."""
        self._unanswered.append(part)
        if problem.scope == "run":
            self._stopped_by = self._stopped_by or problem.error
            return
        self._page_failures.setdefault(part.page_id, problem.error)
        if isinstance(problem.error, (RetriableGraphAPIError, TransportError, ResponseFormatError)):
            self._apply(self._isolation.give_up(part))
        else:
            self._lose((part.page_id,))

    def _lose(self, page_ids: Iterable[str]) -> None:
        """Ask nothing more of Pages that failed for good."""
        self._lost_pages.update(page_ids)
        for page_id in page_ids:
            self._apply(self._isolation.lose(page_id))
            self._recut_what_waits(page_id)

    def _apply(self, ruling: Ruling) -> None:
        """Do what follows from the refusal, or the answer, of single metrics."""
        self._unanswered += ruling.failed
        if ruling.error is not None:
            page_id = ruling.failed[0].page_id
            self._page_failures.setdefault(page_id, ruling.error)
            if not self._isolation.has_answered(page_id):
                self._lose((page_id,))
        self._queue(ruling.ask)
        if ruling.found_on is not None:
            self._recut_what_waits(None if ruling.found_for_all else ruling.found_on)

    # The end

    def _read_what_is_under_way(self) -> Flow[None]:
        """Keep what other Pages answer to requests that were sent before the run was stopped."""
        while (outcome := (yield from self._scheduler.next_under_way())) is not None:
            if outcome.document is not None:
                yield from self._settle(outcome)

    def _decide_what_is_undecided(self) -> None:
        """Settle single refusals of Pages that never answered; of paused Pages more is to be heard later."""
        waits = {one.part.page_id: one for one in self._paused}
        for ruling in self._isolation.finish():
            paused = waits.get(ruling.failed[0].page_id) if ruling.failed else None
            if paused is not None and self._stopped_by is None:
                self._paused += [replace(paused, part=part) for part in ruling.failed]
            else:
                self._apply(ruling)
        if self._stopped_by is not None:
            for part in (*self._unanswered, *self._pending):
                self._page_failures.setdefault(part.page_id, self._stopped_by)

    # What helps: tokens, single metrics, smaller requests

    def _name_owner_of_token(self) -> Flow[None]:
        """Name the Page that the connection's token belongs to, where others were refused because of that.

        Who answers to the connection's token without an exchange is its Page. Where nobody did, it costs one call.
        """
        refused = {
            page_id: error
            for page_id, error in self._page_failures.items()
            if page_id not in self._pages_with_token and may_be_of_another_page(error)
        }
        if not refused or self._was_answered or self._stopped_by is not None:
            return
        answering = {part.page_id for part in (*self._answered, *self._empty)}
        if answering:
            owner = next(iter(answering)) if len(answering) == 1 and not self._pages_with_token else None
        elif any(error.code == NO_PERMISSION for error in refused.values()):
            self._scheduler.counts["calls"] += 1
            owner = yield from page_of_token(self._policy)
        else:
            return
        self._page_failures |= {
            page_id: of_another_page(error, page_id=page_id, owner=owner)
            for page_id, error in refused.items()
            if owner is not None and owner != page_id
        }

    def _list_page_tokens(self, page_ids: tuple[str, ...]) -> Flow[None]:
        """Begin with the tokens of several Pages; of Pages that are not listed the reading shows what is wrong."""
        try:
            self._pages_with_token |= yield from list_tokens(self._scheduler, page_ids)
        except AuthenticationError as error:
            if not self._has_renewed:
                self._has_renewed = True
                if (yield RefreshToken()) is True:
                    yield from self._list_page_tokens(page_ids)
                    return
            self._stopped_by = error
        except RateLimitError as error:
            self._pause_all(error)
        except MessagingInsightsError as error:
            self._stopped_by = error

    def _get_page_tokens(self, part: Slice, outcome: RequestOutcome, problem: Problem) -> Flow[None]:
        """Exchange the connection's token for those of all Pages still to be read, the first time one is demanded."""
        page_ids = tuple(
            dict.fromkeys(one.page_id for one in (part, *self._pending) if one.page_id not in self._pages_with_token)
        )
        if part.page_id in self._pages_with_token:
            if outcome.epoch < self._scheduler.epoch:
                self._queue([part])
            elif self._scheduler.again(outcome):
                self._pending.add(outcome.request, part)
            else:
                self._fail(part, problem)
            return
        try:
            without_token = yield from exchange_tokens(self._scheduler, page_ids)
        except AuthenticationError as error:
            yield from self._renew_token(part, outcome.epoch, Problem(error, Remedy.NEW_TOKEN, "run"))
            return
        except RateLimitError as error:
            self._pause_all(error, part)
            return
        except MessagingInsightsError as error:
            self._fail(part, Problem(error, Remedy.STOP, "run"))
            return
        self._scheduler.epoch += 1
        self._pages_with_token.update(page_ids)
        self._page_failures |= without_token
        if without_token:
            self._lose(without_token)
        self._queue([part])

    def _pause_all(self, error: RateLimitError, *parts: Slice) -> None:
        waiting = self._scheduler.waiting
        self._scheduler.drop(waiting)
        for one in (*parts, *(self._pending.pop(request) for request in waiting)):
            self._paused.append(Paused(one, error.retry_after_seconds or 0.0, error))

    def _renew_token(self, part: Slice, epoch: int, problem: Problem) -> Flow[None]:
        """Go on with the token the connection holds now, if it is another one: it may have been rotated meanwhile."""
        if epoch < self._scheduler.epoch:
            self._queue([part])
            return
        if not self._has_renewed:
            self._has_renewed = True
            if (yield RefreshToken()) is True:
                self._scheduler.epoch += 1
                self._scheduler.probe_first()
                self._pages_with_token.clear()
                self._queue([part])
                return
        is_of_page = part.page_id in self._pages_with_token and not problem.concerns_app
        self._fail(part, replace(problem, scope="page" if is_of_page else "run"))

    def _isolate(self, part: Slice, problem: Problem) -> Flow[None]:
        """Find the metrics a request is refused for by asking one by one; their answers stand for the refused one.

        Nothing else is asked until some are found; Pages that still refuse later are searched with the others.
        """
        if len(part.metrics) == 1:
            self._apply(self._isolation.refuse(part, problem))
        elif self._isolation.among(part):
            self._queue([part])
        else:
            probes = [self._request(one) for one in self._isolation.search(part)]
            if self._isolation.has_judge:
                self._scheduler.add(probes)
                return
            for outcome in (yield from self._scheduler.ask(probes)):
                yield from self._settle(outcome)

    def _shrink(self, part: Slice, problem: Problem, request: Request) -> None:
        """Ask for less, one request alone until a size is accepted; the smaller ones have the time that it left."""
        spent = max(self._spent_on_heavy.get(part.page_id, 0.0), self._scheduler.spent_seconds(request))
        self._spent_on_heavy[part.page_id] = spent
        if spent > self._policy.total_seconds > 0:
            self._fail(part, problem)
            return
        if self._request_size.fits(part):  # otherwise less is requested already, since it was sent
            of_all = self._request_size.of_all
            days_only = isinstance(problem.error, InvalidRequestError)
            if not self._request_size.shrink(part, days_only=days_only):
                self._fail(part, problem)
                self._lose((part.page_id,))
                return
            self._apply(self._isolation.give_up(part))
            self._scheduler.probe_first(part.page_id)
            self._recut_what_waits(part.page_id if self._request_size.of_all == of_all else None)
        self._queue([part])
