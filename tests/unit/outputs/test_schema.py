from __future__ import annotations

import json
import math
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.made_records import record, row_of

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.catalog import BREAKDOWNS
from airflow_provider_msginsights.outputs.schema import (
    BREAKDOWN_COLUMNS,
    COLUMN_NAMES,
    check_extra_columns,
    columns_with,
)

if TYPE_CHECKING:
    from datetime import datetime

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


def test_a_row_has_every_column_in_order(final_if_ended_by: datetime) -> None:
    assert tuple(row_of(record(), final_if_ended_by=final_if_ended_by)) == COLUMN_NAMES


def test_the_record_id_depends_on_the_key_and_not_on_the_value(final_if_ended_by: datetime) -> None:
    def record_id(**different: Any) -> str:
        return str(row_of(record(**different), final_if_ended_by=final_if_ended_by)["record_id"])

    assert record_id(value=42) == record_id(value=43)
    keys = {
        record_id(),
        record_id(page_id="102"),
        record_id(metric="page_messages_sent"),
        record_id(period="week"),
        record_id(range_start=date(2026, 3, 2)),
        record_id(day="2026-03-09", range_start=date(2026, 3, 8)),
        record_id(breakdowns=(("campaign_id", "spring"),)),
        record_id(breakdowns=(("campaign_id", None),)),
        record_id(breakdowns=(("campaign_id", "autumn"),)),
        record_id(breakdowns_other=(("campaign_id", "spring"),)),
    }
    assert len(keys) == 10


def test_the_order_in_which_breakdowns_were_asked_does_not_change_the_row(final_if_ended_by: datetime) -> None:
    dimensions = (("campaign_id", "spring"), ("message_type", "promo"))
    forth = row_of(record(breakdowns=dimensions), final_if_ended_by=final_if_ended_by)
    back = row_of(record(breakdowns=dimensions[::-1]), final_if_ended_by=final_if_ended_by)
    assert forth == back
    assert forth["breakdown_by"] == "campaign_id,message_type"


def test_dimensions_that_no_document_names_are_one_json_text(final_if_ended_by: datetime) -> None:
    other = (("is_from_ads", "0"), ("weights", '{"a": [2], "b": 1}'))
    row = row_of(record(breakdowns_other=other), final_if_ended_by=final_if_ended_by)
    assert json.loads(row["breakdowns_other"]) == dict(other)
    assert row["breakdown_by"] == "", "nobody asked for them"
    back = row_of(record(breakdowns_other=other[::-1]), final_if_ended_by=final_if_ended_by)
    assert back == row


def test_a_day_is_final_once_it_ended_early_enough() -> None:
    one = record()
    assert row_of(one, final_if_ended_by=one.end_time)["is_final"] is True
    assert row_of(one, final_if_ended_by=one.end_time - timedelta(seconds=1))["is_final"] is False


def test_extra_columns_come_last_and_leave_the_key_alone(final_if_ended_by: datetime) -> None:
    plain = row_of(record(), final_if_ended_by=final_if_ended_by)
    tagged = row_of(record(), final_if_ended_by=final_if_ended_by, extra_columns={"run_id": "manual"})
    assert tagged == plain | {"run_id": "manual"}
    assert [column.name for column in columns_with(["run_id", "business"])] == [*COLUMN_NAMES, "business", "run_id"]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (["value"], "'value', which is a column of this table"),
        (["Page_ID"], "'Page_ID', which is a column of this table"),
        (["dt"], "'dt', which is the name of a partition"),
        (["team", "TEAM"], "'TEAM', which is there twice"),
        (["run id"], "'run id'; a name is"),
        ([""], "''; a name is"),
        ({"run_id": 7}, "'run_id'] is no text"),
        ({"run_id": "\ud800"}, "'run_id'] is no text"),
    ],
)
def test_an_extra_column_that_no_warehouse_could_take_is_refused(columns: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        check_extra_columns(columns)


@pytest.mark.parametrize(
    ("value", "stored", "text"),
    [
        (7, 7, None),
        (0.25, 0.25, None),
        (math.nan, None, "NaN"),
        (-math.inf, None, "-Infinity"),
        (2**53 + 1, 2**53 + 1, "9007199254740993"),
        (10**400, None, "1" + "0" * 400),
    ],
)
def test_what_a_double_cannot_hold_is_kept_as_text(
    value: float, stored: float | None, text: str | None, final_if_ended_by: datetime
) -> None:
    row = row_of(record(value=value), final_if_ended_by=final_if_ended_by)
    assert (row["value"], row["value_raw"]) == (stored, text)
