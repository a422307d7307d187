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
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    ConfigurationError,
    FatalGraphAPIError,
    InvalidRequestError,
    PermissionDeniedError,
    RateLimitError,
    ServiceUnavailableError,
)
from airflow_provider_msginsights.insights.graph.error_codes import (
    ANALYZE,
    APP,
    GRANT,
    LIMIT_CODES,
    LOG_IN,
    OTHER_LIMIT,
    PERMISSION_CODES,
    PERMISSIONS,
    REDUCE,
    RULES,
    SERVER_ERRORS,
    TOO_MANY_REQUESTS,
    TOO_WIDE,
    Remedy,
    Rule,
    Scope,
    id_of,
)

if TYPE_CHECKING:
    from airflow_provider_msginsights.exceptions import MessagingInsightsError

__all__ = [
    "ANALYZE",
    "LIMIT_CODES",
    "PERMISSIONS",
    "PERMISSION_CODES",
    "RULES",
    "SENTENCES",
    "SERVER_ERRORS",
    "TOO_MANY_REQUESTS",
    "Problem",
    "Remedy",
    "Rule",
    "Scope",
    "Sentence",
    "advice_of",
    "known_codes",
    "plain_words",
    "rule_for",
]


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


class Sentence(NamedTuple):
    """A known sentence of the API, and the rule it stands for.

    :param codes: the codes it decides for; with any other code it says nothing.
    :param pattern: a regular expression for the sentence in `plain_words`.
    :param source: where the sentence is from, and how it reads there.
    :param outranks: subcodes of the table that say less than the sentence does; all other known subcodes say more.
    """

    codes: frozenset[int | None]
    pattern: str
    rule: Rule
    source: str
    outranks: frozenset[int] = frozenset()


_NOT_A_PAGE = (
    "The id is not that of a Page: give the id of the Page itself, and for an Instagram account that of the Page it is "
    "linked to."
)
_TOKEN_SUBCODES = frozenset(subcode for code, subcode in RULES if code == 190 and subcode is not None)  # noqa: PLR2004

SENTENCES: tuple[Sentence, ...] = (
    Sentence(
        frozenset({190}),
        r"page access token",
        RULES[190, 2069032],
        source=(
            'Pages API page "Error codes" and many clients: "(#190) This method must be called with '
            'a Page Access Token"'
        ),
    ),
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
            error_id="MSGI-190-app-deleted",
        ),
        source='Recorded with code 190: "Error validating application. Application has been deleted."',
        outranks=_TOKEN_SUBCODES,
    ),
    Sentence(
        frozenset({None, 1, 2, 100}),
        r"reduce the amount of data",
        Rule(ServiceUnavailableError, Remedy.SHRINK, REDUCE, error_id="MSGI-too-much-data"),
        source=(
            "Airbyte's source-facebook-marketing: \"Please reduce the amount of data you're asking "
            'for, then retry your request"'
        ),
        outranks=frozenset({99}),
    ),
    Sentence(
        frozenset({1, 100}),
        r"between since and until",
        Rule(InvalidRequestError, Remedy.SHRINK, TOO_WIDE, error_id="MSGI-range-too-wide"),
        source=(
            'Keboola\'s ex-facebook-graph-api: "There cannot be more than 93 days (8035200 s) between since and until"'
        ),
        outranks=frozenset({99}),
    ),
    Sentence(
        frozenset({1, 100, 101}),
        r"validating client secret",
        Rule(ConfigurationError, Remedy.STOP, APP, "run", concerns_app=True, error_id="MSGI-client-secret"),
        source='Public fixtures of the token exchange: "Error validating client secret."',
    ),
    Sentence(
        frozenset({100}),
        r"verification code",
        Rule(AuthenticationError, Remedy.STOP, LOG_IN, "run", error_id="MSGI-100-login-code"),
        source='Public fixtures of the token exchange: "Invalid verification code format."',
    ),
    Sentence(
        frozenset({100}),
        r"app ?secret proof",
        Rule(
            AuthenticationError,
            Remedy.NEW_TOKEN,
            "The app demands a proof of its secret: set app_secret in the connection's extra to the app's own.",
            "run",
            concerns_app=True,
            error_id="MSGI-100-proof",
        ),
        source=(
            'Public fake Graph servers: "API calls from the server require an appsecret_proof '
            'argument", "Invalid appsecret_proof provided in the API argument"'
        ),
    ),
    Sentence(
        frozenset({100}),
        r"valid insights metric",
        RULES[100, None]._replace(blames_metric=True, error_id="MSGI-100-metric"),
        source=(
            'Insights reference: "(#100) The value must be a valid insights metric"; it does not say which of them'
        ),
    ),
    Sentence(
        frozenset({100}),
        r"missing permissions?\b|\b(cannot|can not|can t) be loaded",
        Rule(PermissionDeniedError, Remedy.STOP, GRANT, error_id="MSGI-100-permission"),
        source=(
            'Recorded on v25.0 and earlier: "(#100) Missing Permission"; "(#100) Object does not '
            "exist, cannot be loaded due to missing permission or reviewable feature, or does not "
            "support this operation. This endpoint requires the 'pages_read_engagement' permission "
            "or the 'Page Public Content Access' feature or …\""
        ),
    ),
    Sentence(
        frozenset({100}),
        r"non ?exist(ing|ent) field",
        Rule(InvalidRequestError, Remedy.STOP, _NOT_A_PAGE, error_id="MSGI-100-not-a-page"),
        source=(
            'Recorded for the id of a video, a person, an Instagram account: "(#100) Tried '
            'accessing nonexisting field (insights) on node type (Video)"'
        ),
    ),
    Sentence(
        frozenset({100}),
        r"\bmetric( \d+)? must be one of(?!.* page )",
        Rule(InvalidRequestError, Remedy.STOP, _NOT_A_PAGE, error_id="MSGI-100-not-a-page"),
        source=(
            "Recorded for an Instagram account's id: \"(#100) metric[0] must be one of the following "
            'values: impressions, …"; a list that has metrics of Pages is about the metric'
        ),
    ),
    Sentence(
        frozenset({100}),
        r"\bparam period must be one of",
        Rule(
            InvalidRequestError,
            Remedy.STOP,
            "The API does not offer this period: set period to one that it lists.",
            error_id="MSGI-100-period",
        ),
        source=(
            "A sweep of 80 metrics on v25.0: \"(#100) For field 'insights': Param period must be one "
            'of {day, week, days_28}"'
        ),
    ),
    Sentence(
        frozenset({200}),
        r"\bapi access (is |was |has been )?blocked",
        Rule(
            FatalGraphAPIError,
            Remedy.STOP,
            "Meta blocks the app or the account behind the token: see the app's dashboard at "
            "developers.facebook.com/apps and the account's support inbox, and lift the block there.",
            "run",
            error_id="MSGI-200-blocked",
        ),
        source='Many public logs of 2026, on every edge: "API access blocked."',
    ),
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
            error_id="MSGI-200-app-id",
        ),
        source='Public logs: "Provide valid app ID"',
    ),
    Sentence(
        frozenset({2500}),
        r"\bactive access token must be used",
        Rule(
            AuthenticationError,
            Remedy.NEW_TOKEN,
            "The token is of the wrong kind: it belongs to no person and no Page, as an app's own token. Store the "
            "token of a Page, of a person or of a system user in the connection's password.",
            "run",
            error_id="MSGI-2500-token",
        ),
        source=('Recorded for /me: "An active access token must be used to query information about the current user."'),
    ),
)
"""What the API says where a code alone does not decide. The first that fits counts."""


