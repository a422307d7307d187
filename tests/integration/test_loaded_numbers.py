"""What is loaded is what the emulator's events say, counted here once more."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from support.plain_counts import PLAIN_COUNTS

from airflow_provider_msginsights.insights.dates import end_of_day, pacific_midnight
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("connection")


def load(**parameters: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = MessagingInsightsOperator(task_id="load", **parameters).execute({})
    return rows


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 7, 4), date(2026, 11, 1)])
def test_every_metric_of_a_day_equals_the_count_over_its_events(emulator: GraphEmulator, day: date) -> None:
    emulator.set_clock(datetime(2026, 11, 20, tzinfo=UTC))
    known = emulator.events("101")
    rows = load(metrics="all", since=day.isoformat(), until=day.replace(day=day.day + 1).isoformat())
    assert {row["metric"] for row in rows} == set(PLAIN_COUNTS)
    for row in rows:
        (counted,) = PLAIN_COUNTS[row["metric"]](known, pacific_midnight(day), end_of_day(day), ()).values()
        assert Fraction(row["value"]).limit_denominator(10**6) == counted.limit_denominator(10**6), row["metric"]


def test_every_breakdown_row_equals_the_count_over_its_events(emulator: GraphEmulator) -> None:
    emulator.set_clock(datetime(2026, 11, 20, tzinfo=UTC))
    dimensions = ("campaign_id", "messaging_channel")
    rows = load(
        metrics="page_messages_sent",
        breakdowns=dimensions,
        period="total_over_range",
        since="2026-10-20",
        until="2026-11-10",
    )
    start, end = pacific_midnight(date(2026, 10, 20)), pacific_midnight(date(2026, 11, 10))
    counted = PLAIN_COUNTS["page_messages_sent"](emulator.events("101"), start, end, dimensions)
    assert len(counted) > 1
    assert {tuple(row[name] for name in dimensions): Fraction(row["value"]) for row in rows} == counted
    assert {(row["range_start"], row["pacific_date"]) for row in rows} == {("2026-10-20", "2026-11-09")}


def test_a_year_is_loaded_without_a_missing_or_doubled_day() -> None:
    rows = load(metrics="page_messages_sent", since="2025-11-15", until="2026-11-15", xcom_max_rows=400)
    days = [row["pacific_date"] for row in rows]
    assert sorted(set(days)) == sorted(days)
    assert (len(days), min(days), max(days)) == (365, "2025-11-15", "2026-11-14")
