"""A partition key means the finished Pacific days of its partition, or is refused, whatever Airflow's timetable."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Asset
from hypothesis import given, settings
from hypothesis import strategies as st
from support.airflow_versions import needs_airflow
from support.examples import so_many

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.run_days.requested import requested_days

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = needs_airflow("3.3", "partitioned runs know their date")

PACIFIC = "America/Los_Angeles"
DAILY, WEEKLY, MONTHLY = "0 0 * * *", "0 0 * * 1", "0 0 1 * *"


def context(timetable: Any, key: str, partition_date: datetime | None = None, **run: Any) -> dict[str, Any]:
    """The context of a run of a DAG with that timetable."""
    dag_run = SimpleNamespace(**{"run_type": "scheduled", "run_after": datetime(2026, 11, 30, tzinfo=UTC)} | run)
    return {
        "dag": SimpleNamespace(timetable=timetable),
        "dag_run": dag_run,
        "partition_key": key,
        "partition_date": partition_date,
    }


def scheduled_runs(cron: str, *, first: date, last: date, **how: Any) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """The runs that Airflow's scheduler makes between two dates: their moments and contexts."""
    from airflow.sdk import CronPartitionTimetable
    from airflow.timetables.base import TimeRestriction
    from airflow.timetables.trigger import CronPartitionTimetable as Scheduler
    from pendulum import datetime as moment

    how = {"timezone": PACIFIC} | how
    restriction = TimeRestriction(
        earliest=moment(first.year, first.month, first.day, tz=how["timezone"]),
        latest=moment(last.year, last.month, last.day, tz=how["timezone"]),
        catchup=True,
    )
    scheduler, info = Scheduler(cron, **how), None
    while info := scheduler.next_dagrun_info_v2(last_dagrun_info=info, restriction=restriction):
        assert info.partition_key is not None
        yield info.run_after, context(CronPartitionTimetable(cron, **how), info.partition_key, info.partition_date)


def days_of(run: dict[str, Any], **arguments: Any) -> DateRange:
    (days,) = requested_days(run, **arguments)
    return days


def all_days(first: date, end: date) -> list[date]:
    return list(DateRange(first, end))


@pytest.mark.parametrize("key_format", [None, "%Y-%m-%d", "%d.%m.%Y %H:%M", "week of %Y%m%d"])
@pytest.mark.parametrize(
    ("cron", "first", "end"),
    [
        (DAILY, date(2026, 3, 1), date(2026, 3, 31)),
        (WEEKLY, date(2026, 2, 23), date(2026, 3, 30)),
        (WEEKLY, date(2025, 10, 20), date(2025, 11, 17)),
        (MONTHLY, date(2026, 1, 1), date(2026, 11, 1)),
        ("0 0 1 */3 *", date(2025, 10, 1), date(2026, 10, 1)),
        ("0 0 1 1 *", date(2024, 1, 1), date(2026, 1, 1)),
        ("0 0 * * 1-5", date(2026, 10, 26), date(2026, 11, 16)),
        ("0 6 * * *", date(2026, 3, 5), date(2026, 3, 12)),
    ],
)
def test_every_day_is_loaded_once_by_the_partitions_of_a_schedule(
    cron: str, first: date, end: date, key_format: str | None
) -> None:
    how = {"key_format": key_format} if key_format else {}
    loaded = [
        day
        for _, run in scheduled_runs(cron, first=first, last=end + timedelta(days=8), run_offset=-1, **how)
        for day in days_of(run)
        if first <= day < end
    ]
    assert loaded == all_days(first, end)


@settings(max_examples=so_many(30))  # the scheduler logs each step it counts
@given(
    cron=st.sampled_from(
        [DAILY, WEEKLY, MONTHLY, "0 0 1,15 * *", "0 4 * * *", "45 23 * * *", "30 1 * * 0", "0 0 */3 * *"]
    ),
    first=st.dates(date(2024, 12, 1), date(2026, 8, 1)),
    knows_date=st.booleans(),
)
def test_consecutive_partitions_tile_the_calendar(cron: str, first: date, *, knows_date: bool) -> None:
    runs = [run for _, run in scheduled_runs(cron, first=first, last=first + timedelta(days=70), run_offset=-1)]
    if not knows_date:
        runs = [run | {"partition_date": None} for run in runs]
    for one, following in pairwise(map(days_of, runs)):
        assert one.end_day == following.first_day


