"""A load of several Pages begins with their tokens, since a token that reads one Page reads no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.fetch_helpers import asked, fetched, make_query
from support.scripted import EXPIRED, ScriptedApi, insights, refusal
from unit.insights.test_tokens import UserToken

from airflow_provider_msginsights.exceptions import AuthenticationError, ServiceUnavailableError
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.protocol import Request, Response
    from airflow_provider_msginsights.insights.query import InsightsQuery


def fetch_with_tokens_first(api: ScriptedApi, query: InsightsQuery) -> FetchOutcome:
    return api.run(fetch_insights(query, policy=RetryPolicy(max_attempts=2), exchange_first=True))


def is_list(request: Request) -> bool:
    return request.path == "/me/accounts"


def test_several_pages_take_one_call_more_than_they_have_requests() -> None:
    server = UserToken(str(101 + n) for n in range(20))
    api, query = ScriptedApi(server), make_query(pages=20, days=365)
    outcome = fetch_with_tokens_first(api, query)
    assert fetched(api) == asked(query)
    assert outcome.counts["calls"] == 1 + 20 * 5
    assert [[request.path for request in send] for send in api.sends[:1]] == [["/me/accounts"]]


def test_a_single_page_is_asked_without_a_list() -> None:
    api, query = ScriptedApi(insights), make_query(days=3)
    fetch_with_tokens_first(api, query)
    assert [request.path for request in api.requests] == ["/101/insights"]


def test_pages_that_are_not_listed_are_exchanged_when_their_reading_demands_it() -> None:
    server = UserToken(["101", "102"])
    api, query = ScriptedApi(server), make_query(pages=3)
    outcome = fetch_with_tokens_first(api, query)
    assert fetched(api) == asked(query, but_pages=["103"])
    assert set(outcome.page_failures) == {"103"}
    assert server.calls == ["accounts", "103"]


def test_a_token_without_a_list_of_pages_reads_what_it_can() -> None:
    def pages_own_token(request: Request) -> Response:
        if is_list(request):
            return refusal(100, message="(#100) Tried accessing nonexisting field (accounts) on node type (Page)")
        return insights(request) if request.page_id == "101" else refusal(10)

    api, query = ScriptedApi(pages_own_token), make_query(pages=2)
    outcome = fetch_with_tokens_first(api, query)
    assert fetched(api) == asked(query, but_pages=["102"])
    assert set(outcome.page_failures) == {"102"}


def test_an_expired_token_costs_one_call() -> None:
    api = ScriptedApi(lambda _: EXPIRED)
    with pytest.raises(AuthenticationError):
        fetch_with_tokens_first(api, make_query(pages=20, days=365))
    assert len(api.requests) == 1


def test_a_token_rotated_meanwhile_is_tried_once() -> None:
    server = UserToken(["101", "102"])
    refusals = [EXPIRED]
    api = ScriptedApi(lambda request: refusals.pop() if refusals else server(request), renews=[True])
    query = make_query(pages=2)
    fetch_with_tokens_first(api, query)
    assert fetched(api) == asked(query)


def test_a_limit_met_at_the_list_hands_everything_back() -> None:
    usage = '{"1": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 15}]}'
    limited = refusal(4, headers={"x-business-use-case-usage": usage})
    api, query = ScriptedApi(lambda _: limited), make_query(pages=2)
    outcome = fetch_with_tokens_first(api, query)
    assert {paused.part.page_id for paused in outcome.paused} == {"101", "102"}
    assert not outcome.unanswered
    assert outcome.resume_after_seconds


def test_an_outage_at_the_list_stops_the_run() -> None:
    api = ScriptedApi(lambda _: refusal(2))
    with pytest.raises(ServiceUnavailableError):
        fetch_with_tokens_first(api, make_query(pages=2))
    assert len(api.requests) == 2
