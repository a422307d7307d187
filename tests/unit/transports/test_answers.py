"""What becomes of each kind of answer, through both drivers."""

from __future__ import annotations

import json
import random
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from support.answers import POLICY, USER, error, fetched, healthy, page_of
from support.double import Answer, Call, Heard
from support.fetch_helpers import NEW, asked, make_query
from support.scripted import insights_document

from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    ConfigurationError,
    FatalGraphAPIError,
    MessagingInsightsError,
    TransportError,
)
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights, probe_availability
from airflow_provider_msginsights.transports.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.drivers import Driver


def dropping(times: int) -> Callable[[Call], Answer]:
    """Parts of batches are left undone at random, each at most so many times; the first request is no part."""
    chance = random.Random(7)  # noqa: S311 - a fixed sequence is the point
    left: dict[tuple[str, str], int] = {}

    def answer(call: Call) -> Answer:
        key = (page_of(call), call.params["since"])
        if key not in left:
            left[key] = times if left else 0
        if left[key] and chance.random() < 0.6:
            left[key] -= 1
            return Answer(document=None)
        return healthy(call)

    return answer


def test_parts_left_undone_are_asked_again_alone(driver: Driver, serve: Any) -> None:
    double = serve(dropping(2))
    query = make_query(pages=90, days=100, metrics=[NEW])
    outcome = driver.run(fetch_insights(query, policy=POLICY))
    assert fetched(driver) == asked(query)
    assert not outcome.errors
    assert len(double.calls) == outcome.counts["calls"] == 180 + outcome.counts["retries"]


def test_parts_given_to_the_wrong_request_are_never_booked(driver: Driver, serve: Any) -> None:
    chance = random.Random(3)  # noqa: S311 - a fixed sequence is the point
    serve(shuffle=lambda parts: chance.sample(parts, len(parts)))
    query = make_query(pages=40)
    outcome = driver.run(fetch_insights(query, policy=POLICY))
    values = {(one.page_id, one.metric, one.pacific_date): one.value for one in driver.records}
    expected = {
        (one["id"].split("/")[0], one["name"], query.days.first_day): one["values"][0]["value"]
        for request in query.requests()
        for one in insights_document(request)["data"]
    }
    assert values.items() <= expected.items()
    assert {page for page, _, _ in values} | set(outcome.page_failures) == set(query.page_ids)
    assert outcome.page_failures, "a shuffle that leaves every part in its place proves nothing"


def test_a_reply_with_a_part_missing_is_assigned_to_nobody_and_asked_again(driver: Driver, serve: Any) -> None:
    cuts = iter([True, True])
    serve(shuffle=lambda parts: parts[1:] if next(cuts, False) else parts)
    query = make_query(pages=40, days=2)
    driver.run(fetch_insights(query, policy=POLICY))
    assert fetched(driver) == asked(query)


def test_failed_parts_are_asked_again_alone(driver: Driver, serve: Any) -> None:
    fails = {"110", "115", "120"}

    def answer(call: Call) -> Answer:
        page = page_of(call)
        if page in fails:
            fails.discard(page)
            return error(2, status=500)
        return healthy(call)

    double = serve(answer)
    query = make_query(pages=30)
    driver.run(fetch_insights(query, policy=POLICY))
    assert fetched(driver) == asked(query)
    assert sorted(page_of(call) for call in double.calls[-3:]) == ["110", "115", "120"]


def test_headers_of_a_part_are_heeded_for_its_page(driver: Driver, serve: Any) -> None:
    usage = json.dumps({"105": [{"type": "pages", "estimated_time_to_regain_access": 15}]})
    serve(lambda call: error(80001, X_Business_Use_Case_Usage=usage) if page_of(call) == "105" else healthy(call))
    query = make_query(pages=10)
    outcome = driver.run(fetch_insights(query, policy=POLICY))
    assert fetched(driver) == asked(query, but_pages=["105"])
    assert [one.part.page_id for one in outcome.paused] == ["105"]
    assert outcome.resume_after_seconds == pytest.approx(900)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"<html>oops</html>"),
        (200, b"Service Unavailable"),
        (400, b'{"error": {"code": 960, "message": "Batch timed out"}}'),
        (200, b'{"error": {"code": 1, "message": "Unknown", "is_transient": true}}'),
    ],
)
def test_a_batch_that_fails_as_a_whole_is_sent_again_smaller(
    driver: Driver, serve: Any, status: int, body: bytes
) -> None:
    fails = iter([True, True])

    def whole(heard: Heard) -> tuple[int, dict[str, str], bytes] | None:
        return (status, {}, body) if heard.method == "POST" and next(fails, False) else None

    serve(whole=whole)
    query = make_query(pages=35)
    driver.run(fetch_insights(query, policy=POLICY))
    assert fetched(driver) == asked(query)


def test_a_batch_refused_for_its_token_stops_the_run(driver: Driver, serve: Any) -> None:
    def whole(heard: Heard) -> tuple[int, dict[str, str], bytes] | None:
        expired = b'{"error": {"code": 190, "error_subcode": 463, "message": "Session has expired"}}'
        return (400, {}, expired) if heard.method == "POST" else None

    serve(whole=whole)
    outcome = driver.run(fetch_insights(make_query(pages=20), policy=POLICY))
    assert isinstance(outcome.stopped_by, AuthenticationError)
    assert {one.page_id for one in driver.records} == {"101"}