def rule_for(code: int | None, subcode: int | None, text: str, *, status: int, is_transient: bool) -> Rule:
    """Return the rule for an error: of the tables, or else by what the error and its reply say of themselves."""
    return _known(code, subcode, text) or _unknown(status, is_transient=is_transient)


def plain_words(text: str) -> str:
    """Return the text in lower case, one space between words: quotes, brackets, dashes, underscores do not count."""
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def _known(code: int | None, subcode: int | None, text: str) -> Rule | None:
    exact = RULES.get((code, subcode)) if code is not None and subcode is not None else None
    words = plain_words(text)
    for sentence in SENTENCES:
        says_more = exact is None or subcode in sentence.outranks
        if code in sentence.codes and says_more and re.search(sentence.pattern, words):
            return sentence.rule
    if code is None:
        return None
    if rule := exact or RULES.get((code, None)):
        return rule
    if code in PERMISSION_CODES:
        return RULES[10, None]._replace(error_id=id_of(PERMISSION_CODES.start))
    if code in LIMIT_CODES:
        return Rule(RateLimitError, Remedy.WAIT, OTHER_LIMIT, error_id=id_of(LIMIT_CODES.start))
    return None


def _unknown(status: int, *, is_transient: bool) -> Rule:
    if status == TOO_MANY_REQUESTS:
        return Rule(RateLimitError, Remedy.WAIT, OTHER_LIMIT, error_id="MSGI-http-limit")
    if is_transient or status in SERVER_ERRORS:
        return Rule(
            ServiceUnavailableError,
            Remedy.RETRY,
            "The API says that asking again may help.",
            error_id="MSGI-transient",
        )
    return Rule(
        FatalGraphAPIError,
        Remedy.STOP,
        "This error is unknown to us; look up its code in the Graph API's documentation.",
        error_id="MSGI-unknown",
    )


@cache
def known_codes() -> frozenset[int]:
    """Every code and subcode that means something here."""
    named = {number for pair in RULES for number in pair if number is not None}
    return frozenset({*named, *PERMISSION_CODES, *LIMIT_CODES})


def advice_of(rule: Rule, text: str) -> str:
    """Return what helps, with the permission or version that the API's text names."""
    named = [permission for permission in PERMISSIONS if permission in text]
    versions = re.findall(r"v\d+\.\d+", text)
    return rule.advice.format(
        permissions=(f"the permission {' and '.join(named)}" if named else f"the permissions {', '.join(PERMISSIONS)}"),
        version=versions[-1] if versions else "a version that Meta still supports",
    )
