"""A local HTTP server that speaks the Graph API's outer forms (plain GET, batch POST) around one Python function."""

from __future__ import annotations

import gzip
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One Graph call as the server sees it, whether it came alone or as a part of a batch."""

    path: str
    params: dict[str, str]
    token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server answers; a document of ``None`` leaves a part of a batch undone."""

    document: object
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One HTTP request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: str


@dataclass
class GraphDouble:
    """Serves ``answer`` on a free port of this machine while entered.

    :param whole: sees each HTTP request first; bytes and a status instead of ``None`` are the whole answer.
    :param shuffle: reorders the parts of a batch reply.
    :param tls: serves https with this context.
    """

    answer: Callable[[Call], Answer]
    whole: Callable[[Heard], tuple[int, dict[str, str], bytes] | None] = lambda _: None
    shuffle: Callable[[list[Any]], list[Any]] = lambda parts: parts
    tls: ssl.SSLContext | None = None
    heard: list[Heard] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"graph": self})
        self._server = _QuietServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._server.server_address[1]}"

    def respond(self, heard: Heard) -> tuple[int, dict[str, str], bytes]:
        self.heard.append(heard)
        if (told := self.whole(heard)) is not None:
            return told
        bearer = heard.headers.get("authorization", "").removeprefix("Bearer ") or None
        form = parse_qs(heard.body)
        if heard.method == "GET" or "batch" not in form:
            answer = self._ask(heard.target.partition("/v26.0")[2], bearer)
            return answer.status, answer.headers, json.dumps(answer.document).encode()
        parts = json.loads(form["batch"][0])
        answers = self.shuffle([self._part(self._ask("/" + part["relative_url"], bearer)) for part in parts])
        return 200, {"Content-Type": "application/json"}, json.dumps(answers).encode()

    def _ask(self, target: str, bearer: str | None) -> Answer:
        url = urlsplit(target)
        params = dict(parse_qsl(url.query))
        call = Call(path=url.path, params=params, token=params.get("access_token", bearer))
        self.calls.append(call)
        return self.answer(call)

    @staticmethod
    def _part(answer: Answer) -> dict[str, object] | None:
        if answer.document is None:
            return None
        headers = [{"name": name, "value": value} for name, value in answer.headers.items()]
        body = answer.document if isinstance(answer.document, str) else json.dumps(answer.document)
        return {"code": answer.status, "headers": headers, "body": body}


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Clients that hang up early are a part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    graph: GraphDouble
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.graph.connections += 1
        self.graph.open_connections += 1

    def finish(self) -> None:
        super().finish()
        self.graph.open_connections -= 1

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        heard = Heard(method=self.command, target=self.path, headers=headers, body=body)
        status, more, content = self.graph.respond(heard)
        if "gzip" in headers.get("accept-encoding", "") and "Content-Encoding" not in more:
            content, more = gzip.compress(content, 1), {**more, "Content-Encoding": "gzip"}
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output quiet."""
