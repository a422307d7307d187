"""fetch_insights: every (Page, metric, day) of a query reaches exactly one end, whatever the API answers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from insights.fetch_helpers import DEAD, NEW, asked, fetch, fetched, make_query, units
from scripted import (
    BAD_METRIC,
    EXPIRED,
    ScriptedApi,
    days_of,
    insights,
    insights_document,
    metrics_of,
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
    from collections.abc import Callable

    from airflow_provider_msginsights.insights.steps import Request, Response


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


# Metrics the API refuses


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


def test_a_single_dead_metric_fails_the_run_by_name() -> None:
    api = ScriptedApi(refusing({DEAD}))
    with pytest.raises(InvalidRequestError, match=f"refuses the metric {DEAD}"):
        fetch(api, make_query(metrics=[DEAD]))
    assert len(api.requests) == 1


def test_a_query_refused_for_every_metric_stops_after_one_page() -> None:
    api = ScriptedApi(lambda _: refusal(100, message="(#100) Param period must be one of {day, week, days_28}"))
    with pytest.raises(InvalidRequestError, match="period must be one of"):
        fetch(api, make_query(pages=50))
    assert len(api.requests) == 12


# Requests the API wants smaller


def at_most(rows: int, response: Response) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        return response if len(days_of(request)) * len(metrics_of(request)) > rows else insights(request)

    return answer


TOO_MUCH = refusal(1, message="Please reduce the amount of data you're asking for, then retry your request", status=500)


@pytest.mark.parametrize("response", [TOO_MUCH, refusal(100, 1504018), refusal(1, 99, status=500)])
@pytest.mark.parametrize("rows", [500, 100, 7, 1])
def test_a_request_too_heavy_is_asked_in_smaller_pieces(response: Response, rows: int) -> None:
    api, query = ScriptedApi(at_most(rows, response)), make_query(pages=3, days=89)
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


# Everything at once

BEHAVIOURS: dict[str, Response | str] = {
    "down": refusal(2, status=503),
    "html": ok("<html>").__class__(status=502, body="<html>"),
    "lost": "no answer",
    "unknown": refusal(1, 99, status=500),
    "heavy": TOO_MUCH,
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


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(sorted(BEHAVIOURS))), max_size=15),
    st.integers(1, 6),
    st.integers(1, 200),
    st.lists(st.booleans(), max_size=2),
    st.integers(1, 60),
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
