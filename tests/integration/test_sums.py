"""What the catalogue says may be added up, compared with what the emulator counts from events for the whole range."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.query import InsightsQuery, asked_days

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.records import InsightsRecord

SINCE, UNTIL = date(2026, 9, 1), date(2026, 11, 1)
SENT, RATIO = "page_messages_sent", "page_messages_read_ratio"
CONNECTIONS, TOKENS = "page_messages_total_messaging_connections", "recurring_notifications_tokens"
BY_DAYS = [name for name, metric in METRICS.items() if metric.sums.days]
BY_DIMENSION = [(name, one) for name, metric in METRICS.items() if metric.sums.dimensions for one in metric.breakdowns]

pytestmark = pytest.mark.usefixtures("connection")


def read(metrics: str, period: str, breakdowns: str | None = None) -> list[InsightsRecord]:
    query = InsightsQuery.create(
        page_ids="101",
        metrics=metrics,
        days=asked_days(since=SINCE, until=UNTIL),
        period=period,
        breakdowns=breakdowns or (),
    )
    return list(MessagingInsightsHook().get_records(query))


def total(metric: str) -> float:
    (record,) = read(metric, "total_over_range")
    return record.value or 0


def test_each_metric_says_it_of_days_pages_and_dimensions() -> None:
    for metric in METRICS.values():
        assert (metric.sums.dimensions is None) == (not metric.breakdowns)
        assert metric.sums.why.endswith(".")
        if metric.name.endswith("_unique") or metric.unit == "ratio":
            assert (metric.sums.days, metric.sums.pages) == (False, False)
        assert (metric.sums.within == ("currency",)) is (metric.unit == "money")
    assert METRICS[CONNECTIONS].sums.days is False
    assert METRICS[TOKENS].sums.days is None


@pytest.mark.parametrize("metric", BY_DAYS)
def test_days_that_may_be_added_up_make_the_value_of_their_range(metric: str) -> None:
    days = read(metric, "day")
    assert len(days) == (UNTIL - SINCE).days
    assert sum(record.value or 0 for record in days) == pytest.approx(total(metric))
    assert total(metric) > 0


@pytest.mark.parametrize(("metric", "dimension"), BY_DIMENSION)
def test_values_of_a_dimension_make_the_value_of_all(metric: str, dimension: str) -> None:
    parts = read(metric, "total_over_range", dimension)
    assert len(parts) >= 1
    assert sum(record.value or 0 for record in parts) == total(metric)


def test_connections_are_how_many_there_are_on_the_last_day() -> None:
    days = read(CONNECTIONS, "day")
    assert max(days, key=lambda record: record.pacific_date).value == total(CONNECTIONS)
    assert sum(record.value or 0 for record in days) > total(CONNECTIONS)


def test_ratios_are_the_whole_s_as_a_mean_weighted_by_the_messages_sent() -> None:
    ratios = {record.pacific_date: record.value for record in read(RATIO, "day")}
    sent = {record.pacific_date: record.value or 0 for record in read(SENT, "day")}
    weighted = sum((ratios[day] or 0) * sent[day] for day in ratios) / sum(sent.values())
    assert weighted == pytest.approx(total(RATIO))
    assert sum(value or 0 for value in ratios.values()) / len(ratios) != pytest.approx(total(RATIO))


@pytest.mark.parametrize("period", ["week", "days_28"])
def test_rolling_rows_overlap_and_add_up_to_more(period: str) -> None:
    assert sum(record.value or 0 for record in read(SENT, period)) > 5 * total(SENT)
