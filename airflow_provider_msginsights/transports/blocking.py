"""Drives flows with requests and a small pool of threads: for Airflow's workers and for scripts."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar, cast

from airflow_provider_msginsights.insights.steps import Emit, Receive, Send
from airflow_provider_msginsights.transports.clients import new_session
from airflow_provider_msginsights.transports.credentials import RunTokens
from airflow_provider_msginsights.transports.wire import BodyReader, Exchange, Wire, why_lost

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import Future
    from typing import Self

    import requests

    from airflow_provider_msginsights.insights.records import InsightsRecord, Records
    from airflow_provider_msginsights.insights.steps import Answer, Flow, Reply
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
        self._sessions: list[requests.Session] = []
        self._of_thread = threading.local()
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Whoever is being stopped, and no mere error, cannot wait for a server that may take two minutes to answer.
        self.close(wait=kind is None or issubclass(kind, Exception))

    def close(self, *, wait: bool = True) -> None:
        """Close every connection; the transport can be used again.

        :param wait: for what is under way; otherwise it ends by itself and is not read.
        """
        if self._pool is not None:
            self._pool.shutdown(wait=wait, cancel_futures=True)
        while self._sessions:
            self._sessions.pop().close()
        self._pool, self._of_thread = None, threading.local()

    def run(self, flow: Flow[T]) -> T:
        """The flow's result; records it emits are dropped.

        :raises MessagingInsightsError: what the flow raises.
        """
        batches = self.batches(flow)
        while True:
            try:
                next(batches)
            except StopIteration as stop:
                return cast("T", stop.value)

    def records(self, flow: Flow[T]) -> Generator[InsightsRecord, None, T]:
        """The flow's records one by one, as `batches` gives them; returns its result."""
        batches = self.batches(flow)
        while True:
            try:
                batch = next(batches)
            except StopIteration as stop:
                return cast("T", stop.value)
            yield from batch

    def batches(self, flow: Flow[T]) -> Generator[Records, None, T]:
        """The flow's records as they arrive, those of a reply together; returns its result.

        While the consumer lags, nothing more is sent.

        :raises MessagingInsightsError: what the flow raises.
        """
        inbox = _Inbox(Wire(self._settings, self._tokens, self._unix_clock), self._fetch, self._clock)
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
                    inbox.start(step, self._threads())
                elif isinstance(step, Receive):
                    answer = inbox.next_reply(step.timeout_seconds, self._sleep)
                elif self._read_again is not None:
                    answer = self._tokens.renew(self._read_again())
        finally:
            flow.close()
            inbox.abandon()

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._settings.concurrency, thread_name_prefix="msginsights")
        return self._pool

    def _session(self) -> requests.Session:
        if (session := getattr(self._of_thread, "session", None)) is None:
            session = self._of_thread.session = new_session(self._settings)
            self._sessions.append(session)
        return cast("requests.Session", session)

    def _fetch(self, call: HttpCall) -> HttpAnswer | Lost:
        import requests
        from urllib3.exceptions import HTTPError

        timeout = (self._settings.connect_timeout_seconds, self._settings.read_timeout_seconds)
        try:
            with self._session().request(
                call.method,
                call.url,
                data=call.form,
                auth=call.sign,
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = BodyReader(self._settings)
                all(body.takes(piece) for piece in answer.iter_content(_CHUNK_BYTES))
                return body.answer(answer.status_code, answer.headers)
        except (requests.RequestException, HTTPError) as error:
            return why_lost(error, self._settings)


class _Inbox:
    """The calls of one run and the replies they bring."""

    def __init__(self, wire: Wire, fetch: Callable[[HttpCall], HttpAnswer | Lost], clock: Callable[[], float]) -> None:
        self._wire, self._fetch, self._clock = wire, fetch, clock
        self._calls: set[Future[Exchange]] = set()
        self._done: SimpleQueue[Future[Exchange]] = SimpleQueue()
        self._replies: deque[Reply] = deque()

    def start(self, send: Send, threads: ThreadPoolExecutor) -> None:
        for group in self._wire.groups(send):
            call = threads.submit(self._exchange, group)
            self._calls.add(call)
            call.add_done_callback(self._done.put)

    def next_reply(self, timeout_seconds: float | None, sleep: Callable[[float], None]) -> Reply | None:
        if not self._replies:
            if not self._calls:
                sleep(timeout_seconds or 0.0)
                return None
            try:
                call = self._done.get(timeout=timeout_seconds)
            except Empty:
                return None
            self._calls.discard(call)
            self._replies.extend(self._wire.replies(call.result()))
        return self._replies.popleft()

    def abandon(self) -> None:
        for call in self._calls:
            call.cancel()

    def _exchange(self, group: Group) -> Exchange:
        call = self._wire.call(group)
        return Exchange(group, call, self._fetch(call), self._clock())
