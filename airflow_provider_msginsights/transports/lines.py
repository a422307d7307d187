"""Lines of an event loop: network connections that carry one call at a time.

Without a proxy a line is a socket of asyncio's own, read by h11, the parser below httpx: a call takes a third of the
processor time it takes through httpx, and polls of a thousand triggers are little else than calls. What goes through
a proxy goes through httpx, which knows tunnels.
"""

from __future__ import annotations

import asyncio
import re
import socket
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlencode

from airflow_provider_msginsights import __version__
from airflow_provider_msginsights.transports.addresses import is_ip, parse_address
from airflow_provider_msginsights.transports.bodies import ENCODING, BodyReader
from airflow_provider_msginsights.transports.clients import ssl_context
from airflow_provider_msginsights.transports.proxies import proxy_for
from airflow_provider_msginsights.transports.silence import unlogged

if TYPE_CHECKING:
    import h11
    import httpx

    from airflow_provider_msginsights.transports.addresses import Address
    from airflow_provider_msginsights.transports.settings import TransportSettings
    from airflow_provider_msginsights.transports.wire import HttpAnswer, HttpCall, Lost

_GRACE_SECONDS = 0.2
_LONGEST_HEADERS = 100 * 1024
_PIECE_BYTES = 2**16
_MOST_UNREAD_BYTES = 2**18
_HEADERS = (
    ("Accept", "*/*"),
    ("Accept-Encoding", ENCODING),
    ("Connection", "keep-alive"),
    ("User-Agent", f"airflow-provider-msginsights/{__version__}"),
)
_TARGET = re.compile(r"/[!-~]*")
_FORM = ("Content-Type", "application/x-www-form-urlencoded")


class LoopLine(Protocol):
    """One network connection, opened when it is first needed and again after it broke."""

    async def answer(self, call: HttpCall, ends_at: float) -> HttpAnswer | Lost:
        """Make a call, which must have ended at this moment of the loop's clock.

        :raises Exception: whatever the HTTP library or the network raises.
        """

    async def aclose(self) -> None:
        """Close the connection."""


def new_line(settings: TransportSettings) -> LoopLine:
    """Return a line to the settings' host, which reads nothing from the environment unasked.

    :raises ConfigurationError: when the environment names a proxy that is none, or certificates cannot be read.
    """
    proxy = proxy_for(settings.base_url, settings.proxy)
    return DirectLine(settings) if proxy is None else ProxiedLine(settings, proxy)


class DirectLine:
    """A line without a proxy."""

    def __init__(self, settings: TransportSettings) -> None:
        address = cast("Address", parse_address(settings.base_url))  # settings were checked
        origin = f"{address.scheme}://{address.authority}"
        self._settings, self._address, self._origin_length = settings, address, len(origin)
        self._ssl = ssl_context(settings) if address.scheme == "https" else None
        self._headers = [("Host", address.authority), *_HEADERS]
        self._socket: _Socket | None = None
        self._http: h11.Connection

    async def answer(self, call: HttpCall, ends_at: float) -> HttpAnswer | Lost:
        """Make a call: on the connection of the last one, if that ended well and the server has kept it open."""
        import h11

        if self._socket is None or not self._socket.is_quiet:
            self.drop()
            self._socket, self._http = await self._connected(ends_at), h11.Connection(h11.CLIENT, _LONGEST_HEADERS)
        opened, is_over = self._socket, False
        try:
            opened.write(self._written(call))
            while isinstance(event := await self._event(opened, ends_at), h11.InformationalResponse):
                pass
            response = cast("h11.Response", event)
            body = BodyReader(self._settings, response.status_code, _texts(response.headers))
            while body.wants_more:
                event = await self._event(opened, ends_at)
                if isinstance(event, h11.EndOfMessage):
                    is_over = True
                    break
                body.takes(cast("h11.Data", event).data)
            return body.answer()
        finally:
            if is_over and self._http.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                if self._http.trailing_data[0]:
                    self.drop()  # nobody requested what follows the answer: it must not become the next one
                else:
                    self._http.start_next_cycle()
            else:
                self.drop()

    async def _connected(self, ends_at: float) -> _Socket:
        """Connect to the first of the host's addresses that answers; each may take its share of the time."""
        import httpx

        loop, settings = asyncio.get_running_loop(), self._settings
        to_connect_by = min(loop.time() + settings.connect_timeout_seconds, ends_at)
        try:
            async with asyncio.timeout_at(to_connect_by):
                addresses = await self._addresses()
            while True:
                address = addresses.pop(0)
                share = max(to_connect_by - loop.time(), 0.0) / (len(addresses) + 1)
                try:
                    return await self._connected_to(address, share, ends_at)
                except OSError:
                    if not addresses:
                        raise
        except (TimeoutError, ConnectionAbortedError) as error:
            raise httpx.ConnectTimeout("") from error
        except OSError as error:
            raise httpx.ConnectError("") from error

    async def _addresses(self) -> list[str]:
        name = self._address.name.strip("[]")
        if is_ip(name):
            return [name]
        found = await asyncio.get_running_loop().getaddrinfo(
            name, self._address.effective_port, type=socket.SOCK_STREAM
        )
        return list(dict.fromkeys(str(of_socket[0]) for *_, of_socket in found))

    async def _connected_to(self, address: str, seconds: float, ends_at: float) -> _Socket:
        is_tls = self._ssl is not None
        async with asyncio.timeout_at(ends_at + _GRACE_SECONDS), asyncio.timeout(seconds) as to_connect:

            def begin() -> _Socket:
                to_connect.reschedule(None)
                return _Socket()

            _, opened = await asyncio.get_running_loop().create_connection(
                begin,
                address,
                self._address.effective_port,
                ssl=self._ssl,
                server_hostname=self._address.name.strip("[]") if is_tls else None,
                # It ends by itself: a handshake that is cancelled may leave its socket open.
                ssl_handshake_timeout=max(seconds, 0.001) if is_tls else None,
            )
        return opened

    def _written(self, call: HttpCall) -> bytes:
        """Return the call as it is sent; h11, which would check every header of ours again, learns only that one is.

        :raises ValueError: for an address or a token that no request can carry.
        """
        for event in _any_request():
            self._http.send(event)
        target, body, headers = call.url[self._origin_length :], "", [*self._headers, *call.headers]
        if call.form is not None:
            body = urlencode(call.form)
            headers += [_FORM, ("Content-Length", str(len(body)))]
        head = "".join(f"\r\n{name}: {value}" for name, value in headers)
        if head.count("\r") != len(headers) or head.count("\n") != len(headers) or not _TARGET.fullmatch(target):
            raise ValueError
        return f"{call.method} {target} HTTP/1.1{head}\r\n\r\n{body}".encode("ascii")

    async def _event(self, opened: _Socket, ends_at: float) -> h11.Event:
        import h11

        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await opened.read(self._settings.read_timeout_seconds, ends_at))
        return cast("h11.Event", event)

    def drop(self) -> None:
        """Close the connection soon."""
        if self._socket is not None:
            self._socket.abort()
            self._socket = None

    async def aclose(self) -> None:
        """Close the connection."""
        self.drop()
        await asyncio.sleep(0)  # the loop closes a socket in its next turn


