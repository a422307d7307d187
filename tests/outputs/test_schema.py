from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.catalog import BREAKDOWNS
from airflow_provider_msginsights.outputs.schema import BREAKDOWN_COLUMNS, COLUMN_NAMES, row_of, unit_of

if TYPE_CHECKING:
    from conftest import Records

# The layout of 0.1.0. Columns may be added at the end; nothing here may change.
RELEASED_0_1_0 = (
    "record_id",
    "page_id",
    "metric",
    "period",
    "range_start",
    "pacific_date",
    "end_time",
    "value",
    "value_raw",
    "unit",
    "currency",
    "breakdown_by",
    "campaign_id",
    "engagement_source",
    "message_type",
    "messaging_channel",
    "recurring_notifications_entry_point",
    "recurring_notifications_frequency",
    "recurring_notifications_topic",
    "breakdowns_other",
    "is_final",
)


def test_the_released_columns_are_still_the_first_ones() -> None:
    assert COLUMN_NAMES[: len(RELEASED_0_1_0)] == RELEASED_0_1_0


def test_every_documented_breakdown_has_a_column() -> None:
    assert set(BREAKDOWN_COLUMNS) == set(BREAKDOWNS)


def test_a_row_has_every_column_in_order(record: Records, final_if_ended_by: datetime) -> None:
    assert tuple(row_of(record(), final_if_ended_by=final_if_ended_by)) == COLUMN_NAMES


def test_the_record_id_depends_on_the_key_and_not_on_the_value(record: Records, final_if_ended_by: datetime) -> None:
    def record_id(**different: object) -> str:
        return str(row_of(record(**different), final_if_ended_by=final_if_ended_by)["record_id"])

    assert record_id(value=42) == record_id(value=43)
    keys = {
        record_id(),
        record_id(page_id="102"),
        record_id(metric="page_messages_sent"),
        record_id(range_start=date(2026, 3, 2)),
        record_id(breakdowns=(("campaign_id", "spring"),)),
        record_id(breakdowns=(("campaign_id", None),)),
        record_id(breakdowns_other=(("campaign_id", "spring"),)),
    }
    assert len(keys) == 7


def test_the_order_in_which_breakdowns_were_asked_does_not_change_the_row(
    record: Records, final_if_ended_by: datetime
) -> None:
    dimensions = (("campaign_id", "spring"), ("message_type", "promo"))
    forth, back = (
        row_of(record(breakdowns=order), final_if_ended_by=final_if_ended_by)
        for order in (dimensions, dimensions[::-1])
    )
    assert forth == back
    assert forth["breakdown_by"] == "campaign_id,message_type"


def test_a_day_is_final_once_it_ended_early_enough(record: Records) -> None:
    one = record()
    assert row_of(one, final_if_ended_by=one.end_time)["is_final"] is True
    assert row_of(one, final_if_ended_by=one.end_time - timedelta(seconds=1))["is_final"] is False


def test_the_unit_is_page_metric_and_range(record: Records, final_if_ended_by: datetime) -> None:
    row = row_of(record(range_start=date(2026, 3, 2)), final_if_ended_by=final_if_ended_by)
    assert unit_of(row) == ("101", "page_messages_new_conversations_unique", date(2026, 3, 2), date(2026, 3, 8))
