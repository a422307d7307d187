"""Days that asset events name: read where they are days, left out with one line where they are anything else."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.operator_calls import execute

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.insights.dates import FIRST_DAY, LAST_DAY, DateRange
from airflow_provider_msginsights.run_days.requested import requested_days
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

if TYPE_CHECKING:
    from pathlib import Path

YESTERDAY = DateRange(date(2026, 11, 9), date(2026, 11, 10))


def context(*extras: object, key: str | None = None) -> dict[str, Any]:
    """A run at 10 November that events with these extras started."""
    run = SimpleNamespace(run_type="asset_triggered", run_after=datetime(2026, 11, 10, 8, tzinfo=UTC))
    events = [SimpleNamespace(extra=extra, partition_key=key) for extra in extras]
    return {"dag_run": run, "triggering_asset_events": {"asset": events}}


FOREIGN: list[object] = [
    {"days": 7},
    {"days": 7.5},
    {"days": True},
    {"days": None, "day": 20261101},
    {"days": {"2026-11-01": 3}},
    {"days": [["2026-11-01"], {"day": "2026-11-01"}, None, 7, b"2026-11-01"]},
    {"days": b"2026-11-01"},
    {"days": "last week"},
    {"day": "2026-11-31"},
    {"day": "2026-11-01T05:00:00"},
    {"day": "2026-11-01 to 2026-11-05"},
    {"day": "0001-01-01"},
    {"day": "9999-12-31"},
    {"day": "20261101"},
    {"first_day": "2026-11-05", "last_day": "2026-11-01"},
    {"first_day": "2026-11-05"},
    {"first_day": 1, "last_day": []},
    {"payload": 7},
    {"payload": {"payload": {"day": "2026-11-01"}}},
    {"payload": ["2026-11-01"]},
    {7: 8},
    {},
    "2026-11-01",
    b"bytes",
    ["2026-11-01"],
    7,
    None,
]


@pytest.mark.parametrize("extra", FOREIGN, ids=repr)
def test_a_foreign_extra_names_no_day(extra: object) -> None:
    assert requested_days(context(extra), lookback_days=1) == (YESTERDAY,)


def test_what_is_left_out_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert requested_days(context({"days": ["2026-11-01", 7]}, {"days": 7}, {"day": "soon"})) == (
            DateRange(date(2026, 11, 1), date(2026, 11, 2)),
        )
    (line,) = [one for one in caplog.messages if "Ignored in asset events" in one]
    assert line.endswith("days 7; day 'soon'")


@pytest.mark.parametrize(
    "extra",
    [
        {"days": "2026-11-01,2026-11-02"},
        {"days": " 2026-11-02 , 2026-11-01,"},
        {"days": ("2026-11-01", "2026-11-02")},
        {"days": ["2026-11-01,2026-11-02"]},
        {"days": ["2026-11-01T00:00:00", "2026-11-02 00:00:00"]},
        {"days": ["2026-11-01T00:00:00-07:00", "2026-11-02T23:59:59-08:00"]},
        {"days": ["2026-11-02T00:00:00Z", "2026-11-03T00:00:00+00:00"]},
        {"day": "2026-11-01", "payload": {"day": "2026-11-02"}},
        {"first_day": "2026-11-01", "last_day": "2026-11-02"},
        {"days": [date(2026, 11, 1), datetime(2026, 11, 3, 7, tzinfo=UTC)]},
    ],
    ids=repr,
)
def test_days_are_read_in_every_form_that_means_them(extra: object) -> None:
    assert requested_days(context(extra)) == (DateRange(date(2026, 11, 1), date(2026, 11, 3)),)


def test_a_key_of_an_event_names_a_day_only_where_it_is_a_date() -> None:
    assert requested_days(context({}, key="2026-11-01")) == (DateRange(date(2026, 11, 1), date(2026, 11, 2)),)
    assert requested_days(context({}, key="2026-11-02 (W45)"), lookback_days=1) == (YESTERDAY,)


@pytest.mark.parametrize("days", [0, 1, 10_000, 60_000])
def test_a_long_span_is_one_range(days: int) -> None:
    first = date(2004, 3, 1)
    extra = {"first_day": str(first), "last_day": str(first + timedelta(days=days))}
    assert requested_days(context(extra)) == (DateRange(first, first + timedelta(days=days + 1)),)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.binary(max_size=12)
    | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
extras = anything | st.dictionaries(
    st.sampled_from(["days", "day", "first_day", "last_day", "payload"]),
    anything | st.dates().map(str) | st.datetimes().map(str) | st.lists(st.dates().map(str), max_size=3),
)


@given(st.lists(extras, max_size=3), st.none() | st.text(max_size=20))
def test_no_extra_and_no_key_of_any_shape_is_an_error(several: list[object], key: str | None) -> None:
    for days in requested_days(context(*several, key=key), lookback_days=1):
        assert FIRST_DAY <= days.first_day < days.end_day <= LAST_DAY + timedelta(days=1)


@pytest.mark.parametrize("events", [None, 7, "text", [], ["asset"], {"asset": None}, {"asset": [None, 7]}])
def test_events_of_any_shape_are_no_error(events: object) -> None:
    assert requested_days(context() | {"triggering_asset_events": events}, lookback_days=1) == (YESTERDAY,)


@pytest.mark.usefixtures("connection")
def test_operator_and_sensor_pass_over_a_foreign_extra_alike(tmp_path: Path) -> None:
    foreign = context({"days": 7})
    loaded = execute(foreign, since=None, until=None, lookback_days=1, output_path=tmp_path.as_uri())
    assert (loaded["first_day"], loaded["last_day"]) == ("2026-11-09", "2026-11-09")
    found = MessagingInsightsSensor(task_id="wait", lookback_days=1).poke(foreign)  # type: ignore[arg-type]
    assert found.xcom_value == {"days": ["2026-11-09"], "page_ids": ["101"]}
    with pytest.raises(AirflowFailException, match="has no length"):
        execute(foreign, since=None, until=None, output_path=tmp_path.as_uri())
