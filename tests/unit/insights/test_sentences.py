"""Sentences of the API that decide where a code alone does not, as recorded and in other spellings."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest
from support.fetch_helpers import NEW, asked, fetch, fetched, make_query
from support.scripted import ScriptedApi, days_of, insights, metrics_of, refusal

from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    ConfigurationError,
    FatalGraphAPIError,
    InvalidRequestError,
    MessagingInsightsError,
    PermissionDeniedError,
    ServiceUnavailableError,
)
from airflow_provider_msginsights.insights.graph.error_table import RULES, SENTENCES, Problem, Remedy, plain_words
from airflow_provider_msginsights.insights.graph.replies import read_reply
from airflow_provider_msginsights.insights.protocol import Reply, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable


class Known(NamedTuple):
    """A recorded sentence, and what it means."""

    code: int
    message: str
    kind: type[MessagingInsightsError]
    remedy: Remedy
    scope: str
    advice: str


LOST = (
    "(#100) Object does not exist, cannot be loaded due to missing permission or reviewable feature, or does not "
    "support this operation. This endpoint requires the 'pages_read_engagement' permission or the 'Page Public "
    "Content Access' feature or the 'Page Public Metadata Access' feature."
)
INSTAGRAM = "(#100) metric[0] must be one of the following values: impressions, reach, follower_count, profile_views"
KNOWN = [
    Known(
        100, "(#100) The value must be a valid insights metric", InvalidRequestError, Remedy.ISOLATE, "page", "metric"
    ),
    Known(100, LOST, PermissionDeniedError, Remedy.STOP, "page", "the permission pages_read_engagement,"),
    Known(100, "(#100) Missing Permission", PermissionDeniedError, Remedy.STOP, "page", "read_insights"),
    Known(
        100,
        "(#100) Tried accessing nonexisting field (insights) on node type (Video)",
        InvalidRequestError,
        Remedy.STOP,
        "page",
        "the id of the Page itself",
    ),
    Known(100, INSTAGRAM, InvalidRequestError, Remedy.STOP, "page", "the Page it is linked to"),
    Known(
        100,
        "Invalid appsecret_proof provided in the API argument",
        AuthenticationError,
        Remedy.NEW_TOKEN,
        "run",
        "app_secret",
    ),
    Known(
        100,
        "Invalid app secret proof, please verify the app secret proof",
        AuthenticationError,
        Remedy.NEW_TOKEN,
        "run",
        "app_secret",
    ),
    Known(
        1,
        "There cannot be more than 93 days (8035200 s) between since and until",
        InvalidRequestError,
        Remedy.SHRINK,
        "page",
        "fewer days",
    ),
    Known(
        100,
        "(#100) There cannot be more than 30 days (2592000 s) between since and until",
        InvalidRequestError,
        Remedy.SHRINK,
        "page",
        "fewer days",
    ),
    Known(200, "API access blocked.", FatalGraphAPIError, Remedy.STOP, "run", "dashboard"),
    Known(200, "Provide valid app ID", AuthenticationError, Remedy.NEW_TOKEN, "run", "app"),
    Known(
        190,
        "Error validating application. Application has been deleted.",
        AuthenticationError,
        Remedy.NEW_TOKEN,
        "run",
        "The app is gone",
    ),
    Known(
        2500,
        "An active access token must be used to query information about the current user.",
        AuthenticationError,
        Remedy.NEW_TOKEN,
        "run",
        "wrong kind",
    ),
]
IDS = [f"{one.code} {one.message[:30]}" for one in KNOWN]


def problem_of(code: int, message: str, subcode: int | None = None) -> Problem:
    response = refusal(code, subcode, message=message)
    judged = read_reply(Reply(request=Request("/101/insights", (), "101"), at_seconds=0.0, response=response))
    assert isinstance(judged, Problem)
    return judged


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as recorded": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "curly quotes": lambda text: text.replace("'", "\u2019"),
    "quoted words": lambda text: text.replace("since and until", "'since' and 'until'").replace(
        "API", "\u201cAPI\u201d"
    ),
    "without the number in front": lambda text: text.removeprefix("(#100) "),
    "with a number in front": lambda text: f"(#1) {text.removeprefix('(#100) ')}",
    "without its end": lambda text: text.rstrip("."),
    "odd spaces": lambda text: text.replace(" ", " \u00a0 "),
    "more behind it": lambda text: f"{text} Learn more at https://developers.facebook.com/docs",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("known", KNOWN, ids=IDS)
def test_a_known_sentence_decides_in_any_spelling(known: Known, spelling: str) -> None:
    problem = problem_of(known.code, SPELLINGS[spelling](known.message))
    assert (type(problem.error), problem.remedy, problem.scope) == (known.kind, known.remedy, known.scope)
    if spelling == "as recorded":
        assert known.advice in problem.error.message
        assert "{" not in problem.error.message


@pytest.mark.parametrize("known", KNOWN, ids=IDS)
def test_a_sentence_with_a_code_it_does_not_belong_to_decides_nothing(known: Known) -> None:
    said = plain_words(known.message)
    its_codes = {code for one in SENTENCES if re.search(one.pattern, said) for code in one.codes}
    assert known.code in its_codes
    for code, subcode in RULES:
        if code not in its_codes:
            rule = RULES[code, subcode]
            problem = problem_of(code, known.message, subcode)
            assert (type(problem.error), problem.remedy, problem.scope) == (rule.kind, rule.remedy, rule.scope)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (
            (100, 33),
            "Unsupported get request. Object with ID '1' does not exist, cannot be loaded due to missing permissions",
        ),
        ((190, 463), "The Page access token has expired"),
        ((200, 2069030), "API access blocked."),
        ((100, 1504016), "(#100) Missing Permission"),
    ],
)
def test_a_known_subcode_says_more_than_a_sentence(pair: tuple[int, int], message: str) -> None:
    problem = problem_of(pair[0], message, pair[1])
    assert (type(problem.error), problem.remedy) == (RULES[pair].kind, RULES[pair].remedy)


@pytest.mark.parametrize(
    "message",
    [
        "(#100) Something nobody has seen",
        "(#100) The following periods (week) are incompatible with the metric (online_followers)",
        "(#100) metric[0] must be one of the following values: page_impressions, page_messages_sent",
        "(#100) This Page is not missing anything",
    ],
)
def test_an_unknown_sentence_is_treated_as_its_code_says(message: str) -> None:
    problem = problem_of(100, message)
    assert (type(problem.error), problem.remedy, problem.blames_metric) == (InvalidRequestError, Remedy.ISOLATE, False)


def test_a_blocked_app_is_told_without_a_word_of_permissions() -> None:
    told = problem_of(200, "API access blocked.").error.message
    assert "permission" not in told.lower()
    assert "ANALYZE" not in told


def test_a_deleted_app_is_told_without_advice_to_make_a_token_with_it() -> None:
    for subcode in (None, 463, 467):
        told = problem_of(190, "Error validating application. Application has been deleted.", subcode).error.message
        assert "new token" not in told.lower()


def test_a_plain_2500_is_about_the_address() -> None:
    assert isinstance(problem_of(2500, "Unknown path components: /x").error, ConfigurationError)


def at_most_93_days(code: int, subcode: int | None) -> ScriptedApi:
    message = "There cannot be more than 40 days (3456000 s) between since and until"

    def answer(request: Request) -> Response:
        is_too_wide = len(days_of(request)) > 40
        return refusal(code, subcode, message=message) if is_too_wide else insights(request)

    return ScriptedApi(answer)


@pytest.mark.parametrize(("code", "subcode"), [(1, None), (1, 99), (100, None)])
@pytest.mark.parametrize("metrics", [[NEW], "all"])
def test_a_range_too_wide_is_asked_for_in_pieces_of_all_metrics(
    code: int, subcode: int | None, metrics: object
) -> None:
    api, query = at_most_93_days(code, subcode), make_query(days=89, pages=2, metrics=metrics)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query)
    assert not outcome.errors
    assert {len(metrics_of(request)) for request in api.requests} == {len(query.metrics)}
    assert len(api.requests) < 12


@pytest.mark.parametrize("code", [1, 100])
def test_a_total_over_a_range_too_wide_cannot_be_put_together_from_pieces(code: int) -> None:
    api, query = at_most_93_days(code, None), make_query(days=80, metrics=[NEW], period="total_over_range")
    outcome = fetch(api, query)
    assert {type(error) for error in outcome.page_failures.values()} == {InvalidRequestError}
    assert "fewer days" in str(outcome.errors[0])
    assert len(api.requests) == 1


def test_heavy_and_too_wide_are_two_sentences_of_code_1() -> None:
    heavy = problem_of(1, "Please reduce the amount of data you\u2019re asking for, then retry your request")
    assert (type(heavy.error), heavy.remedy) == (ServiceUnavailableError, Remedy.SHRINK)
    assert problem_of(1, "An unknown error occurred").remedy is Remedy.RETRY


def test_a_sentence_far_behind_in_a_long_message_is_read() -> None:
    body = json.dumps({"error": {"code": 100, "message": "x " * 600 + "Missing Permission"}})
    judged = read_reply(Reply(request=Request("/1", (), "1"), at_seconds=0.0, response=Response(status=400, body=body)))
    assert isinstance(judged, Problem)
    assert isinstance(judged.error, PermissionDeniedError)
