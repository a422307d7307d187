"""The connections below requests: silent, strict about headers, and never read past a call's deadline."""

from __future__ import annotations

import contextlib
import io
import socket
import time
from functools import cache
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LONGEST_LINE = 2**16
_SWITCHING, _FIRST_FINAL = 101, 200


class Line:
    """One thread's connections: when its call must have ended, and how to end it from outside."""

    def __init__(self) -> None:
        self.limit_seconds = float("inf")
        self._ends_at = float("inf")
        self.socket: socket.socket | None = None
        self._is_cut = False

    def begin(self, limit_seconds: float) -> None:
        """Give the next call so much time."""
        self.limit_seconds = limit_seconds
        self._ends_at = time.monotonic() + limit_seconds

    @property
    def left_seconds(self) -> float:
        """What is left of the call's time; less than nothing once it is cut."""
        return float("-inf") if self._is_cut else self._ends_at - time.monotonic()

    def cut(self) -> None:
        """End the call under way, and every later one, from another thread."""
        self._is_cut = True
        if (open_socket := self.socket) is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(open_socket, socket.SHUT_RDWR)  # not TLS's own, which would wait for an answer

    def tighten(self, open_socket: socket.socket) -> None:
        """Have the next read end with the call.

        :raises TimeoutError: when the call should have ended.
        """
        if (left := self.left_seconds) <= 0:
            raise TimeoutError
        timeout = open_socket.gettimeout()
        if timeout is None or left < timeout:
            open_socket.settimeout(left)


class _TimedSocket(io.RawIOBase):
    """Reads a socket while there is time."""

    def __init__(self, raw: io.RawIOBase, open_socket: socket.socket, line: Line) -> None:
        super().__init__()
        self._raw, self._socket, self._line = raw, open_socket, line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self._line.tighten(self._socket)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _ShortLines(io.BufferedReader):
    """Refuses lines without end, which HTTP libraries would keep in memory."""

    def readline(self, size: int | None = -1) -> bytes:
        wanted = _LONGEST_LINE if size is None or size < 0 else min(size, _LONGEST_LINE)
        line = super().readline(wanted)
        if len(line) >= _LONGEST_LINE:
            raise HTTPException
        return line


class _Response(HTTPResponse):
    """A response after all the interim ones, whose headers are well-formed."""

    def __init__(self, open_socket: socket.socket, *args: Any, line: Line, **kwargs: Any) -> None:
        super().__init__(open_socket, *args, **kwargs)
        line.socket = open_socket
        raw = self.fp.detach()
        self.fp = _ShortLines(_TimedSocket(raw, open_socket, line))

    def _read_status(self) -> tuple[str, int, str]:
        """Skip every interim response, where the standard library takes any but 100 for the final one."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status >= _FIRST_FINAL:
                return version, status, reason
            if status == _SWITCHING:
                raise HTTPException
            while self.fp.readline() not in (b"\r\n", b"\n", b""):
                pass

    def begin(self) -> None:
        super().begin()
        if self.msg.defects or (not self.msg.is_multipart() and self.msg.get_payload()):
            raise HTTPException
        for name in ("location", "set-cookie"):  # neither is followed or sent back: nobody has to parse them
            del self.msg[name]


def pools_of(line: Line) -> dict[str, Any]:
    """Return pools by scheme, for a thread's own connection managers."""
    return {scheme: _with_line(pool, line) for scheme, pool in _pools().items()}


def _with_line(pool: Any, line: Line) -> Any:
    connection = type(pool.ConnectionCls.__name__, (pool.ConnectionCls,), {"line": line})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


@cache
def _pools() -> dict[str, Any]:
    from urllib3 import connection, connectionpool

    class Watched:
        debuglevel = 0  # 1, set for all of http.client, would print every token
        line: Line

        def _new_conn(self) -> socket.socket:
            opened: socket.socket = super()._new_conn()  # type: ignore[misc]
            self.line.socket = opened
            return opened

        def response_class(self, *args: Any, **kwargs: Any) -> _Response:
            return _Response(*args, line=self.line, **kwargs)

    class Connection(Watched, connection.HTTPConnection):  # type: ignore[misc]
        pass

    class TlsConnection(Watched, connection.HTTPSConnection):  # type: ignore[misc]
        pass

    class HttpPool(connectionpool.HTTPConnectionPool):
        ConnectionCls = Connection

    class HttpsPool(connectionpool.HTTPSConnectionPool):
        ConnectionCls = TlsConnection

    return {"http": HttpPool, "https": HttpsPool}