def test_a_rotated_token_is_read_again_and_used(driver: Driver, serve: Any) -> None:
    def answer(call: Call) -> Answer:
        return healthy(call) if call.token == "the-new-one" else error(190, 467)

    double = serve(answer)
    driver.read_again = lambda: Credentials(token="the-new-one")
    query = make_query(pages=4)
    driver.run(fetch_insights(query, policy=POLICY))
    assert fetched(driver) == asked(query)
    assert len(double.calls) == 5
    assert "the-new-one" not in repr(double.heard[-1].target)
    driver.read_again = lambda: Credentials(token=USER)
    with pytest.raises(AuthenticationError, match="revoked"):
        driver.run(fetch_insights(query, policy=POLICY))


def test_what_the_api_says_of_a_token_is_told_without_the_token(driver: Driver, serve: Any) -> None:
    serve(lambda call: error(190, message=f"Malformed access token {call.token} (or {quote(str(call.token))})"))
    with pytest.raises(AuthenticationError, match=r"Malformed access token \*\*\*") as caught:
        driver.run(fetch_insights(make_query(), policy=POLICY))
    assert USER not in repr(caught.value)


@pytest.mark.parametrize("location", ["http://127.0.0.1:9/elsewhere", "/v26.0/101/insights"])
def test_a_redirect_is_never_followed(driver: Driver, serve: Any, location: str) -> None:
    double = serve(whole=lambda _: (302, {"Location": location}, b""))
    with pytest.raises(ConfigurationError, match="Redirects are not followed"):
        driver.run(fetch_insights(make_query(), policy=POLICY))
    assert len(double.heard) == 1


def test_a_reply_too_long_is_not_read_to_its_end_and_less_is_asked_for(driver: Driver, serve: Any) -> None:
    driver.extra = {"max_response_bytes": 4000}
    double = serve()
    query = make_query(pages=6, days=20)
    driver.run(fetch_insights(query, policy=POLICY))
    assert fetched(driver) == asked(query)
    assert len(double.heard) > 20


@pytest.mark.parametrize("host", ["https://-.invalid", "https://xn--a.invalid", "http://[::1]:1"])
def test_a_host_that_is_nowhere_is_an_error_of_ours(driver: Driver, host: str) -> None:
    driver.host = host
    with pytest.raises(TransportError, match="could not be reached"):
        driver.run(fetch_insights(make_query(), policy=RetryPolicy(max_attempts=1)))


def test_a_host_that_is_not_there_is_told_without_its_address(driver: Driver) -> None:
    driver.host = "http://127.0.0.1:1"
    with pytest.raises(TransportError, match="could not be reached") as caught:
        driver.run(fetch_insights(make_query(pages=9), policy=RetryPolicy(max_attempts=2)))
    assert "127.0.0.1" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert driver.slept == [1.0]


def test_a_server_that_does_not_answer_in_time_is_told_so(driver: Driver, serve: Any) -> None:
    driver.extra = {"read_timeout_seconds": 0.05}
    given_up = threading.Event()

    def whole(_: Heard) -> None:
        given_up.wait(60)

    serve(whole=whole)
    try:
        with pytest.raises(TransportError, match=r"no answer within 0\.05 s"):
            driver.run(fetch_insights(make_query(), policy=RetryPolicy(max_attempts=1)))
    finally:
        given_up.set()


@pytest.mark.parametrize(
    ("headers", "body", "kind"),
    [
        ({"Content-Length": "500"}, b"{", TransportError),
        ({"Content-Encoding": "gzip"}, b"no gzip at all", TransportError),
        ({"Content-Type": "text/html"}, b'{"data": []}', None),
    ],
)
def test_a_broken_reply_is_an_error_of_ours(
    driver: Driver, serve: Any, headers: dict[str, str], body: bytes, kind: type[MessagingInsightsError] | None
) -> None:
    serve(whole=lambda _: (200, {"Connection": "close", **headers}, body))
    flow = fetch_insights(make_query(), policy=RetryPolicy(max_attempts=1))
    if kind is None:
        assert driver.run(flow).empty
        return
    with pytest.raises(kind):
        driver.run(flow)


def test_bytes_that_are_no_text_are_an_error_of_ours(driver: Driver, serve: Any) -> None:
    serve(whole=lambda _: (404, {}, b"\xff\xfe\x00"))
    with pytest.raises(FatalGraphAPIError, match="HTTP 404"):
        driver.run(fetch_insights(make_query(), policy=POLICY))


def test_a_probe_hands_out_no_record(driver: Driver, serve: Any) -> None:
    serve()
    availability = driver.run(probe_availability(make_query(pages=3), now=datetime(2027, 1, 1, tzinfo=UTC)))
    assert availability.ready
    assert driver.records == []


def test_a_proxy_carries_the_traffic(driver: Driver, serve: Any) -> None:
    double = serve()
    driver.extra = {"proxy": double.url, "allow_plain_http": True}
    driver.host = "http://graph.example:8080"
    double.whole = lambda _: (200, {}, b'{"data": []}')
    driver.run(fetch_insights(make_query(), policy=POLICY))
    assert double.heard[0].target.startswith("http://graph.example:8080/v26.0/101/insights?")


def test_waits_are_taken_on_the_clock_given(driver: Driver, serve: Any) -> None:
    answers = iter([error(80001), error(80001)])
    serve(lambda call: next(answers, None) or healthy(call))
    driver.run(fetch_insights(make_query(), policy=RetryPolicy(throttle_seconds=30, uniform=lambda: 0.0)))
    assert driver.slept == [30, 60]


def test_a_flow_left_in_the_middle_leaves_nothing_behind(driver: Driver, serve: Any) -> None:
    serve(lambda call: healthy(call) if page_of(call) == "101" else error(2500))
    outcome = driver.run(fetch_insights(make_query(pages=3), policy=POLICY))
    assert isinstance(outcome.stopped_by, ConfigurationError)
