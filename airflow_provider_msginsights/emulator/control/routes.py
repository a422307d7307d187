"""The control plane under `/_emulator/`: what tests in other processes and other languages steer the emulator with."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.emulator.control import origins
from airflow_provider_msginsights.emulator.control.handlers import HANDLERS, Answer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from airflow_provider_msginsights.emulator.control.api import Controls

PREFIX = "/_emulator"


def control_routes(emulator: "Controls", *, listens_on: str) -> "list[BaseRoute]":
    """Routes for the server: one handler a name and method, and an index of them.

    `listens_on` is the address that the server listens on.
    """
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def answer(request: "Request") -> "Response":
        refused = origins.refusal(request.method, request.headers, listens_on=listens_on)
        if refused is not None:
            status, reason = refused
            return JSONResponse(_refusal(reason), status_code=status)
        name = request.path_params.get("name", "").strip("/")
        if not name:
            return JSONResponse({f"{PREFIX}/{known}": sorted(methods) for known, methods in HANDLERS.items()})
        handler = HANDLERS.get(name, {}).get(request.method)
        if handler is None:
            status = 405 if name in HANDLERS else 404
            return JSONResponse(_refusal(f"{request.method} {PREFIX}/{name} does not exist."), status_code=status)
        try:
            body = await _body(request)
            return JSONResponse(await run_in_threadpool(handler, emulator, body))
        except (ValueError, LookupError, TypeError, OverflowError) as error:
            return JSONResponse(_refusal(str(error)), status_code=400)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return [Route(PREFIX, answer, methods=methods), Route(PREFIX + "/{name:path}", answer, methods=methods)]


async def _body(request: "Request") -> Mapping[str, Any]:
    if request.method in {"GET", "DELETE"}:
        return dict(request.query_params)
    text = await request.body()
    if not text.strip():
        return {}
    try:
        body = json.loads(text)
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise ValueError("The body must be JSON, without NaN and without half characters.") from None
    if isinstance(body, list):
        return {request.path_params["name"].strip("/"): body}
    if not isinstance(body, dict):
        raise TypeError("The body must be a JSON object.")
    return body


def _refusal(message: str) -> Answer:
    return {"error": {"message": message, "type": "EmulatorControlError", "code": 100}}