def test_a_backfill_takes_the_partitions_that_airflow_names() -> None:
    from airflow.sdk import CronPartitionTimetable
    from airflow.timetables.trigger import CronPartitionTimetable as Scheduler

    bounds = {"earliest": datetime(2026, 10, 5, tzinfo=UTC), "latest": datetime(2026, 11, 16, tzinfo=UTC)}
    infos = Scheduler(WEEKLY, timezone=PACIFIC).iter_partition_dagrun_infos(**bounds)
    runs = [
        context(CronPartitionTimetable(WEEKLY, timezone=PACIFIC), str(one.partition_key), one.partition_date)
        for one in infos
    ]
    for run in runs:
        run["dag_run"].run_type = "backfill"
    loaded = [day for run in runs for day in days_of(run, lookback_days=3)]
    assert loaded == all_days(date(2026, 10, 5), date(2026, 11, 23))


def test_look_back_extends_a_partition() -> None:
    (_, run), *_ = scheduled_runs(WEEKLY, first=date(2026, 11, 16), last=date(2026, 11, 16), run_offset=-1)
    assert days_of(run, lookback_days=2) == DateRange(date(2026, 11, 7), date(2026, 11, 16))


def test_a_partition_that_has_not_ended_is_refused_with_the_cure() -> None:
    today = datetime.now(UTC).date()
    for cron in (DAILY, WEEKLY, MONTHLY):
        *_, (_, run) = scheduled_runs(cron, first=today - timedelta(days=70), last=today + timedelta(days=40))
        with pytest.raises(ConfigurationError, match=r"not over.*run_offset=-1"):
            requested_days(run)


@pytest.mark.parametrize("cron", ["@hourly", "0 */6 * * *", "0 0,12 * * *", "*/15 * * * *"])
def test_partitions_shorter_than_a_day_are_refused_with_the_cure(cron: str) -> None:
    runs = scheduled_runs(cron, first=date(2026, 11, 1), last=date(2026, 11, 2), run_offset=-1)
    for _, run in runs:
        with pytest.raises(ConfigurationError, match=r"less than a day.*CronPartitionTimetable"):
            requested_days(run)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("cron", [DAILY, WEEKLY, MONTHLY])
def test_partitions_of_another_zone_s_midnights_are_refused_with_the_cure(cron: str, zone: str) -> None:
    runs = scheduled_runs(cron, first=date(2026, 2, 25), last=date(2026, 3, 25), run_offset=-1, timezone=zone)
    for _, run in runs:
        with pytest.raises(ConfigurationError, match=r"timezone='America/Los_Angeles'"):
            requested_days(run)


def test_a_key_that_only_names_the_day_finds_the_partition_that_begins_on_it() -> None:
    from airflow.sdk import CronPartitionTimetable

    timetable = CronPartitionTimetable("0 6 * * 1", timezone=PACIFIC, key_format="%Y-%m-%d")
    week = DateRange(date(2026, 11, 2), date(2026, 11, 9))
    assert days_of(context(timetable, "2026-11-02")) == week
    as_airflow_reads_it = datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert days_of(context(timetable, "2026-11-02", as_airflow_reads_it)) == week


@pytest.mark.parametrize("key", ["2026-11-04T00:00:00", "2026-W45", "last week", "2026-11-02", "0001-01-01T00:00:00"])
def test_a_key_that_names_no_partition_of_the_schedule_is_refused(key: str) -> None:
    from airflow.sdk import CronPartitionTimetable

    with pytest.raises(ConfigurationError, match="partition key"):
        requested_days(context(CronPartitionTimetable(WEEKLY, timezone=PACIFIC), key), lookback_days=1)


def mapped(mapper: Any, key: str, **more: Any) -> DateRange:
    """The days of a run that one asset started, whose keys a mapper made."""
    from airflow.sdk import PartitionedAssetTimetable

    timetable = PartitionedAssetTimetable(assets=Asset("page_days"), default_partition_mapper=mapper)
    return days_of(context(timetable, key, **more))


MAPPED = {
    "StartOfDayMapper": ("2026-11-01", "2026-11-02"),
    "StartOfWeekMapper": ("2026-10-26", "2026-11-02"),
    "StartOfMonthMapper": ("2026-10-01", "2026-11-01"),
    "StartOfQuarterMapper": ("2026-07-01", "2026-10-01"),
    "StartOfYearMapper": ("2025-01-01", "2026-01-01"),
}


