"""Graph error -> exception, remedy, advice, and whom it concerns.

One table, decided by (code, subcode). HTTP status and text are not trusted, because throttling answers HTTP 400 and
nearly every error has the type ``OAuthException``. The exceptions, each in `_TOLD_BY_TEXT`, are errors that share
code and subcode with others and have another remedy.

Sources: Graph API guide "Handle Errors"; guide "Rate Limits"; reference of the Insights edge; Pages API page "Error
codes"; for the subcodes and texts they leave out, replies recorded by public clients.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    ConfigurationError,
    FatalGraphAPIError,
    InvalidRequestError,
    PermissionDeniedError,
    RateLimitError,
    ServiceUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.exceptions import MessagingInsightsError

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


class Rule(NamedTuple):
    """What an error is and what helps; ``advice`` may hold ``{permissions}`` and ``{version}``."""

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

_TABLE: dict[tuple[int, int | None], Rule] = {
    (1, None): Rule(ServiceUnavailableError, Remedy.RETRY, "The API could not answer; if it stays, check the Page id."),
    (1, 99): Rule(ServiceUnavailableError, Remedy.RETRY_THEN_SHRINK, "The API could not answer; less may help."),
    (1, 2853006): Rule(
        PermissionDeniedError,
        Remedy.STOP,
        "The token's person lacks the task on the Page: an admin of the Page can give it.",
    ),
    (2, None): Rule(ServiceUnavailableError, Remedy.RETRY, "The API is down for now."),
    (3, None): Rule(PermissionDeniedError, Remedy.STOP, "The app lacks the capability: see its dashboard.", "run"),
    (4, None): Rule(RateLimitError, Remedy.WAIT, _APP_LIMIT, "run"),
    (10, None): Rule(PermissionDeniedError, Remedy.STOP, _GRANT),
    (17, None): Rule(RateLimitError, Remedy.WAIT, "The calls of the token's person are used up for now.", "run"),
    (32, None): Rule(
        RateLimitError, Remedy.WAIT, _PAGE_LIMIT + " A Page token has a larger allowance than a user token."
    ),
    (100, None): Rule(
        InvalidRequestError, Remedy.ISOLATE, "The API does not accept one of the request's metrics or parameters."
    ),
    (100, 33): Rule(
        InvalidRequestError, Remedy.STOP, "The Page id is wrong, or the token's person cannot see the Page: check both."
    ),
    (100, 1504016): Rule(InvalidRequestError, Remedy.SHRINK, "The range is wider than the API accepts."),
    (100, 1504018): Rule(ServiceUnavailableError, Remedy.SHRINK, _REDUCE),
    (102, None): Rule(AuthenticationError, Remedy.NEW_TOKEN, "The token's session is over. " + _RENEW, "run"),
    (104, None): Rule(
        AuthenticationError,
        Remedy.NEW_TOKEN,
        "No token arrived, or the proof does not fit: check the connection's password, app id and app secret.",
        "run",
    ),
    (190, None): Rule(AuthenticationError, Remedy.NEW_TOKEN, "The token is not valid. " + _RENEW, "run"),
    (190, 458): Rule(
        AuthenticationError, Remedy.NEW_TOKEN, "The token's person removed the app and must log in to it again.", "run"
    ),
    (190, 459): Rule(
        AuthenticationError, Remedy.NEW_TOKEN, "The token's person must log in at facebook.com and pass a check.", "run"
    ),
    (190, 460): Rule(AuthenticationError, Remedy.NEW_TOKEN, "The password was changed. " + _RENEW, "run"),
    (190, 463): Rule(AuthenticationError, Remedy.NEW_TOKEN, "The token has expired. " + _RENEW, "run"),
    (190, 464): Rule(
        AuthenticationError, Remedy.NEW_TOKEN, "The token's person must confirm the account at facebook.com.", "run"
    ),
    (190, 467): Rule(AuthenticationError, Remedy.NEW_TOKEN, "The token was revoked. " + _RENEW, "run"),
    (190, 492): Rule(
        AuthenticationError,
        Remedy.NEW_TOKEN,
        "The person behind the Page token lost the role on the Page: restore it or use another person's token.",
        "run",
    ),
    (190, 2069032): Rule(
        AuthenticationError, Remedy.PAGE_TOKEN, "A Page token is needed, and this is another kind of token."
    ),
    (200, 2069030): Rule(FatalGraphAPIError, Remedy.STOP, "This kind of Page does not support insights."),
    (200, 2069031): Rule(FatalGraphAPIError, Remedy.STOP, "This kind of Page does not support a field asked for."),
    (200, 2069033): Rule(FatalGraphAPIError, Remedy.STOP, "This kind of Page does not support the feature."),
    (341, None): Rule(RateLimitError, Remedy.WAIT, _APP_LIMIT, "run"),
    (368, None): Rule(
        RateLimitError, Remedy.WAIT, "Meta blocked the app or person for now for a breach of policy.", "run"
    ),
    (506, None): Rule(InvalidRequestError, Remedy.STOP, "The API takes the request for a duplicate post."),
    (613, None): Rule(RateLimitError, Remedy.WAIT, _OTHER_LIMIT, "run"),
    (803, None): Rule(InvalidRequestError, Remedy.STOP, "The Page id or alias is unknown: check it."),
    (960, None): Rule(ServiceUnavailableError, Remedy.RETRY, "The batch was not finished in time."),
    (2500, None): Rule(
        ConfigurationError,
        Remedy.STOP,
        "The API could not parse the address: check the connection's api_version and host.",
        "run",
    ),
    (2635, None): Rule(
        ConfigurationError,
        Remedy.STOP,
        "The version is too old for the app: set the connection's api_version to {version}.",
        "run",
    ),
    (3001, None): Rule(InvalidRequestError, Remedy.STOP, "The API calls the insights query invalid.", "run"),
    (3001, 1504028): Rule(InvalidRequestError, Remedy.STOP, "No metric was named.", "run"),
    (80001, None): Rule(RateLimitError, Remedy.WAIT, _PAGE_LIMIT),
    (80006, None): Rule(RateLimitError, Remedy.WAIT, _PAGE_LIMIT),
    (2874008, None): Rule(InvalidRequestError, Remedy.NO_DATA, "A Page with fewer than 100 followers has no insights."),
}

_TOLD_BY_TEXT: tuple[tuple[int | None, str, Rule], ...] = (
    (190, "page access token", _TABLE[190, 2069032]),
    (None, "reduce the amount of data", Rule(ServiceUnavailableError, Remedy.SHRINK, _REDUCE)),
    (
        100,
        "appsecret_proof",
        Rule(
            AuthenticationError,
            Remedy.NEW_TOKEN,
            "The app demands a proof of its secret: set app_secret in the connection's extra to the app's own.",
            "run",
        ),
    ),
)

RULES: Mapping[tuple[int, int | None], Rule] = MappingProxyType(_TABLE)
"""Every error known by itself: (code, subcode) -> what it is and what helps."""

PERMISSION_CODES = range(200, 300)
LIMIT_CODES = range(80000, 80015)
TOO_MANY_REQUESTS = 429
SERVER_ERRORS = range(500, 600)


def rule_for(code: int | None, subcode: int | None, text: str, *, status: int, is_transient: bool) -> Rule:
    """The rule for an error: of the table, or else by what the error and its reply say of themselves."""
    return _known(code, subcode, text) or _unknown(status, is_transient=is_transient)


def _known(code: int | None, subcode: int | None, text: str) -> Rule | None:
    lowered = text.lower()
    for text_code, words, told_rule in _TOLD_BY_TEXT:
        if words in lowered and text_code in (code, None):
            return told_rule
    if code is None:
        return None
    if rule := _TABLE.get((code, subcode)) or _TABLE.get((code, None)):
        return rule
    if code in PERMISSION_CODES:
        return _TABLE[10, None]
    if code in LIMIT_CODES:
        return Rule(RateLimitError, Remedy.WAIT, _OTHER_LIMIT)
    return None


def _unknown(status: int, *, is_transient: bool) -> Rule:
    if status == TOO_MANY_REQUESTS:
        return Rule(RateLimitError, Remedy.WAIT, _OTHER_LIMIT)
    if is_transient or status in SERVER_ERRORS:
        return Rule(ServiceUnavailableError, Remedy.RETRY, "The API says that asking again may help.")
    return Rule(
        FatalGraphAPIError,
        Remedy.STOP,
        "This error is unknown to us; look up its code in the Graph API's documentation.",
    )


@cache
def known_codes() -> frozenset[int]:
    """Every code and subcode that means something here."""
    named = {number for pair in _TABLE for number in pair if number is not None}
    return frozenset({*named, *PERMISSION_CODES, *LIMIT_CODES})


def advice_of(rule: Rule, text: str) -> str:
    """What helps, with the permission or version that the API's text names."""
    named = [permission for permission in PERMISSIONS if permission in text]
    versions = re.findall(r"v\d+\.\d+", text)
    return rule.advice.format(
        permissions=(f"the permission {' and '.join(named)}" if named else f"the permissions {', '.join(PERMISSIONS)}"),
        version=versions[-1] if versions else "a living version",
    )
