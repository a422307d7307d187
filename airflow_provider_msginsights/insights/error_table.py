"""Reply -> document, or a `Problem`: which exception it is, what remedies it, and whom it concerns.

One table, decided by (code, subcode). HTTP status and text are not trusted, because throttling answers HTTP 400 and
nearly every error has the type ``OAuthException``. The exceptions, each in `_TOLD_BY_TEXT`, are errors that share
code and subcode with others and have another remedy.

Sources: Graph API guide "Handle Errors"; guide "Rate Limits"; reference of the Insights edge; Pages API page "Error
codes"; for the rows marked *seen*, replies recorded by public clients.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    ConfigurationError,
    FatalGraphAPIError,
    InvalidRequestError,
    MessagingInsightsError,
    PermissionDeniedError,
    RateLimitError,
    ResponseFormatError,
    ServiceUnavailableError,
    TransportError,
)
from airflow_provider_msginsights.insights.usage import regain_seconds

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.steps import Reply, Response

Scope = Literal["run", "page"]

PERMISSIONS = ("pages_messaging", "pages_read_engagement", "pages_show_list", "read_insights")
"""What the app needs (Messaging Insights API page, "Before you start")."""


class Remedy(Enum):
    """What a flow does about a problem."""

    STOP = auto()  # nothing helps
    RETRY = auto()  # the same again, after a back-off
    WAIT = auto()  # a limit: stay away, then the same again
    SHRINK = auto()  # ask for less
    RETRY_THEN_SHRINK = auto()  # the same once more, then less
    PAGE_TOKEN = auto()  # exchange the token for the Page's own
    NEW_TOKEN = auto()  # read the connection again: the token may have been rotated
    ISOLATE = auto()  # one metric spoils the request: find it
    NO_DATA = auto()  # the Page has no insights


@dataclass(frozen=True, slots=True)
class Problem:
    """An error, its remedy, and whether it concerns one Page or the whole run."""

    error: MessagingInsightsError
    remedy: Remedy
    scope: Scope = "page"


class _Rule(NamedTuple):
    kind: type[MessagingInsightsError]
    remedy: Remedy
    advice: str
    scope: Scope = "page"


_RENEW = "Get a new token and store it in the connection's password."
_APP_LIMIT = "The app's calls are used up for now. Ask less often, or for fewer Pages at a time."
_PAGE_LIMIT = "The calls for this Page are used up for now."
_OTHER_LIMIT = "A limit on calls is reached for now."
_GRANT = (
    "The app needs {permissions}, and the token's person the ANALYZE task on the Page; for Pages of others it also "
    "needs Advanced Access. Grant what is missing and make a new token."
)
_REDUCE = "The API asks for a smaller request."

_TABLE: dict[tuple[int, int | None], _Rule] = {
    (1, None): _Rule(
        ServiceUnavailableError, Remedy.RETRY, "The API could not answer; if it stays, check the Page id."
    ),
    (1, 99): _Rule(ServiceUnavailableError, Remedy.RETRY_THEN_SHRINK, "The API could not answer; less may help."),
    (1, 2853006): _Rule(
        PermissionDeniedError,
        Remedy.STOP,
        "The token's person lacks the task on the Page: an admin of the Page can give it.",
    ),
    (2, None): _Rule(ServiceUnavailableError, Remedy.RETRY, "The API is down for now."),
    (3, None): _Rule(PermissionDeniedError, Remedy.STOP, "The app lacks the capability: see its dashboard.", "run"),
    (4, None): _Rule(RateLimitError, Remedy.WAIT, _APP_LIMIT, "run"),
    (10, None): _Rule(PermissionDeniedError, Remedy.STOP, _GRANT),
    (17, None): _Rule(RateLimitError, Remedy.WAIT, "The calls of the token's person are used up for now.", "run"),
    (32, None): _Rule(
        RateLimitError, Remedy.WAIT, _PAGE_LIMIT + " A Page token has a larger allowance than a user token."
    ),
    (100, None): _Rule(
        InvalidRequestError, Remedy.ISOLATE, "The API does not accept one of the request's metrics or parameters."
    ),
    (100, 33): _Rule(
        InvalidRequestError, Remedy.STOP, "The Page id is wrong, or the token's person cannot see the Page: check both."
    ),
    (100, 1504016): _Rule(InvalidRequestError, Remedy.SHRINK, "The range is wider than the API accepts."),
    (100, 1504018): _Rule(ServiceUnavailableError, Remedy.SHRINK, _REDUCE),
    (102, None): _Rule(AuthenticationError, Remedy.NEW_TOKEN, "The token's session is over. " + _RENEW, "run"),
    (104, None): _Rule(
        AuthenticationError,
        Remedy.NEW_TOKEN,
        "No token arrived, or the proof does not fit: check the connection's password, app id and app secret.",
        "run",
    ),
    (190, None): _Rule(AuthenticationError, Remedy.NEW_TOKEN, "The token is not valid. " + _RENEW, "run"),
    (190, 458): _Rule(
        AuthenticationError, Remedy.NEW_TOKEN, "The token's person removed the app and must log in to it again.", "run"
    ),
    (190, 459): _Rule(
        AuthenticationError, Remedy.NEW_TOKEN, "The token's person must log in at facebook.com and pass a check.", "run"
    ),
    (190, 460): _Rule(AuthenticationError, Remedy.NEW_TOKEN, "The password was changed. " + _RENEW, "run"),
    (190, 463): _Rule(AuthenticationError, Remedy.NEW_TOKEN, "The token has expired. " + _RENEW, "run"),
    (190, 464): _Rule(
        AuthenticationError, Remedy.NEW_TOKEN, "The token's person must confirm the account at facebook.com.", "run"
    ),
    (190, 467): _Rule(AuthenticationError, Remedy.NEW_TOKEN, "The token was revoked. " + _RENEW, "run"),
    (190, 492): _Rule(
        AuthenticationError,
        Remedy.NEW_TOKEN,
        "The person behind the Page token lost the role on the Page: restore it or use another person's token.",
        "run",
    ),
    (190, 2069032): _Rule(
        AuthenticationError, Remedy.PAGE_TOKEN, "A Page token is needed, and this is another kind of token."
    ),
    (200, 2069030): _Rule(FatalGraphAPIError, Remedy.STOP, "This kind of Page does not support insights."),
    (200, 2069031): _Rule(FatalGraphAPIError, Remedy.STOP, "This kind of Page does not support a field asked for."),
    (200, 2069033): _Rule(FatalGraphAPIError, Remedy.STOP, "This kind of Page does not support the feature."),
    (341, None): _Rule(RateLimitError, Remedy.WAIT, _APP_LIMIT, "run"),
    (368, None): _Rule(
        RateLimitError, Remedy.WAIT, "Meta blocked the app or person for now for a breach of policy.", "run"
    ),
    (506, None): _Rule(InvalidRequestError, Remedy.STOP, "The API takes the request for a duplicate post."),
    (613, None): _Rule(RateLimitError, Remedy.WAIT, _OTHER_LIMIT, "run"),
    (803, None): _Rule(InvalidRequestError, Remedy.STOP, "The Page id or alias is unknown: check it."),
    (960, None): _Rule(ServiceUnavailableError, Remedy.RETRY, "The batch was not finished in time."),
    (2500, None): _Rule(
        ConfigurationError,
        Remedy.STOP,
        "The API could not parse the address: check the connection's api_version and host.",
        "run",
    ),
    (2635, None): _Rule(
        ConfigurationError,
        Remedy.STOP,
        "The version is too old for the app: set the connection's api_version to {version}.",
        "run",
    ),
    (3001, None): _Rule(InvalidRequestError, Remedy.STOP, "The API calls the insights query invalid.", "run"),
    (3001, 1504028): _Rule(InvalidRequestError, Remedy.STOP, "No metric was named.", "run"),
    (80001, None): _Rule(RateLimitError, Remedy.WAIT, _PAGE_LIMIT),
    (80006, None): _Rule(RateLimitError, Remedy.WAIT, _PAGE_LIMIT),
    (2874008, None): _Rule(
        InvalidRequestError, Remedy.NO_DATA, "A Page with fewer than 100 followers has no insights."
    ),
}

_TOLD_BY_TEXT: tuple[tuple[int | None, str, _Rule], ...] = (
    (190, "page access token", _TABLE[190, 2069032]),
    (None, "reduce the amount of data", _Rule(ServiceUnavailableError, Remedy.SHRINK, _REDUCE)),
    (
        100,
        "appsecret_proof",
        _Rule(
            AuthenticationError,
            Remedy.NEW_TOKEN,
            "The app demands a proof of its secret: set app_secret in the connection's extra to the app's own.",
            "run",
        ),
    ),
)

_PERMISSION_CODES = range(200, 300)
_LIMIT_CODES = range(80000, 80015)
_TOO_MANY_REQUESTS = 429
_ERROR_STATUS = 400
_OK_STATUS = 200
_RETRY_STATUS = frozenset({408, 425})
_SERVER_ERRORS = range(500, 600)


def read_reply(reply: Reply) -> dict[str, object] | Problem:
    """The reply's JSON document, or what went wrong."""
    if reply.too_large:
        error = TransportError(reply.failure or "The reply is too large.", page_id=reply.request.page_id)
        return Problem(error, Remedy.SHRINK)
    if (response := reply.response) is None:
        error = TransportError(reply.failure or "No reply arrived.", page_id=reply.request.page_id)
        return Problem(error, Remedy.RETRY)
    return _read_response(response, reply.request.page_id)


