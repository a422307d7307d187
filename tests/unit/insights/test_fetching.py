"""fetch_insights: every (Page, metric, day) of a query reaches exactly one end, whatever the API answers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st
from support.examples import holds_for
from support.fetch_helpers import DEAD, NEW, asked, fetch, fetched, make_query, units
from support.scripted import (
    BAD_METRIC,
    EXPIRED,
    ScriptedApi,
    insights,
    insights_document,
    ok,
    refusal,
    value_of,
)

from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    InvalidRequestError,
    MessagingInsightsError,
    PermissionDeniedError,
    ResponseFormatError,
    ServiceUnavailableError,
)

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.protocol import Request, Response


def test_every_page_metric_and_day_arrives_once_with_its_own_value() -> None:
    api, query = ScriptedApi(insights), make_query(pages=20, days=365)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query)
    assert len(api.records) == 80_300
    assert all(one.value == value_of(one.page_id, one.metric, one.pacific_date.toordinal()) for one in api.records)
    assert outcome.counts == {"calls": 100, "retries": 0, "records": 80_300}
    assert sorted(units(outcome.answered)) == asked(query)
    assert not outcome.errors


def test_the_first_request_travels_alone_and_the_rest_together() -> None:
    api = ScriptedApi(insights)
    fetch(api, make_query(pages=20, days=365))
    assert [len(send) for send in api.sends] == [1, 99]


def test_no_more_is_under_way_than_the_policy_says() -> None:
    api, query = ScriptedApi(insights), make_query(pages=300)
    fetch(api, query, max_in_flight=64)
    assert api.most_in_flight == 64
    assert fetched(api) == asked(query)


def test_a_day_without_a_row_is_missing_and_not_zero() -> None:
    def answer(request: Request) -> Response:
        document = insights_document(request)
        document["data"][0]["values"] = []
        return ok(document)

    api, query = ScriptedApi(answer), make_query(metrics=[DEAD, NEW])
    outcome = fetch(api, query)
    assert [one.metric for one in api.records] == [NEW]
    assert [(part.metrics, len(part.days)) for part in outcome.empty] == [((DEAD,), 1)]
    assert [part.metrics for part in outcome.answered] == [(NEW,)]


# Errors of one Page and errors of the run


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (refusal(10), PermissionDeniedError),
        (refusal(100, 33), InvalidRequestError),
        (refusal(2), ServiceUnavailableError),
        (ok({"data": 5}), ResponseFormatError),
        (ok([]), ResponseFormatError),
    ],
)
def test_an_error_of_one_page_keeps_no_other_page_from_being_read(
    response: Response, kind: type[MessagingInsightsError]
) -> None:
    api = ScriptedApi(lambda request: response if request.page_id == "102" else insights(request))
    query = make_query(pages=5, days=200)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query, but_pages=["102"])
    assert {page: type(error) for page, error in outcome.page_failures.items()} == {"102": kind}
    assert sorted(units(outcome.unanswered)) == asked(query, but_pages=["101", "103", "104", "105"])
    assert outcome.errors == (outcome.page_failures["102"],)


def test_a_hard_error_stops_the_requests_of_its_page() -> None:
    api = ScriptedApi(lambda request: refusal(10) if request.page_id == "101" else insights(request))
    fetch(api, make_query(pages=2, days=89 * 9))
    assert sum(request.page_id == "101" for request in api.requests) == 1


def test_an_expired_token_costs_one_call() -> None:
    api = ScriptedApi(lambda _: EXPIRED)
    with pytest.raises(AuthenticationError, match="subcode 463"):
        fetch(api, make_query(pages=20, days=365))
    assert len(api.requests) == 1


def test_a_token_that_expires_on_the_way_keeps_what_was_read() -> None:
    answered = Counter[str]()

    def answer(request: Request) -> Response:
        answered["calls"] += 1
        return EXPIRED if answered["calls"] > 70 else insights(request)

    api, query = ScriptedApi(answer), make_query(pages=100)
    outcome = fetch(api, query)
    assert isinstance(outcome.stopped_by, AuthenticationError)
    assert outcome.errors[0] is outcome.stopped_by
    assert len({one.page_id for one in api.records}) == 70
    assert sorted([*fetched(api), *units(outcome.unanswered)]) == asked(query)


def test_a_host_that_never_answers_costs_the_tries_of_one_request() -> None:
    api = ScriptedApi(lambda _: "The Graph API could not be reached: no connection.")
    with pytest.raises(MessagingInsightsError, match="no connection"):
        fetch(api, make_query(pages=50), max_attempts=4)
    assert len(api.requests) == 4


def test_a_page_too_small_for_insights_is_empty_and_no_failure() -> None:
    api = ScriptedApi(lambda request: refusal(2874008) if request.page_id == "102" else insights(request))
    query = make_query(pages=3)
    outcome = fetch(api, query)
    assert set(outcome.pages_without_insights) == {"102"}
    assert {part.page_id for part in outcome.empty} == {"102"}
    assert not outcome.errors


def test_the_version_that_answered_is_told() -> None:
    api = ScriptedApi(lambda request: insights(request, facebook_api_version="v25.0"))
    assert fetch(api, make_query()).api_versions == {"v25.0"}


# Everything at once

BEHAVIOURS: dict[str, Response | str] = {
    "down": refusal(2, status=503),
    "html": ok("<html>").__class__(status=502, body="<html>"),
    "lost": "no answer",
    "unknown": refusal(1, 99, status=500),
    "heavy": refusal(
        1, message="Please reduce the amount of data you're asking for, then retry your request", status=500
    ),
    "limited": refusal(80001),
    "app limited": refusal(4),
    "long limited": refusal(80006, headers={"retry-after": "3600"}),
    "dead metric": BAD_METRIC,
    "denied": refusal(200),
    "unseen": refusal(100, 33),
    "needs page token": refusal(190, 2069032),
    "expired": EXPIRED,
    "small page": refusal(2874008),
    "nonsense": ok({"data": [None]}),
    "empty": ok({"data": []}),
}


@holds_for(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(sorted(BEHAVIOURS))), max_size=15),
    st.integers(1, 6),
    st.integers(1, 200),
    st.lists(st.booleans(), max_size=2),
    st.integers(1, 60),
    thorough=100,
    slow=3_000,
)
def test_nothing_is_lost_and_nothing_doubled_whatever_the_api_answers(
    faults: list[tuple[int, str]], pages: int, days: int, renews: list[bool], window: int
) -> None:
    """Faults strike the n-th calls; every unit must end in exactly one place, and every record in an answered one."""
    at_call = dict(faults)
    calls = Counter[str]()

    def answer(request: Request) -> Response | str:
        calls["all"] += 1
        if (fault := at_call.get(calls["all"])) is not None:
            return BEHAVIOURS[fault]
        if request.path == "/me/accounts":
            return ok({"data": [{"id": str(101 + n), "access_token": "***"} for n in range(pages)]})
        if request.yields_tokens:
            return ok({"id": request.path[1:], "access_token": "***"})
        return insights(request)

    api = ScriptedApi(answer, renews=list(renews))
    query = make_query(pages=pages, days=days, metrics=[NEW, DEAD, "page_messages_sent"])
    try:
        outcome = fetch(api, query, max_in_flight=window)
    except MessagingInsightsError:
        assert not api.records
        return
    refused = {
        key
        for key in asked(query)
        if key[1] in outcome.unavailable_metrics or key[:2] in outcome.page_unavailable_metrics
    }
    ends = Counter(
        [
            *units(outcome.answered),
            *units(outcome.empty),
            *units(outcome.unanswered),
            *units(one.part for one in outcome.paused),
        ]
    )
    assert all(count == 1 for count in ends.values()), ends.most_common(1)
    assert set(ends) | refused == set(asked(query))
    assert fetched(api) == sorted(units(outcome.answered))
    assert not (outcome.unanswered and not outcome.errors)
