"""The asked range, and the windows of events that its rows are counted over.

A row is answered when `since < end of its last day <= until` (Messaging Insights API page: `since` includes the
date it names, `until` excludes it). Windows are Pacific days, or whole numbers of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from airflow_provider_msginsights.emulator import documentation
from airflow_provider_msginsights.emulator.errors import GraphError, invalid_parameter
from airflow_provider_msginsights.emulator.pacific_days import (
    ONE_DAY,
    PACIFIC,
    is_midnight,
    midnight,
    pacific_date,
    years_before,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_UNIX: Final = re.compile(r"[+-]?\d{1,12}(?:\.\d+)?")
_ISO: Final = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:Z|UTC|[+-]\d{2}:?\d{2})?)?"
)
_STEP: Final = re.compile(
    r"([+-]?)\s*(\d{1,5})\s*(second|sec|minute|min|hour|day|week|fortnight|month|year)s?(\s+ago)?"
)
_WORDS: Final = {"today": 0, "midnight": 0, "yesterday": -1, "tomorrow": 1}
_DAYS: Final = {"day": 1, "week": 7, "fortnight": 14}
_SECONDS: Final = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600}


def parse_moment(text: str, *, now_seconds: float) -> int | None:
    """Unix seconds of the moment, or None when the text is none that the API reads."""
    words = text.strip().lower()
    if not words:
        return None
    try:
        if _UNIX.fullmatch(words):
            moment = datetime.fromtimestamp(float(words), PACIFIC)
        elif _ISO.fullmatch(text.strip()):
            moment = _iso(text.strip())
        else:
            relative = _relative(words, datetime.fromtimestamp(now_seconds, PACIFIC))
            if relative is None:
                return None
            moment = relative
        return int(moment.timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def _iso(text: str) -> datetime:
    day, _, clock = text.replace("UTC", "+00:00").replace("T", " ").partition(" ")
    padded = "-".join(part.zfill(2) for part in day.split("-"))
    hours, _, rest = clock.strip().partition(":")
    stamp = f"{padded}T{hours.zfill(2)}:{rest}".replace(" ", "") if clock else padded
    moment = datetime.fromisoformat(stamp)
    return moment if moment.tzinfo else moment.replace(tzinfo=PACIFIC)


def _relative(words: str, now: datetime) -> datetime | None:
    head, _, tail = words.partition(" ")
    if head == "now" and not tail:
        return now
    if head in _WORDS:
        day = (now + timedelta(days=_WORDS[head])).replace(hour=0, minute=0, second=0, microsecond=0)
        return day if not tail else _stepped(tail.strip(), day)
    return _stepped(words.removeprefix("now").strip(), now)


def _stepped(words: str, start: datetime) -> datetime | None:
    match = _STEP.fullmatch(words)
    if match is None:
        return None
    sign, digits, unit, ago = match.groups()
    count = int(digits) * (-1 if (sign == "-") != bool(ago) else 1)
    if unit in _SECONDS:
        return datetime.fromtimestamp(start.timestamp() + count * _SECONDS[unit], PACIFIC)
    if unit in _DAYS:
        return start + timedelta(days=count * _DAYS[unit])
    months = start.year * 12 + start.month - 1 + count * (12 if unit == "year" else 1)
    first = start.replace(year=months // 12, month=months % 12 + 1, day=1)
    return first + timedelta(days=start.day - 1)


_UNREADABLE = "Must be a unixtime or a date/time representation parseable by strtotime()"
_ROLLING_DAYS = {"day": 1, "week": 7, "days_28": 28}
_SPAN_TOLERANCE_DAYS = timedelta(days=documentation.MAX_SPAN_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRange:
    """What was asked for, in unix seconds; `named` is False when nothing was and the default range applies."""

    since: int
    until: int
    named: bool

    def day_ends(self, first_end: date, last_end: date) -> Iterator[date]:
        """Dates of the Pacific midnights at which the range's days end, ascending, within the bounds given."""
        day = max(first_end, pacific_date(self.since) + ONE_DAY)
        last = min(last_end, pacific_date(self.until))
        while day <= last:
            yield day
            day += ONE_DAY

    def shifted(self, direction: int) -> AskedRange:
        """Return the neighbouring range of the same length: -1 the one before, +1 the one after."""
        if is_midnight(self.since) and is_midnight(self.until):
            first, last = pacific_date(self.since), pacific_date(self.until)
            by = (last - first) * direction
            return AskedRange(since=midnight(first + by), until=midnight(last + by), named=True)
        by_seconds = (self.until - self.since) * direction
        return AskedRange(since=self.since + by_seconds, until=self.until + by_seconds, named=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Events with `starts_at <= at < ends_at` make up one row, stamped `end_time`. Unix seconds."""

    starts_at: int
    ends_at: int
    end_time: int


def resolve_range(params: Mapping[str, str], *, now_seconds: float, history_starts: date) -> AskedRange:
    """Return the range that `since`, `until` or `date_preset` name, or the default: the last two finished days.

    Insights edge reference: `date_preset` has no effect beside `since` or `until`; at most 90 days lie between
    the two when both are given.
    """
    today = pacific_date(now_seconds)
    since_text, until_text = params.get("since"), params.get("until")
    if not since_text and not until_text:
        preset = params.get("date_preset")
        if preset:
            first, last = preset_days(preset, today=today, history_starts=history_starts)
            return AskedRange(since=midnight(first), until=midnight(last), named=True)
        return AskedRange(since=midnight(today - 2 * ONE_DAY), until=midnight(today), named=False)
    until = _moment(until_text, now_seconds) if until_text else int(now_seconds)
    since = _moment(since_text, now_seconds) if since_text else midnight(pacific_date(until) - 2 * ONE_DAY)
    if since_text and until_text:
        _refuse_bad_span(since, until)
    return AskedRange(since=since, until=max(since, until), named=True)


def _moment(text: str, now_seconds: float) -> int:
    moment = parse_moment(text, now_seconds=now_seconds)
    if moment is None:
        raise invalid_parameter(_UNREADABLE)
    try:
        midnight(pacific_date(moment) - ONE_DAY)
        midnight(pacific_date(moment) + ONE_DAY)
    except (ValueError, OverflowError, OSError):
        raise invalid_parameter(_UNREADABLE) from None
    return moment


def _refuse_bad_span(since: int, until: int) -> None:
    if since > until:
        raise invalid_parameter("'since' must not be later than 'until'")
    first, last = pacific_date(since), pacific_date(until)
    too_long = last - first > _SPAN_TOLERANCE_DAYS
    partly_too_long = last - first == _SPAN_TOLERANCE_DAYS and until - midnight(last) > since - midnight(first)
    if too_long or partly_too_long:
        raise GraphError(
            code=100,
            subcode=1504016,
            message="Invalid parameter",
            is_transient=False,
            user_title="Time range too wide",
            user_message="There cannot be more than 90 days between since and until.",
        )


def preset_days(preset: str, *, today: date, history_starts: date) -> tuple[date, date]:
    """Return the preset's first day and the day after its last. `last_Nd` ends with yesterday."""
    first_of_month = today.replace(day=1)
    quarter = today.replace(month=today.month - (today.month - 1) % 3, day=1)
    new_year = today.replace(month=1, day=1)
    monday = today - timedelta(days=today.weekday())
    sunday = today - timedelta(days=(today.weekday() + 1) % 7)
    week = timedelta(days=7)
    tomorrow = today + ONE_DAY
    fixed: dict[str, tuple[date, date]] = {
        "today": (today, tomorrow),
        "yesterday": (today - ONE_DAY, today),
        "this_month": (first_of_month, tomorrow),
        "last_month": ((first_of_month - ONE_DAY).replace(day=1), first_of_month),
        "this_quarter": (quarter, tomorrow),
        "last_quarter": (_quarter_before(quarter), quarter),
        "this_year": (new_year, tomorrow),
        "last_year": (years_before(new_year, 1), new_year),
        "maximum": (history_starts, today),
        "data_maximum": (history_starts, today),
        "last_week_mon_sun": (monday - week, monday),
        "last_week_sun_sat": (sunday - week, sunday),
        documentation.PAGE_ONLY_PRESET: (monday - week, monday),
        "this_week_mon_today": (monday, tomorrow),
        "this_week_sun_today": (sunday, tomorrow),
    }
    if preset in fixed:
        return fixed[preset]
    if preset in documentation.DATE_PRESETS:
        return today - timedelta(days=int(preset.removeprefix("last_").removesuffix("d"))), today
    # The sentence is recorded on a sister edge.
    raise invalid_parameter(f"date_preset must be one of the following values: {', '.join(documentation.DATE_PRESETS)}")


def _quarter_before(quarter: date) -> date:
    months = quarter.year * 12 + quarter.month - 1 - 3
    return date(months // 12, months % 12 + 1, 1)


def windows(period: str, asked: AskedRange, *, first_end: date, last_end: date) -> list[Window]:
    """Return the windows of the period's rows, ascending, for the day ends from `first_end` to `last_end`.

    `week` and `days_28` roll: one row a day, each over the 7 or 28 days before its end. `month` gives one row for
    each calendar month that ends in the range. `total_over_range` gives one row for all of it, stamped with the
    range's end.
    """
    ends = list(asked.day_ends(first_end, last_end))
    if not ends:
        return []
    if period == "total_over_range":
        return [Window(starts_at=midnight(ends[0] - ONE_DAY), ends_at=midnight(ends[-1]), end_time=asked.until)]
    if period == "month":
        spans = [((day - ONE_DAY).replace(day=1), day) for day in ends if day.day == 1]
    else:
        spans = [(day - timedelta(days=_ROLLING_DAYS[period]), day) for day in ends]
    return [Window(starts_at=midnight(start), ends_at=midnight(end), end_time=midnight(end)) for start, end in spans]


def windows_since(first_day: date, spans: Sequence[Window]) -> list[Window]:
    """Return what is left of the windows where nothing is counted before a day."""
    start = midnight(first_day)
    return [replace(window, starts_at=max(window.starts_at, start)) for window in spans if window.ends_at > start]
