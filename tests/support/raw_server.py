"""A server that answers each connection with given bytes, or in any other way that HTTP does not foresee."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_LONGEST_TEST_SECONDS = 30.0


@dataclass
class RawServer:
    """Hears one request a connection and lets ``answer`` write whatever it likes; then it hangs up.

    :param answer: writes to the connection; what it raises of connection errors is a client that has gone.
    :param hears_first: whether a request is read before, as far as it comes at once.
    """

    answer: Callable[[socket.socket], None]
    hears_first: bool = True
    heard: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._is_over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._socket.close()

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(_LONGEST_TEST_SECONDS)
            if self.hears_first:
                self.heard.append(connection.recv(2**16))
            self.answer(connection)
            connection.shutdown(socket.SHUT_WR)


def dripping(first: bytes, piece: bytes, gap_seconds: float = 0.05) -> Callable[[socket.socket], None]:
    """Write something, then one piece after another until the client has gone."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        ends_at = time.monotonic() + _LONGEST_TEST_SECONDS
        while time.monotonic() < ends_at:
            connection.sendall(piece)
            time.sleep(gap_seconds)

    return answer


def silent(connection: socket.socket) -> None:
    """Say nothing until the client has gone."""
    while connection.recv(2**16):
        pass
