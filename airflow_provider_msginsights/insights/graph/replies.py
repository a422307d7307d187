"""Reply -> document, or the `Problem` that stands in its place.

The body decides before the status does: errors come with HTTP 200 too, and a body that is not a Graph API reply at all
is what proxies and overloaded servers send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import (
    ConfigurationError,
    FatalGraphAPIError,
    RateLimitError,
    ResponseFormatError,
    ServiceUnavailableError,
    TransportError,
)
from airflow_provider_msginsights.insights.graph.error_table import (
    SERVER_ERRORS,
    TOO_MANY_REQUESTS,
    Problem,
    Remedy,
    advice_of,
    rule_for,
)
from airflow_provider_msginsights.insights.graph.json_text import NotJsonError, as_text, decode, printable, whole_number
from airflow_provider_msginsights.insights.graph.row_columns import decode_columns
from airflow_provider_msginsights.insights.graph.usage_headers import regain_seconds

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.protocol import Reply, Response

_OK = 200
_REDIRECTS = range(300, 400)
_MAY_PASS = frozenset({_OK, 408, 425, *SERVER_ERRORS})


def read_reply(reply: Reply) -> dict[str, object] | Problem:
    """Return the reply's JSON document, rows perhaps as `RowColumns`, or what went wrong."""
    page_id = reply.request.page_id
    if reply.response is None:
        error = TransportError(reply.failure or "No reply arrived.", page_id=page_id)
        return Problem(error, Remedy.SHRINK if reply.too_large else Remedy.RETRY)
    usual = decode_columns(reply.response.body) if reply.response.status == _OK else None
    return _read_response(reply.response, page_id) if usual is None else usual


def _read_response(response: Response, page_id: str | None) -> dict[str, object] | Problem:
    try:
        document, fault = decode(response.body)
    except NotJsonError:
        return _no_graph_reply(response, page_id, "with a body that is not JSON")
    if isinstance(document, dict) and isinstance(error := document.get("error"), dict):
        return _graph_error(error, response, page_id)
    if response.status != _OK:
        return _no_graph_reply(response, page_id, "without the Graph API's error object")
    if fault is not None:
        return _unusable(f"The reply cannot be read for certain: {fault}. Nothing of it was used.", page_id)
    if not isinstance(document, dict):
        return _unusable(f"The reply is a JSON {type(document).__name__} where an object was expected.", page_id)
    return document


def _unusable(text: str, page_id: str | None) -> Problem:
    return Problem(ResponseFormatError(text, http_status=_OK, page_id=page_id), Remedy.STOP)


def _graph_error(error: dict[str, object], response: Response, page_id: str | None) -> Problem:
    code, subcode = whole_number(error.get("code")), whole_number(error.get("error_subcode"))
    said = as_text(error.get("message") or "The API gave no message")
    text = printable(said)
    rule = rule_for(code, subcode, said, status=response.status, is_transient=error.get("is_transient") is True)
    trace = error.get("fbtrace_id") or response.headers.get("x-fb-trace-id")
    advice = advice_of(rule, text)
    raised = rule.kind(
        f"{text.strip().rstrip('.')}. {advice}",
        http_status=response.status,
        code=code,
        error_subcode=subcode,
        fbtrace_id=printable(trace) if trace else None,
        retry_after_seconds=regain_seconds(response.headers, page_id),
        page_id=page_id,
        advice=advice,
        error_id=rule.error_id,
    )
    return Problem(raised, rule.remedy, rule.scope, blames_metric=rule.blames_metric, concerns_app=rule.concerns_app)


def _no_graph_reply(response: Response, page_id: str | None, how: str) -> Problem:
    """By status alone, because there is nothing else."""
    status = response.status
    answered = f"The server answered HTTP {status} {how}."
    wait = regain_seconds(response.headers, page_id)
    if status == TOO_MANY_REQUESTS:
        limit = RateLimitError(
            answered, http_status=status, page_id=page_id, retry_after_seconds=wait, error_id="MSGI-http-limit"
        )
        return Problem(limit, Remedy.WAIT)
    if status in _MAY_PASS:
        down = ServiceUnavailableError(
            answered, http_status=status, page_id=page_id, retry_after_seconds=wait, error_id="MSGI-http-unavailable"
        )
        return Problem(down, Remedy.RETRY)
    if status in _REDIRECTS:
        text = (
            f"The server answered HTTP {status}. Redirects are not followed, since they would carry the token away: "
            "check the connection's host."
        )
        return Problem(ConfigurationError(text, http_status=status, error_id="MSGI-http-redirect"), Remedy.STOP, "run")
    text = f"{answered} Something other than the Graph API answered: check the connection's host and proxy."
    return Problem(FatalGraphAPIError(text, http_status=status, error_id="MSGI-http-not-graph"), Remedy.STOP, "run")
