"""InsightsQuery: what the documentation excludes is refused before any request; the rest is the fewest requests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.catalog import METRICS, STABLE_METRICS
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.query import InsightsQuery, Slice, asked_days

NEW = "page_messages_new_conversations_unique"
DAY = DateRange(date(2026, 3, 8), date(2026, 3, 9))


def make(**changes: Any) -> InsightsQuery:
    return InsightsQuery.create(**{"page_ids": "101", "metrics": NEW, "days": DAY, **changes})


def days(count: int) -> DateRange:
    return DateRange(DAY.first_day, DAY.first_day + timedelta(count))


def test_one_page_and_day_is_one_request_in_unix_seconds() -> None:
    (request,) = make(metrics=[NEW, "page_messages_sent"]).requests()
    assert request.path == "/101/insights"
    assert request.page_id == "101"
    assert request.params == (
        ("metric", f"{NEW},page_messages_sent"),
        ("period", "day"),
        ("since", "1772956800"),
        ("until", "1773039600"),
    )


def test_breakdowns_travel_in_the_order_given() -> None:
    topics = ["recurring_notifications_topic", "recurring_notifications_frequency"]
    (request,) = make(metrics="recurring_notifications_tokens", breakdowns=topics).requests()
    assert dict(request.params)["breakdown"] == ",".join(topics)


@given(st.integers(1, 800), st.integers(1, 5))
def test_every_page_and_day_is_asked_once_in_the_fewest_requests(count: int, pages: int) -> None:
    query = make(page_ids=[str(n + 1) for n in range(pages)], days=days(count))
    slices = query.slices()
    assert len(query.requests()) == len(slices) == pages * -(-count // 89)
    asked = sorted((part.page_id, day) for part in slices for day in part.days)
    assert asked == sorted((page, day) for page in query.page_ids for day in query.days)


def test_neighbouring_requests_go_to_different_pages() -> None:
    query = make(page_ids=["1", "2", "3"], days=days(200))
    assert [part.page_id for part in query.slices()] == ["1", "2", "3"] * 3


def test_names_may_be_separated_by_commas_and_are_asked_once() -> None:
    query = make(page_ids=" 1, 2 ,1", metrics=f"{NEW}, page_messages_sent,{NEW}")
    assert query.page_ids == ("1", "2")
    assert query.metrics == (NEW, "page_messages_sent")


def test_groups_stand_for_metrics_that_were_not_named() -> None:
    query = make(metrics=["stable", "page_messages_sent"])
    assert query.metrics == (*STABLE_METRICS, "page_messages_sent")
    assert query.explicit_metrics == {"page_messages_sent"}
    assert make(metrics="all").metrics == tuple(METRICS)
    assert make(metrics=["all", NEW]).explicit_metrics == {NEW}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"metrics": "page_mesages_sent"}, "Did you mean 'page_messages_sent'"),
        ({"metrics": []}, "No metric was named"),
        ({"metrics": " , "}, "No metric was named"),
        ({"metrics": [7]}, "Unknown metric '7'"),
        ({"metrics": None}, "metrics=None: No metric was named"),
        ({"metrics": ["stable", None]}, "metrics holds None"),
        ({"period": "days28"}, "Did you mean 'days_28'.*Use one of: day, week, month, days_28, total_over_range"),
        ({"period": "lifetime"}, "period='lifetime' is not valid"),
        ({"period": None}, "period=None is not valid"),
        ({"breakdowns": "topic"}, "Unknown breakdown 'topic'"),
        ({"breakdowns": "campaign_id"}, f"{NEW} has no breakdown campaign_id. It has: none. .*page_messages_sent"),
        ({"metrics": "all", "breakdowns": "message_type"}, "has no breakdown message_type"),
        (
            {"metrics": "page_messages_sent", "breakdowns": "recurring_notifications_entry_point"},
            "Metrics that have recurring_notifications_entry_point: none",
        ),
        ({"page_ids": ""}, "No Page was named"),
        ({"page_ids": []}, "No Page was named"),
        ({"page_ids": ["1/insights"]}, "is not a Page id"),
        ({"page_ids": ["1?access_token=x"]}, "is not a Page id"),
        ({"page_ids": [".."]}, "is not a Page id"),
        ({"page_ids": [1.5]}, "page_ids holds 1.5"),
        ({"page_ids": "me"}, "is not a Page id"),
        ({"page_ids": "all"}, "resolve_page_ids"),
        ({"period": "total_over_range", "days": days(91)}, "wider than the 90 days"),
    ],
)
def test_what_the_documentation_excludes_is_refused_and_the_right_word_named(
    changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        make(**changes)


def test_a_total_keeps_its_range_whole() -> None:
    (part,) = make(period="total_over_range", days=days(90)).slices()
    assert len(part.days) == 90


def test_a_slice_survives_json() -> None:
    part = Slice("101", (NEW, "page_messages_sent"), days(5))
    assert Slice.from_dict(part.as_dict()) == part


def test_days_not_over_and_days_too_old_are_warned_of() -> None:
    at = datetime(2026, 3, 8, 20, tzinfo=UTC)
    (unfinished,) = make().warnings(at)
    assert "2026-03-08 is not over" in unfinished
    (old,) = make(days=DateRange(date(2024, 1, 1), date(2024, 1, 2))).warnings(at)
    assert "2 years" in old
    assert not make(days=DateRange(date(2026, 3, 1), date(2026, 3, 8))).warnings(at)


@pytest.mark.parametrize(
    ("given_range", "first_day", "last_day"),
    [
        ({"since": "2026-03-01", "until": "2026-03-08"}, "2026-03-01", "2026-03-07"),
        ({"since": date(2026, 3, 1), "until": "1772956800"}, "2026-03-01", "2026-03-07"),
        ({"since": "2026-03-01T00:00:00Z", "until": "2026-03-03T00:00:00Z"}, "2026-02-28", "2026-03-01"),
        ({"since": "2026-03-01T08:00:00Z", "until": date(2026, 3, 3)}, "2026-03-01", "2026-03-02"),
        ({"date_preset": "yesterday", "at": datetime(2026, 3, 8, 8, tzinfo=UTC)}, "2026-03-07", "2026-03-07"),
    ],
)
def test_a_range_may_be_told_in_every_documented_way(given_range: Any, first_day: str, last_day: str) -> None:
    asked = asked_days(**given_range)
    assert asked is not None
    assert (str(asked.first_day), str(asked.last_day)) == (first_day, last_day)


def test_two_moments_between_which_no_day_ends_mean_no_day() -> None:
    assert asked_days(since="2026-03-08T09:00:00Z", until="2026-03-08T10:00:00Z") is None


@pytest.mark.parametrize(
    ("given_range", "told"),
    [
        ({"since": "2026-03-01", "date_preset": "yesterday"}, "one or the other"),
        ({"since": "2026-03-01"}, "Give both"),
        ({"until": "2026-03-01"}, "Give both"),
        ({}, "Give both"),
        ({"since": "2026-03-02", "until": "2026-03-01"}, "must be earlier"),
        ({"since": "2026-03-01", "until": "2026-03-01"}, "must be earlier"),
        ({"date_preset": "yesterday"}, "needs a moment"),
        ({"date_preset": "last_weak", "at": datetime(2026, 3, 8, tzinfo=UTC)}, "Did you mean 'last_week'"),
    ],
)
def test_a_range_told_twice_or_by_half_is_refused(given_range: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        asked_days(**given_range)


@pytest.mark.parametrize(
    ("no_days", "told"),
    [
        (asked_days(since="2026-03-08T09:00:00Z", until="2026-03-08T10:00:00Z"), "no Pacific day ends in the range"),
        ("2026-03-08", "days='2026-03-08' is not valid: use what asked_days"),
        (("2026-03-08", "2026-03-09"), "is not valid: use what asked_days"),
        (20260308, "is not valid: use what asked_days"),
    ],
)
def test_a_query_without_a_range_of_days_is_refused(no_days: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        make(days=no_days)
