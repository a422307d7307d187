from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.airflow_versions import CronTriggerTimetable, DeltaTriggerTimetable, MultipleCronTriggerTimetable

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import DateRange, end_of_day
from airflow_provider_msginsights.run_days.requested import NoDayEndedError, requested_days
from airflow_provider_msginsights.run_days.ticks import CronTicks

PACIFIC = ZoneInfo("America/Los_Angeles")


def interval(start: str, end: str, **dag_run: Any) -> dict[str, Any]:
    """The context of a run over an interval."""
    bounds = {"data_interval_start": datetime.fromisoformat(start), "data_interval_end": datetime.fromisoformat(end)}
    return {**bounds, "dag_run": SimpleNamespace(run_type="scheduled", **bounds, **dag_run)}


def no_interval(run_after: str, **more: Any) -> dict[str, Any]:
    """The context of a run without a logical date."""
    run = SimpleNamespace(run_type="manual", run_after=datetime.fromisoformat(run_after), data_interval_start=None)
    return {"dag_run": run, **more}


def one_day(text: str) -> tuple[DateRange, ...]:
    day = date.fromisoformat(text)
    return (DateRange(day, day + timedelta(days=1)),)


@pytest.mark.parametrize(
    ("start", "end", "day"),
    [
        ("2026-03-08T00:00-08:00", "2026-03-09T00:00-07:00", "2026-03-08"),  # 23 hours
        ("2026-11-01T00:00-07:00", "2026-11-02T00:00-08:00", "2026-11-01"),  # 25 hours
        ("2026-07-04T00:00+00:00", "2026-07-05T00:00+00:00", "2026-07-03"),  # midnight UTC: the day before
        ("2026-03-09T06:30+00:00", "2026-03-09T07:00+00:00", "2026-03-08"),  # the half hour in which it ends
    ],
)
def test_a_run_is_about_the_days_that_end_in_its_interval(start: str, end: str, day: str) -> None:
    assert requested_days(interval(start, end)) == one_day(day)


def test_an_interval_in_which_no_day_ends_is_not_an_error_of_the_dag() -> None:
    with pytest.raises(NoDayEndedError, match="No Pacific day ends within"):
        requested_days(interval("2026-03-09T07:00+00:00", "2026-03-09T08:00+00:00"), lookback_days=3)


def test_look_back_extends_the_range() -> None:
    context = interval("2026-03-08T08:00+00:00", "2026-03-09T07:00+00:00")
    assert requested_days(context, lookback_days="2") == (DateRange(date(2026, 3, 6), date(2026, 3, 9)),)


def test_a_backfill_run_ignores_look_back() -> None:
    context = interval("2026-03-08T08:00+00:00", "2026-03-09T07:00+00:00")
    context["dag_run"].run_type = "backfill"
    assert requested_days(context, lookback_days=2) == one_day("2026-03-08")


def test_an_interval_of_length_zero_is_refused_and_both_cures_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"lookback_days.*CronDataIntervalTimetable"):
        requested_days(interval("2026-03-09T00:00+00:00", "2026-03-09T00:00+00:00"))


@pytest.mark.parametrize("run_type", ["scheduled", "backfill"])
def test_on_an_interval_of_length_zero_look_back_counts_the_days_that_had_ended(run_type: str) -> None:
    context = interval("2026-03-09T00:00+00:00", "2026-03-09T00:00+00:00")
    context["dag_run"].run_type = run_type
    assert requested_days(context, lookback_days=1) == one_day("2026-03-07")


def moments_of(timetable: Any) -> list[datetime]:
    """When the schedule has its runs, over the end of daylight saving time."""
    moments, end = [datetime(2026, 10, 28, tzinfo=UTC)], datetime(2026, 11, 6, tzinfo=UTC)
    tables = getattr(timetable, "timetables", None) or getattr(timetable, "_timetables", [timetable])  # Airflow 3.1's
    several = [ticks for one in tables if (ticks := CronTicks.of(one))]
    step: Any = getattr(timetable, "delta", None) or getattr(timetable, "_delta", timedelta(days=1))
    while moments[-1] < end:
        moments.append(min((ticks.after(moments[-1]) for ticks in several), default=moments[-1] + step))
    return moments[1:]


