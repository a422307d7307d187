"""The Pacific days of the partition that a run's key names.

A key alone says at most where its partition begins; the DAG's timetable says how long it is. A key whose extent cannot
be known is refused: reading a week's key as a day would load one day of seven, and nobody would notice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import (
    FIRST_DAY,
    LAST_DAY,
    ONE_DAY,
    DateRange,
    days_ending_within,
    end_of_day,
    pacific_midnight,
)
from airflow_provider_msginsights.run_days.ticks import CronTicks, zone_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MIDNIGHT = "T00:00:00"

_SHORTEST_DAY = timedelta(hours=23)

_FIX = (
    "Schedule the DAG with CronPartitionTimetable('0 0 * * *', timezone='America/Los_Angeles', run_offset=-1) (or a "
    "weekly, monthly … cron), or give since and until."
)
_MAPPER_FIX = (
    "Give the DAG's PartitionedAssetTimetable a mapper with an extent, such as "
    "StartOfWeekMapper(timezone='America/Los_Angeles'), use keys that are dates (YYYY-MM-DD), or give since and until."
)


def days_of_partition(key: str, context: Mapping[str, Any], *, now: datetime) -> DateRange:
    """Return the Pacific days that end in the partition a run is about.

    :param key: the run's partition key.
    :param context: Airflow's context of the task; its DAG's timetable says how long the partition is.
    :param now: the present moment, aware: a partition that has not ended by then is refused.
    :raises ConfigurationError: when the key means no finished Pacific days; the message names the fix.
    """
    timetable = getattr(context.get("dag"), "timetable", None)
    nested = getattr(timetable, "timetable", None)
    scheduled = next((table for table in (timetable, nested) if "CronPartitionTimetable" in _kinds(table)), None)
    if scheduled is not None:
        days, fix = _days_of_schedule(key, scheduled, _partition_date(context)), _FIX
    else:
        days, fix = _days_of_key(key, timetable, _partition_date(context)), _MAPPER_FIX
    if (end := end_of_day(days.last_day)) > now:
        raise ConfigurationError(
            f"The run's partition key {key!r} means Pacific days {days}, which are not over before {end.isoformat()}. "
            + (fix if scheduled is not None else "Wait until they are, or give since and until."),
            parameter="partition_key",
        )
    return days


def _partition_date(context: Mapping[str, Any]) -> datetime | None:
    found = context.get("partition_date") or getattr(context.get("dag_run"), "partition_date", None)
    if not isinstance(found, datetime):
        return None
    return found.astimezone(UTC) if found.utcoffset() is not None else found.replace(tzinfo=UTC)


# Partitions of a schedule


def _days_of_schedule(key: str, timetable: Any, partition_date: datetime | None) -> DateRange:
    ticks = CronTicks.of(timetable)
    if ticks is None:
        raise ConfigurationError(
            f"The run's partition key {key!r} belongs to a schedule without a cron. {_FIX}", parameter="partition_key"
        )
    key_format = str(getattr(timetable, "key_format", None) or getattr(timetable, "_key_format", ""))
    start, end = _bounds_of(key, ticks, key_format, partition_date)
    lasts = f"lasts from {start.isoformat()} to {end.isoformat()}"
    if end - start < _SHORTEST_DAY:
        raise ConfigurationError(
            f"The partition of the run's partition key {key!r} {lasts}: less than a day, while Messaging Insights are "
            f"by Pacific day. {_FIX}",
            parameter="partition_key",
        )
    days = days_ending_within(start, end)
    if days is None or days.first_day != ticks.clock_at(start).date():
        raise ConfigurationError(
            f"The partition of the run's partition key {key!r} {lasts}: it begins on one day in {ticks.zone} and on "
            f"another in US Pacific time, so that its key would not name the days it loads. {_FIX}",
            parameter="partition_key",
        )
    return days


def _bounds_of(
    key: str, ticks: CronTicks, key_format: str, partition_date: datetime | None
) -> tuple[datetime, datetime]:
    """Return when a partition begins and ends: at a tick of the schedule and at the next."""
    start = partition_date or _decoded(key, ticks, key_format)
    end = ticks.after(start)
    begun = ticks.before(end)
    if begun == start or end - begun < _SHORTEST_DAY:
        return start, end
    # A format such as %Y-%m-%d drops the hour, and what is read from it is a midnight.
    if ticks.clock_at(end).strftime(key_format) == key:
        return end, ticks.after(end)
    raise ConfigurationError(
        f"The run's partition key {key!r} means {start.isoformat()}, when no partition of the schedule "
        f"{ticks.expression!r} ({ticks.zone}) begins: one begins at {begun.isoformat()}, "
        f"the next at {end.isoformat()}. Use the key of one of these, or give since and until.",
        parameter="partition_key",
    )


def _decoded(key: str, ticks: CronTicks, key_format: str) -> datetime:
    try:
        clock = datetime.strptime(key, key_format)  # noqa: DTZ007 - the schedule's zone is added
        _checked_year(clock.date())
    except (ValueError, re.error):
        raise ConfigurationError(
            f"The run's partition key {key!r} cannot be read by its schedule's key_format {key_format!r}. "
            "Use a key that can, or give since and until.",
            parameter="partition_key",
        ) from None
    return clock.astimezone(UTC) if clock.utcoffset() is not None else ticks.at_clock(clock)


# Partitions of assets


def _days_of_key(key: str, timetable: Any, partition_date: datetime | None) -> DateRange:
    mappers = _mappers(timetable)
    extents = {days for mapper in mappers if (days := _extent(mapper, key)) is not None}
    if len(extents) > 1:
        means = " and ".join(sorted(map(str, extents)))
        raise ConfigurationError(
            f"The run's partition key {key!r} means {means} to different mappers. {_MAPPER_FIX}",
            parameter="partition_key",
        )
    if extents:
        (days,) = extents
        if partition_date is not None and abs(partition_date.date() - days.first_day) > ONE_DAY:
            raise ConfigurationError(
                f"The run's partition key {key!r} begins at {partition_date.isoformat()} to Airflow, and means Pacific "
                f"days {days} by its mapper: only the start-of mappers of Airflow itself are understood. {_MAPPER_FIX}",
                parameter="partition_key",
            )
        return days
    # A moment that an asset's producer gave may begin a week as well; nobody else gives keys of a whole week.
    text = key if mappers else key.removesuffix(_MIDNIGHT)
    try:
        first = _checked_year(date.fromisoformat(text)) if _DATE.fullmatch(text) else None
    except ValueError:
        first = None
    if first is None:
        raise ConfigurationError(
            f"The run's partition key {key!r} is not a date (YYYY-MM-DD), and nothing says which days it means. "
            f"{_MAPPER_FIX}",
            parameter="partition_key",
        )
    return DateRange(first, first + ONE_DAY)


def _mappers(timetable: Any) -> list[Any]:
    """Return the mappers that may have made the key of a run which assets started."""
    default = getattr(timetable, "default_partition_mapper", None)
    named = getattr(timetable, "partition_mapper_config", None)
    if default is None or not isinstance(named, dict):
        return []
    without_own = not named or any(asset not in named for asset in _assets(getattr(timetable, "asset_condition", None)))
    return [*named.values(), *([default] if without_own else [])]


def _assets(condition: Any) -> Iterator[Any]:
    """Yield the assets of a condition, which may contain conditions."""
    if isinstance(held := getattr(condition, "objects", None), (list, tuple)):
        for member in held:
            yield from _assets(member)
    elif condition is not None:
        yield condition


def _extent(mapper: Any, key: str, source: Any = None) -> DateRange | None:
    """Return the days of a key that a mapper made; ``None`` when the mapper gives it none.

    :param source: the mapper that read the producer's keys, where that is another.
    :raises ConfigurationError: when it gives an extent that is not made of Pacific days.
    """
    kinds = _kinds(mapper)
    if "RollupMapper" in kinds:
        if getattr(getattr(mapper.window, "direction", None), "value", None) == "backward":
            raise ConfigurationError(
                f"The run's partition key {key!r} stands for days before it (a backward window). {_MAPPER_FIX}",
                parameter="partition_key",
            )
        return _extent(mapper.upstream_mapper, key, source)
    if "FanOutMapper" in kinds:
        return _extent(mapper.downstream_mapper, key, source or mapper.upstream_mapper)
    if "ChainMapper" in kinds:
        return _extent(mapper.mappers[-1], key, source or mapper.mappers[0])
    if "ProductMapper" in kinds:
        return _extent_of_product(mapper, key)
    if "StartOfHourMapper" in kinds:
        raise ConfigurationError(
            f"The run's partition key {key!r} means an hour, while Messaging Insights are by Pacific day. "
            f"{_MAPPER_FIX}",
            parameter="partition_key",
        )
    period = next((_PERIODS[kind] for kind in kinds if kind in _PERIODS), None)
    return None if period is None else _checked_zone(_days_of_period(mapper, period, key), source or mapper, key)


def _extent_of_product(mapper: Any, key: str) -> DateRange | None:
    pieces = key.split(mapper.delimiter)
    if len(pieces) != len(mapper.mappers):
        return None
    found = [days for inner, piece in zip(mapper.mappers, pieces, strict=True) if (days := _extent(inner, piece))]
    if len(found) > 1:
        raise ConfigurationError(
            f"The run's partition key {key!r} names {len(found)} periods. {_MAPPER_FIX}", parameter="partition_key"
        )
    return found[0] if found else None


def _checked_zone(days: DateRange, source: Any, key: str) -> DateRange:
    """Return the days; refuse those of another zone if moments were sorted into them, and not dates."""
    zone = getattr(source, "_timezone", None)
    if zone is None or not re.search("%[HIXcTsz]", str(getattr(source, "input_format", ""))):
        return days
    clock = CronTicks("", zone_of(zone)).at_clock
    bounds = (days.first_day, days.end_day)
    if any(clock(datetime(day.year, day.month, day.day)) != pacific_midnight(day) for day in bounds):  # noqa: DTZ001 - the clock adds it
        raise ConfigurationError(
            f"The run's partition key {key!r} means days in {zone}, while Messaging Insights are by Pacific day. "
            f"Give the mapper timezone='America/Los_Angeles'. {_MAPPER_FIX}",
            parameter="partition_key",
        )
    return days


@dataclass(frozen=True, slots=True)
class _Period:
    """How a start-of mapper cuts the calendar.

    :param fields: what its key must tell.
    :param begin: from these to the first day.
    :param following: from the first day to that of the next period.
    """

    fields: tuple[str, ...]
    begin: Callable[..., date]
    following: Callable[[date], date]


def _month_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


def _monday(year: int, month: int, day: int) -> date:
    found = date(year, month, day)
    return found - timedelta(days=found.weekday())


_PERIODS: dict[str, _Period] = {
    "StartOfDayMapper": _Period(("Y", "m", "d"), date, lambda first: first + ONE_DAY),
    "StartOfWeekMapper": _Period(("Y", "m", "d"), _monday, lambda first: first + 7 * ONE_DAY),
    "StartOfMonthMapper": _Period(("Y", "m"), lambda y, m: date(y, m, 1), lambda first: _month_after(first, 1)),
    "StartOfQuarterMapper": _Period(
        ("Y", "quarter"), lambda y, q: date(y, 3 * q - 2, 1), lambda first: _month_after(first, 3)
    ),
    "StartOfYearMapper": _Period(("Y",), lambda y: date(y, 1, 1), lambda first: _month_after(first, 12)),
}
_FIELDS = {
    "%Y": r"(?P<Y>\d{4})",
    "%m": r"(?P<m>\d{2})",
    "%d": r"(?P<d>\d{2})",
    "{quarter}": "(?P<quarter>[1-4])",
    "%%": "%",
}


def _days_of_period(mapper: Any, period: _Period, key: str) -> DateRange:
    output_format = str(getattr(mapper, "output_format", None) or getattr(mapper, "default_output_format", ""))
    pieces = re.split(r"(%.|\{quarter\})", output_format)
    pattern = "".join(
        _FIELDS.get(piece, ".+?" if piece.startswith("%") and len(piece) > 1 else re.escape(piece)) for piece in pieces
    )
    try:
        match = re.fullmatch(pattern, key)
        first = _checked_year(period.begin(*(int(match[name]) for name in period.fields))) if match else None
    except (ValueError, IndexError, re.error):
        first = None
    if first is None:
        raise ConfigurationError(
            f"The run's partition key {key!r} cannot be read by its mapper's output_format {output_format!r}. "
            f"{_MAPPER_FIX}",
            parameter="partition_key",
        )
    return DateRange(first, period.following(first))


def _checked_year(day: date) -> date:
    if not FIRST_DAY <= day < LAST_DAY:
        raise ValueError(day)
    return day


def _kinds(thing: Any) -> list[str]:
    """Return the names of an object's classes: the SDK's and the scheduler's differ, and older Airflow has none."""
    return [kind.__name__ for kind in type(thing).__mro__]
