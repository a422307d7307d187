"""Waiting: back-off, limits, and slowing down before them, on a clock the tests move themselves."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fetch_helpers import NEW, asked, fetch, fetched, make_query, units
from support.scripted import ScriptedApi, days_of, insights, refusal

from airflow_provider_msginsights.exceptions import ConfigurationError, RateLimitError, ServiceUnavailableError
from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.insights.graph.usage_headers import Usage, read_usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.insights.protocol import Request, Response

DOWN = refusal(2, status=503)


def business_usage(page_id: str, percent: int = 100, minutes: float | str = 0, kind: str = "pages") -> dict[str, str]:
    use = {
        "type": kind,
        "call_count": percent,
        "total_time": 1,
        "total_cputime": 2,
        "estimated_time_to_regain_access": minutes,
    }
    return {"x-business-use-case-usage": json.dumps({page_id: [use]})}


def failing(times: int, response: Response | str, page_id: str = "101") -> Callable[[Request], Response | str]:
    """The first requests of a Page fail; everything else is healthy."""
    left = [response] * times
    return lambda request: left.pop() if left and request.page_id == page_id else insights(request)


def sent_to(api: ScriptedApi, page_id: str) -> list[float]:
    return [at for at, request in api.sent_at if request.page_id == page_id]


# Back-off


@pytest.mark.parametrize(
    "response", [DOWN, "no answer", refusal(1, status=500), refusal(960), refusal(9, is_transient=True)]
)
def test_what_may_pass_is_asked_again_after_growing_waits(response: Response | str) -> None:
    api, query = ScriptedApi(failing(4, response), latency_seconds=0.0), make_query()
    outcome = fetch(api, query, base_seconds=1.0)
    assert fetched(api) == asked(query)
    assert [round(later - earlier, 3) for earlier, later in pairwise(sent_to(api, "101"))] == [1, 2, 4, 8]
    assert outcome.counts["retries"] == 4


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 80))
def test_a_back_off_is_any_share_of_its_bound(share: float, attempt: int) -> None:
    policy = RetryPolicy(uniform=lambda: share, base_seconds=1, max_delay_seconds=60)
    assert policy.backoff_seconds(attempt) == share * min(60, 2 ** (attempt - 1))


def test_tries_are_bounded_in_number() -> None:
    api = ScriptedApi(failing(99, DOWN))
    outcome = fetch(api, make_query(pages=2), max_attempts=3)
    assert len(sent_to(api, "101")) == 3
    assert isinstance(outcome.page_failures["101"], ServiceUnavailableError)


def test_tries_are_bounded_in_time() -> None:
    api = ScriptedApi(failing(99, DOWN), latency_seconds=0.0)
    fetch(api, make_query(pages=2), max_attempts=99, total_seconds=20, base_seconds=1)
    times = sent_to(api, "101")
    assert times[-1] - times[0] <= 20
    assert len(times) == 5


def test_requests_that_fail_together_are_asked_again_together() -> None:
    answers = iter([True])
    down = {str(101 + n) for n in range(60)}

    def answer(request: Request) -> Response:
        if next(answers, False):
            return insights(request)
        if request.page_id in down:
            down.discard(request.page_id)
            return DOWN
        return insights(request)

    shares = iter([n / 100 for n in range(50, 100)])
    api, query = ScriptedApi(answer), make_query(pages=60)
    api.run(fetch_insights(query, policy=RetryPolicy(uniform=lambda: next(shares))))
    assert fetched(api) == asked(query)
    assert [len(send) for send in api.sends] == [1, 59, 59]


@pytest.mark.parametrize("header", ["7", "7.5"])
def test_a_retry_after_wins_over_our_own_back_off(header: str) -> None:
    api = ScriptedApi(failing(1, refusal(2, status=503, headers={"retry-after": header})), latency_seconds=0.0)
    fetch(api, make_query(), base_seconds=0.001)
    first, second = sent_to(api, "101")
    assert second - first == pytest.approx(float(header))


def test_a_batch_that_fails_as_a_whole_comes_back_in_smaller_ones() -> None:
    from airflow_provider_msginsights.insights.protocol import Reply

    lost = iter(range(70))

    def answer(request: Request) -> Response | Reply:
        if request.page_id != "101" and next(lost, None) is not None:
            return Reply(request=request, at_seconds=api.now, response=refusal(960), shared=True)
        return insights(request)

    api = ScriptedApi(answer)
    query = make_query(pages=61)
    fetch(api, query)
    assert fetched(api) == asked(query)
    assert api.batch_limits[:3] == [50, 50, 25]
    assert min(api.batch_limits) == 12


# Limits


@pytest.mark.parametrize("code", [80001, 80006, 32])
def test_a_page_limited_twice_takes_three_calls(code: int) -> None:
    api, query = ScriptedApi(failing(2, refusal(code))), make_query()
    fetch(api, query)
    assert fetched(api) == asked(query)
    assert len(api.requests) == 3


def test_a_limit_waits_as_long_as_the_server_says() -> None:
    headers = business_usage("101", minutes=1.5)
    api, query = ScriptedApi(failing(1, refusal(80001, headers=headers)), latency_seconds=0.0), make_query()
    fetch(api, query)
    first, second = sent_to(api, "101")
    assert second - first == pytest.approx(90)
    assert fetched(api) == asked(query)


def test_a_limit_without_a_delay_is_waited_out_in_full_and_longer_each_time() -> None:
    api = ScriptedApi(failing(2, refusal(80001)), latency_seconds=0.0)
    api.run(fetch_insights(make_query(), policy=RetryPolicy(throttle_seconds=20, uniform=lambda: 0.0)))
    assert [later - earlier for earlier, later in pairwise(sent_to(api, "101"))] == pytest.approx([20, 40])


def test_a_limited_page_gets_no_request_while_the_others_go_on() -> None:
    api = ScriptedApi(failing(1, refusal(80001, headers=business_usage("101", minutes=1))))
    query = make_query(pages=5, days=89 * 4)
    fetch(api, query)
    assert fetched(api) == asked(query)
    first, *later = sent_to(api, "101")
    assert min(later) - first >= 60
    assert max(at for page in ("102", "103", "104", "105") for at in sent_to(api, page)) - first < 1


def test_after_a_limit_one_request_goes_first() -> None:
    api = ScriptedApi(failing(2, refusal(80001, headers=business_usage("101", minutes=1))))
    query = make_query(days=89 * 5)
    fetch(api, query)
    assert fetched(api) == asked(query)
    assert [len(send) for send in api.sends] == [1, 1, 1, 4]


def test_a_page_limited_for_long_is_handed_back_and_the_others_arrive_at_once() -> None:
    long = refusal(80001, headers=business_usage("150", minutes=15))
    api, query = ScriptedApi(failing(99, long, "150")), make_query(pages=60, days=95)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query, but_pages=["150"])
    assert {one.part.page_id for one in outcome.paused} == {"150"}
    assert len(outcome.paused) == 2, "both chunks of the Page"
    assert all(890 <= one.retry_after_seconds <= 900 for one in outcome.paused)
    assert all(isinstance(one.error, RateLimitError) for one in outcome.paused)
    assert outcome.resume_after_seconds == max(one.retry_after_seconds for one in outcome.paused)
    assert api.now - 1000.0 < 1
    assert not outcome.errors
    resumed = ScriptedApi(insights)
    resumed.run(fetch_insights(query, slices=[one.part for one in outcome.paused]))
    assert sorted(fetched(api) + fetched(resumed)) == asked(query)


def test_a_page_limited_again_and_again_is_handed_back_and_never_lost() -> None:
    api, query = ScriptedApi(failing(99, refusal(80001))), make_query(days=200)
    outcome = fetch(api, query, max_attempts=3, throttle_seconds=1)
    assert len(api.requests) == 3
    assert len(outcome.paused) == 3
    assert not outcome.unanswered


@pytest.mark.parametrize("code", [4, 80001])
def test_a_limit_is_bounded_in_tries_even_if_nobody_is_told_to_wait(code: int) -> None:
    api, query = ScriptedApi(failing(99, refusal(code))), make_query()
    outcome = fetch(api, query, max_attempts=3, throttle_seconds=0)
    assert len(api.requests) == 3
    assert len(outcome.paused) == 1


@pytest.mark.parametrize("code", [4, 17, 341, 368, 613])
def test_a_limit_of_the_app_holds_everything_back(code: int) -> None:
    api = ScriptedApi(failing(1, refusal(code, headers={"retry-after": "60"}), "101"))
    query = make_query(pages=30)
    fetch(api, query)
    assert fetched(api) == asked(query)
    first, *later = (at for at, _ in api.sent_at)
    assert min(later) - first >= 60
    assert [len(send) for send in api.sends] == [1, 1, 29]


def test_a_long_limit_of_the_app_hands_everything_back() -> None:
    api = ScriptedApi(lambda _: refusal(4, headers={"retry-after": "3600"}))
    query = make_query(pages=30, days=100)
    outcome = fetch(api, query)
    assert len(api.requests) == 1
    assert len(outcome.paused) == 60
    assert outcome.resume_after_seconds == pytest.approx(3600)


def test_a_page_read_day_by_day_is_handed_back_in_chunks() -> None:
    heavy = refusal(1, message="Please reduce the amount of data you're asking for", status=500)
    small = iter(range(4))

    def answer(request: Request) -> Response:
        if len(days_of(request)) > 1:
            return heavy
        return insights(request) if next(small, None) is not None else refusal(80001, headers={"retry-after": "900"})

    api, query = ScriptedApi(answer), make_query(days=150, metrics=[NEW])
    outcome = fetch(api, query, max_in_flight=1)
    assert len(api.records) == 4
    assert len(outcome.paused) <= 2 + 4, "two chunks, cut by the four days that were read"
    assert sorted([*fetched(api), *units(one.part for one in outcome.paused)]) == asked(query)


# Before the limits


def test_a_page_at_its_limit_is_left_alone_before_it_refuses() -> None:
    api = ScriptedApi(
        lambda request: insights(request, **(business_usage("101", 100, minutes=1) if request.page_id == "101" else {}))
    )
    query = make_query(pages=3, days=89 * 3)
    fetch(api, query, wait_bound_seconds=100)
    assert fetched(api) == asked(query)
    assert all(later - earlier >= 60 for earlier, later in pairwise(sent_to(api, "101")))
    assert max(sent_to(api, "103")) - 1000 < 1


def test_a_page_at_its_limit_for_long_is_handed_back_without_another_call() -> None:
    api = ScriptedApi(lambda request: insights(request, **business_usage(str(request.page_id), 100, minutes=15)))
    outcome = fetch(api, make_query(days=89 * 3))
    assert len(api.requests) == 1
    assert len(outcome.paused) == 2
    assert all(one.error is None for one in outcome.paused)


@pytest.mark.parametrize("kind", ["messenger", "pages"])
def test_every_use_case_of_a_page_counts(kind: str) -> None:
    uses = [{"type": "pages", "call_count": 1}, {"type": kind, "call_count": 120}]
    header = json.dumps({"101": uses})
    api = ScriptedApi(lambda request: insights(request, x_business_use_case_usage=header))
    fetch(api, make_query(days=178), throttle_seconds=33)
    first, second = sent_to(api, "101")
    assert second - first >= 33


@pytest.mark.parametrize(("percent", "shortest", "longest"), [(50, 0, 0.2), (85, 2.4, 2.7), (95, 7.4, 7.7)])
def test_nearer_to_a_limit_requests_are_further_apart(percent: int, shortest: float, longest: float) -> None:
    api = ScriptedApi(lambda request: insights(request, x_page_usage=json.dumps({"call_count": percent})))
    query = make_query(days=89 * 3)
    fetch(api, query, max_pace_seconds=10, max_in_flight=1)
    assert fetched(api) == asked(query)
    assert all(shortest <= later - earlier <= longest for earlier, later in pairwise(sent_to(api, "101")))


def test_nearer_to_the_apps_limit_fewer_requests_are_under_way() -> None:
    api = ScriptedApi(lambda request: insights(request, x_app_usage='{"call_count": 90, "total_time": 95}'))
    query = make_query(pages=60)
    fetch(api, query, max_in_flight=40, slow_above_percent=80)
    assert fetched(api) == asked(query)
    assert api.most_in_flight == 10


def test_usage_of_another_page_in_the_same_header_slows_that_page() -> None:
    header = business_usage("103", 100, minutes=1)["x-business-use-case-usage"]
    api = ScriptedApi(
        lambda request: insights(request, **({"x-business-use-case-usage": header} if request.page_id == "101" else {}))
    )
    query = make_query(pages=3)
    fetch(api, query)
    assert fetched(api) == asked(query)
    assert sent_to(api, "103")[0] - sent_to(api, "102")[0] >= 59


@pytest.mark.parametrize(
    "headers",
    [
        {"x-app-usage": "{"},
        {"x-app-usage": "[]"},
        {"x-app-usage": '{"call_count": "many"}'},
        {"x-app-usage": '{"call_count": true, "call_volume": 3}'},
        {"x-business-use-case-usage": '{"101": "x"}'},
        {"x-business-use-case-usage": '{"101": [{"type": "instagram", "call_count": 500}]}'},
        {"x-ad-account-usage": '{"acc_id_util_pct": 100}'},
        {"x-app-usage": '{"call_count": 1e999}'},
    ],
)
def test_a_header_that_says_nothing_of_us_changes_nothing(headers: dict[str, str]) -> None:
    assert read_usage(headers, "101") == ()
    api = ScriptedApi(lambda request: insights(request, **headers))
    fetch(api, make_query(pages=3))
    assert api.now - 1000 < 1


def test_the_highest_share_of_an_allowance_counts() -> None:
    headers = {"x-app-usage": '{"call_count": 3, "total_time": "91", "total_cputime": 20.5}'}
    assert read_usage(headers, "101") == (Usage(object_id=None, percent=91.0),)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_attempts": 0},
        {"max_in_flight": 0},
        {"total_seconds": -1},
        {"base_seconds": float("inf")},
        {"wait_bound_seconds": float("nan")},
        {"slow_above_percent": 100},
    ],
)
def test_a_policy_out_of_bounds_is_refused_by_the_name_of_its_field(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ConfigurationError, match=name):
        RetryPolicy(**wrong)


def test_waiting_does_not_change_what_arrives() -> None:
    api = ScriptedApi(failing(1, refusal(80001)))
    fetch(api, make_query(metrics=[NEW]))
    assert len(api.records) == 1
    assert api.records[0].metric in METRICS