@pytest.mark.parametrize("lookback_days", [0, 1, 7])
@pytest.mark.parametrize(
    "timetable",
    [
        CronTriggerTimetable("0 0 * * *", timezone="UTC"),
        CronTriggerTimetable("30 7 * * *", timezone="UTC"),
        CronTriggerTimetable("0 0 * * *", timezone="America/Los_Angeles"),
        CronTriggerTimetable("0 * * * *", timezone="America/Los_Angeles"),
        CronTriggerTimetable("0 */7 * * *", timezone="Europe/Berlin"),
        MultipleCronTriggerTimetable("0 9 * * *", "0 17 * * *", timezone="UTC"),
        DeltaTriggerTimetable(timedelta(hours=5)),
        DeltaTriggerTimetable(timedelta(days=1)),
        None,
    ],
    ids=["UTC", "UTC 7:30", "Pacific", "hourly", "every 7 hours", "twice", "5 hours", "a day", "no timetable"],
)
def test_runs_of_a_backfill_whose_intervals_have_no_length_load_different_days(
    timetable: object, lookback_days: int
) -> None:
    loaded: list[date] = []
    for moment in moments_of(timetable):
        context = interval(moment.isoformat(), moment.isoformat()) | {"dag": SimpleNamespace(timetable=timetable)}
        context["dag_run"].run_type = "backfill"
        with contextlib.suppress(NoDayEndedError):
            loaded += [day for days in requested_days(context, lookback_days=lookback_days) for day in days]
    assert loaded == sorted(set(loaded))
    assert set(loaded) >= {date(2026, 10, day) for day in (28, 29, 30, 31)}


def test_a_backfill_s_run_with_bounds_of_its_own_keeps_to_them() -> None:
    context = interval("2026-03-09T00:00+00:00", "2026-03-09T00:00+00:00")
    context["dag_run"].run_type = "backfill"
    assert requested_days(context, until="2026-03-04", lookback_days=2) == (
        DateRange(date(2026, 3, 2), date(2026, 3, 4)),
    )


def test_a_run_without_an_interval_goes_by_the_moment_it_was_created_for() -> None:
    assert requested_days(no_interval("2026-11-02T08:00+00:00"), lookback_days=1) == one_day("2026-11-01")
    with pytest.raises(ConfigurationError, match="lookback_days"):
        requested_days(no_interval("2026-11-02T08:00+00:00"))


def test_given_dates_are_pacific_dates_and_need_no_run() -> None:
    assert requested_days({}, since="2026-03-08", until="2026-03-10") == (
        DateRange(date(2026, 3, 8), date(2026, 3, 10)),
    )


def test_given_moments_follow_the_rule_of_the_interval() -> None:
    assert requested_days({}, since="2026-03-08T00:00+00:00", until="2026-03-09T00:00+00:00") == one_day("2026-03-07")


def test_since_alone_lasts_to_the_end_of_the_run() -> None:
    context = interval("2026-03-08T08:00+00:00", "2026-03-09T07:00+00:00")
    assert requested_days(context, since=date(2026, 3, 1)) == (DateRange(date(2026, 3, 1), date(2026, 3, 9)),)


