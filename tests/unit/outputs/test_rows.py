"""Records become rows, whether they come one by one or as columns."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.made_records import record, replied

from airflow_provider_msginsights.insights.dates import end_of_day
from airflow_provider_msginsights.insights.records import Records, RecordSeries, TimeColumns
from airflow_provider_msginsights.outputs.rows import RowMaker

FINAL_IF_ENDED_BY = datetime(2026, 3, 9, 12, tzinfo=UTC)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 100) | st.floats(allow_nan=False, allow_infinity=False)


def maker() -> RowMaker:
    return RowMaker(final_if_ended_by=FINAL_IF_ENDED_BY, extra_columns={"run_id": "r", "dag_id": "d"})


@st.composite
def series(draw: st.DrawFn) -> RecordSeries:
    values = draw(st.lists(NUMBERS, min_size=1, max_size=5))
    first = date(2026, 3, draw(st.integers(1, 12)))
    days = tuple(first + timedelta(number) for number in range(len(values)))
    rolling = draw(st.sampled_from([0, 6]))
    starts = tuple(day - timedelta(rolling) for day in days)
    times = TimeColumns(starts, days, tuple(map(end_of_day, days)))
    page_id, metric = draw(st.sampled_from(["101", "102"])), draw(st.sampled_from(["page_messages_sent", "é \" '"]))
    return RecordSeries(page_id, metric, "week" if rolling else "day", "count", times, values)


@given(columns=st.lists(series(), max_size=4), with_odd_ones=st.booleans())
def test_columns_and_single_records_become_the_same_rows(*, columns: list[RecordSeries], with_odd_ones: bool) -> None:
    parts = [part for one in columns for part in (one, (record("2026-02-01", value=None),) if with_odd_ones else ())]
    at_once, one_by_one = maker(), maker()
    made = at_once.rows(Records(tuple(parts)))
    same = one_by_one.rows(replied(*(one for part in parts for one in part)))
    assert made == same
    assert [type(row["value"]) for row in made] == [type(row["value"]) for row in same]
    assert at_once.days == one_by_one.days


def test_days_are_final_when_all_their_rows_are() -> None:
    early, late = FINAL_IF_ENDED_BY, FINAL_IF_ENDED_BY + timedelta(seconds=1)
    rows = maker()
    rows.values(replied(record("2026-03-01", end_time=early), record("2026-03-02", end_time=late)))
    assert rows.days == {date(2026, 3, 1): True, date(2026, 3, 2): False}
    rows.values(replied(record("2026-03-01", end_time=late), record("2026-03-02", end_time=early)))
    assert rows.days == {date(2026, 3, 1): False, date(2026, 3, 2): False}
