"""Drives flows with httpx in one event loop: for Airflow's triggers."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, TypeVar, cast

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.protocol import Emit, Receive, Send
from airflow_provider_msginsights.transports.bodies import BodyReader
from airflow_provider_msginsights.transports.clients import new_request
from airflow_provider_msginsights.transports.credentials import RunTokens
from airflow_provider_msginsights.transports.sharing import OwnClient
from airflow_provider_msginsights.transports.silence import unlogged
from airflow_provider_msginsights.transports.wire import Exchange, Wire, out_of_time, why_lost

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from typing import Self

    import httpx

    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.protocol import Answer, Flow, Reply
    from airflow_provider_msginsights.insights.records import Records
    from airflow_provider_msginsights.transports.credentials import Credentials
    from airflow_provider_msginsights.transports.settings import TransportSettings
    from airflow_provider_msginsights.transports.sharing import Clients
    from airflow_provider_msginsights.transports.wire import Group, HttpAnswer, HttpCall, Lost


T = TypeVar("T")

_GRACE_SECONDS = 0.2


class NonblockingTransport:
    """Runs flows in the running event loop. Use it in an ``async with`` statement, or close it with `aclose`.

    :param client: where its HTTP client comes from; one of its own when left out.
    :param read_again: reads the connection again, for flows whose token was refused.
    :param clock: monotonic seconds; with ``sleep`` it lets tests wait without waiting.
    :param unix_clock: seconds since 1970, for timed proofs.
    """

    def __init__(
        self,
        settings: TransportSettings,
        credentials: Credentials,
        *,
        client: Clients | None = None,
        read_again: Callable[[], Awaitable[Credentials]] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        unix_clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._credentials, self._read_again = settings, credentials, read_again
        self._clock, self._sleep, self._unix_clock = clock, sleep, unix_clock
        self._client = client or OwnClient(settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Give its HTTP client up; with one of its own the transport can be used again."""
        await self._client.aclose()

    async def run(self, flow: Flow[T], on_records: Callable[[Records], Awaitable[None]] | None = None) -> T:
        """Return the flow's result.

        :param on_records: awaited with records as they arrive; until it returns nothing more is sent.
        :raises MessagingInsightsError: what the flow raises.
        """
        tokens = RunTokens(self._credentials)
        inbox = _Inbox(Wire(self._settings, tokens, self._unix_clock), self._fetch, self._clock, self._settings)
        answer: Answer = None
        try:
            while True:
                try:
                    step = flow.send(answer)
                except StopIteration as stop:
                    return cast("T", stop.value)
                answer = None
                if isinstance(step, Emit):
                    if on_records is not None:
                        await on_records(step.records)
                elif isinstance(step, Send):
                    inbox.start(step)
                elif isinstance(step, Receive):
                    answer = await inbox.next_reply(step.timeout_seconds, self._sleep)
                elif self._read_again is not None:
                    answer = tokens.renew(await self._read_again())
                    self._credentials = tokens.credentials
        finally:
            flow.close()
            await inbox.abandon()

    async def _fetch(self, call: HttpCall, limit_seconds: float) -> HttpAnswer | Lost:
        """Make one call; what the HTTP library raises becomes a sentence of ours, since its own may hold secrets."""
        settings, loop = self._settings, asyncio.get_running_loop()
        # Each stage ends by itself where it can: a handshake that is cancelled leaves its socket open.
        read_seconds = min(settings.read_timeout_seconds, limit_seconds)
        connect_seconds = min(settings.connect_timeout_seconds, limit_seconds)
        timeout = {"connect": connect_seconds, "read": read_seconds, "write": read_seconds, "pool": read_seconds}
        ends_at = float("inf")
        try:
            with unlogged(), self._client.use() as line:
                ends_at = loop.time() + limit_seconds
                async with asyncio.timeout_at(ends_at + _GRACE_SECONDS):
                    answer = await line.handle_async_request(new_request(call, timeout))
                    stream = cast("httpx.AsyncByteStream", answer.stream)
                    try:
                        body = BodyReader(settings, answer.status_code, answer.headers)
                        if body.wants_more:
                            async for piece in stream:
                                if not body.takes(piece):
                                    break
                    finally:
                        await stream.aclose()
            return body.answer()
        except (ConfigurationError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - ValueError, UnicodeError, AttributeError: whatever a reply provokes
            return out_of_time(limit_seconds) if loop.time() >= ends_at else why_lost(error, settings)


class _Inbox:
    """The calls of one run and the replies they bring."""

    def __init__(
        self,
        wire: Wire,
        fetch: Callable[[HttpCall, float], Awaitable[HttpAnswer | Lost]],
        clock: Callable[[], float],
        settings: TransportSettings,
    ) -> None:
        self._wire, self._fetch, self._clock = wire, fetch, clock
        self._turns = asyncio.Semaphore(settings.concurrency)
        self._calls: set[asyncio.Task[Exchange]] = set()
        self._done: asyncio.Queue[asyncio.Task[Exchange]] = asyncio.Queue()
        self._replies: deque[Reply] = deque()

    def start(self, send: Send) -> None:
        for group in self._wire.groups(send):
            call = asyncio.create_task(self._exchange(group, self._wire.limit_seconds(send, group)))
            self._calls.add(call)
            call.add_done_callback(self._done.put_nowait)

    async def next_reply(
        self, timeout_seconds: float | None, sleep: Callable[[float], Awaitable[None]]
    ) -> Reply | None:
        if not self._replies:
            if not self._calls:
                await sleep(timeout_seconds or 0.0)
                return None
            try:
                # Not wait_for, which in Python 3.11 forgets a cancellation that comes with the reply.
                async with asyncio.timeout(timeout_seconds):
                    call = await self._done.get()
            except TimeoutError:
                return None
            self._calls.discard(call)
            self._replies.extend(self._wire.replies(call.result()))
        return self._replies.popleft()

    async def abandon(self) -> None:
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _exchange(self, group: Group, limit_seconds: float) -> Exchange:
        async with self._turns:
            call, began = self._wire.call(group), self._clock()
            answer = await self._fetch(call, limit_seconds)
            ended = self._clock()
            return Exchange(group, call, answer, ended, ended - began)


async def iterate(transport: NonblockingTransport, flow: Flow[FetchOutcome]) -> AsyncGenerator[Records | FetchOutcome]:
    """Give the flow's records in the groups they arrive in, and its outcome last.

    While the consumer lags, nothing more is requested; when it stops early, what is under way is given up.

    :raises MessagingInsightsError: what the flow raises.
    """
    arrived: asyncio.Queue[Records | None] = asyncio.Queue(maxsize=1)
    run = asyncio.create_task(transport.run(flow, on_records=arrived.put))

    async def end() -> None:
        await asyncio.wait((run,))
        await arrived.put(None)

    ended = asyncio.create_task(end())
    try:
        while (records := await arrived.get()) is not None:
            yield records
        yield run.result()
    finally:
        for task in (run, ended):
            task.cancel()
        await asyncio.gather(run, ended, return_exceptions=True)