def test_until_alone_needs_look_back() -> None:
    assert requested_days({}, until="2026-03-09", lookback_days=1) == one_day("2026-03-08")
    with pytest.raises(ConfigurationError, match="until alone"):
        requested_days({}, until="2026-03-09")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"since": "2026-03-09", "until": "2026-03-08"}, "starts after it ends"),
        ({"since": "None", "until": "2026-03-08"}, "since: 'None'"),
        ({"since": "2026-03-08", "until": "soon"}, "until: 'soon'"),
        ({"since": "2026-03-08", "until": "2026-03-09", "lookback_days": "-1"}, "lookback_days='-1'"),
        ({"since": "2026-03-08", "until": "2026-03-09", "lookback_days": True}, "lookback_days=True"),
        ({}, "no run to count the days from"),
        ({"date_preset": "yesterday"}, "no run to count the days from"),
        ({"date_preset": "yesterday", "since": "2026-03-08"}, "one or the other"),
    ],
)
def test_wrong_bounds_are_refused_by_name(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        requested_days({}, **arguments)


def test_a_partition_key_that_is_a_date_means_that_day() -> None:
    assert requested_days(no_interval("2026-03-12T00:00+00:00", partition_key="2026-03-08")) == one_day("2026-03-08")
    midnight = no_interval("2026-03-12T00:00+00:00", partition_key="2026-03-08T00:00:00")
    assert requested_days(midnight) == one_day("2026-03-08")


@pytest.mark.parametrize("key", ["101|2026-03-08", "2026-13-08", "2026-03-081", "2026-03-08|eu", "2026-03-08T05:00:00"])
def test_a_partition_key_that_names_no_day_is_refused(key: str) -> None:
    with pytest.raises(ConfigurationError, match="partition key"):
        requested_days(no_interval("2026-03-12T00:00+00:00", partition_key=key), lookback_days=1)


def test_days_named_by_triggering_asset_events_are_loaded_each_once() -> None:
    def event(extra: dict[str, Any], key: str | None = None) -> SimpleNamespace:
        return SimpleNamespace(extra=extra, partition_key=key)

    events = {
        "a": [event({"days": ["2026-03-08", "2026-03-09"]}), event({"day": "2026-03-09"})],
        "b": [event({"from_trigger": True, "payload": {"day": "2026-03-12"}}), event({}, "2026-03-10|101"), event({})],
    }
    assert requested_days(no_interval("2026-03-20T00:00+00:00", triggering_asset_events=events)) == (
        DateRange(date(2026, 3, 8), date(2026, 3, 11)),
        DateRange(date(2026, 3, 12), date(2026, 3, 13)),
    )


def test_given_bounds_win_over_partition_key_and_events() -> None:
    context = no_interval("2026-03-12T00:00+00:00", partition_key="2026-03-01")
    assert requested_days(context, since="2026-03-08", until="2026-03-09") == one_day("2026-03-08")


@pytest.mark.parametrize(
    ("preset", "first_day", "end_day"),
    [
        ("yesterday", "2026-01-31", "2026-02-01"),
        ("last_month", "2026-01-01", "2026-02-01"),
        ("last_week_mon_sun", "2026-01-19", "2026-01-26"),
    ],
)
def test_a_preset_counts_from_the_run_and_not_from_today(preset: str, first_day: str, end_day: str) -> None:
    january = interval("2026-01-01T08:00+00:00", "2026-02-01T08:00+00:00")
    expected = (DateRange(date.fromisoformat(first_day), date.fromisoformat(end_day)),)
    assert requested_days(january, date_preset=preset) == expected
    assert requested_days(no_interval("2026-02-01T08:00+00:00"), date_preset=preset) == expected


def test_an_unknown_preset_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigurationError, match="'last_month'"):
        requested_days(no_interval("2026-02-01T08:00+00:00"), date_preset="last_moth")


cuts = st.lists(
    st.datetimes(datetime(2026, 2, 20), datetime(2026, 11, 10), timezones=st.sampled_from([UTC, PACIFIC])),  # noqa: DTZ001 - hypothesis adds the zone
    min_size=2,
    max_size=8,
    unique_by=lambda moment: moment.timestamp(),
)


@given(cuts)
@example([datetime(2026, 11, 1, 1, fold=1, tzinfo=PACIFIC), datetime(2026, 11, 1, 1, tzinfo=PACIFIC)])
def test_adjacent_intervals_tile_the_calendar_with_finished_days(moments: list[datetime]) -> None:
    ordered = sorted(moments, key=datetime.timestamp)  # in one zone Python compares clocks, and not moments

    def days(start: datetime, end: datetime) -> list[date]:
        try:
            return [day for days in requested_days({}, since=start, until=end) for day in days]
        except NoDayEndedError:
            return []

    pieces = [day for start, end in pairwise(ordered) for day in days(start, end)]
    assert pieces == days(ordered[0], ordered[-1])
    assert all(ordered[0] < end_of_day(day) <= ordered[-1] for day in pieces)
