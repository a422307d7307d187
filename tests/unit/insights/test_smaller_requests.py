"""A request that the API finds too heavy is asked in smaller pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.fetch_helpers import NEW, asked, fetch, fetched, make_query
from support.scripted import (
    TOO_MUCH,
    ScriptedApi,
    days_of,
    insights,
    metrics_of,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.insights.protocol import Request, Response


def at_most(rows: int, response: Response) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        return response if len(days_of(request)) * len(metrics_of(request)) > rows else insights(request)

    return answer


@pytest.mark.parametrize("response", [TOO_MUCH, refusal(100, 1504018), refusal(1, 99, status=500)])
@pytest.mark.parametrize("rows", [500, 100, 7, 1])
def test_a_request_too_heavy_is_asked_in_smaller_pieces(response: Response, rows: int) -> None:
    api, query = ScriptedApi(at_most(rows, response)), make_query(pages=3, days=89 if rows > 7 else 20)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query)
    assert not outcome.errors


def test_the_size_that_worked_is_kept_for_the_run() -> None:
    api, query = ScriptedApi(at_most(500, TOO_MUCH)), make_query(pages=50, days=80)
    fetch(api, query)
    refused = [request for request in api.requests if len(days_of(request)) * len(metrics_of(request)) > 500]
    assert len(refused) == 1
    assert len(api.requests) == 1 + 100


def test_an_unknown_error_that_stays_is_shrunk_only_after_a_second_try() -> None:
    api = ScriptedApi(at_most(500, refusal(1, 99, status=500)))
    fetch(api, make_query(days=80))
    assert [len(days_of(request)) for request in api.requests] == [80, 80, 40, 40]


def test_a_range_too_wide_is_halved_but_its_metrics_are_not() -> None:
    def answer(request: Request) -> Response:
        return refusal(100, 1504016) if len(days_of(request)) > 30 else insights(request)

    api, query = ScriptedApi(answer), make_query(days=89)
    fetch(api, query)
    assert fetched(api) == asked(query)
    assert {len(metrics_of(request)) for request in api.requests} == {11}


def test_a_total_is_never_added_up_from_parts() -> None:
    api, query = ScriptedApi(at_most(4 * 60, TOO_MUCH)), make_query(days=60, period="total_over_range")
    fetch(api, query)
    assert {len(days_of(request)) for request in api.requests} == {60}
    assert sorted(one.metric for one in api.records) == sorted(query.metrics)
    too_wide = ScriptedApi(lambda _: refusal(100, 1504016))
    outcome = fetch(too_wide, query)
    assert "wider" in str(outcome.page_failures["101"])
    assert len(too_wide.requests) == 1


def test_what_cannot_be_smaller_is_a_failure_of_its_page() -> None:
    api = ScriptedApi(lambda request: TOO_MUCH if request.page_id == "101" else insights(request))
    query = make_query(pages=3, metrics=[NEW], days=4)
    outcome = fetch(api, query)
    assert set(outcome.page_failures) == {"101"}
    assert fetched(api) == asked(query, but_pages=["101"])


def test_one_odd_page_does_not_multiply_the_calls_for_the_others() -> None:
    def answer(request: Request) -> Response:
        return at_most(3, TOO_MUCH)(request) if request.page_id == "101" else insights(request)

    api, query = ScriptedApi(answer), make_query(pages=20, days=89)
    fetch(api, query)
    assert fetched(api) == asked(query)
    assert sum(request.page_id != "101" for request in api.requests) <= 19 * 8


def test_an_api_that_finds_everything_too_heavy_is_not_stormed() -> None:
    api, query = ScriptedApi(lambda _: TOO_MUCH), make_query(pages=3, days=89)
    outcome = fetch(api, query)
    assert set(outcome.page_failures) == {"101", "102", "103"}
    assert len(api.requests) <= 3 * 12
