"""One Page that the API refuses is a failed Page, whatever the code; what the other Pages answer is kept."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st
from support.cases import case
from support.examples import holds_for
from support.fetch_helpers import DEAD, NEW, asked, fetch, fetched, make_query
from support.scripted import BAD_METRIC, EXPIRED, ScriptedApi, insights, metrics_of, ok, refusal

from airflow_provider_msginsights.exceptions import (
    InvalidRequestError,
    MessagingInsightsError,
    PermissionDeniedError,
)
from airflow_provider_msginsights.insights.fetch import run
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights, probe_availability, probe_metrics
from airflow_provider_msginsights.insights.graph.error_table import RULES, Remedy

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.protocol import Request, Response
    from airflow_provider_msginsights.insights.query import InsightsQuery

FETCH = Path(run.__file__).parent
LATER = datetime(2027, 1, 1, tzinfo=UTC)
UNKNOWN = "(#100) Something that no table knows"
SENTENCES = [
    (100, UNKNOWN),
    (100, "(#100) The value must be a valid insights metric"),
    (100, "(#100) Missing Permission"),
    (100, "(#100) Object does not exist, cannot be loaded due to missing permission or reviewable feature"),
    (100, "(#100) Tried accessing nonexisting field (insights) on node type (Video)"),
    (100, "(#100) metric[0] must be one of the following values: impressions, reach, profile_views"),
    (100, "(#100) metric[0] must be one of the following values: page_impressions, page_fans"),
    (100, "(#100) The following periods (week) are incompatible with the metric (page_messages_sent)"),
    (100, "Invalid appsecret_proof provided in the API argument"),
    (200, "API access blocked."),
    (200, "Provide valid app ID"),
    (190, "Error validating application. Application has been deleted."),
    (2500, "An active access token must be used to query information about the current user."),
    (1, "There cannot be more than 93 days (8035200 s) between since and until"),
    (777, "An error that nobody has seen"),
]
REFUSALS = [*(refusal(*pair) for pair in RULES), *(refusal(code, message=message) for code, message in SENTENCES)]


def refusing_pages(pages: set[str], response: Response) -> Callable[[Request], Response]:
    """Every request of these Pages is refused, every other one is answered."""

    def answer(request: Request) -> Response:
        if request.path == "/me/accounts":
            return ok({"data": [{"id": str(101 + n), "access_token": "***"} for n in range(9)]})
        if request.yields_tokens:
            return ok({"id": request.path[1:], "access_token": "***"})
        return response if request.page_id in pages else insights(request)

    return answer


def ends_of(outcome: FetchOutcome) -> dict[str, str]:
    """Page -> how it ended; each in exactly one way."""
    failed, paused = set(outcome.page_failures), {one.part.page_id for one in outcome.paused}
    answered = {part.page_id for part in outcome.answered} - failed - paused
    empty = {part.page_id for part in outcome.empty} - failed - paused - answered
    ends = dict.fromkeys(failed, "failed")
    for name, pages in (("paused", paused - failed), ("answered", answered), ("empty", empty)):
        ends |= dict.fromkeys(pages, name)
    return ends


FLOWS: dict[str, Callable[[InsightsQuery, RetryPolicy], Any]] = {
    "fetch": lambda query, policy: fetch_insights(query, policy=policy),
    "load": lambda query, policy: fetch_insights(query, policy=policy, exchange_first=True),
    "probe": lambda query, policy: probe_availability(query, now=LATER, policy=policy),
    "poll": lambda query, policy: probe_availability(query, now=LATER, policy=policy, at_once=True),
    "metrics": lambda query, policy: probe_metrics(query, policy=policy),
}


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("metrics", [[NEW], "all"], ids=["one metric", "many metrics"])
@pytest.mark.parametrize("bad", ["101", "102"], ids=["first", "last"])
def test_a_page_refused_with_any_code_ends_in_one_way_and_is_never_ready(flow: str, metrics: Any, bad: str) -> None:
    for response in REFUSALS:
        with case(response):
            check_one_end(response, flow, metrics, bad)


def check_one_end(response: Response, flow: str, metrics: Any, bad: str) -> None:
    api, query = ScriptedApi(refusing_pages({bad}, response)), make_query(pages=2, metrics=metrics)
    policy = RetryPolicy(max_attempts=2, wait_bound_seconds=0)
    try:
        found = api.run(FLOWS[flow](query, policy))
    except MessagingInsightsError:
        assert bad == "101"
        assert flow != "poll", "the run stopped before anything was answered"
        return
    is_probe = flow in {"probe", "poll"}
    outcome: FetchOutcome = found.outcome if is_probe else found
    ends = ends_of(outcome)
    good = "102" if bad == "101" else "101"
    assert set(ends) == {"101", "102"}
    assert ends[bad] in {"failed", "paused"} or bad in outcome.pages_without_insights
    assert not outcome.unavailable_metrics
    assert not outcome.page_unavailable_metrics
    if ends[good] == "answered" and flow in {"fetch", "load"}:
        assert fetched(api) == asked(query, but_pages=[bad])
    if is_probe and ends[bad] != "empty":
        assert not found.ready


@pytest.mark.parametrize("bad", [{"101"}, {"105"}, {"101", "102"}, {"104", "105"}, {"101", "103", "105"}])
def test_pages_refused_whole_cost_the_others_nothing_and_no_metric_is_blamed(bad: set[str]) -> None:
    messages = (UNKNOWN, "(#100) The value must be a valid insights metric")
    for metrics, message, days in product(([NEW], [NEW, DEAD], "all"), messages, (1, 100)):
        with case(metrics, message, days):
            check_costs(bad, metrics, message, days)


def check_costs(bad: set[str], metrics: Any, message: str, days: int) -> None:
    api = ScriptedApi(refusing_pages(bad, refusal(100, message=message)))
    query = make_query(pages=5, days=days, metrics=metrics)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query, but_pages=bad)
    assert set(outcome.page_failures) == bad
    assert not outcome.unavailable_metrics
    assert not outcome.page_unavailable_metrics
    assert not outcome.refused_explicit_metrics
    calls = sum(request.page_id in bad for request in api.requests)
    assert calls <= len(bad) * (1 + len(query.metrics)) * (1 if days == 1 else 2)


@pytest.mark.parametrize("bad", ["101", "102", "105"])
@pytest.mark.parametrize("days", [1, 200])
def test_a_dead_metric_and_a_refused_page_are_told_apart(bad: str, days: int) -> None:
    """The refused Page may be the first to be searched, or the one asked for a second opinion."""
    refuses = refusing_pages({bad}, refusal(100, message=UNKNOWN))

    def answer(request: Request) -> Response:
        is_dead = request.page_id != bad and DEAD in metrics_of(request)
        return BAD_METRIC if is_dead else refuses(request)

    api, query = ScriptedApi(answer), make_query(pages=5, days=days)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query, but_pages=[bad], but_metrics=[DEAD])
    assert set(outcome.unavailable_metrics) == {DEAD}
    assert set(outcome.page_failures) == {bad}


def test_the_witness_of_a_dead_metric_is_never_a_refused_page() -> None:
    """102 would confirm what 101 refuses; 103 answers with the metric after all."""
    refuses = refusing_pages({"102"}, refusal(100, message=UNKNOWN))

    def answer(request: Request) -> Response:
        return BAD_METRIC if request.page_id == "101" and DEAD in metrics_of(request) else refuses(request)

    api, query = ScriptedApi(answer), make_query(pages=5)
    outcome = fetch(api, query)
    assert fetched(api) == [key for key in asked(query, but_pages=["102"]) if key[:2] != ("101", DEAD)]
    assert set(outcome.page_failures) == {"102"}
    assert set(outcome.page_unavailable_metrics) == {("101", DEAD)}
    assert not outcome.unavailable_metrics


def test_all_pages_refused_fail_with_what_the_api_said_of_them() -> None:
    api = ScriptedApi(refusing_pages({"101", "102", "103"}, refusal(100, message=UNKNOWN)))
    outcome = fetch(api, make_query(pages=3))
    assert set(outcome.page_failures) == {"101", "102", "103"}
    assert not outcome.unavailable_metrics
    assert UNKNOWN in str(outcome.errors[0])
    assert "every metric requested" in str(outcome.errors[0])


def test_refusals_whose_codes_differ_from_metric_to_metric_fail_the_page() -> None:
    codes = iter([100, 100, 10, 100, 200, 803, 100, 100, 506, 100, 100])

    def answer(request: Request) -> Response:
        if request.page_id != "101":
            return insights(request)
        return refusal(100 if len(metrics_of(request)) > 1 else next(codes), message=UNKNOWN)

    api, query = ScriptedApi(answer), make_query(pages=3)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query, but_pages=["101"])
    assert {page: type(error) for page, error in outcome.page_failures.items()} == {"101": PermissionDeniedError}
    assert not outcome.unavailable_metrics
    assert not outcome.page_unavailable_metrics


def test_days_that_a_page_refuses_whole_are_a_failure_and_its_other_days_are_kept() -> None:
    query = make_query(days=200, pages=2)
    first = query.slices()[0].days.since_seconds

    def answer(request: Request) -> Response:
        is_first = dict(request.params)["since"] == str(first) and request.page_id == "102"
        return refusal(100, message=UNKNOWN) if is_first else insights(request)

    api = ScriptedApi(answer)
    outcome = fetch(api, query)
    lost = {("102", day) for day in query.slices()[0].days}
    assert set(outcome.page_failures) == {"102"}
    assert fetched(api) == [key for key in asked(query) if (key[0], key[2]) not in lost]


@pytest.mark.parametrize("response", [EXPIRED, refusal(200, message="API access blocked."), refusal(3)])
def test_what_is_under_way_when_the_run_stops_is_kept(response: Response) -> None:
    """102 to 105 travel in one POST: what stops the run is answered first, the others right behind it."""
    api, query = ScriptedApi(refusing_pages({"102"}, response)), make_query(pages=5)
    outcome = fetch(api, query)
    assert outcome.stopped_by is not None
    assert fetched(api) == asked(query, but_pages=["102"])
    assert ends_of(outcome) == dict.fromkeys(["101", "103", "104", "105"], "answered") | {"102": "failed"}


def test_a_search_that_a_limit_interrupts_decides_nothing() -> None:
    """The metrics refused before are asked again with those that wait."""
    calls = iter(range(100))

    def answer(request: Request) -> Response:
        is_early = next(calls) < 4 and request.page_id == "101"
        return refusal(100, message=UNKNOWN) if is_early else refusal(80001, headers={"retry-after": "3600"})

    outcome = fetch(ScriptedApi(answer), make_query())
    assert {metric for one in outcome.paused for metric in one.part.metrics} == set(make_query().metrics)
    assert not outcome.page_failures
    assert not outcome.unavailable_metrics


HARD = [pair for pair, rule in RULES.items() if rule.remedy is not Remedy.NO_DATA]
refusals = st.one_of(
    st.sampled_from(HARD).map(lambda pair: refusal(*pair)),
    st.sampled_from(SENTENCES).map(lambda one: refusal(one[0], message=one[1])),
)


@holds_for(
    st.dictionaries(st.integers(0, 5), st.dictionaries(st.integers(0, 2), refusals, min_size=1), max_size=4),
    st.integers(1, 6),
    st.sampled_from([1, 120]),
    st.sampled_from(sorted(FLOWS)),
    thorough=100,
    slow=3_000,
)
def test_every_page_ends_in_exactly_one_way_and_none_that_failed_is_ready(
    refused: dict[int, dict[int, Response]], pages: int, days: int, flow: str
) -> None:
    """Each Page refuses some metrics of its own with codes of its own."""
    names = [NEW, DEAD, "page_messages_sent"]

    def answer(request: Request) -> Response:
        if request.path == "/me/accounts":
            return ok({"data": [{"id": str(101 + n), "access_token": "***"} for n in range(pages)]})
        if request.yields_tokens or request.path == "/me":
            return ok({"id": request.path[1:], "access_token": "***"})
        mine = refused.get(int(request.page_id or 0) - 101, {})
        met = [response for place, response in mine.items() if names[place] in metrics_of(request)]
        return met[0] if met else insights(request)

    api, query = ScriptedApi(answer), make_query(pages=pages, days=days, metrics=names)
    try:
        found = api.run(FLOWS[flow](query, RetryPolicy(max_attempts=2, wait_bound_seconds=0)))
    except MessagingInsightsError:
        assert not api.records
        return
    outcome: FetchOutcome = found.outcome if flow in {"probe", "poll"} else found
    ends = ends_of(outcome)
    assert set(ends) == set(query.page_ids)
    for place, mine in refused.items():
        if place < pages and len(mine) == len(names):
            assert ends[str(101 + place)] in {"failed", "paused"}
    if flow in {"probe", "poll"}:
        assert not (found.ready and "failed" in ends.values())


def test_one_metric_of_a_group_that_is_refused_by_name_stays_a_refused_metric() -> None:
    api, query = ScriptedApi(lambda one: BAD_METRIC if DEAD in metrics_of(one) else insights(one)), make_query()
    outcome = fetch(api, query)
    assert set(outcome.unavailable_metrics) == {DEAD}
    assert isinstance(outcome.unavailable_metrics[DEAD], InvalidRequestError)
    assert not outcome.page_failures


def _calls_of(pages: int, answer: Callable[[Request], Response]) -> int:
    """How many functions of the package a fetch of a few days in many requests calls, from a wait on."""
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code.co_filename.startswith(str(FETCH))

    query = make_query(pages=pages, days=2, metrics=[NEW, DEAD])
    api = ScriptedApi(answer)
    sys.setprofile(count)
    try:
        fetch(api, query)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("kind", ["failed Pages", "metrics refused on one Page after the other"])
def test_what_each_of_many_refusals_takes_does_not_grow_with_what_waits(kind: str) -> None:
    def answer(request: Request) -> Response:
        number = int(request.page_id or 0)
        if kind == "failed Pages":
            return refusal(200, message="(#200) No permission") if number % 2 else insights(request)
        mine = DEAD if number % 2 else NEW
        return BAD_METRIC if mine in metrics_of(request) else insights(request)

    few, many = (_calls_of(pages, answer) for pages in (100, 400))
    assert many < few * 6, "a step for each that waits, at each refusal, would make it sixteen times as many"
