"""The HTTP server: one Starlette application with the Graph API at the root and the control plane beside it."""

import asyncio
import contextlib
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.emulator.call import Call, Mishap, Reply
from airflow_provider_msginsights.emulator.error_table import table_error
from airflow_provider_msginsights.emulator.errors import GraphError
from airflow_provider_msginsights.emulator.graph.batch import answer_batch, is_batch
from airflow_provider_msginsights.emulator.graph.dispatch import Graph
from airflow_provider_msginsights.emulator.graph.login_dialog import login_routes
from airflow_provider_msginsights.emulator.http.wire import Wire, read_call, response_parts
from airflow_provider_msginsights.emulator.state.state import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    import uvicorn
    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

_LOG = logging.getLogger(__name__)
_START_TIMEOUT_SECONDS = 15.0
_STOP_TIMEOUT_SECONDS = 10.0


class GraphEndpoint:
    """The ASGI application that answers everything outside the control plane."""

    def __init__(self, state: State, wire: Wire) -> None:
        self._state = state
        self._graph = Graph(state)
        self._wire = wire

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        from starlette.requests import ClientDisconnect, Request

        state = self._state
        with state.lock:
            state.journal.request_opened()
        try:
            request = Request(scope, receive)
            try:
                reply = await self._reply(request)
            except ClientDisconnect:
                return
            headers, body = response_parts(reply, trace_id=state.new_trace_id(), request_headers=request.headers)
            await self._wire.send(reply, headers, body, scope, receive, send)
        finally:
            with state.lock:
                state.journal.request_closed()

    async def _reply(self, request: "Request") -> Reply:
        """Return the reply, held back for as long as latency and faults say."""
        lock = self._state.lock
        try:
            call = await read_call(request)
            with lock:
                reply, delay_seconds = self._answer(call)
        except GraphError as error:
            with lock:
                return self._graph.refusal(error)
        except Exception:  # noqa: BLE001 - a client is owed an answer, and the log the traceback
            _LOG.exception("The emulator could not answer a request; this is a defect of the emulator.")
            with lock:
                return self._graph.refusal(table_error(1))
        if delay_seconds > 0:
            await asyncio.sleep(delay_seconds)
        return reply

    def _answer(self, call: Call) -> tuple[Reply, float]:
        """Return the reply, and how long to hold it back."""
        settings = self._state.settings
        chance = self._state.jitter.random
        delay_ms = settings.latency_ms + chance() * settings.latency_jitter_ms
        if is_batch(call):
            reply = answer_batch(self._state, self._graph, call)
            if isinstance(reply.payload, list):
                delay_ms += sum(
                    settings.batch_part_ms + chance() * settings.batch_part_jitter_ms for _ in reply.payload
                )
        else:
            reply = self._graph.answer(call)
        held_back = 0.0 if reply.mishap is Mishap.SLOW else reply.delay_seconds
        return reply, delay_ms / 1000 + held_back


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, on whose connections nothing waits for an acknowledgement.

    The server writes headers and body apart. Without TCP_NODELAY the body stays back until the client acknowledges the
    headers, which clients delay by 40 ms; the event loop sets it only on sockets that name their protocol.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


def _without_access_log() -> type[asyncio.Protocol]:
    """Uvicorn's protocol, unable to log requests: their URLs may hold tokens.

    The switch for it in uvicorn's settings is not enough. It works through the logger's handlers, and whoever
    configures logging later in the process, as Airflow does, turns the log on again.
    """
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    class Quiet(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.access_log = False

    return Quiet


class ServerThread:
    """The server in a thread of its own, on a socket that listens before the thread starts."""

    def __init__(self, state: State, control_routes: "Sequence[BaseRoute]", *, host: str, port: int) -> None:
        self._state = state
        self._control_routes = control_routes
        self._host = host
        self._port = port
        self._wire = Wire(self._connections)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> int:
        """Start, and return the port once requests are answered.

        Raises OSError when the port is taken and RuntimeError when the server does not come up.
        """
        import uvicorn
        from starlette.routing import Router

        config = uvicorn.Config(
            Router(
                [*self._control_routes, *login_routes(self._state)],
                redirect_slashes=False,
                default=GraphEndpoint(self._state, self._wire),
            ),
            log_config=None,
            http=_without_access_log(),
            lifespan="off",
            ws="none",
            loop="asyncio",
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
        listener = _listen(self._host, self._port)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._run, args=(self._server, listener), name="msginsights-emulator", daemon=True
        )
        port = int(listener.getsockname()[1])
        self._thread.start()
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("The emulator's server did not come up.")
            time.sleep(0.002)
        return port

    def _run(self, server: "uvicorn.Server", listener: socket.socket) -> None:
        with contextlib.closing(listener), asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(server.serve(sockets=[listener]))

    def _connections(self) -> list[Any]:
        return list(self._server.server_state.connections) if self._server is not None else []

    def release_hanging(self) -> None:
        """End every hanging request."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wire.release)

    def stop(self) -> None:
        """Answer what is under way, then end."""
        if self._server is None or self._thread is None:
            return
        self.release_hanging()
        self._server.should_exit = True
        self._thread.join(_STOP_TIMEOUT_SECONDS)
