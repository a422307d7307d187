"""HTTP clients: a transport's own, and one that all triggers of an event loop share.

A thousand triggers that each opened a connection at each poll would spend their time on TLS handshakes.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeAlias
from weakref import WeakKeyDictionary

from airflow_provider_msginsights.transports.clients import new_line

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from contextlib import AbstractContextManager

    import httpx

    from airflow_provider_msginsights.transports.settings import TransportSettings

IDLE_SECONDS = 5.0
"""A shared client that nobody used for so long is closed, and opened again by the next poll."""


class Clients(Protocol):
    """Where a transport gets its HTTP client from."""

    def use(self) -> AbstractContextManager[httpx.AsyncHTTPTransport]:
        """Return a line for one call."""

    async def aclose(self) -> None:
        """Do without one from here on."""


class OwnClient:
    """The lines of one transport, made when they are first needed.

    Each has one network connection: httpx looks through all that it holds together several times at every call. The
    line that was used last is used next, so that there are no more than calls at a time.
    """

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._free: list[httpx.AsyncHTTPTransport] = []
        self._open: set[httpx.AsyncHTTPTransport] = set()
        self._used: set[httpx.AsyncHTTPTransport] = set()

    @contextmanager
    def use(self) -> Iterator[httpx.AsyncHTTPTransport]:
        """Give a line."""
        if self._free:
            line = self._free.pop()
        else:
            line = new_line(self._settings)
            self._open.add(line)
        try:
            yield line
        finally:
            if line in self._open:
                self._used.add(line)
                self._free.append(line)

    async def aclose_unused(self) -> None:
        """Close the lines that no call ended on since the last time."""
        used, self._used = self._used, set()
        unused = [line for line in self._free if line not in used]
        self._free = [line for line in self._free if line in used]
        self._open.difference_update(unused)
        for line in unused:
            await line.aclose()

    async def aclose(self) -> None:
        """Close every connection; the next use makes others."""
        lines, self._open, self._free, self._used = self._open, set(), [], set()
        for line in lines:
            await line.aclose()


class _Shared:
    """One client for all that speak with one host in the same way; it holds no token."""

    def __init__(self, settings: TransportSettings) -> None:
        self.holders = 0
        self._own = OwnClient(settings)
        self._calls = 0
        self._was_used = False
        self._look: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None

    @contextmanager
    def use(self) -> Iterator[httpx.AsyncHTTPTransport]:
        self._was_used = True
        self._look = self._look or asyncio.get_running_loop().call_later(IDLE_SECONDS, self._close_if_idle)
        self._calls += 1
        try:
            with self._own.use() as line:
                yield line
        finally:
            self._calls -= 1

    def _close_if_idle(self) -> None:
        """Look again as long as the client is used; one timer, and not one for each call."""
        loop = asyncio.get_running_loop()
        if self._was_used or self._calls:
            self._was_used = False
            self._look = loop.call_later(IDLE_SECONDS, self._close_if_idle)
            if self._closing is None or self._closing.done():
                self._closing = loop.create_task(self._own.aclose_unused())
        else:
            self._look = None
            self._closing = loop.create_task(self._own.aclose())

    async def aclose(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if self._closing is not None:
            await self._closing
        await self._own.aclose()


_OfLoop: TypeAlias = "dict[Hashable, _Shared]"
_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop] = WeakKeyDictionary()


class SharedClient:
    """A share in the client of the running event loop; the last to close its share closes the client."""

    def __init__(self, settings: TransportSettings) -> None:
        # Whatever a client is made of.
        timeouts = settings.connect_timeout_seconds, settings.read_timeout_seconds
        self._key: Hashable = (settings.base_url, settings.proxy, settings.ca_bundle, timeouts)
        self._of_loop = _shared.setdefault(asyncio.get_running_loop(), {})
        self._client = self._of_loop.setdefault(self._key, _Shared(settings))
        self._client.holders += 1
        self._is_held = True

    def use(self) -> AbstractContextManager[httpx.AsyncHTTPTransport]:
        """Give a line of the client."""
        return self._client.use()

    async def aclose(self) -> None:
        """Give the share up."""
        if not self._is_held:
            return
        self._is_held = False
        self._client.holders -= 1
        if not self._client.holders:
            del self._of_loop[self._key]
            await self._client.aclose()
