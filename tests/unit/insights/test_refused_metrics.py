"""A metric that the API refuses costs few calls and takes no other metric with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.fetch_helpers import DEAD, NEW, asked, fetch, fetched, make_query
from support.scripted import (
    BAD_METRIC,
    ScriptedApi,
    insights,
    metrics_of,
    refusal,
)

from airflow_provider_msginsights.exceptions import (
    InvalidRequestError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.insights.protocol import Request, Response


def refusing(metrics: set[str], on: Callable[[str | None], bool] = lambda _: True) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        return BAD_METRIC if metrics & set(metrics_of(request)) and on(request.page_id) else insights(request)

    return answer


@pytest.mark.parametrize("dead", [{DEAD}, {DEAD, NEW}])
def test_dead_metrics_cost_two_sends_more_and_are_named(dead: set[str]) -> None:
    api, query = ScriptedApi(refusing(dead)), make_query(pages=20, days=365)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query, but_metrics=dead)
    assert set(outcome.unavailable_metrics) == dead
    for metric, error in outcome.unavailable_metrics.items():
        assert f"refuses the metric {metric}" in str(error)
        assert (error.code, error.fbtrace_id) == (100, "Trace1")
    assert not outcome.errors, "none was named by the query"
    assert len(api.sends) == 3
    assert len(api.requests) == 100 + 11 + len(dead), (
        "each request, each metric once, a second opinion on each dead one"
    )


def test_a_wave_of_200_refused_together_costs_two_sends_more() -> None:
    first = iter([True])

    def answer(request: Request) -> Response:
        return insights(request) if next(first, False) else refusing({DEAD})(request)

    api, query = ScriptedApi(answer), make_query(pages=201)
    outcome = fetch(api, query)
    assert [len(send) for send in api.sends][:3] == [1, 200, 11]
    assert len(api.requests) == 1 + 200 + 11 + 200 - 1 + 1
    assert fetched(api) == [key for key in asked(query) if key[1] != DEAD or key[0] == "101"]
    assert set(outcome.unavailable_metrics) == {DEAD}


def test_a_metric_named_by_the_query_and_refused_is_an_error() -> None:
    api, query = ScriptedApi(refusing({DEAD})), make_query(pages=3, metrics=[NEW, DEAD])
    outcome = fetch(api, query)
    assert set(outcome.refused_explicit_metrics) == {DEAD}
    assert outcome.errors == (outcome.unavailable_metrics[DEAD],)
    assert fetched(api) == asked(query, but_metrics=[DEAD])


@pytest.mark.parametrize(("metrics", "is_error"), [([NEW, DEAD], True), ("all", False)])
def test_a_metric_refused_on_one_page_only_is_an_error_where_the_query_names_it(
    metrics: list[str] | str, *, is_error: bool
) -> None:
    api, query = ScriptedApi(refusing({DEAD}, lambda page: page == "102")), make_query(pages=3, metrics=metrics)
    outcome = fetch(api, query)
    ((place, error),) = outcome.page_unavailable_metrics.items()
    assert place == ("102", DEAD)
    assert outcome.refused_explicit_metrics == ({DEAD: error} if is_error else {})
    assert outcome.errors == ((error,) if is_error else ())
    assert fetched(api) == [key for key in asked(query) if key[:2] != place]


def test_a_metric_refused_on_the_first_page_only_is_read_on_all_others() -> None:
    api, query = ScriptedApi(refusing({DEAD}, lambda page: page == "101")), make_query(pages=30, days=100)
    outcome = fetch(api, query)
    assert fetched(api) == [key for key in asked(query) if key[:2] != ("101", DEAD)]
    assert not outcome.unavailable_metrics
    assert set(outcome.page_unavailable_metrics) == {("101", DEAD)}


def test_a_metric_refused_on_a_later_page_only_is_searched_for_there_alone() -> None:
    api, query = ScriptedApi(refusing({DEAD}, lambda page: page == "115")), make_query(pages=30)
    outcome = fetch(api, query)
    assert fetched(api) == [key for key in asked(query) if key[:2] != ("115", DEAD)]
    assert set(outcome.page_unavailable_metrics) == {("115", DEAD)}
    assert not outcome.unavailable_metrics


def test_two_pages_that_each_refuse_another_metric_lose_only_these() -> None:
    dead = {"101": DEAD, "107": NEW}

    def answer(request: Request) -> Response:
        return BAD_METRIC if dead.get(str(request.page_id)) in metrics_of(request) else insights(request)

    api, query = ScriptedApi(answer), make_query(pages=10, days=95)
    fetch(api, query)
    assert fetched(api) == [key for key in asked(query) if dead.get(key[0]) != key[1]]


@pytest.mark.parametrize("pages", [1, 3])
def test_a_single_metric_that_every_page_refuses_by_name_is_at_fault(pages: int) -> None:
    api, query = ScriptedApi(refusing({DEAD})), make_query(pages=pages, metrics=[DEAD])
    outcome = fetch(api, query)
    assert f"refuses the metric {DEAD}" in str(outcome.errors[0])
    assert set(outcome.refused_explicit_metrics) == {DEAD}
    assert set(outcome.page_failures) == set(query.page_ids)
    assert len(api.requests) == pages


def test_a_period_that_is_not_offered_costs_one_call_a_page_and_blames_no_metric() -> None:
    api = ScriptedApi(lambda _: refusal(100, message="(#100) Param period must be one of {day, week, days_28}"))
    outcome = fetch(api, make_query(pages=50))
    assert not outcome.unavailable_metrics
    assert {type(error) for error in outcome.page_failures.values()} == {InvalidRequestError}
    assert len(api.requests) == len(outcome.page_failures) == 50
