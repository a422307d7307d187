"""Graph error -> exception, remedy, advice, and whom it concerns.

One table, decided by (code, subcode). HTTP status and type are not trusted, because throttling answers HTTP 400 and
nearly every error has the type ``OAuthException``. Some codes (1, 100, 190, 200, 2500) mean many things that only the
sentence tells apart: `SENTENCES` has the known ones. An unknown sentence is treated as its code says.

Sources: Graph API guide "Handle Errors"; guide "Rate Limits"; reference of the Insights edge; Pages API page "Error
codes"; for the subcodes and sentences they leave out, replies recorded by public clients.
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


@dataclass(frozen=True, slots=True)
class Problem:
    """An error, its remedy, and whether it concerns one Page or the whole run.

    :param blames_metric: the sentence says that a metric is at fault, and not the Page.
    :param concerns_app: it is the app or its proof that is refused, whichever token was used.
    """

    error: MessagingInsightsError
    remedy: Remedy
    scope: Scope = "page"
    blames_metric: bool = False
    concerns_app: bool = False


class Rule(NamedTuple):
    """What an error is and what helps; ``advice`` may hold ``{permissions}`` and ``{version}``."""

    kind: type[MessagingInsightsError]
    remedy: Remedy
    advice: str
    scope: Scope = "page"
    blames_metric: bool = False
    concerns_app: bool = False


class Sentence(NamedTuple):
    """A known sentence of the API, and the rule it stands for.

    :param codes: the codes it decides for; with any other code it says nothing.
    :param pattern: a regular expression for the sentence in `plain_words`.
    :param outranks: subcodes of the table that say less than the sentence does; all other known subcodes say more.
    """

    codes: frozenset[int | None]
    pattern: str
    rule: Rule
    outranks: frozenset[int] = frozenset()


_RENEW = "Get a new token and store it in the connection's password: 'msginsights token create' does both."
_APP_LIMIT = "The app's calls are used up for now. Ask less often, or for fewer Pages at a time."
_PAGE_LIMIT = "The calls for this Page are used up for now."
_OTHER_LIMIT = "A limit on calls is reached for now."
_GRANT = (
    "The app needs {permissions}, and the token's person the ANALYZE task on the Page; for Pages of others it also "
    "needs Advanced Access. Grant what is missing and make a new token."
)
_REDUCE = "The API asks for a smaller request."
_LOG_IN = "A login's code is good once, for some minutes and for one redirect address: log in again."
_APP = "Check the app's id and secret: the app's dashboard shows both (App settings, Basic)."
_TOO_WIDE = "The range is wider than the API accepts: ask for fewer days."

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
    (100, 1504016): Rule(InvalidRequestError, Remedy.SHRINK, _TOO_WIDE),
    (100, 1504018): Rule(ServiceUnavailableError, Remedy.SHRINK, _REDUCE),
    **dict.fromkeys(((100, 36007), (100, 36008), (100, 36009)), Rule(AuthenticationError, Remedy.STOP, _LOG_IN, "run")),
    (101, None): Rule(ConfigurationError, Remedy.STOP, _APP, "run", concerns_app=True),
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

_NOT_A_PAGE = (
    "The id is not that of a Page: give the id of the Page itself, and for an Instagram account that of the Page it is "
    "linked to."
)
_TOKEN_SUBCODES = frozenset(subcode for code, subcode in _TABLE if code == 190 and subcode is not None)  # noqa: PLR2004

SENTENCES: tuple[Sentence, ...] = (
    # Pages API page "Error codes" and many clients: "(#190) This method must be called with a Page Access Token"
    Sentence(frozenset({190}), r"page access token", _TABLE[190, 2069032]),
    # Recorded with code 190: "Error validating application. Application has been deleted."
    Sentence(
        frozenset({190}),
        r"\b(application|app) (has been|was|is) deleted",
        Rule(
            AuthenticationError,
            Remedy.NEW_TOKEN,
            "The app is gone, and with it every token it gave out. Set up an app that exists at "
            "developers.facebook.com/apps and connect with that one.",
            "run",
            concerns_app=True,
        ),
        outranks=_TOKEN_SUBCODES,
    ),
    # Airbyte's source-facebook-marketing: "Please reduce the amount of data you're asking for, then retry your request"
    Sentence(
        frozenset({None, 1, 2, 100}),
        r"reduce the amount of data",
        Rule(ServiceUnavailableError, Remedy.SHRINK, _REDUCE),
        outranks=frozenset({99}),
    ),
    # Keboola's ex-facebook-graph-api: "There cannot be more than 93 days (8035200 s) between since and until"
    Sentence(
        frozenset({1, 100}),
        r"between since and until",
        Rule(InvalidRequestError, Remedy.SHRINK, _TOO_WIDE),
        outranks=frozenset({99}),
    ),
    # Public fixtures of the token exchange: "Error validating client secret.", "Invalid verification code format."
    Sentence(
        frozenset({1, 100, 101}),
        r"validating client secret",
        Rule(ConfigurationError, Remedy.STOP, _APP, "run", concerns_app=True),
    ),
    Sentence(frozenset({100}), r"verification code", Rule(AuthenticationError, Remedy.STOP, _LOG_IN, "run")),
    # Public fake Graph servers: "API calls from the server require an appsecret_proof argument", "Invalid
    # appsecret_proof provided in the API argument"
    Sentence(
        frozenset({100}),
        r"app ?secret proof",
        Rule(
            AuthenticationError,
            Remedy.NEW_TOKEN,
            "The app demands a proof of its secret: set app_secret in the connection's extra to the app's own.",
            "run",
            concerns_app=True,
        ),
    ),
    # Insights reference: "(#100) The value must be a valid insights metric"; it does not say which of them
    Sentence(frozenset({100}), r"valid insights metric", _TABLE[100, None]._replace(blames_metric=True)),
    # Recorded on v25.0 and earlier: "(#100) Missing Permission"; "(#100) Object does not exist, cannot be loaded due to
    # missing permission or reviewable feature, or does not support this operation. This endpoint requires the
    # 'pages_read_engagement' permission or the 'Page Public Content Access' feature or …"
    Sentence(
        frozenset({100}),
        r"missing permissions?\b|\b(cannot|can not|can t) be loaded",
        Rule(PermissionDeniedError, Remedy.STOP, _GRANT),
    ),
    # Recorded for the id of a video, a person, an Instagram account: "(#100) Tried accessing nonexisting field
    # (insights) on node type (Video)"
    Sentence(frozenset({100}), r"non ?exist(ing|ent) field", Rule(InvalidRequestError, Remedy.STOP, _NOT_A_PAGE)),
    # Recorded for an Instagram account's id: "(#100) metric[0] must be one of the following values: impressions, …"; a
    # list that has metrics of Pages is about the metric
    Sentence(
        frozenset({100}),
        r"\bmetric( \d+)? must be one of(?!.* page )",
        Rule(InvalidRequestError, Remedy.STOP, _NOT_A_PAGE),
    ),
    # A sweep of 80 metrics on v25.0: "(#100) For field 'insights': Param period must be one of {day, week, days_28}"
    Sentence(
        frozenset({100}),
        r"\bparam period must be one of",
        Rule(InvalidRequestError, Remedy.STOP, "The API does not offer this period: set period to one that it lists."),
    ),
    # Many public logs of 2026, on every edge: "API access blocked."
    Sentence(
        frozenset({200}),
        r"\bapi access (is |was |has been )?blocked",
        Rule(
            FatalGraphAPIError,
            Remedy.STOP,
            "Meta blocks the app or the account behind the token: see the app's dashboard at "
            "developers.facebook.com/apps and the account's support inbox, and lift the block there.",
            "run",
        ),
    ),
    # Public logs: "Provide valid app ID"
    Sentence(
        frozenset({200}),
        r"\bprovide (a )?valid app id",
        Rule(
            AuthenticationError,
            Remedy.NEW_TOKEN,
            "The app that the token was made with is not valid: see its dashboard at developers.facebook.com/apps, or "
            "use a token of an app that works.",
            "run",
            concerns_app=True,
        ),
    ),
    # Recorded for /me: "An active access token must be used to query information about the current user."
    Sentence(
        frozenset({2500}),
        r"\bactive access token must be used",
        Rule(
            AuthenticationError,
            Remedy.NEW_TOKEN,
            "The token is of the wrong kind: it belongs to no person and no Page, as an app's own token. Store the "
            "token of a Page, of a person or of a system user in the connection's password.",
            "run",
        ),
    ),
)
"""What the API says where a code alone does not decide. The first that fits counts."""

RULES: Mapping[tuple[int, int | None], Rule] = MappingProxyType(_TABLE)
"""Every error known by itself: (code, subcode) -> what it is and what helps."""

PERMISSION_CODES = range(200, 300)
LIMIT_CODES = range(80000, 80015)
TOO_MANY_REQUESTS = 429
SERVER_ERRORS = range(500, 600)


def rule_for(code: int | None, subcode: int | None, text: str, *, status: int, is_transient: bool) -> Rule:
    """Return the rule for an error: of the tables, or else by what the error and its reply say of themselves."""
    return _known(code, subcode, text) or _unknown(status, is_transient=is_transient)


def plain_words(text: str) -> str:
    """Return the text in lower case, one space between words: quotes, brackets, dashes, underscores do not count."""
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def _known(code: int | None, subcode: int | None, text: str) -> Rule | None:
    exact = _TABLE.get((code, subcode)) if code is not None and subcode is not None else None
    words = plain_words(text)
    for sentence in SENTENCES:
        says_more = exact is None or subcode in sentence.outranks
        if code in sentence.codes and says_more and re.search(sentence.pattern, words):
            return sentence.rule
    if code is None:
        return None
    if rule := exact or _TABLE.get((code, None)):
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
    """Return what helps, with the permission or version that the API's text names."""
    named = [permission for permission in PERMISSIONS if permission in text]
    versions = re.findall(r"v\d+\.\d+", text)
    return rule.advice.format(
        permissions=(f"the permission {' and '.join(named)}" if named else f"the permissions {', '.join(PERMISSIONS)}"),
        version=versions[-1] if versions else "a version that Meta still supports",
    )
