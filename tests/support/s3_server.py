"""S3 over HTTP (moto's) in a thread of this process, and Airflow connections to it."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment

REGION = "us-east-1"
CONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH")
NOT_IMPLEMENTED = (
    b"<Error><Code>NotImplemented</Code>"
    b"<Message>A header you provided implies functionality that is not implemented.</Message></Error>"
)


@contextmanager
def running(
    *, put_seconds: float = 0, conditions: str = "honoured", refused: Mapping[str, tuple[str, str]] | None = None
) -> Iterator[str]:
    """The server's address, while it runs; each put takes so long, and the next one waits for it.

    A put whose client is gone by its turn is not made: what a killed process leaves depends on when it was killed.
    ``conditions`` of puts are ``honoured``, ``ignored`` or ``unknown``, as stores that speak S3's API differ.
    ``refused`` says with which status and code a kind of request (``GET``, ``HEAD``, ``LIST``, ``PUT``) is refused; it
    may change meanwhile.
    """
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_request(self, *_: object) -> None:
            """Nothing on the terminal."""

    s3 = DomainDispatcherApplication(create_backend_app)
    one_put_at_a_time = threading.Lock()

    def atomic(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Look whether there is an object and put one in a single step, as S3 does and moto does not."""
        kind = "LIST" if "list-type" in environ["QUERY_STRING"] else environ["REQUEST_METHOD"]
        if kind in (refused or {}):
            status, code = (refused or {})[kind]
            start_response(status, [("Content-Type", "application/xml")])
            body = f"<Error><Code>{code}</Code><Message>No such luck</Message></Error>"
            return [] if kind == "HEAD" else [body.encode()]
        if environ["REQUEST_METHOD"] != "PUT":
            answer: Iterable[bytes] = s3(environ, start_response)
            return answer
        asked = [environ.pop(name) for name in CONDITIONS if name in environ and conditions != "honoured"]
        if asked and conditions == "unknown":
            start_response("501 Not Implemented", [("Content-Type", "application/xml")])
            return [NOT_IMPLEMENTED]
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or -1)))
        with one_put_at_a_time:
            time.sleep(put_seconds)
            if is_gone(environ["werkzeug.socket"]):
                start_response("499 Client Closed Request", [])
                return []
            return list(s3(environ, start_response))

    server = make_server("127.0.0.1", 0, atomic, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def is_gone(client: socket.socket) -> bool:
    """Whether the other end is closed; what it sent has been read."""
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def airflow_connection(endpoint: str) -> str:
    """The JSON of an Airflow connection to the server, for an environment variable."""
    extra = {"endpoint_url": endpoint, "region_name": REGION}
    return json.dumps({"conn_type": "aws", "login": "testing", "password": "testing", "extra": extra})
