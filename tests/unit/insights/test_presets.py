"""Named ranges, counted from a given moment."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import DATE_PRESETS, pacific_date, pacific_midnight, resolve_preset

SUNDAY = datetime(2026, 3, 8, 20, tzinfo=UTC)  # noon in California on the day the clocks change

EXPECTED = {
    "today": ("2026-03-08", "2026-03-08"),
    "yesterday": ("2026-03-07", "2026-03-07"),
    "this_month": ("2026-03-01", "2026-03-08"),
    "last_month": ("2026-02-01", "2026-02-28"),
    "this_quarter": ("2026-01-01", "2026-03-08"),
    "maximum": ("2024-03-08", "2026-03-07"),
    "data_maximum": ("2024-03-08", "2026-03-07"),
    "last_3d": ("2026-03-05", "2026-03-07"),
    "last_7d": ("2026-03-01", "2026-03-07"),
    "last_14d": ("2026-02-22", "2026-03-07"),
    "last_28d": ("2026-02-08", "2026-03-07"),
    "last_30d": ("2026-02-06", "2026-03-07"),
    "last_90d": ("2025-12-08", "2026-03-07"),
    "last_week": ("2026-02-23", "2026-03-01"),
    "last_week_mon_sun": ("2026-02-23", "2026-03-01"),
    "last_week_sun_sat": ("2026-03-01", "2026-03-07"),
    "last_quarter": ("2025-10-01", "2025-12-31"),
    "last_year": ("2025-01-01", "2025-12-31"),
    "this_week_mon_today": ("2026-03-02", "2026-03-08"),
    "this_week_sun_today": ("2026-03-08", "2026-03-08"),
    "this_year": ("2026-01-01", "2026-03-08"),
}


def test_all_21_presets_are_known() -> None:
    assert set(DATE_PRESETS) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_preset_means_these_days(name: str) -> None:
    days = resolve_preset(name, SUNDAY)
    assert (str(days.first_day), str(days.last_day)) == EXPECTED[name]


@given(st.dates(date(2010, 1, 1), date(2040, 12, 31)), st.sampled_from(DATE_PRESETS))
def test_last_ranges_are_over_and_others_end_with_today(today: date, name: str) -> None:
    at = pacific_midnight(today)
    days = resolve_preset(name, at)
    assert pacific_date(at) == today
    if name.startswith("last_") or name in {"yesterday", "maximum", "data_maximum"}:
        assert days.end_day <= today
    else:
        assert days.last_day == today
    if name.startswith("last_week"):
        assert len(days) == 7
        assert days.first_day.weekday() == (6 if name.endswith("sun_sat") else 0)
        assert (today - days.end_day).days < 7


@pytest.mark.parametrize(
    ("today", "name", "first_day"),
    [
        ("2028-02-29", "maximum", "2026-02-28"),
        ("2026-01-31", "last_month", "2025-12-01"),
        ("2026-01-01", "last_quarter", "2025-10-01"),
        ("2026-12-31", "this_quarter", "2026-10-01"),
    ],
)
def test_calendars_with_edges_are_read_right(today: str, name: str, first_day: str) -> None:
    days = resolve_preset(name, pacific_midnight(date.fromisoformat(today)))
    assert str(days.first_day) == first_day


def test_an_unknown_preset_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigurationError, match=r"last_8d.*Did you mean 'last_(28|7|3)d'"):
        resolve_preset("last_8d", SUNDAY)
