"""Which Pacific days a moment, an interval or a preset means, and how they are cut."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pendulum
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import (
    DateRange,
    chunks,
    days_ending_within,
    end_of_day,
    last_days_ended_by,
    pacific_date,
    pacific_midnight,
    parse_moment,
)

SPRING, AUTUMN = date(2026, 3, 8), date(2026, 11, 1)
some_days = st.dates(date(2010, 1, 1), date(2040, 12, 31))
zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
moments = st.datetimes(datetime(2010, 1, 1), datetime(2040, 12, 31), timezones=zones).map(  # noqa: DTZ001 - zones given
    lambda moment: moment.astimezone(UTC)
)


@st.composite
def ranges(draw: st.DrawFn, most_days: int = 800) -> DateRange:
    first = draw(some_days)
    return DateRange(first, first + timedelta(draw(st.integers(1, most_days))))


@given(ranges(), st.integers(1, 200))
@example(DateRange(SPRING - timedelta(3), AUTUMN + timedelta(3)), 89)
def test_chunks_hold_exactly_the_days_of_the_range_in_order(days: DateRange, size: int) -> None:
    pieces = list(chunks(days, size))
    assert [day for piece in pieces for day in piece] == list(days)
    assert all(len(piece) <= size for piece in pieces)
    assert all(one.until_seconds == other.since_seconds for one, other in pairwise(pieces))


@given(moments, st.lists(st.timedeltas(timedelta(0), timedelta(800)), min_size=2, max_size=12, unique=True).map(sorted))
def test_adjacent_intervals_tile_the_calendar(first: datetime, offsets: list[timedelta]) -> None:
    bounds = [first + offset for offset in offsets]
    loaded = [day for start, end in pairwise(bounds) for day in (days_ending_within(start, end) or ())]
    whole = days_ending_within(bounds[0], bounds[-1])
    assert loaded == list(whole or ())


@given(moments, st.timedeltas(timedelta(0), timedelta(40)))
def test_a_run_never_loads_a_day_that_is_not_over_and_misses_none(start: datetime, length: timedelta) -> None:
    days = set(days_ending_within(start, start + length) or ())
    around = DateRange(pacific_date(start) - timedelta(2), pacific_date(start + length) + timedelta(3))
    assert days == {day for day in around if start < end_of_day(day) <= start + length}


@given(st.integers(0, 23), st.integers(1, 24), zones, some_days)
def test_any_cron_that_ticks_by_the_hour_tiles_across_both_clock_changes(
    hour: int, step: int, zone: ZoneInfo, first: date
) -> None:
    ticks = [
        datetime(first.year, first.month, first.day, hour, tzinfo=zone).astimezone(UTC) + timedelta(hours=step * n)
        for n in range(60)
    ]
    loaded = [day for start, end in pairwise(ticks) for day in (days_ending_within(start, end) or ())]
    assert loaded == list(days_ending_within(ticks[0], ticks[-1]) or ())
    assert len(loaded) == len(set(loaded))


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 6, 1), 24)])
def test_a_day_is_as_long_as_the_clock_change_makes_it(day: date, hours: int) -> None:
    assert end_of_day(day) - pacific_midnight(day) == timedelta(hours=hours)


def test_a_day_on_the_wire_is_its_pacific_midnights_in_unix_seconds() -> None:
    days = DateRange(SPRING, SPRING + timedelta(1))
    assert (days.since_seconds, days.until_seconds) == (1772956800, 1773039600)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-03-08T00:00-08:00", "2026-03-09T00:00-07:00", [SPRING]),
        ("2026-03-08T00:00+00:00", "2026-03-09T00:00+00:00", [date(2026, 3, 7)]),
        ("2026-03-08T00:00-08:00", "2026-03-08T23:59-07:00", []),
        ("2026-03-08T10:00+00:00", "2026-03-08T10:00+00:00", []),
        ("2026-11-01T00:00-07:00", "2026-11-02T00:00-08:00", [AUTUMN]),
    ],
)
def test_an_interval_loads_the_days_that_end_in_it(start: str, end: str, expected: list[date]) -> None:
    days = days_ending_within(datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert list(days or ()) == expected


@given(moments, st.integers(1, 400))
def test_the_last_days_ended_by_a_moment_end_just_before_it(moment: datetime, count: int) -> None:
    days = last_days_ended_by(moment, count)
    assert len(days) == count
    assert end_of_day(days.last_day) <= moment < end_of_day(days.end_day)


@pytest.mark.parametrize("first_day", [SPRING, SPRING + timedelta(1)])
def test_a_range_without_a_day_is_refused(first_day: date) -> None:
    with pytest.raises(ConfigurationError, match="holds no day"):
        DateRange(first_day, SPRING)


def test_a_moment_is_no_end_of_a_range() -> None:
    with pytest.raises(ConfigurationError, match="is a moment"):
        DateRange(SPRING, datetime(2026, 3, 10, tzinfo=UTC))


def test_a_range_says_what_belongs_to_it() -> None:
    week = DateRange(SPRING, SPRING + timedelta(7))
    assert SPRING in week
    assert week.end_day not in week
    assert "2026-03-08" not in week
    assert DateRange(pendulum.date(2026, 3, 8), pendulum.date(2026, 3, 15)) == week
    assert type(pacific_date(pendulum.datetime(2026, 3, 8))) is date
    assert str(week) == "2026-03-08 to 2026-03-14"
    assert str(DateRange(SPRING, SPRING + timedelta(1))) == "2026-03-08"
    assert week.extended_back(2) == DateRange(SPRING - timedelta(2), week.end_day)


@pytest.mark.parametrize("days", [10_000_000, 20_000])
def test_looking_back_before_there_were_pages_is_refused(days: int) -> None:
    with pytest.raises(ConfigurationError, match="before"):
        last_days_ended_by(datetime(2026, 3, 8, tzinfo=UTC), days)
    with pytest.raises(ConfigurationError, match="before"):
        DateRange(SPRING, AUTUMN).extended_back(days)


def test_a_chunk_of_no_day_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least one day"):
        list(chunks(DateRange(SPRING, AUTUMN), 0))


MIDNIGHT = datetime(2026, 3, 8, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (SPRING, SPRING),
        (pendulum.date(2026, 3, 8), SPRING),
        ("2026-03-08", SPRING),
        (" 20260308 ", SPRING),
        (MIDNIGHT, MIDNIGHT),
        (datetime(2026, 3, 8, 9, tzinfo=timezone(timedelta(hours=1))), MIDNIGHT),
        (pendulum.datetime(2026, 3, 8, tz="America/Los_Angeles"), MIDNIGHT),
        ("2026-03-08T08:00:00Z", MIDNIGHT),
        ("2026-03-08T00:00:00-0800", MIDNIGHT),
        ("2026-03-08 08:00:00+00:00", MIDNIGHT),
        (1772956800, MIDNIGHT),
        (1772956800.0, MIDNIGHT),
        ("1772956800", MIDNIGHT),
    ],
)
def test_a_date_or_moment_is_understood_however_it_is_told(told: Any, meant: date | datetime) -> None:
    parsed = parse_moment(told)
    assert parsed == meant
    assert type(parsed) is type(meant)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("2026-03-08T00:00:00", "no zone"),
        (datetime(2026, 3, 8), "no zone"),  # noqa: DTZ001 - the point
        ("yesterday", "is not a date"),
        ("2026-13-01", "is not a date"),
        ("2026-W10-1", "is not a date"),
        ("", "is not a date"),
        (None, "is not a date"),
        (True, "is not a date"),
        (b"2026-03-08", "is not a date"),
        (1772956800000, "milliseconds"),
        ("1772956800000", "milliseconds"),
        (1e300, "milliseconds"),
        (float("nan"), "milliseconds"),
        (0, "outside"),
        (date(1999, 1, 1), "outside"),
        ("2300-01-01", "outside"),
    ],
)
def test_what_is_no_date_is_refused_with_the_reason(told: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        parse_moment(told)


@given(st.text() | st.integers() | st.floats() | st.datetimes() | st.dates() | st.none() | st.binary())
def test_anything_else_is_refused_in_our_own_words(told: Any) -> None:
    try:
        parsed = parse_moment(told)
    except ConfigurationError:
        return
    assert not isinstance(parsed, datetime) or parsed.utcoffset() is not None
