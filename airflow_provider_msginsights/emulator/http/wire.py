"""HTTP requests read as Graph calls, and replies written as HTTP responses with everything a fault does to them."""

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from airflow_provider_msginsights.emulator.call import SECRET_PARAMETERS, Call, Mishap, Reply, TokenPlace, well_formed
from airflow_provider_msginsights.emulator.errors import invalid_parameter

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

_JSON = "application/json; charset=UTF-8"
_JAVASCRIPT = "text/javascript; charset=UTF-8"
_GZIP_FROM_BYTES = 256
_DRIPS = 8
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_FIXED_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "private, no-cache, no-store, must-revalidate",
    "Expires": "Sat, 01 Jan 2000 00:00:00 GMT",
    "Pragma": "no-cache",
    "Vary": "Accept-Encoding",
}


async def read_call(request: "Request") -> Call:
    """Return the Graph call that the request is.

    Parameters come from the query and from a form, multipart or JSON body; the last of a repeated key wins. The token
    may be a parameter or stand in `Authorization: Bearer` (or `OAuth`). A POST with `method=get` is a GET. Raises
    GraphError with code 100 for a body that cannot be read.
    """
    query = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))
    body = await _body_params(request)
    params = query | body
    place = TokenPlace.NOWHERE
    if params.get("access_token"):
        place = TokenPlace.BODY if "access_token" in body else TokenPlace.QUERY
    else:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() in {"bearer", "oauth"} and value.strip():
            params["access_token"] = value.strip()
            place = TokenPlace.HEADER
    overrides_method = request.method == "POST" and bool(params.get("method"))
    return Call(
        method=params["method"].upper() if overrides_method else request.method,
        overrides_method=overrides_method,
        path=well_formed(request.scope["path"]),
        params=params,
        headers={name: value for name, value in request.headers.items() if name != "authorization"},
        token_place=place,
        secrets_in_url=tuple(name for name in query if name in SECRET_PARAMETERS),
        public_url=f"{request.scope['scheme']}://{request.headers.get('host', '127.0.0.1')}",
    )


async def _body_params(request: "Request") -> dict[str, str]:
    if request.method not in {"POST", "PUT", "DELETE", "PATCH"}:
        return {}
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        return await _multipart_params(request)
    body = (await request.body()).decode("utf-8", "replace")
    if content_type.startswith("application/json"):
        return _json_params(body)
    return dict(parse_qsl(body, keep_blank_values=True))


async def _multipart_params(request: "Request") -> dict[str, str]:
    from starlette.formparsers import MultiPartException

    try:
        async with request.form() as form:
            return {name: value for name, value in form.multi_items() if isinstance(value, str)}
    except (MultiPartException, ValueError):
        raise invalid_parameter("The multipart body cannot be read") from None


def _json_params(body: str) -> dict[str, str]:
    try:
        fields = json.loads(body or "{}")
    except (ValueError, RecursionError):
        raise invalid_parameter("The JSON body cannot be read") from None
    if not isinstance(fields, dict):
        raise invalid_parameter("The JSON body must be an object")
    return {
        well_formed(name): well_formed(value if isinstance(value, str) else json.dumps(value))
        for name, value in fields.items()
    }


def response_parts(reply: Reply, *, trace_id: str, request_headers: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
    """Headers and bytes of the response, compressed when the client asks for it."""
    body = reply.body()
    headers = {
        "Content-Type": reply.content_type or _content_type(reply, request_headers.get("accept", "")),
        "x-fb-trace-id": trace_id,
        "x-fb-request-id": trace_id,
        "x-fb-rev": "1030000000",
        "x-fb-debug": trace_id,
        **_FIXED_HEADERS,
        **reply.headers,
    }
    if len(body) >= _GZIP_FROM_BYTES and _takes_gzip(request_headers.get("accept-encoding", "")):
        body = gzip.compress(body, compresslevel=4, mtime=0)
        headers["Content-Encoding"] = "gzip"
    headers["Content-Length"] = str(len(body))
    return headers, body


def _content_type(reply: Reply, accept: str) -> str:
    asks_for_script = "text/javascript" in accept and "application/json" not in accept
    return _JAVASCRIPT if asks_for_script or reply.callback else _JSON


def _takes_gzip(accept_encoding: str) -> bool:
    for item in accept_encoding.lower().split(","):
        name, _, weight = item.strip().partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


class Wire:
    """Sends replies. Knows the server's open connections, to break them when a fault says so."""

    def __init__(self, connections: Callable[[], Any]) -> None:
        self._connections = connections
        self._released = asyncio.Event()

    def release(self) -> None:
        """End every hanging request; called in the server's loop."""
        self._released.set()
        self._released = asyncio.Event()

    async def send(
        self, reply: Reply, headers: dict[str, str], body: bytes, scope: "Scope", receive: "Receive", send: "Send"
    ) -> None:
        """Send the reply, or whatever becomes of it."""
        if reply.mishap is Mishap.HANG:
            await self._until_released(receive)
        if reply.mishap in {Mishap.HANG, Mishap.RESET}:
            self._break(scope, reset=True)
            return
        head = [
            (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
            for name, value in headers.items()
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": head})
        if reply.mishap is Mishap.CUT:
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            await asyncio.sleep(0)
            self._break(scope, reset=False)
            return
        if reply.mishap is Mishap.SLOW:
            size = max(1, len(body) // _DRIPS)
            for start in range(0, len(body), size):
                await asyncio.sleep(reply.delay_seconds / _DRIPS)
                await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
            body = b""
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _until_released(self, receive: "Receive") -> None:
        """Wait for the client to leave or for a reset."""
        waits: set[asyncio.Future[Any]] = {
            asyncio.ensure_future(_disconnected(receive)),
            asyncio.ensure_future(self._released.wait()),
        }
        _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()

    def _break(self, scope: "Scope", *, reset: bool) -> None:
        """Close the connection under the server's feet; `reset` leaves the client a TCP reset."""
        for connection in list(self._connections()):
            if connection.client == scope["client"]:
                sock = connection.transport.get_extra_info("socket")
                if reset and sock is not None:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                    connection.transport.abort()
                else:
                    connection.transport.close()
                # The server takes the request as ended by its client.
                connection.cycle.disconnected = True


async def _disconnected(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
