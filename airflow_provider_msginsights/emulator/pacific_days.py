"""Days as the API counts them: from midnight to midnight in US-Pacific time, for every Page.

Page Insights guide, sample answer: day ends are stamped 08:00 UTC in winter and 07:00 UTC in summer. A day has
23, 24 or 25 hours, so days are counted as dates and never as multiples of 86,400 seconds.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")
ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=50_000)
def midnight(day: date) -> int:
    """Unix seconds at which the Pacific day begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=PACIFIC).timestamp())


def pacific_date(moment_seconds: float) -> date:
    """Return the Pacific day that the moment lies in; a midnight lies in the day it begins."""
    return datetime.fromtimestamp(moment_seconds, PACIFIC).date()


def is_midnight(moment_seconds: int) -> bool:
    """Return True when a Pacific day begins at this moment."""
    return midnight(pacific_date(moment_seconds)) == moment_seconds


@lru_cache(maxsize=50_000)
def iso_utc(moment_seconds: int) -> str:
    """`2026-11-19T08:00:00+0000`: the API's spelling, without a colon in the offset."""
    return datetime.fromtimestamp(moment_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def years_before(day: date, years: int) -> date:
    """Return the same calendar day some years earlier; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
