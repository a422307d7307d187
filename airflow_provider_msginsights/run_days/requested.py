"""Which Pacific days a run loads: the one rule that operator and sensor share.

A run loads the Pacific days that *end* within its interval (``start < end of day <= end``). Adjacent
intervals then tile the calendar, and a scheduled run never requests a day that is not over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import (
    ONE_DAY,
    DateRange,
    days_ending_within,
    end_of_day,
    last_days_ended_by,
    pacific_midnight,
    parse_moment,
    resolve_preset,
)
from airflow_provider_msginsights.insights.parameters.numbers import parse_count
from airflow_provider_msginsights.run_days.asset_events import ranges_in_events
from airflow_provider_msginsights.run_days.partitions import days_of_partition
from airflow_provider_msginsights.run_days.ticks import previous_tick

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

When: TypeAlias = str | int | date | datetime | None

_FIXES = (
    "Either set lookback_days (1 loads the last Pacific day that had ended by then), or schedule the DAG with "
    "CronDataIntervalTimetable('0 0 * * *', timezone='America/Los_Angeles'), whose intervals are Pacific days."
)


class NoDayEndedError(Exception):
    """The interval has a length, but no Pacific day ends in it: there is nothing to load, and nothing is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    start: datetime | None
    end: datetime
    origin: str


def requested_days(
    context: Mapping[str, Any],
    *,
    since: When = None,
    until: When = None,
    date_preset: str | None = None,
    lookback_days: int | str = 0,
) -> tuple[DateRange, ...]:
    """Return the ranges of Pacific days a run loads: one, unless triggering assets name separate days.

    A bound that is not given comes from, in this order: the partition that the run's key names, the days named by the
    triggering asset events, the data interval, the moment the run was created for (``run_after``).

    :param context: Airflow's context; it may be empty when both bounds are given.
    :param since: first day, or the moment the interval starts; dates are Pacific dates.
    :param until: the day after the last one, or the moment the interval ends.
    :param date_preset: one of the API's named ranges instead of the two, counted from the run and not from the
        wall clock: a run of January, cleared today, means January.
    :param lookback_days: how many days before the range to take as well. Where there is no interval, or one of
        length zero, the number of last days that had ended. Backfill runs ignore it, so that they can run side by
        side: where the interval has no length they load the one day that had ended.
    :raises ConfigurationError: when no range follows from all this; the message names the fixes.
    :raises NoDayEndedError: when the interval has a length but no day ends in it.
    """
    lookback = parse_count("lookback_days", lookback_days)
    extension = 0 if _is_backfill(context) else lookback
    if date_preset is not None:
        if since is not None or until is not None:
            text = "date_preset stands instead of since and until: give one or the other."
            raise ConfigurationError(text, parameter="date_preset")
        return _extended((resolve_preset(date_preset, _bounds_of_run(context).end),), extension)
    if since is None and until is None and (named := _named_days(context)):
        return _extended(_contiguous(named), extension)
    bounds = _given_bounds(context, since, until) or _bounds_of_run(context)
    if bounds.start is not None and bounds.start > bounds.end:
        text = f"{bounds.origin} starts after it ends ({_span(bounds)}); swap since and until."
        raise ConfigurationError(text, parameter="since")
    if bounds.start is None or bounds.start == bounds.end:
        if _is_backfill(context) and since is None and until is None:
            return (_day_of_backfill(context, bounds),)
        if not lookback:
            text = f"{bounds.origin} has no length ({_span(bounds)}), so no day ends in it. {_FIXES}"
            raise ConfigurationError(text, parameter="schedule")
        return (last_days_ended_by(bounds.end, lookback),)
    days = days_ending_within(bounds.start, bounds.end)
    if days is None:
        where = f"{bounds.origin.lower()} ({_span(bounds)})"
        raise NoDayEndedError(f"No Pacific day ends within {where}: the run whose interval contains its end loads it.")
    return _extended((days,), extension)


