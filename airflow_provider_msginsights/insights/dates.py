"""Moments -> Pacific days: which days a run loads, and how they are cut into ranges the API accepts.

A day of this API is a day of America/Los_Angeles with daylight saving, whatever the Page's country (Page Insights
guide, the sample windows around 8 March 2020). Its row carries the *end* of the day: the next midnight.
Arithmetic is on dates and never on 86,400 seconds: two days of a year are an hour shorter or longer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.parameters.parse import parse_choice
from airflow_provider_msginsights.insights.parameters.values import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


MAX_RANGE_DAYS = 90
"""Documented width of since/until (Graph API reference, Insights edge: "no more than 90 days (7776000 seconds)")."""

MAX_CHUNK_DAYS = 89
"""Width of our own chunks: one day less, so that no reading of the limit is crossed."""

HISTORY_YEARS = 2
"""How far back the API keeps insights (Graph API reference, Insights edge)."""

FIRST_DAY = date(2004, 2, 4)
LAST_DAY = date(2199, 12, 31)
"""Bounds against slips such as milliseconds taken for seconds."""

ONE_DAY = timedelta(days=1)


@cache
def _pacific() -> ZoneInfo:
    return ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True, slots=True, order=True)
class DateRange:
    """Pacific days from ``first_day`` up to, and without, ``end_day``; never empty; iterates over its days.

    :raises ConfigurationError: when it would hold no day.
    """

    first_day: date
    end_day: date

    def __post_init__(self) -> None:
        for name in ("first_day", "end_day"):
            if isinstance(day := getattr(self, name), datetime):
                raise ConfigurationError(f"{day} is a moment, and a range is made of Pacific dates.", parameter="since")
            object.__setattr__(self, name, _plain(day))
        if not self.first_day < self.end_day:
            raise ConfigurationError(
                f"The range from {self.first_day} to {self.end_day} holds no day: "
                "'until' is exclusive and must be later than 'since'.",
                parameter="since",
            )

    def __len__(self) -> int:
        return (self.end_day - self.first_day).days

    def __iter__(self) -> Iterator[date]:
        return (self.first_day + n * ONE_DAY for n in range(len(self)))

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first_day <= day < self.end_day

    def __str__(self) -> str:
        last_day = self.last_day
        return f"{self.first_day}" if last_day == self.first_day else f"{self.first_day} to {last_day}"

    @property
    def last_day(self) -> date:
        """The last day that belongs to the range."""
        return self.end_day - ONE_DAY

    @property
    def since_seconds(self) -> int:
        """``since`` on the wire: unix seconds of the first day's start."""
        return int(pacific_midnight(self.first_day).timestamp())

    @property
    def until_seconds(self) -> int:
        """``until`` on the wire: unix seconds of the last day's end."""
        return int(pacific_midnight(self.end_day).timestamp())

    def extended_back(self, days: int) -> DateRange:
        """Return the range, begun so many days earlier."""
        return DateRange(_days_before(self.first_day, days), self.end_day)


@lru_cache(maxsize=4096)
def pacific_midnight(day: date) -> datetime:
    """Return the instant a Pacific day begins, as an aware UTC datetime."""
    return datetime.combine(day, time(), _pacific()).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """Return the instant a Pacific day ends: the ``end_time`` of its row."""
    return pacific_midnight(day + ONE_DAY)


def pacific_date(moment: datetime) -> date:
    """Return the Pacific day an aware moment lies in."""
    return _plain(moment.astimezone(_pacific()))


def days_ending_within(start: datetime, end: datetime) -> DateRange | None:
    """Return the Pacific days with ``start < end_of_day <= end``: what a run over the interval from start to end loads.

    This is the API's own rule for rows (``since < end_time <= until``), so adjacent intervals tile the calendar and no
    unfinished day is requested.
    """
    first_day, end_day = pacific_date(start), pacific_date(end)
    return DateRange(first_day, end_day) if first_day < end_day else None


def last_days_ended_by(moment: datetime, count: int) -> DateRange:
    """Return the last ``count`` Pacific days that had ended by a moment."""
    end_day = pacific_date(moment)
    return DateRange(_days_before(end_day, count), end_day)


def first_day_kept(today: date) -> date:
    """Return the oldest Pacific day the API still has on a day: the date two years ago (28 February for a 29th)."""
    last_of_february = 28
    year = today.year - HISTORY_YEARS
    try:
        return date(year, today.month, today.day)
    except ValueError:
        return date(year, today.month, last_of_february)


def _days_before(day: date, count: int) -> date:
    if count > (day - FIRST_DAY).days:
        raise ConfigurationError(
            f"{count} days before {day} lie before {FIRST_DAY}, when there were no Pages.", parameter="lookback_days"
        )
    return day - count * ONE_DAY


def chunks(days: DateRange, max_days: int = MAX_CHUNK_DAYS) -> Iterator[DateRange]:
    """Yield the range in consecutive pieces of at most ``max_days`` days: every day in exactly one."""
    if max_days < 1:
        raise ConfigurationError(f"A chunk must hold at least one day, not {max_days}.", parameter="since")
    first_day = days.first_day
    while first_day < days.end_day:
        end_day = min(first_day + max_days * ONE_DAY, days.end_day)
        yield DateRange(first_day, end_day)
        first_day = end_day


