"""The other end of the login's redirect: a server on this machine, for as long as one login takes."""

from __future__ import annotations

import contextlib
import html
import os
import queue
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_msginsights.exceptions import ConfigurationError, MessagingInsightsError
from airflow_provider_msginsights.insights.token.login import code_in, is_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADDRESS = "127.0.0.1"
_POLL_SECONDS = 0.05
_REQUEST_SECONDS = 10
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>msginsights</title></head>
<body style="font:16px/1.5 sans-serif;max-width:36em;margin:3em auto;padding:0 1em">
<p id="outcome">{text}</p><script>history.replaceState(null, "", "/")</script></body></html>"""


class RedirectServer(ThreadingHTTPServer):
    """Waits for the one answer of a dialog; `answer` gives its code, or raises what it was refused for.

    :param state: that of the login.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name != "nt"  # there it would share the port with whoever has it

    def __init__(self, port: int, *, state: str) -> None:
        self._state = state
        self._outcomes: queue.SimpleQueue[str | MessagingInsightsError] = queue.SimpleQueue()
        self._answered = threading.Lock()
        super().__init__((_ADDRESS, port), _Handler)

    @property
    def redirect_uri(self) -> str:
        """The address that the dialog sends the browser to; by this name Meta takes it without a setting of the app."""
        return f"http://localhost:{self.server_port}/"

    def answer(self, timeout_seconds: float) -> str | None:
        """Return the code, or ``None`` when none came in time.

        :raises MessagingInsightsError: the person denied, or the answer is not one to this login.
        """
        try:
            outcome = self._outcomes.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        if isinstance(outcome, MessagingInsightsError):
            raise outcome
        return outcome

    def take(self, target: str) -> tuple[HTTPStatus, str, str | MessagingInsightsError | None]:
        """Return how a request is answered, and the outcome of the login where this request brings it."""
        if not is_answer(urlsplit(target).query):
            return HTTPStatus.NOT_FOUND, "Nothing is here but the end of a login.", None
        if not self._answered.acquire(blocking=False):
            return HTTPStatus.GONE, "This login was answered already. Begin another one in the terminal.", None
        try:
            code = code_in(target, state=self._state)
        except MessagingInsightsError as error:
            return HTTPStatus.BAD_REQUEST, error.message, error
        return HTTPStatus.OK, "The login is done. Close this window and go on in the terminal.", code

    def note(self, outcome: str | MessagingInsightsError) -> None:
        """Hand the outcome to whoever waits for it."""
        self._outcomes.put(outcome)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a browser that leaves; a traceback would show its address, which holds the code."""


class _Handler(BaseHTTPRequestHandler):
    """Answers the browser."""

    server: RedirectServer
    timeout = _REQUEST_SECONDS

    def do_GET(self) -> None:
        """Take the answer of the dialog; it is handed on when the browser has its page."""
        if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in {"localhost", _ADDRESS}:
            self._send(HTTPStatus.FORBIDDEN, "This server is for this machine's browser alone.")
            return
        status, text, outcome = self.server.take(self.path)
        try:
            self._send(status, text)
        finally:
            if outcome is not None:
                self.server.note(outcome)

    def _send(self, status: HTTPStatus, text: str) -> None:
        page = _PAGE.format(text=html.escape(text)).encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(page))),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing: the address holds the code."""


@contextlib.contextmanager
def redirect_server(port: int, *, state: str) -> Iterator[RedirectServer]:
    """Serve until the end of the block.

    :param port: 0 takes a free one.
    :raises ConfigurationError: when the port is taken.
    """
    try:
        server = RedirectServer(port, state=state)
    except OSError as error:
        raise ConfigurationError(
            f"--port: {port} cannot be listened on ({error.strerror}). Give another one; 0 takes one that is free.",
            parameter="--port",
        ) from None
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name="msginsights-login", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
