"""The whole table of errors: each row's exception, its remedy and whom it concerns."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

import pytest
from support.cases import case
from support.scripted import ok, refusal

from airflow_provider_msginsights import exceptions
from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    ConfigurationError,
    FatalGraphAPIError,
    InvalidRequestError,
    MessagingInsightsError,
    PermissionDeniedError,
    RateLimitError,
    ResponseFormatError,
    RetriableGraphAPIError,
    ServiceUnavailableError,
    TransportError,
)
from airflow_provider_msginsights.insights.graph.error_table import PERMISSIONS, Problem, Remedy
from airflow_provider_msginsights.insights.graph.replies import read_reply
from airflow_provider_msginsights.insights.protocol import Reply, Request, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST = Request("/101/insights", (), "101")


def problem_of(response: Response | str) -> Problem:
    reply = (
        Reply(request=REQUEST, at_seconds=0.0, failure=response)
        if isinstance(response, str)
        else Reply(request=REQUEST, at_seconds=0.0, response=response)
    )
    judged = read_reply(reply)
    assert isinstance(judged, Problem), judged
    return judged


ROWS = [
    # code, subcode, exception, remedy, scope, a word of the advice
    (1, None, ServiceUnavailableError, Remedy.RETRY, "page", "check the Page id"),
    (1, 99, ServiceUnavailableError, Remedy.RETRY_THEN_SHRINK, "page", "less may help"),
    (1, 2853006, PermissionDeniedError, Remedy.STOP, "page", "admin of the Page"),
    (2, None, ServiceUnavailableError, Remedy.RETRY, "page", "down"),
    (3, None, PermissionDeniedError, Remedy.STOP, "run", "capability"),
    (4, None, RateLimitError, Remedy.WAIT, "run", "app's calls"),
    (4, 1504022, RateLimitError, Remedy.WAIT, "run", "app's calls"),
    (4, 1504039, RateLimitError, Remedy.WAIT, "run", "app's calls"),
    (10, None, PermissionDeniedError, Remedy.STOP, "page", "read_insights"),
    (17, None, RateLimitError, Remedy.WAIT, "run", "person"),
    (17, 2446079, RateLimitError, Remedy.WAIT, "run", "person"),
    (32, None, RateLimitError, Remedy.WAIT, "page", "Page token"),
    (100, None, InvalidRequestError, Remedy.ISOLATE, "page", "metrics or parameters"),
    (100, 33, InvalidRequestError, Remedy.STOP, "page", "Page id"),
    (100, 1504016, InvalidRequestError, Remedy.SHRINK, "page", "wider"),
    (100, 1504018, ServiceUnavailableError, Remedy.SHRINK, "page", "smaller request"),
    (102, None, AuthenticationError, Remedy.NEW_TOKEN, "run", "new token"),
    (104, None, AuthenticationError, Remedy.NEW_TOKEN, "run", "proof"),
    (190, None, AuthenticationError, Remedy.NEW_TOKEN, "run", "new token"),
    (190, 458, AuthenticationError, Remedy.NEW_TOKEN, "run", "removed the app"),
    (190, 459, AuthenticationError, Remedy.NEW_TOKEN, "run", "facebook.com"),
    (190, 460, AuthenticationError, Remedy.NEW_TOKEN, "run", "password was changed"),
    (190, 463, AuthenticationError, Remedy.NEW_TOKEN, "run", "expired"),
    (190, 464, AuthenticationError, Remedy.NEW_TOKEN, "run", "confirm the account"),
    (190, 467, AuthenticationError, Remedy.NEW_TOKEN, "run", "revoked"),
    (190, 492, AuthenticationError, Remedy.NEW_TOKEN, "run", "role on the Page"),
    (190, 2069032, AuthenticationError, Remedy.PAGE_TOKEN, "page", "Page token"),
    (200, None, PermissionDeniedError, Remedy.STOP, "page", "read_insights"),
    (230, None, PermissionDeniedError, Remedy.STOP, "page", "ANALYZE"),
    (299, None, PermissionDeniedError, Remedy.STOP, "page", "Advanced Access"),
    (200, 2069030, FatalGraphAPIError, Remedy.STOP, "page", "does not support insights"),
    (200, 2069031, FatalGraphAPIError, Remedy.STOP, "page", "field"),
    (200, 2069033, FatalGraphAPIError, Remedy.STOP, "page", "feature"),
    (341, None, RateLimitError, Remedy.WAIT, "run", "app's calls"),
    (368, None, RateLimitError, Remedy.WAIT, "run", "policy"),
    (506, None, InvalidRequestError, Remedy.STOP, "page", "duplicate"),
    (613, None, RateLimitError, Remedy.WAIT, "run", "limit"),
    (613, 1996, RateLimitError, Remedy.WAIT, "run", "limit"),
    (803, None, InvalidRequestError, Remedy.STOP, "page", "alias"),
    (960, None, ServiceUnavailableError, Remedy.RETRY, "page", "in time"),
    (2500, None, ConfigurationError, Remedy.STOP, "run", "api_version"),
    (2635, None, ConfigurationError, Remedy.STOP, "run", "api_version"),
    (3001, None, InvalidRequestError, Remedy.STOP, "run", "query"),
    (3001, 1504028, InvalidRequestError, Remedy.STOP, "run", "No metric"),
    *(
        (code, None, RateLimitError, Remedy.WAIT, "page", "for now")
        for code in (80000, 80001, 80002, 80003, 80004, 80005, 80006, 80007, 80008, 80009, 80014)
    ),
    (80004, 2446079, RateLimitError, Remedy.WAIT, "page", "for now"),
    (2874008, None, InvalidRequestError, Remedy.NO_DATA, "page", "100 followers"),
]


@pytest.mark.parametrize(("code", "subcode", "kind", "remedy", "scope", "advice"), ROWS)
def test_a_row_of_the_table_is_met_with_its_remedy_whatever_the_status(
    code: int, subcode: int | None, kind: type[MessagingInsightsError], remedy: Remedy, scope: str, advice: str
) -> None:
    for status in (200, 400, 403, 500):
        error = (problem := problem_of(refusal(code, subcode, status=status))).error
        with case(status):
            assert type(error) is kind
            assert (problem.remedy, problem.scope) == (remedy, scope)
            assert advice in error.message
            assert "{" not in error.message
            assert "Scripted refusal" in error.message
            assert (error.code, error.error_subcode) == (code, subcode)
            assert (error.http_status, error.fbtrace_id, error.page_id) == (status, "Trace1", "101")


@pytest.mark.parametrize(
    ("response", "kind", "remedy", "advice"),
    [
        (
            refusal(190, message="(#190) This method must be called with a Page Access Token"),
            AuthenticationError,
            Remedy.PAGE_TOKEN,
            "Page token",
        ),
        (
            refusal(
                1, message="Please reduce the amount of data you're asking for, then retry your request", status=500
            ),
            ServiceUnavailableError,
            Remedy.SHRINK,
            "smaller",
        ),
        (
            refusal(100, message="API calls from the server require an appsecret_proof argument"),
            AuthenticationError,
            Remedy.NEW_TOKEN,
            "app_secret",
        ),
        (
            refusal(100, message="Invalid appsecret_proof provided in the API argument", type="GraphMethodException"),
            AuthenticationError,
            Remedy.NEW_TOKEN,
            "app_secret",
        ),
    ],
)
def test_errors_that_share_a_code_are_told_apart_by_their_text(
    response: Response, kind: type[MessagingInsightsError], remedy: Remedy, advice: str
) -> None:
    problem = problem_of(response)
    assert (type(problem.error), problem.remedy) == (kind, remedy)
    assert advice in problem.error.message


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_missing_permission_is_the_one_that_is_named(permission: str) -> None:
    told = problem_of(refusal(10, message=f"(#10) This endpoint requires the '{permission}' permission")).error.message
    assert f"the permission {permission}," in told
    assert not [other for other in PERMISSIONS if other != permission and other in told]


def test_the_version_to_move_to_is_named() -> None:
    text = "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version: v26.0."
    assert "api_version to v26.0" in problem_of(refusal(2635, message=text)).error.message


@pytest.mark.parametrize(
    ("response", "kind", "remedy"),
    [
        (refusal(777), FatalGraphAPIError, Remedy.STOP),
        (refusal(777, is_transient=True), ServiceUnavailableError, Remedy.RETRY),
        (refusal(777, status=500), ServiceUnavailableError, Remedy.RETRY),
        (refusal(777, status=429), RateLimitError, Remedy.WAIT),
        (refusal(None), FatalGraphAPIError, Remedy.STOP),
        (refusal(None, status=503), ServiceUnavailableError, Remedy.RETRY),
    ],
)
def test_an_unknown_error_is_judged_by_what_it_says_of_itself(
    response: Response, kind: type[MessagingInsightsError], remedy: Remedy
) -> None:
    problem = problem_of(response)
    assert (type(problem.error), problem.remedy) == (kind, remedy)


HTML = "<html><body>Sorry, something went wrong.</body></html>"


@pytest.mark.parametrize(
    ("status", "body", "kind", "remedy"),
    [
        (200, "Service Unavailable", ServiceUnavailableError, Remedy.RETRY),
        (200, HTML, ServiceUnavailableError, Remedy.RETRY),
        (200, "", ServiceUnavailableError, Remedy.RETRY),
        (200, '{"data": [', ServiceUnavailableError, Remedy.RETRY),
        (200, '{"data": NaN}', ResponseFormatError, Remedy.STOP),
        (500, '{"data": NaN}', ServiceUnavailableError, Remedy.RETRY),
        (200, "[" * 100_000, ResponseFormatError, Remedy.STOP),
        (502, "[" * 100_000, ServiceUnavailableError, Remedy.RETRY),
        (200, "1" * 5_000, ResponseFormatError, Remedy.STOP),
        (200, '{"data": [], "data": []}', ResponseFormatError, Remedy.STOP),
        (200, '{"data": ["caf\udce9"]}', ResponseFormatError, Remedy.STOP),
        (503, "caf\udce9", ServiceUnavailableError, Remedy.RETRY),
        (500, HTML, ServiceUnavailableError, Remedy.RETRY),
        (503, "", ServiceUnavailableError, Remedy.RETRY),
        (408, HTML, ServiceUnavailableError, Remedy.RETRY),
        (500, '{"data": []}', ServiceUnavailableError, Remedy.RETRY),
        (429, HTML, RateLimitError, Remedy.WAIT),
        (403, HTML, FatalGraphAPIError, Remedy.STOP),
        (404, "Not Found", FatalGraphAPIError, Remedy.STOP),
        (302, "", ConfigurationError, Remedy.STOP),
        (200, "[]", ResponseFormatError, Remedy.STOP),
        (200, "false", ResponseFormatError, Remedy.STOP),
        (200, "7", ResponseFormatError, Remedy.STOP),
    ],
)
def test_a_body_that_is_no_graph_reply_is_judged_by_its_status(
    status: int, body: str, kind: type[MessagingInsightsError], remedy: Remedy
) -> None:
    problem = problem_of(Response(status=status, body=body))
    assert (type(problem.error), problem.remedy) == (kind, remedy)
    assert not body or body not in str(problem.error)


def test_no_reply_is_retried_and_a_reply_too_long_is_shrunk() -> None:
    assert (type(problem_of("no answer").error), problem_of("no answer").remedy) == (TransportError, Remedy.RETRY)
    judged = read_reply(Reply(request=REQUEST, at_seconds=0.0, failure="too long", too_large=True))
    assert isinstance(judged, Problem)
    assert judged.remedy is Remedy.SHRINK


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"x-business-use-case-usage": '{"1": [{"type": "pages", "estimated_time_to_regain_access": 15}]}'}, 900),
        ({"x-business-use-case-usage": '{"1": [{"type": "pages", "estimated_time_to_regain_access": "2"}]}'}, 120),
        (
            {
                "x-business-use-case-usage": '{"1": [{"type": "pages", "estimated_time_to_regain_access": 1}], '
                '"2": [{"type": "pages", "call_count": 3}, '
                '{"type": "messenger", "estimated_time_to_regain_access": 4}]}'
            },
            240,
        ),
        (
            {"x-business-use-case-usage": '{"1": [{"type": "ads_insights", "estimated_time_to_regain_access": 9}]}'},
            None,
        ),
        ({"x-business-use-case-usage": "no json"}, None),
        ({"x-business-use-case-usage": "[" * 100_000}, None),
        ({"x-business-use-case-usage": '{"1": 5, "2": [7, null]}'}, None),
        ({"x-business-use-case-usage": '{"1": [{"type": "pages", "estimated_time_to_regain_access": 1e300}]}'}, None),
        ({"retry-after": "999999999"}, 86_400),
        ({}, None),
    ],
)
def test_how_long_to_stay_away_is_read_from_the_headers(headers: Mapping[str, str], seconds: float | None) -> None:
    assert problem_of(refusal(80001, headers=dict(headers))).error.retry_after_seconds == seconds


def test_a_healthy_reply_is_its_document() -> None:
    document = {"data": [], "error": "a text that is no error object"}
    assert read_reply(Reply(request=REQUEST, at_seconds=0.0, response=ok(document))) == document


@pytest.mark.parametrize(
    "error", [{"code": "190", "message": 5}, {"code": True}, {"code": [1]}, {"error_data": "{"}, {}]
)
def test_an_error_object_of_any_shape_is_an_error_of_ours(error: dict[str, object]) -> None:
    problem = problem_of(Response(status=400, body=json.dumps({"error": error})))
    assert isinstance(problem.error, MessagingInsightsError)


EVERY_KIND = [
    kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, MessagingInsightsError)
]


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_error_survives_pickling_with_its_evidence(kind: type[MessagingInsightsError]) -> None:
    error = kind(
        "What happened.",
        http_status=400,
        code=190,
        error_subcode=463,
        fbtrace_id="T1",
        retry_after_seconds=5.0,
        page_id="101",
    )
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - pickled a moment before
    assert type(again) is kind
    assert vars(again) == vars(error)
    facts = "Page 101, HTTP 400, code 190, subcode 463, trace T1"
    assert str(again) == str(error) == f"What happened. ({facts}) {kind.kind_id}"
    assert repr(again) == f"{kind.__name__}({str(error)!r})"


def test_the_family_is_ordered_by_remedy() -> None:
    assert all(not issubclass(one, RetriableGraphAPIError) for one in EVERY_KIND if issubclass(one, FatalGraphAPIError))
    assert issubclass(RateLimitError, RetriableGraphAPIError)
    assert issubclass(ServiceUnavailableError, RetriableGraphAPIError)
    assert not issubclass(TransportError, FatalGraphAPIError)
    assert str(ConfigurationError("Plain.")) == "Plain. MSGI-config"
