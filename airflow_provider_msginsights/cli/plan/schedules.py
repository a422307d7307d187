"""Which runs Airflow would make for a schedule, asked of Airflow's own timetables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from airflow.timetables.base import DataInterval, Timetable

TIMETABLES = ("CronDataIntervalTimetable", "CronTriggerTimetable")
"""Airflow's two readings of a cron expression; a DAG that only gives text gets the second one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledRun:
    """A run the scheduler would make; it has the names by which `requested_days` reads a DAG run."""

    run_after: datetime
    data_interval_start: datetime
    data_interval_end: datetime
    run_type: str = "scheduled"


def next_runs(expression: str, *, timezone: str, timetable: str, at: datetime) -> Iterator[ScheduledRun]:
    """Return the runs after a moment, the next one first; they do not end.

    :raises ConfigurationError: for an expression or a time zone that Airflow does not know.
    """
    import pendulum
    from airflow.timetables.base import TimeRestriction

    schedule = _timetable(expression, timezone, timetable)
    moment = pendulum.instance(at.astimezone(UTC))
    anything = TimeRestriction(earliest=None, latest=None, catchup=True)
    interval: DataInterval | None = schedule.infer_manual_data_interval(run_after=moment)
    while (info := schedule.next_dagrun_info(last_automated_data_interval=interval, restriction=anything)) is not None:
        interval = info.data_interval
        if interval is None:
            return
        if info.run_after > moment:
            yield ScheduledRun(
                run_after=info.run_after, data_interval_start=interval.start, data_interval_end=interval.end
            )


def _timetable(expression: str, timezone: str, timetable: str) -> Timetable:
    from airflow.timetables.interval import CronDataIntervalTimetable
    from airflow.timetables.trigger import CronTriggerTimetable
    from pendulum import timezone as zone_named
    from pendulum.tz.exceptions import InvalidTimezone

    try:
        zone = zone_named(timezone)
    except (InvalidTimezone, ValueError):
        raise ConfigurationError(
            f"--timezone {timezone!r} is no time zone. Give a name such as 'America/Los_Angeles' or 'UTC'.",
            parameter="--timezone",
        ) from None
    kind = {"CronDataIntervalTimetable": CronDataIntervalTimetable, "CronTriggerTimetable": CronTriggerTimetable}
    try:
        schedule: Timetable = kind[timetable](expression, timezone=zone)
        schedule.validate()
    except Exception as error:  # noqa: BLE001 - croniter and Airflow raise kinds of their own, which differ by version
        raise ConfigurationError(
            f"--schedule {expression!r} is not understood: {error}", parameter="--schedule"
        ) from None
    return schedule