@pytest.mark.parametrize("how", [{"timezone": PACIFIC}, {"input_format": "%Y-%m-%d"}])
@pytest.mark.parametrize("name", MAPPED)
def test_the_mappers_of_airflow_give_their_extent(name: str, how: dict[str, str]) -> None:
    from airflow import sdk
    from airflow.partition_mappers import temporal

    first, end = MAPPED[name]
    scheduler = getattr(temporal, name)(**how)
    key = scheduler.to_downstream(first if "input_format" in how else f"{first}T00:00:00")
    expected = DateRange(date.fromisoformat(first), date.fromisoformat(end))
    mapper = getattr(sdk, name)(**how)
    assert mapped(mapper, key) == expected
    assert mapped(mapper, key, partition_date=scheduler.to_partition_date(key)) == expected


@pytest.mark.parametrize("name", MAPPED)
def test_a_mapper_of_another_zone_s_moments_is_refused_with_the_cure(name: str) -> None:
    from airflow import sdk
    from airflow.partition_mappers import temporal

    key = getattr(temporal, name)().to_downstream("2025-06-04T12:00:00")
    with pytest.raises(ConfigurationError, match="timezone='America/Los_Angeles'"):
        mapped(getattr(sdk, name)(), key)


def test_composed_mappers_give_the_extent_of_the_one_that_made_the_key() -> None:
    from airflow import sdk

    week = DateRange(date(2026, 11, 2), date(2026, 11, 9))
    by_week = sdk.StartOfWeekMapper(timezone=PACIFIC)
    by_day = sdk.StartOfDayMapper(timezone=PACIFIC)
    rollup = sdk.RollupMapper(upstream_mapper=by_week, window=sdk.WeekWindow())
    assert mapped(rollup, "2026-11-02 (W45)") == week
    assert mapped(sdk.ProductMapper(sdk.IdentityMapper(), by_week), "eu|2026-11-02 (W45)") == week
    assert mapped(sdk.ChainMapper(by_day, sdk.StartOfMonthMapper(input_format="%Y-%m-%d")), "2026-10") == DateRange(
        date(2026, 10, 1), date(2026, 11, 1)
    )
    fan_out = sdk.FanOutMapper(upstream_mapper=by_week, window=sdk.WeekWindow())
    assert mapped(fan_out, "2026-11-03") == DateRange(date(2026, 11, 3), date(2026, 11, 4))


def test_mappers_that_disagree_or_count_hours_or_look_back_are_refused() -> None:
    from airflow import sdk

    by_day, by_week = (
        kind(timezone=PACIFIC, output_format="%Y-%m-%d") for kind in (sdk.StartOfDayMapper, sdk.StartOfWeekMapper)
    )
    one, other = Asset("one"), Asset("other")
    timetable = sdk.PartitionedAssetTimetable(
        assets=one & other, partition_mapper_config={one: by_week}, default_partition_mapper=by_day
    )
    with pytest.raises(ConfigurationError, match="different mappers"):
        requested_days(context(timetable, "2026-11-02"))
    with pytest.raises(ConfigurationError, match="an hour"):
        mapped(sdk.StartOfHourMapper(timezone=PACIFIC), "2026-11-02T05")
    backward = sdk.WeekWindow(direction=sdk.Window.Direction.BACKWARD)
    with pytest.raises(ConfigurationError, match="backward"):
        mapped(sdk.RollupMapper(upstream_mapper=by_week, window=backward), "2026-11-02")


def test_a_mapper_of_another_asset_alone_decides_nothing() -> None:
    from airflow import sdk

    one = Asset("one")
    timetable = sdk.PartitionedAssetTimetable(
        assets=one,
        partition_mapper_config={one: sdk.StartOfWeekMapper(timezone=PACIFIC, output_format="%Y-%m-%d")},
        default_partition_mapper=sdk.StartOfDayMapper(timezone=PACIFIC),
    )
    assert days_of(context(timetable, "2026-11-02")) == DateRange(date(2026, 11, 2), date(2026, 11, 9))


def test_a_key_passed_on_unchanged_means_a_day_only_where_it_is_a_date() -> None:
    from airflow import sdk

    day = DateRange(date(2026, 11, 2), date(2026, 11, 3))
    assert mapped(sdk.IdentityMapper(), "2026-11-02") == day
    for key in ("2026-11-02T00:00:00", "101|2026-11-02", "2026-11-02|eu", "2026-11-02 (W45)", "2026-11", "eu"):
        with pytest.raises(ConfigurationError, match="not a date"):
            mapped(sdk.IdentityMapper(), key)
