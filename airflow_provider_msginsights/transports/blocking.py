"""Drives flows with requests and a small pool of threads: for Airflow's workers and for scripts."""

from __future__ import annotations

import time
from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar, cast

from airflow_provider_msginsights.insights.protocol import Emit, Receive, Send
from airflow_provider_msginsights.transports.bodies import BodyReader
from airflow_provider_msginsights.transports.clients import new_session, ssl_context
from airflow_provider_msginsights.transports.credentials import RunTokens
from airflow_provider_msginsights.transports.wire import Exchange, Wire, out_of_time, why_lost
from airflow_provider_msginsights.transports.workers import Crew, Job

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Self

    import requests

    from airflow_provider_msginsights.insights.protocol import Answer, Flow, Reply
    from airflow_provider_msginsights.insights.records import InsightsRecord, Records
    from airflow_provider_msginsights.transports.connections import Line
    from airflow_provider_msginsights.transports.credentials import Credentials
    from airflow_provider_msginsights.transports.settings import TransportSettings
    from airflow_provider_msginsights.transports.wire import Group, HttpAnswer, HttpCall, Lost

T = TypeVar("T")
_CHUNK_BYTES = 2**18


class BlockingTransport:
    """Runs flows over keep-alive connections, one session a thread. Close it, or use it in a ``with`` statement.

    Page tokens that a flow exchanged serve the later ones too.

    :param read_again: reads the connection again, for flows whose token was refused.
    :param clock: monotonic seconds; with ``sleep`` it lets tests wait without waiting.
    :param unix_clock: seconds since 1970, for timed proofs.
    """

    def __init__(
        self,
        settings: TransportSettings,
        credentials: Credentials,
        *,
        read_again: Callable[[], Credentials] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        unix_clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._tokens, self._read_again = settings, RunTokens(credentials), read_again
        self._clock, self._sleep, self._unix_clock = clock, sleep, unix_clock
        self._crew: Crew | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection and end what is under way; the transport can be used again."""
        crew, self._crew = self._crew, None
        if crew is not None:
            crew.close()

    @property
    def credentials(self) -> Credentials:
        """What the transport goes on with: the connection's credentials, or those a flow exchanged them for."""
        return self._tokens.credentials

    def use(self, credentials: Credentials) -> None:
        """Go on with other credentials; those before stay secret."""
        self._tokens.renew(credentials)

    def page_credentials(self, page_id: str) -> Credentials | None:
        """Return the credentials of a Page, where a flow was given its token."""
        return self._tokens.of_page(page_id)

    def run(self, flow: Flow[T]) -> T:
        """Return the flow's result; records it emits are dropped.

        :raises MessagingInsightsError: what the flow raises.
        """
        batches = self.batches(flow)
        while True:
            try:
                next(batches)
            except StopIteration as stop:
                return cast("T", stop.value)

    def records(self, flow: Flow[T]) -> Generator[InsightsRecord, None, T]:
        """Yield the flow's records one by one, as `batches` gives them; return its result."""
        batches = self.batches(flow)
        while True:
            try:
                batch = next(batches)
            except StopIteration as stop:
                return cast("T", stop.value)
            yield from batch

    def batches(self, flow: Flow[T]) -> Generator[Records, None, T]:
        """Yield the flow's records as they arrive, those of a reply together; return its result.

        While the consumer lags, nothing more is sent.

        :raises MessagingInsightsError: what the flow raises.
        """
        wire = Wire(self._settings, self._tokens, self._unix_clock)
        inbox = _Inbox(wire, self._fetch, self._clock, self._hired())
        answer: Answer = None
        try:
            while True:
                try:
                    step = flow.send(answer)
                except StopIteration as stop:
                    return cast("T", stop.value)
                answer = None
                if isinstance(step, Emit):
                    if step.records:
                        yield step.records
                elif isinstance(step, Send):
                    inbox.start(step)
                elif isinstance(step, Receive):
                    answer = inbox.next_reply(step.timeout_seconds, self._sleep)
                elif self._read_again is not None:
                    answer = self._tokens.renew(self._read_again())
        finally:
            flow.close()
            inbox.abandon()

    def _hired(self) -> Crew:
        if self._crew is None:
            ssl_context(self._settings)  # what is wrong with certificates and proxies shows here, before any thread
            settings = self._settings
            self._crew = Crew(settings.concurrency, lambda line: new_session(settings, line))
        return self._crew

    def _fetch(self, call: HttpCall, session: requests.Session, line: Line) -> HttpAnswer | Lost:
        """Make one call; what the HTTP library raises becomes a sentence of ours, since its own may hold secrets."""
        settings, left = self._settings, line.left_seconds
        try:
            with session.request(
                call.method,
                call.url,
                data=call.form,
                auth=call.sign,
                timeout=(min(settings.connect_timeout_seconds, left), min(settings.read_timeout_seconds, left)),
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = BodyReader(settings, answer.status_code, answer.headers)
                if body.wants_more:
                    all(body.takes(piece) for piece in answer.raw.stream(_CHUNK_BYTES, decode_content=False))
                return body.answer()
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - ValueError, UnicodeError, AttributeError: whatever a reply provokes
            return out_of_time(line.limit_seconds) if line.left_seconds <= 0 else why_lost(error, settings)


class _Inbox:
    """The calls of one run and the replies they bring."""

    def __init__(
        self,
        wire: Wire,
        fetch: Callable[[HttpCall, requests.Session, Line], HttpAnswer | Lost],
        clock: Callable[[], float],
        crew: Crew,
    ) -> None:
        self._wire, self._fetch, self._clock, self._crew = wire, fetch, clock, crew
        self._calls: dict[Job[Exchange], Group] = {}
        self._done: SimpleQueue[Job[Exchange]] = SimpleQueue()
        self._replies: deque[Reply] = deque()

    def start(self, send: Send) -> None:
        for group in self._wire.groups(send):
            job = Job(self._work(group), self._wire.limit_seconds(send, group), self._done.put)
            self._calls[job] = group
            self._crew.submit(job)

    def next_reply(self, timeout_seconds: float | None, sleep: Callable[[float], None]) -> Reply | None:
        if not self._replies:
            if not self._calls:
                sleep(timeout_seconds or 0.0)
                return None
            ends_at = None if timeout_seconds is None else time.monotonic() + timeout_seconds
            while not self._replies:
                patience = min(job.seconds_to_overdue for job in self._calls)
                if ends_at is not None:
                    patience = min(patience, max(0.0, ends_at - time.monotonic()))
                try:
                    job = self._done.get(timeout=patience)
                except Empty:
                    self._leave_overdue()
                    if not self._replies and ends_at is not None and time.monotonic() >= ends_at:
                        return None
                else:
                    if self._calls.pop(job, None) is not None:
                        self._replies.extend(self._wire.replies(job.result()))
        return self._replies.popleft()

    def _leave_overdue(self) -> None:
        """Give up the calls that not even their threads can end, such as one that hangs in looking up a name."""
        for job in [job for job in self._calls if not job.seconds_to_overdue]:
            group = self._calls.pop(job)
            self._crew.leave(job)
            lost = out_of_time(job.limit_seconds)
            self._replies.extend(self._wire.replies(Exchange(group, None, lost, self._clock(), lost.took_seconds)))

    def abandon(self) -> None:
        self._crew.leave(*self._calls)
        self._calls.clear()

    def _work(self, group: Group) -> Callable[[requests.Session, Line], Exchange]:
        def work(session: requests.Session, line: Line) -> Exchange:
            call, began = self._wire.call(group), self._clock()
            answer = self._fetch(call, session, line)
            ended = self._clock()
            return Exchange(group, call, answer, ended, ended - began)

        return work
