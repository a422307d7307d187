"""Days the API cannot have are not requested: what is left is, and a warning says so; or an error says why not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import (
    DATE_PRESETS,
    DateRange,
    first_day_kept,
    pacific_date,
    resolve_preset,
)
from airflow_provider_msginsights.insights.history import possible_days

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
FIRST, TODAY = date(2024, 11, 30), date(2026, 11, 30)
ONE_DAY = timedelta(days=1)


def test_what_is_possible_stays_as_it_is() -> None:
    ranges = (DateRange(FIRST, date(2025, 1, 1)), DateRange(date(2026, 1, 1), TODAY + ONE_DAY))
    possible = possible_days(ranges, NOW, is_total=True)
    assert (possible.ranges, possible.warning) == (ranges, None)


@pytest.mark.parametrize(
    ("first", "end", "kept", "why"),
    [
        (
            date(2015, 1, 1),
            date(2026, 11, 28),
            (FIRST, date(2026, 11, 28)),
            "the API keeps 2 years, now from 2024-11-30",
        ),
        (FIRST - ONE_DAY, FIRST + ONE_DAY, (FIRST, FIRST + ONE_DAY), "the API keeps 2 years"),
        (TODAY, date(2199, 1, 1), (TODAY, TODAY + ONE_DAY), "days from 2026-12-01 on lie in the future"),
        (date(2004, 2, 4), date(2199, 12, 31), (FIRST, TODAY + ONE_DAY), r"keeps 2 years.*, and days .* the future"),
    ],
)
def test_a_range_is_clipped_to_what_can_exist(first: date, end: date, kept: tuple[date, date], why: str) -> None:
    possible = possible_days([DateRange(first, end)], NOW)
    assert possible.ranges == (DateRange(*kept),)
    assert possible.warning is not None
    with pytest.raises(ConfigurationError, match=rf"only {DateRange(*kept)} can be had.*{why}"):
        raise ConfigurationError(possible.warning)
    with pytest.raises(ConfigurationError, match=rf"A total over.*{why}"):
        possible_days([DateRange(first, end)], NOW, is_total=True)


@pytest.mark.parametrize(
    ("first", "why"),
    [(date(2015, 1, 1), "keeps 2 years"), (FIRST - 9 * ONE_DAY, "2 years"), (TODAY + ONE_DAY, "future")],
)
def test_a_range_of_which_nothing_is_left_is_an_error_that_says_why(first: date, why: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"none can be had: .*{why}"):
        possible_days([DateRange(first, first + 9 * ONE_DAY)], NOW)


def test_of_several_ranges_those_that_cannot_exist_are_left_out() -> None:
    old, good, late = (
        DateRange(day, day + 3 * ONE_DAY) for day in (date(2020, 1, 1), date(2026, 1, 1), TODAY + ONE_DAY)
    )
    assert possible_days([old, good, late], NOW).ranges == (good,)
    assert possible_days([old, good, late], NOW, may_come=True).ranges == (good, late)


def test_who_waits_for_days_to_come_may_wait_and_who_waits_for_gone_ones_may_not() -> None:
    coming = DateRange(TODAY + ONE_DAY, date(2027, 6, 1))
    assert possible_days([coming], NOW, may_come=True).ranges == (coming,)
    with pytest.raises(ConfigurationError, match="keeps 2 years"):
        possible_days([DateRange(date(2015, 1, 1), date(2016, 1, 1))], NOW, may_come=True)


moments = st.datetimes(datetime(2010, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it


@given(moments, st.dates(date(2004, 2, 4), date(2199, 1, 1)), st.integers(1, 9000), st.booleans())
def test_what_is_left_is_the_part_of_the_range_that_can_exist(at: datetime, first: date, length: int, may: Any) -> None:
    days = DateRange(first, first + length * ONE_DAY)
    today = pacific_date(at)
    expected = [day for day in days if first_day_kept(today) <= day and (may or day <= today)]
    try:
        possible = possible_days([days], at, may_come=may)
    except ConfigurationError:
        assert expected == []
    else:
        assert [day for kept in possible.ranges for day in kept] == expected
        assert (possible.warning is None) == (len(expected) == len(days))


@given(moments, st.sampled_from(DATE_PRESETS))
def test_no_preset_reaches_beyond_what_can_exist_on_its_own_day(at: datetime, preset: str) -> None:
    assert possible_days([resolve_preset(preset, at)], at).warning is None
