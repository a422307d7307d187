"""fetch_insights: every slice of a query reaches exactly one end, whatever the API answers."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from scripted import (
    BAD_METRIC,
    EXPIRED,
    NEEDS_PAGE_TOKEN,
    ScriptedApi,
    days_of,
    insights,
    insights_document,
    metrics_of,
    ok,
    refusal,
    value_of,
)

from airflow_provider_msginsights.exceptions import AuthenticationError
from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.date_ranges import DateRange
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.insights.query import InsightsQuery

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.steps import Request, Response

NEW = "page_messages_new_conversations_unique"
DEAD = "page_messages_order_count"


def make_query(pages: int = 1, days: int = 1, metrics: Any = "all", **more: Any) -> InsightsQuery:
    return InsightsQuery.create(
        page_ids=[str(101 + n) for n in range(pages)],
        metrics=metrics,
        days=DateRange(date(2026, 3, 1), date.fromordinal(date(2026, 3, 1).toordinal() + days)),
        **more,
    )


def fetch(api: ScriptedApi, query: InsightsQuery) -> FetchOutcome:
    return api.run(fetch_insights(query))


def keys(api: ScriptedApi) -> list[tuple[str, str, date]]:
    return sorted((one.page_id, one.metric, one.pacific_date) for one in api.records)


def every_key(query: InsightsQuery, *, without: tuple[str, ...] = ()) -> list[tuple[str, str, date]]:
    return sorted(
        (page, metric, day)
        for page in query.page_ids
        for metric in query.metrics
        if metric not in without
        for day in query.days
    )


def test_every_page_metric_and_day_arrives_once_with_its_own_value() -> None:
    api, query = ScriptedApi(insights), make_query(pages=20, days=365)
    outcome = fetch(api, query)
    assert keys(api) == every_key(query)
    assert len(api.records) == 80_300
    assert all(one.value == value_of(one.page_id, one.metric, one.pacific_date.toordinal()) for one in api.records)
    assert outcome.counts["calls"] == 100
    assert not outcome.errors


def test_a_dead_metric_costs_two_extra_sends_and_is_named() -> None:
    def answer(request: Request) -> Response:
        return BAD_METRIC if DEAD in metrics_of(request) else insights(request)

    api, query = ScriptedApi(answer), make_query(pages=20, days=365)
    outcome = fetch(api, query)
    assert keys(api) == every_key(query, without=(DEAD,))
    assert set(outcome.unavailable_metrics) == {DEAD}
    assert DEAD in str(outcome.unavailable_metrics[DEAD])
    assert not outcome.errors
    assert len(api.sends) == 3


def test_an_expired_token_costs_one_call() -> None:
    api = ScriptedApi(lambda _: EXPIRED)
    with pytest.raises(AuthenticationError, match="subcode 463"):
        fetch(api, make_query(pages=20, days=365))
    assert len(api.requests) == 1


def test_a_user_token_is_exchanged_once_for_all_pages() -> None:
    exchanged: list[bool] = []

    def answer(request: Request) -> Response:
        if request.path == "/me/accounts":
            exchanged.append(True)
            assert request.yields_tokens
            return ok({"data": [{"id": str(101 + n), "access_token": "***"} for n in range(20)]})
        return insights(request) if exchanged else NEEDS_PAGE_TOKEN

    api, query = ScriptedApi(answer), make_query(pages=20, days=365)
    outcome = fetch(api, query)
    assert keys(api) == every_key(query)
    assert len(exchanged) == 1
    assert outcome.counts["calls"] == 102


def test_a_page_throttled_twice_takes_three_calls() -> None:
    answers = [refusal(80001), refusal(80001)]
    api = ScriptedApi(lambda request: answers.pop() if answers else insights(request))
    query = make_query()
    fetch(api, query)
    assert keys(api) == every_key(query)
    assert len(api.requests) == 3


def test_a_page_throttled_for_long_is_handed_back_and_the_others_arrive() -> None:
    usage = '{"150": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 15}]}'

    def answer(request: Request) -> Response:
        if request.page_id == "150":
            return refusal(80001, headers={"x-business-use-case-usage": usage})
        return insights(request)

    api, query = ScriptedApi(answer), make_query(pages=100)
    outcome = fetch(api, query)
    assert len(api.records) == 99 * len(METRICS)
    (paused,) = outcome.paused
    assert (paused.part.page_id, paused.retry_after_seconds) == ("150", 900.0)
    assert api.now == 1000.2
    resumed = ScriptedApi(insights)
    resumed.run(fetch_insights(query, slices=[paused.part]))
    assert len(resumed.records) == len(METRICS)


def test_too_much_data_is_asked_for_in_smaller_pieces() -> None:
    def answer(request: Request) -> Response:
        if len(days_of(request)) * len(metrics_of(request)) > 100:
            return refusal(1, message="Please reduce the amount of data you're asking for", status=500)
        return ok(insights_document(request))

    api, query = ScriptedApi(answer), make_query(pages=3, days=89)
    outcome = fetch(api, query)
    assert keys(api) == every_key(query)
    assert not outcome.errors
