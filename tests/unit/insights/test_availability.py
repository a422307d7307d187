"""probe_availability: a day is there when every Page has a finished row of every metric for it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.fetch_helpers import DEAD, NEW, make_query
from support.scripted import BAD_METRIC, EXPIRED, ScriptedApi, insights, insights_document, metrics_of, ok, refusal

from airflow_provider_msginsights.exceptions import AuthenticationError
from airflow_provider_msginsights.insights.dates import end_of_day
from airflow_provider_msginsights.insights.flows import probe_availability, probe_metrics

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.availability.polling import Availability
    from airflow_provider_msginsights.insights.protocol import Request, Response
    from airflow_provider_msginsights.insights.query import InsightsQuery

LATER = datetime(2027, 1, 1, tzinfo=UTC)


def probe(api: ScriptedApi, query: InsightsQuery, now: datetime = LATER) -> Availability:
    return api.run(probe_availability(query, now=now))


def without_rows(page_id: str, metric: str, day: date) -> Any:
    def answer(request: Request) -> Response:
        document = insights_document(request)
        for entry in document["data"]:
            if (request.page_id, entry["name"]) == (page_id, metric):
                end = end_of_day(day).strftime("%Y-%m-%dT%H:%M:%S+0000")
                entry["values"] = [row for row in entry["values"] if row["end_time"] != end]
        return ok(document)

    return answer


def test_days_with_a_row_of_everything_are_available() -> None:
    api = ScriptedApi(insights)
    availability = probe(api, make_query(pages=3, days=5))
    assert availability.ready
    assert availability.missing == ()
    assert api.records == [], "a probe hands out no records"


def test_what_is_missing_is_named_to_the_day() -> None:
    day = date(2026, 3, 3)
    availability = probe(ScriptedApi(without_rows("102", NEW, day)), make_query(pages=3, days=5))
    assert not availability.ready
    assert availability.missing == (("102", NEW, day),)


def test_a_row_of_a_day_not_over_does_not_count() -> None:
    query = make_query(metrics=[NEW])
    end = end_of_day(query.days.last_day)
    assert not probe(ScriptedApi(insights), query, end - timedelta(seconds=1)).ready
    assert probe(ScriptedApi(insights), query, end).ready


def test_an_answer_with_nothing_leaves_everything_missing() -> None:
    availability = probe(ScriptedApi(lambda _: ok({"data": []})), make_query(pages=2, days=2, metrics=[NEW]))
    assert len(availability.missing) == 4


def test_breakdowns_are_left_out_because_days_without_a_bucket_have_no_rows() -> None:
    api = ScriptedApi(insights)
    query = make_query(metrics=["page_messages_sent"], breakdowns=["campaign_id"])
    assert probe(api, query).ready
    assert "breakdown" not in dict(api.requests[0].params)


def test_for_a_total_the_single_days_are_looked_at() -> None:
    api = ScriptedApi(insights)
    query = make_query(days=10, metrics=[NEW], period="total_over_range")
    assert probe(api, query).ready
    assert dict(api.requests[0].params)["period"] == "day"


def test_a_metric_that_came_through_a_group_and_is_refused_is_not_waited_for() -> None:
    def answer(request: Request) -> Response:
        return BAD_METRIC if DEAD in metrics_of(request) else insights(request)

    availability = probe(ScriptedApi(answer), make_query(pages=2))
    assert availability.ready
    assert set(availability.outcome.unavailable_metrics) == {DEAD}
    named = probe(ScriptedApi(answer), make_query(pages=2, metrics=[NEW, DEAD]))
    assert not named.ready
    assert set(named.outcome.refused_explicit_metrics) == {DEAD}


def test_a_failing_page_is_not_ready_and_says_why() -> None:
    api = ScriptedApi(lambda request: refusal(10) if request.page_id == "102" else insights(request))
    availability = probe(api, make_query(pages=2, metrics=[NEW]))
    assert not availability.ready
    assert "102" in availability.outcome.page_failures
    assert {page for page, _, _ in availability.missing} == {"102"}


def test_a_paused_page_is_not_ready_and_says_until_when() -> None:
    limited = refusal(80001, headers={"retry-after": "900"})
    api = ScriptedApi(lambda request: limited if request.page_id == "102" else insights(request))
    availability = probe(api, make_query(pages=2, metrics=[NEW]))
    assert not availability.ready
    assert availability.outcome.resume_after_seconds == pytest.approx(900)


def test_a_page_too_small_for_insights_is_not_waited_for() -> None:
    api = ScriptedApi(lambda request: refusal(2874008) if request.page_id == "102" else insights(request))
    availability = probe(api, make_query(pages=2, metrics=[NEW]))
    assert availability.ready
    assert set(availability.outcome.pages_without_insights) == {"102"}


def test_an_expired_token_is_raised() -> None:
    with pytest.raises(AuthenticationError):
        probe(ScriptedApi(lambda _: EXPIRED), make_query(pages=2))


def test_every_metric_is_probed_alone() -> None:
    def answer(request: Request) -> Response:
        (metric,) = metrics_of(request)
        if metric == DEAD:
            return BAD_METRIC
        return ok({"data": []}) if metric == NEW else insights(request)

    api, query = ScriptedApi(answer), make_query()
    outcome = api.run(probe_metrics(query))
    assert set(outcome.unavailable_metrics) == {DEAD}
    assert {metric for part in outcome.empty for metric in part.metrics} == {NEW}
    assert {metric for part in outcome.answered for metric in part.metrics} == set(query.metrics) - {DEAD, NEW}
    assert len(api.sends) == 2
    assert api.records == []