class _Socket(asyncio.Protocol):
    """What comes from the other side, no more of it than is read."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._came = bytearray()
        self._has_ended = False
        self._error: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._came += data
        if len(self._came) > _MOST_UNREAD_BYTES:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._has_ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_ended, self._error = True, exc
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    @property
    def is_quiet(self) -> bool:
        """Whether the connection is open, and nothing came that nobody requested."""
        return not (self._has_ended or self._came)

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def abort(self) -> None:
        self._transport.abort()

    async def read(self, read_seconds: float, ends_at: float) -> bytes:
        """Return what came, nothing at the end.

        :param read_seconds: how long to wait for it.
        :param ends_at: until when, whatever comes.
        """
        import httpx

        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._came:
            await asyncio.sleep(0)  # a server that sends faster than is read keeps no other task waiting
        elif not self._has_ended:
            self._waiting = loop.create_future()
            timer = loop.call_at(min(now + read_seconds, ends_at), self._wake)
            try:
                await self._waiting
            finally:
                self._waiting = None
                timer.cancel()
            if not self._came and not self._has_ended:
                raise httpx.ReadTimeout("")
        if now >= ends_at:
            raise httpx.ReadTimeout("")
        if self._error is not None and not self._came:
            raise self._error
        piece = bytes(self._came[:_PIECE_BYTES])
        del self._came[:_PIECE_BYTES]
        if len(self._came) <= _MOST_UNREAD_BYTES and not self._has_ended:
            self._transport.resume_reading()
        return piece


class ProxiedLine:
    """A line through a proxy; httpx's connections and errors without its client.

    Nothing here is redirected, kept as a cookie or logged.
    """

    def __init__(self, settings: TransportSettings, proxy: Address) -> None:
        import httpx

        self._settings = settings
        self._line = httpx.AsyncHTTPTransport(
            verify=ssl_context(settings), trust_env=False, proxy=httpx.Proxy(proxy.url)
        )

    async def answer(self, call: HttpCall, ends_at: float) -> HttpAnswer | Lost:
        """Make a call."""
        settings = self._settings
        left = ends_at - asyncio.get_running_loop().time()
        # Each stage ends by itself where it can: a handshake that is cancelled leaves its socket open.
        read_seconds = min(settings.read_timeout_seconds, left)
        connect_seconds = min(settings.connect_timeout_seconds, left)
        timeout = {"connect": connect_seconds, "read": read_seconds, "write": read_seconds, "pool": read_seconds}
        with unlogged():
            async with asyncio.timeout_at(ends_at + _GRACE_SECONDS):
                answer = await self._line.handle_async_request(_request(call, timeout))
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

    async def aclose(self) -> None:
        """Close the connection."""
        await self._line.aclose()


def _request(call: HttpCall, timeout: dict[str, float]) -> httpx.Request:
    """Return a signed request.

    :param timeout: seconds for each stage, by httpcore's names for them.
    """
    import httpx

    request = httpx.Request(
        call.method, _url(call.url), headers=_headers(), data=call.form, extensions={"timeout": timeout}
    )
    request.headers.update(call.headers)
    return request


@cache
def _any_request() -> tuple[h11.Event, h11.Event]:
    """Return what h11 has to know of a request in order to read its answer."""
    import h11

    return h11.Request(method="GET", target="/", headers=[("Host", "any")]), h11.EndOfMessage()


@cache
def _headers() -> httpx.Headers:
    import httpx

    return httpx.Headers(_HEADERS)


@lru_cache(1024)
def _url(text: str) -> httpx.URL:
    """Read an address, in which no secret stands; a trigger's is the same at each poll."""
    import httpx

    return httpx.URL(text)


def _texts(headers: h11._headers.Headers) -> dict[str, str]:
    """Return headers by name; what one name says several times stands in one line, as HTTP means it."""
    found: dict[str, str] = {}
    for raw_name, raw in headers:
        name = raw_name.decode("ascii")
        try:
            value = raw.decode()
        except UnicodeDecodeError:
            value = raw.decode("iso-8859-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
