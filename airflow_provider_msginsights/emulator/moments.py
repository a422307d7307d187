"""Moments as clients write them: unix seconds, ISO dates and times, and the simple relative forms.

Insights edge reference: `since` and `until` take a unix timestamp or any text PHP's `strtotime` reads. Of the
latter this module knows the forms clients use: `now`, `today`, `midnight`, `yesterday`, `tomorrow`, `3 days ago`,
`-1 week`, `+2 hours`. Text without a zone is Pacific time.
"""

import re
from datetime import datetime, timedelta
from typing import Final

from airflow_provider_msginsights.emulator.pacific_days import PACIFIC

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
