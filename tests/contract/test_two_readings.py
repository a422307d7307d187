"""The provider and the emulator read the documentation apart from each other; they must have read the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.emulator import documentation
from airflow_provider_msginsights.emulator.pacific_days import years_before
from airflow_provider_msginsights.emulator.time_ranges import preset_days
from airflow_provider_msginsights.insights import catalog
from airflow_provider_msginsights.insights.dates import (
    DATE_PRESETS,
    HISTORY_YEARS,
    MAX_RANGE_DAYS,
    pacific_date,
    resolve_preset,
)
from airflow_provider_msginsights.insights.graph.error_table import PERMISSIONS
from airflow_provider_msginsights.transports.settings import DEFAULT_API_VERSION


def test_both_know_the_same_metrics_breakdowns_and_labels() -> None:
    ours = {one.name: (set(one.breakdowns), one.in_development) for one in catalog.METRICS.values()}
    theirs = {one.name: (set(one.breakdowns), one.in_development) for one in documentation.METRICS.values()}
    assert len(ours) == 11
    assert ours == theirs


def test_both_know_the_same_words() -> None:
    assert set(catalog.PERIODS) == set(documentation.PERIODS)
    assert set(catalog.BREAKDOWNS) == set(documentation.BREAKDOWNS)
    assert set(DATE_PRESETS) == {*documentation.DATE_PRESETS, documentation.PAGE_ONLY_PRESET}
    assert set(PERMISSIONS) == set(documentation.SCOPES)
    assert MAX_RANGE_DAYS == documentation.MAX_SPAN_DAYS
    assert DEFAULT_API_VERSION == documentation.DASHBOARD_VERSION


@given(
    preset=st.sampled_from(DATE_PRESETS),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
)
def test_both_mean_the_same_days_by_a_preset(preset: str, moment: datetime) -> None:
    today = pacific_date(moment)
    theirs = preset_days(preset, today=today, history_starts=years_before(today, HISTORY_YEARS))
    ours = resolve_preset(preset, moment)
    assert (ours.first_day, ours.end_day) == theirs


def test_both_mean_the_same_days_on_every_day_of_a_leap_year() -> None:
    for number in range(366):
        today = date(2028, 1, 1) + timedelta(days=number)
        noon = datetime(today.year, today.month, today.day, 20, tzinfo=UTC)
        history_starts = years_before(today, HISTORY_YEARS)
        for preset in DATE_PRESETS:
            ours = resolve_preset(preset, noon)
            assert (ours.first_day, ours.end_day) == preset_days(preset, today=today, history_starts=history_starts)
