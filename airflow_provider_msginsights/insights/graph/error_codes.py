"""What the codes of the Graph API mean: the kind of error, the remedy, what helps, whom it concerns.

Codes that mean many things are distinguished by `error_table`, by the sentence that comes with them.
"""

from __future__ import annotations

from enum import Enum, auto
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from airflow_provider_msginsights.exceptions import (
    ID_PREFIX,
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

ANALYZE = "ANALYZE"
"""The task on a Page that reading its insights takes (the same place)."""


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


class Rule(NamedTuple):
    """What an error is and what helps; ``advice`` may hold ``{permissions}`` and ``{version}``.

    :param error_id: its name in the errors reference; for the rules of codes it is made of the code.
    """

    kind: type[MessagingInsightsError]
    remedy: Remedy
    advice: str
    scope: Scope = "page"
    blames_metric: bool = False
    concerns_app: bool = False
    error_id: str = ""


_RENEW = "Get a new token and store it in the connection's password: 'msginsights token create' does both."
_APP_LIMIT = "The app's calls are used up for now. Ask less often, or for fewer Pages at a time."
_PAGE_LIMIT = "The calls for this Page are used up for now."
OTHER_LIMIT = "A limit on calls is reached for now."
GRANT = (
    "The app needs {permissions}, and the token's person the ANALYZE task on the Page; for Pages of others it also "
    "needs Advanced Access. Grant what is missing and make a new token."
)
REDUCE = "The API asks for a smaller request."
LOG_IN = "A login's code is good once, for some minutes and for one redirect address: log in again."
APP = "Check the app's id and secret: the app's dashboard shows both (App settings, Basic)."
TOO_WIDE = "The range is wider than the API accepts: ask for fewer days."

_RULES: dict[tuple[int, int | None], Rule] = {
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
    (10, None): Rule(PermissionDeniedError, Remedy.STOP, GRANT),
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
    (100, 1504016): Rule(InvalidRequestError, Remedy.SHRINK, TOO_WIDE),
    (100, 1504018): Rule(ServiceUnavailableError, Remedy.SHRINK, REDUCE),
    **dict.fromkeys(((100, 36007), (100, 36008), (100, 36009)), Rule(AuthenticationError, Remedy.STOP, LOG_IN, "run")),
    (101, None): Rule(ConfigurationError, Remedy.STOP, APP, "run", concerns_app=True),
    (102, None): Rule(AuthenticationError, Remedy.NEW_TOKEN, "The token's session is over. " + _RENEW, "run"),
    (104, None): Rule(
        AuthenticationError,
        Remedy.NEW_TOKEN,
        "No token arrived, or the proof does not fit: check the connection's password, app id and app secret.",
        "run",
        concerns_app=True,
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
    (191, None): Rule(
        ConfigurationError,
        Remedy.STOP,
        "The redirect address must be one of the app's Valid OAuth Redirect URIs (Facebook Login, Settings).",
        "run",
    ),
    (200, 2069030): Rule(FatalGraphAPIError, Remedy.STOP, "This kind of Page does not support insights."),
    (200, 2069031): Rule(FatalGraphAPIError, Remedy.STOP, "This kind of Page does not support a requested field."),
    (200, 2069033): Rule(FatalGraphAPIError, Remedy.STOP, "This kind of Page does not support the feature."),
    (341, None): Rule(RateLimitError, Remedy.WAIT, _APP_LIMIT, "run"),
    (368, None): Rule(
        RateLimitError, Remedy.WAIT, "Meta blocked the app or person for now for a breach of policy.", "run"
    ),
    (506, None): Rule(InvalidRequestError, Remedy.STOP, "The API takes the request for a duplicate post."),
    (613, None): Rule(RateLimitError, Remedy.WAIT, OTHER_LIMIT, "run"),
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


def id_of(code: int, subcode: int | None = None) -> str:
    """Return the id of an error that its code tells."""
    return f"{ID_PREFIX}{code}" if subcode is None else f"{ID_PREFIX}{code}-{subcode}"


RULES: Mapping[tuple[int, int | None], Rule] = MappingProxyType(
    {pair: rule._replace(error_id=id_of(*pair)) for pair, rule in _RULES.items()}
)
"""Every error known by itself: (code, subcode) -> what it is and what helps."""

_HANDLE_ERRORS = 'Graph API guide "Handle Errors"'
_RATE_LIMITS = 'Graph API guide "Rate Limits"'
_PAGE_ERRORS = 'Pages API page "Error codes"'
_RECORDED = "replies recorded by public clients"

SOURCES: Mapping[tuple[int, int | None], str] = MappingProxyType(
    {
        **dict.fromkeys(((1, None), (2, None), (3, None), (10, None), (102, None), (190, None)), _HANDLE_ERRORS),
        **dict.fromkeys(((190, subcode) for subcode in (458, 459, 460, 463, 464, 467, 492)), _HANDLE_ERRORS),
        **dict.fromkeys(((341, None), (368, None), (506, None)), _HANDLE_ERRORS),
        **dict.fromkeys(((code, None) for code in (4, 17, 32, 613, 80001, 80006)), _RATE_LIMITS),
        **dict.fromkeys(((100, None), (3001, None), (3001, 1504028)), "reference of the Insights edge"),
        **dict.fromkeys(((1, 2853006), (190, 2069032), (2874008, None)), _PAGE_ERRORS),
        **dict.fromkeys(((200, subcode) for subcode in (2069030, 2069031, 2069033)), _PAGE_ERRORS),
    }
)
"""What documents a code; all others are known from replies that public clients recorded."""


def source_of(code: int, subcode: int | None) -> str:
    """Return where the meaning of a code is from."""
    return SOURCES.get((code, subcode), _RECORDED)


PERMISSION_CODES = range(200, 300)
LIMIT_CODES = range(80000, 80015)
TOO_MANY_REQUESTS = 429
SERVER_ERRORS = range(500, 600)
