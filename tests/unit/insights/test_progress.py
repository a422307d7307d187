"""What a run tells of itself while it goes on, and what it met of Meta's limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.fetch_helpers import make_query
from support.scripted import BAD_METRIC, ScriptedApi, insights, metrics_of, refusal

from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.insights.protocol import Emit

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.protocol import Answer, Flow, Progress, Request, Response
    from airflow_provider_msginsights.insights.query import InsightsQuery

POLICY = RetryPolicy(uniform=lambda: 1.0)


def told(api: ScriptedApi, query: InsightsQuery) -> tuple[list[Progress], FetchOutcome]:
    """Every snapshot of a run, and its outcome."""
    seen: list[Progress] = []

    def watched(flow: Flow[FetchOutcome]) -> Flow[FetchOutcome]:
        answer: Answer = None
        while True:
            try:
                step = flow.send(answer)
            except StopIteration as stop:
                outcome: FetchOutcome = stop.value
                return outcome
            if isinstance(step, Emit) and step.progress is not None:
                seen.append(step.progress)
            answer = yield step

    return seen, api.run(watched(fetch_insights(query, policy=POLICY)))


def test_requests_are_counted_up_to_those_planned() -> None:
    seen, _ = told(ScriptedApi(insights), make_query(pages=7))
    assert [(one.settled, one.planned) for one in seen] == [(count, 7) for count in range(1, 8)]


def test_the_plan_grows_when_a_request_has_to_be_split_and_is_met_in_the_end() -> None:
    query = make_query(pages=3)
    dead = query.metrics[0]

    def answer(request: Request) -> Response:
        return BAD_METRIC if dead in metrics_of(request) else insights(request)

    seen, outcome = told(ScriptedApi(answer), query)
    assert set(outcome.unavailable_metrics) == {dead}
    assert [one.settled for one in seen] == sorted(one.settled for one in seen)
    assert seen[-1].planned > len(query.page_ids)
    assert seen[-1].settled == seen[-1].planned


def test_a_run_that_stands_still_says_who_is_held_back_and_for_how_long() -> None:
    refusals = iter([refusal(80001, headers=busy("101", minutes=1))])
    api = ScriptedApi(lambda request: next(refusals, None) or insights(request))
    seen, outcome = told(api, make_query(pages=1))
    assert seen[0].closed == {"101": pytest.approx(60)}
    assert (seen[0].settled, seen[0].planned) == (0, 1)
    assert seen[-1].closed == {}
    assert outcome.throttled_seconds == pytest.approx(60)


def test_time_in_which_two_pages_are_held_back_counts_once() -> None:
    refused: set[str | None] = set()

    def answer(request: Request) -> Response:
        if request.page_id in ("102", "103") and request.page_id not in refused:
            refused.add(request.page_id)
            return refusal(80001, headers=busy(request.page_id, minutes=1))
        return insights(request)

    _, outcome = told(ScriptedApi(answer), make_query(pages=3))
    assert 60 <= outcome.throttled_seconds < 62


def test_a_limit_that_outlasts_the_run_counts_no_longer_than_the_run() -> None:
    api = ScriptedApi(lambda request: insights(request, x_business_use_case_usage=json.dumps(usage("101", 100, 5))))
    _, outcome = told(api, make_query(pages=1))
    assert outcome.throttled_seconds == 0


def test_the_highest_usage_of_each_page_and_of_the_app_is_kept() -> None:
    shares = {"101": iter([20, 60, 40]), "102": iter([7, 5, 6])}

    def answer(request: Request) -> Response:
        assert request.page_id is not None
        percent = next(shares[request.page_id])
        headers = {"x_business_use_case_usage": json.dumps(usage(request.page_id, percent)), "x_app_usage": "{}"}
        if percent == 5:
            headers["x_app_usage"] = json.dumps({"call_count": 33, "total_time": 12})
        return insights(request, **headers)

    _, outcome = told(ScriptedApi(answer), make_query(pages=2, days=250))
    assert outcome.peak_usage_percent == {"101": 60, "102": 7, None: 33}


def usage(page_id: str, percent: int, minutes: int = 0) -> dict[str, object]:
    return {page_id: [{"type": "pages", "call_count": percent, "estimated_time_to_regain_access": minutes}]}


def busy(page_id: str | None, *, minutes: int) -> dict[str, str]:
    return {"x-business-use-case-usage": json.dumps(usage(str(page_id), 100, minutes))}