def youngest_day_left_behind(
    context: Mapping[str, Any], ranges: tuple[DateRange, ...], lookback_days: int | str = 0
) -> date | None:
    """Return the youngest day of a scheduled run that no later run of the same schedule loads.

    :param ranges: what `requested_days` gave for the run, where it followed the schedule alone.
    :return: ``None`` for runs of any other kind, which do not repeat.
    """
    if _run_type(context) != "scheduled":
        return None
    dag_run = context.get("dag_run")
    start, end = (getattr(dag_run, f"data_interval_{name}", None) for name in ("start", "end"))
    if start == end and not _partition_key(context):
        return ranges[0].first_day
    return ranges[-1].last_day - ONE_DAY * parse_count("lookback_days", lookback_days)


def _given_bounds(context: Mapping[str, Any], since: When, until: When) -> _Bounds | None:
    if since is None and until is None:
        return None
    if since is None:
        end = _instant("until", until)
        return _Bounds(start=None, end=end, origin="The range given by until alone")
    start = _instant("since", since)
    if until is not None:
        return _Bounds(start=start, end=_instant("until", until), origin="The range given by since and until")
    run = _bounds_of_run(context)
    return _Bounds(start=start, end=run.end, origin="The range from the since that was given to the end of the run")


def _bounds_of_run(context: Mapping[str, Any]) -> _Bounds:
    dag_run = context.get("dag_run")
    start = context.get("data_interval_start") or getattr(dag_run, "data_interval_start", None)
    end = context.get("data_interval_end") or getattr(dag_run, "data_interval_end", None)
    if start is not None and end is not None:
        return _Bounds(start=start, end=end, origin="The run's data interval")
    run_after = getattr(dag_run, "run_after", None)
    if run_after is None:
        raise ConfigurationError("There is no run to count the days from: give since and until.", parameter="since")
    return _Bounds(start=None, end=run_after, origin="The run has no data interval: its range")


def _named_days(context: Mapping[str, Any]) -> list[DateRange]:
    if key := _partition_key(context):
        return [days_of_partition(key, context, now=datetime.now(UTC))]
    return ranges_in_events(context.get("triggering_asset_events"))


def _day_of_backfill(context: Mapping[str, Any], bounds: _Bounds) -> DateRange:
    """Return the day that had ended, unless an earlier run loads it: adjacent runs load different days."""
    day = last_days_ended_by(bounds.end, 1)
    before = previous_tick(getattr(context.get("dag"), "timetable", None), bounds.end)
    if before is not None and end_of_day(day.last_day) <= before:
        raise NoDayEndedError(
            f"No Pacific day ended between the run before ({before.astimezone(UTC).isoformat()}) and this one "
            f"({_span(bounds)}): an earlier run of the backfill loads {day}."
        )
    return day


def _partition_key(context: Mapping[str, Any]) -> str | None:
    key = context.get("partition_key") or getattr(context.get("dag_run"), "partition_key", None)
    return str(key) if key else None


def _contiguous(named: Iterable[DateRange]) -> tuple[DateRange, ...]:
    ranges: list[DateRange] = []
    for days in sorted(named):
        if ranges and days.first_day <= ranges[-1].end_day:
            ranges[-1] = DateRange(ranges[-1].first_day, max(ranges[-1].end_day, days.end_day))
        else:
            ranges.append(days)
    return tuple(ranges)


def _extended(ranges: tuple[DateRange, ...], lookback: int) -> tuple[DateRange, ...]:
    if not lookback:
        return ranges
    return _contiguous(days.extended_back(lookback) for days in ranges)


def _instant(name: str, value: When) -> datetime:
    try:
        moment = parse_moment(value)
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error.message}", parameter=name) from None
    return moment if isinstance(moment, datetime) else pacific_midnight(moment)


def is_scheduled(context: Mapping[str, Any]) -> bool:
    """Return whether a schedule or an asset, and no person and no backfill, started the run."""
    return _run_type(context) in {"scheduled", "asset_triggered"}


def _is_backfill(context: Mapping[str, Any]) -> bool:
    return _run_type(context) == "backfill"


def _run_type(context: Mapping[str, Any]) -> str:
    run_type = getattr(context.get("dag_run"), "run_type", None)
    return str(getattr(run_type, "value", run_type))


def _span(bounds: _Bounds) -> str:
    end = bounds.end.astimezone(UTC).isoformat()
    return f"{bounds.start.astimezone(UTC).isoformat()} to {end}" if bounds.start else f"at {end}"