def _plain(day: date) -> date:
    """Return the calendar day in the standard library's type: subclasses such as pendulum's print and pickle apart."""
    return date(day.year, day.month, day.day)


_UNIX_SECONDS = re.compile(r"-?[0-9]{9,18}")
_COMPACT_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")


def parse_moment(value: object) -> date | datetime:
    """Return a Pacific day (a date without time) or an aware UTC datetime, from what a DAG or template may give.

    :param value: date, aware datetime, ISO 8601 text with or without time, ``YYYYMMDD`` text, or unix seconds as a
        number or as text of nine digits or more.
    :raises ConfigurationError: for anything else, for a time without a zone, and for days before 2004 or after 2199.
    """
    parsed = _from_text(value.strip()) if isinstance(value, str) else value
    if isinstance(parsed, (int, float)) and not isinstance(parsed, bool):
        parsed = _from_unix_seconds(parsed)
    if isinstance(parsed, datetime):
        if parsed.utcoffset() is None:
            raise ConfigurationError(
                f"{shown(value)} has a time but no zone, so the moment is not known. "
                "Add an offset, for instance '2026-03-08T00:00:00-08:00', or give the Pacific date alone.",
                parameter="since",
            )
        _check_bounds(parsed.date(), value)
        return datetime.fromisoformat(parsed.isoformat()).astimezone(UTC)  # of the standard library's own type
    if isinstance(parsed, date):
        _check_bounds(parsed, value)
        return _plain(parsed)
    raise ConfigurationError(
        f"{shown(value)} ({type(value).__name__}) is not a date. Give a date, an aware datetime, ISO 8601 text "
        "such as '2026-03-08' or '2026-03-08T00:00:00-08:00', or unix seconds.",
        parameter="since",
    )


def _from_text(text: str) -> date | datetime | int | None:
    if _UNIX_SECONDS.fullmatch(text):
        return int(text)
    try:
        if compact := _COMPACT_DAY.fullmatch(text):
            year, month, day = map(int, compact.groups())
            return date(year, month, day)
        return date.fromisoformat(text) if "W" not in text else None
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _from_unix_seconds(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise ConfigurationError(
            f"{seconds} is too large for unix seconds. Is it milliseconds?", parameter="since"
        ) from None


def _check_bounds(day: date, value: object) -> None:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ConfigurationError(
            f"{shown(value)} lies on {day}, outside {FIRST_DAY} to {LAST_DAY}. "
            "A number is read as unix seconds, not milliseconds.",
            parameter="since",
        )


_WEEK = 7 * ONE_DAY
_MONTHS_A_QUARTER = 3


def resolve_preset(name: object, at: datetime) -> DateRange:
    """Return the Pacific days a preset means at an aware moment.

    :raises ConfigurationError: for an unknown name, naming the nearest one.
    """
    return _PRESETS[parse_choice("date_preset", name, DATE_PRESETS)](pacific_date(at))


def _last_days(count: int) -> Callable[[date], DateRange]:
    return lambda today: DateRange(today - count * ONE_DAY, today)


def _monday(today: date) -> date:
    return today - timedelta(days=today.weekday())


def _sunday(today: date) -> date:
    return today - timedelta(days=today.isoweekday() % 7)


def _first_of_month(today: date, months_ago: int = 0) -> date:
    year, month = divmod(today.year * 12 + today.month - 1 - months_ago, 12)
    return date(year, month + 1, 1)


def _first_of_quarter(today: date, quarters_ago: int = 0) -> date:
    months_in = (today.month - 1) % _MONTHS_A_QUARTER
    return _first_of_month(today, months_in + _MONTHS_A_QUARTER * quarters_ago)


def _history(today: date) -> DateRange:
    return DateRange(first_day_kept(today), today)


_PRESETS: Mapping[str, Callable[[date], DateRange]] = MappingProxyType(
    {
        "today": lambda today: DateRange(today, today + ONE_DAY),
        "yesterday": _last_days(1),
        "this_month": lambda today: DateRange(_first_of_month(today), today + ONE_DAY),
        "last_month": lambda today: DateRange(_first_of_month(today, 1), _first_of_month(today)),
        "this_quarter": lambda today: DateRange(_first_of_quarter(today), today + ONE_DAY),
        "maximum": _history,
        "data_maximum": _history,
        "last_3d": _last_days(3),
        "last_7d": _last_days(7),
        "last_14d": _last_days(14),
        "last_28d": _last_days(28),
        "last_30d": _last_days(30),
        "last_90d": _last_days(90),
        "last_week": lambda today: DateRange(_monday(today) - _WEEK, _monday(today)),
        "last_week_mon_sun": lambda today: DateRange(_monday(today) - _WEEK, _monday(today)),
        "last_week_sun_sat": lambda today: DateRange(_sunday(today) - _WEEK, _sunday(today)),
        "last_quarter": lambda today: DateRange(_first_of_quarter(today, 1), _first_of_quarter(today)),
        "last_year": lambda today: DateRange(date(today.year - 1, 1, 1), date(today.year, 1, 1)),
        "this_week_mon_today": lambda today: DateRange(_monday(today), today + ONE_DAY),
        "this_week_sun_today": lambda today: DateRange(_sunday(today), today + ONE_DAY),
        "this_year": lambda today: DateRange(date(today.year, 1, 1), today + ONE_DAY),
    }
)

DATE_PRESETS = tuple(_PRESETS)
"""The preset names, in the order of the reference."""
