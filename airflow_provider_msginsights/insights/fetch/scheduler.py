"""Requests -> outcomes: sends them, hears the replies, and settles alone whatever only needs time.

Back-off, limits and pacing live here, so the flows above see one `RequestOutcome` a request: a document, a problem
that waiting cannot solve, or a wait longer than the policy allows. Three ideas carry it:

* A **gate** closes a Page, or the whole run, until a moment. Nothing is sent to what is closed; nothing else is held
  up.
* **Probe first**: what was just limited, and every run at its start, sends one request at a time until one is
  answered. What that one is refused for, a token or a limit, would refuse the others too, and refused calls count.
* Requests leave in groups worth a batch, and no more are under way than the policy says, which bounds memory.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.fetch.throttle import ALL_PAGES, Pacing, Throttle
from airflow_provider_msginsights.insights.graph.batch import MAX_PARTS
from airflow_provider_msginsights.insights.graph.error_table import Problem, Remedy
from airflow_provider_msginsights.insights.graph.replies import read_reply
from airflow_provider_msginsights.insights.graph.usage_headers import answered_version, read_usage
from airflow_provider_msginsights.insights.protocol import Emit, Progress, Receive, Reply, Send
from airflow_provider_msginsights.insights.records import Records

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.protocol import Flow, Request

_LONG_AGO = float("-inf")
_TRIES_BEFORE_SHRINKING = 2
_LEAST_THROTTLE_SECONDS = 1.0  # a gate closed for no time at all would be run against for ever
_ASKS_FOR_LESS = (Remedy.SHRINK, Remedy.RETRY_THEN_SHRINK)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOutcome:
    """What became of a request: a document, a problem, or a pause.

    :param problem: why there is no document; with a pause, the refusal that demanded it, if there was one.
    :param pause_seconds: how long to stay away, when that is longer than the policy waits.
    :param epoch: of the credentials the request was sent with.
    :param api_version: the version that answered.
    """

    request: Request
    document: dict[str, object] | None = None
    problem: Problem | None = None
    pause_seconds: float | None = None
    epoch: int = 0
    api_version: str | None = None


@dataclass(frozen=True, slots=True)
class _Sent:
    epoch: int
    batch_limit: int


class Scheduler:
    """The requests of one run: ready, parked until a moment, under way, settled."""

    def __init__(self, policy: RetryPolicy) -> None:
        self.epoch = 0
        self.counts: Counter[str] = Counter()
        self._policy = policy
        self._now = _LONG_AGO
        self._ready: dict[Request, None] = {}
        self._parked: dict[Request, float] = {}
        self._in_flight: dict[Request, _Sent] = {}
        self._settled: deque[RequestOutcome] = deque()
        self._set_aside = 0
        self._reported = 0
        self._attempts: Counter[Request] = Counter()
        self._waited: dict[Request, float] = {}
        self._throttle = Throttle(policy.wait_bound_seconds)
        self.pacing = Pacing(policy, self._throttle)
        self._probing: set[str | None] = {ALL_PAGES}
        self._backoffs: dict[int, float] = {}
        self._batch_limit = MAX_PARTS
        self._was_answered = False
        self._pages: set[str | None] = set()

    def add(self, requests: Iterable[Request], *, spent_seconds: float = 0.0) -> None:
        """Queue requests that are new, or whose failed tries no longer count.

        :param spent_seconds: time that is taken from theirs, since they stand for a request that took it.
        """
        for request in requests:
            self._ready[request] = None
            self._pages.add(request.page_id)
            self._forget(request)
            if spent_seconds:
                self._waited[request] = spent_seconds

    def spent_seconds(self, request: Request) -> float:
        """Return how long the failed tries of a request and the waits between them took."""
        return self._waited.get(request, 0.0)

    def probe_first(self, page_id: str | None = ALL_PAGES) -> None:
        """Send one request at a time, and one of the Page, until one is answered."""
        self._probing |= {ALL_PAGES, page_id}

    @property
    def waiting(self) -> tuple[Request, ...]:
        """Everything queued and not under way."""
        return (*self._ready, *self._parked)

    def is_waiting(self, request: Request) -> bool:
        """Return whether a request is queued and not under way."""
        return request in self._ready or request in self._parked

    def drop(self, requests: Iterable[Request]) -> None:
        """Take waiting requests back out of the queue."""
        for request in requests:
            self._ready.pop(request, None)
            self._parked.pop(request, None)

    def _forget(self, request: Request) -> None:
        self._attempts.pop(request, None)
        self._waited.pop(request, None)

    def again(self, outcome: RequestOutcome) -> bool:
        """Queue a refused request once more after a back-off, if the policy allows another try."""
        return self._back_off(outcome.request, outcome.problem)

    def next(self) -> Flow[RequestOutcome | None]:
        """Return the next outcome, in the order replies arrive; ``None`` when nothing is left."""
        while not self._settled:
            self._give_back_what_waits_too_long()
            if ready := self._take_sendable():
                yield Send(ready, self._batch_limit, self._time_left(ready))
            if self._settled:
                break
            if not (self._in_flight or self._ready or self._parked):
                return None
            yield from self._hear()
        self._reported += 1
        return self._settled.popleft()

    def next_under_way(self) -> Flow[RequestOutcome | None]:
        """Return the next outcome of what was sent already; nothing more is sent, nor waited for."""
        while not self._settled and self._in_flight:
            yield from self._hear()
        self._reported += bool(self._settled)
        return self._settled.popleft() if self._settled else None

    def ask(self, requests: Iterable[Request]) -> Flow[tuple[RequestOutcome, ...]]:
        """Return the outcomes of these requests, sent ahead of the queue; what else arrives is kept for `next`."""
        asked = dict.fromkeys(requests)
        ready, parked, kept = self._ready, self._parked, self._settled
        self._ready, self._parked, self._settled = {}, {}, deque()
        self._set_aside, kept_before = len(ready) + len(parked), len(kept)
        self.add(asked)
        mine: list[RequestOutcome] = []
        while len(mine) < len(asked) and (outcome := (yield from self.next())) is not None:
            (mine if outcome.request in asked else kept).append(outcome)
        self._ready = ready | self._ready
        self._parked = parked | self._parked
        self._settled, self._set_aside = kept, 0
        self._reported -= len(kept) - kept_before  # `next` reports these again
        return tuple(mine)

    @property
    def progress(self) -> Progress:
        """How many of all requests are settled, and what is closed."""
        outstanding = len(self._ready) + len(self._parked) + len(self._in_flight) + len(self._settled)
        planned = self._reported + outstanding + self._set_aside
        return Progress(settled=self._reported, planned=planned, closed=self._throttle.closed(self._now))

    @property
    def throttled_seconds(self) -> float:
        """For how long a limit, or the nearness of one, kept a Page or the whole run from being asked."""
        return max(0.0, self._throttle.closed_seconds(self._now))

    # Sending

    def _take_sendable(self) -> tuple[Request, ...]:
        """Return what may be sent now, unless waiting for more of it gives a better batch."""
        self._release_parked()
        room = (1 if ALL_PAGES in self._probing else self.pacing.window) - len(self._in_flight)
        enough = min(MAX_PARTS, len(self._ready)) if self._in_flight else 1
        if room < max(enough, 1) or not self._throttle.is_open(ALL_PAGES, self._now):
            return ()
        sendable = self._open_requests(room)
        for request in sendable:
            del self._ready[request]
            self._in_flight[request] = _Sent(self.epoch, self._batch_limit)
            self._attempts[request] += 1
            self.counts["retries"] += self._attempts[request] > 1
        self.counts["calls"] += len(sendable)
        return sendable

    def _time_left(self, requests: Iterable[Request]) -> dict[Request, float]:
        left = {one: self._policy.time_left(self._waited.get(one, 0.0)) for one in requests}
        return {one: seconds for one, seconds in left.items() if seconds is not None}

    def _release_parked(self) -> None:
        due = [request for request, at in self._parked.items() if at <= self._now]
        if due:
            self._ready = dict.fromkeys((*due, *self._ready))
        for request in due:
            del self._parked[request]

    def _open_requests(self, room: int) -> tuple[Request, ...]:
        busy_pages = {request.page_id for request in self._in_flight} if self._probing else set()
        chosen: list[Request] = []
        for request in self._ready:
            page_id = request.page_id
            if not self._throttle.is_open(page_id, self._now) or (page_id in self._probing and page_id in busy_pages):
                continue
            busy_pages.add(page_id)
            chosen.append(request)
            if len(chosen) == room:
                break
        return tuple(chosen)

    # Hearing

    def _hear(self) -> Flow[None]:
        moments = (*self._parked.values(), *self._throttle.openings())
        wake = min((moment for moment in moments if moment > self._now), default=None)
        if not self._in_flight:
            yield Emit(Records(), self.progress)  # nothing happens until then
        answer = yield Receive(None if wake is None else wake - self._now)
        if isinstance(answer, Reply):
            self._now = max(self._now, answer.at_seconds)
            self._judge(answer)
        elif wake is not None:
            self._now = wake

    def _judge(self, reply: Reply) -> None:
        request, judged = reply.request, read_reply(reply)
        sent = self._in_flight.pop(request)
        failed_whole = isinstance(judged, Problem) and (reply.shared or reply.response is None)
        if failed_whole and sent.batch_limit == self._batch_limit:
            self._batch_limit = max(1, self._batch_limit // 2)
        self._waited[request] = self._waited.get(request, 0.0) + reply.took_seconds
        headers = reply.response.headers if reply.response else {}
        self._was_answered |= reply.response is not None
        if isinstance(judged, Problem):
            self._solve(request, judged, sent)
        else:
            self._probing -= {ALL_PAGES, request.page_id}
            self._forget(request)
            version = answered_version(headers)
            self._settled.append(
                RequestOutcome(request=request, document=judged, epoch=sent.epoch, api_version=version)
            )
        self._probing |= self.pacing.heed(read_usage(headers, request.page_id), request.page_id, self._pages, self._now)

    def _solve(self, request: Request, problem: Problem, sent: _Sent) -> None:
        """Wait where waiting helps; otherwise the outcome is the problem."""
        if problem.remedy is Remedy.WAIT:
            self._stay_away(request, problem)
            return
        if self._was_answered and problem.remedy not in _ASKS_FOR_LESS:
            self._probing.discard(ALL_PAGES)
        first_tries = self._attempts[request] < _TRIES_BEFORE_SHRINKING
        retry = problem.remedy is Remedy.RETRY or (problem.remedy is Remedy.RETRY_THEN_SHRINK and first_tries)
        if retry and self._back_off(request, problem):
            return
        if not self._was_answered:
            problem = replace(problem, scope="run")
        self._settled.append(RequestOutcome(request=request, problem=problem, epoch=sent.epoch))

    # Waiting

    def _back_off(self, request: Request, problem: Problem | None) -> bool:
        """Park a request; those that fail on the same try wait together, so that they can share a batch."""
        attempt = self._attempts[request]
        at = self._now + ((problem and problem.error.retry_after_seconds) or 0.0)
        if at <= self._now and (at := self._backoffs.get(attempt, _LONG_AGO)) <= self._now:
            at = self._backoffs[attempt] = self._now + self._policy.backoff_seconds(attempt)
        wait = at - self._now
        if not self._policy.allows(attempt, self._waited.get(request, 0.0) + wait):
            return False
        if wait > self._policy.wait_bound_seconds:
            self._settled.append(RequestOutcome(request=request, problem=problem, pause_seconds=wait, epoch=self.epoch))
        else:
            self._park(request, wait)
            if not self._was_answered:
                self._throttle.close(
                    ALL_PAGES, self._now, wait
                )  # nobody seems to be there: nothing else is worth trying meanwhile
        return True

    def _stay_away(self, request: Request, problem: Problem) -> None:
        scope = ALL_PAGES if problem.scope == "run" else request.page_id
        attempt = self._attempts[request]
        wait = problem.error.retry_after_seconds or self._policy.throttle_wait_seconds(attempt)
        wait = max(wait, _LEAST_THROTTLE_SECONDS)
        self._probing.add(scope)
        given_up = not self._policy.allows(attempt, self._waited.get(request, 0.0) + wait)
        self._throttle.close(scope, self._now, wait, problem, given_up=given_up)
        self._park(request, wait)

    def _park(self, request: Request, wait: float) -> None:
        self._waited[request] = self._waited.get(request, 0.0) + wait
        self._parked[request] = self._now + wait

    def _give_back_what_waits_too_long(self) -> None:
        for scope, gate in self._throttle.closed_too_long(self._now):
            wait = gate.until - self._now
            given_back = [one for one in self.waiting if scope in (ALL_PAGES, one.page_id)]
            self.drop(given_back)
            self._settled.extend(
                RequestOutcome(request=request, problem=gate.problem, pause_seconds=wait, epoch=self.epoch)
                for request in given_back
            )
