"""Many requests <-> one Graph batch POST.

Source: Graph API guide "Batch Requests": at most 50 parts, answers in the order of the parts, each answer with its
own status, headers and body (JSON as text), ``null`` for a part that was not finished in time.
"""

from __future__ import annotations

import json
from math import ceil
from typing import TYPE_CHECKING, TypeGuard
from urllib.parse import urlencode

from airflow_provider_msginsights.insights.graph.json_text import NotJsonError, is_certain, printable
from airflow_provider_msginsights.insights.graph.json_text import decode as decode_json
from airflow_provider_msginsights.insights.protocol import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_msginsights.insights.protocol import Request

MAX_PARTS = 50
"""Most parts in one POST."""

_OK_STATUS = 200
_STATUSES = range(100, 600)


def pack(requests: Sequence[Request], *, limit: int = MAX_PARTS) -> list[tuple[Request, ...]]:
    """Return the requests in even groups, one a POST: as few as the limit allows, as parts of one run in parallel."""
    count = ceil(len(requests) / max(1, min(limit, MAX_PARTS)))
    return [tuple(requests[n * len(requests) // count : (n + 1) * len(requests) // count]) for n in range(count)]


def relative_url(request: Request, secrets: Sequence[tuple[str, str]] = ()) -> str:
    """Return a part's address: path and query without host and version."""
    query = urlencode((*request.params, *secrets))
    return f"{request.path.lstrip('/')}?{query}" if query else request.path.lstrip("/")


def encode(requests: Sequence[Request], secrets_of: Callable[[Request], Sequence[tuple[str, str]]]) -> str:
    """Return the ``batch`` form field; ``secrets_of`` gives each part its token and proof."""
    return json.dumps([{"method": "GET", "relative_url": relative_url(one, secrets_of(one))} for one in requests])


def decode(response: Response, count: int) -> list[Response | str] | None:
    """Each part's response in order, or a sentence why it has none; ``None`` for an answer to the POST as a whole."""
    if response.status != _OK_STATUS or not response.body.lstrip().startswith("["):
        return None
    try:
        # A part's body is text in it, and is looked at by itself.
        parts = decode_json(response.body, holds_long_texts=True).document
    except NotJsonError:
        return None
    if not isinstance(parts, list):
        return None
    if len(parts) != count:
        return [f"The batch reply held {len(parts)} parts for {count} requests, so none can be assigned."] * count
    return [_part(part, response.headers) for part in parts]


def _part(part: object, outer_headers: dict[str, str]) -> Response | str:
    if part is None:
        return "The batch ended before this part of it was done."
    if not isinstance(part, dict) or not _is_status(status := part.get("code")) or not is_certain(part):
        return "This part of the batch reply has a shape that is not known."
    headers = part.get("headers")
    headers_of_part = {
        name.lower(): printable(header.get("value"))
        for header in (headers if isinstance(headers, list) else ())
        if isinstance(header, dict) and isinstance(name := header.get("name"), str)
    }
    body = part.get("body")
    text = body if isinstance(body, str) else json.dumps(body)
    return Response(status=status, headers=outer_headers | headers_of_part, body=text)


def _is_status(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value in _STATUSES