def _read_response(response: Response, page_id: str | None) -> dict[str, object] | Problem:
    try:
        document = json.loads(response.body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return _no_graph_reply(response, page_id, "with a body that is not JSON")
    if isinstance(document, dict) and isinstance(error := document.get("error"), dict):
        return _problem(error, response, page_id)
    if response.status != _OK_STATUS:
        return _no_graph_reply(response, page_id, "without the Graph API's error object")
    if not isinstance(document, dict):
        told = ResponseFormatError(
            f"The reply is a JSON {type(document).__name__} where an object was expected.",
            http_status=200,
            page_id=page_id,
        )
        return Problem(told, Remedy.STOP)
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _no_graph_reply(response: Response, page_id: str | None, how: str) -> Problem:
    """By status alone, because there is nothing else: proxies and overloaded servers answer so."""
    status = response.status
    told = f"The server answered HTTP {status} {how}"
    if status == _TOO_MANY_REQUESTS:
        wait = regain_seconds(response.headers, page_id)
        limit = RateLimitError(f"{told}.", http_status=status, page_id=page_id, retry_after_seconds=wait)
        return Problem(limit, Remedy.WAIT)
    if status in _SERVER_ERRORS or status in _RETRY_STATUS or status == _OK_STATUS:
        wait = regain_seconds(response.headers, page_id)
        down = ServiceUnavailableError(f"{told}.", http_status=status, page_id=page_id, retry_after_seconds=wait)
        return Problem(down, Remedy.RETRY)
    if status < _ERROR_STATUS:
        redirect = ConfigurationError(
            f"{told}. Redirects are not followed, since they would carry the token away: check the connection's host.",
            http_status=status,
        )
        return Problem(redirect, Remedy.STOP, "run")
    wrong = FatalGraphAPIError(
        f"{told}. Something other than the Graph API answered: check the connection's host and proxy.",
        http_status=status,
        page_id=page_id,
    )
    return Problem(wrong, Remedy.STOP, "run")


def _problem(error: dict[str, object], response: Response, page_id: str | None) -> Problem:
    code, subcode = _integer(error.get("code")), _integer(error.get("error_subcode"))
    text = str(error.get("message") or "The API gave no message.")
    rule = _rule(code, subcode, text) or _unknown(response.status, transient=error.get("is_transient") is True)
    trace = error.get("fbtrace_id")
    told = rule.kind(
        f"{text.strip().rstrip('.')}. {_advice(rule.advice, text)}",
        http_status=response.status,
        code=code,
        error_subcode=subcode,
        fbtrace_id=str(trace) if trace else response.headers.get("x-fb-trace-id"),
        retry_after_seconds=regain_seconds(response.headers, page_id),
        page_id=page_id,
    )
    return Problem(told, rule.remedy, rule.scope)


def _rule(code: int | None, subcode: int | None, text: str) -> _Rule | None:
    lowered = text.lower()
    for text_code, words, told_rule in _TOLD_BY_TEXT:
        if words in lowered and text_code in (code, None):
            return told_rule
    if code is None:
        return None
    if rule := _TABLE.get((code, subcode)) or _TABLE.get((code, None)):
        return rule
    if code in _PERMISSION_CODES:
        return _TABLE[10, None]
    if code in _LIMIT_CODES:
        return _Rule(RateLimitError, Remedy.WAIT, _OTHER_LIMIT)
    return None


def _unknown(status: int, *, transient: bool) -> _Rule:
    if status == _TOO_MANY_REQUESTS:
        return _Rule(RateLimitError, Remedy.WAIT, _OTHER_LIMIT)
    if transient or status in _SERVER_ERRORS:
        return _Rule(ServiceUnavailableError, Remedy.RETRY, "The API says that asking again may help.")
    return _Rule(
        FatalGraphAPIError,
        Remedy.STOP,
        "This error is unknown to us; look up its code in the Graph API's documentation.",
    )


def _advice(advice: str, text: str) -> str:
    named = [permission for permission in PERMISSIONS if permission in text]
    versions = re.findall(r"v\d+\.\d+", text)
    return advice.format(
        permissions=(f"the permission {' and '.join(named)}" if named else f"the permissions {', '.join(PERMISSIONS)}"),
        version=versions[-1] if versions else "a living version",
    )


def _integer(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
