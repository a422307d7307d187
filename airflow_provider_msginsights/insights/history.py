"""What the API can have: two years up to today. Older days are not requested, and one warning says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import (
    HISTORY_YEARS,
    ONE_DAY,
    DateRange,
    first_day_kept,
    pacific_date,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class PossibleDays:
    """The ranges of days that can have rows, at least one.

    :param warning: what was left out and why; ``None`` when nothing was.
    """

    ranges: tuple[DateRange, ...]
    warning: str | None = None


def possible_days(
    ranges: Sequence[DateRange], at: datetime, *, is_total: bool = False, may_come: bool = False
) -> PossibleDays:
    """Clip ranges to the days the API can have at a moment: from two years before its Pacific day up to that day.

    :param at: the present moment, aware.
    :param is_total: each range is one total, which a clipped range would get wrong: nothing may be left out.
    :param may_come: somebody waits for the days, so those to come are kept.
    :raises ConfigurationError: when nothing is left, or something would be left out of a total.
    """
    today = pacific_date(at)
    first, end = first_day_kept(today), today + ONE_DAY
    kept = [
        DateRange(max(days.first_day, first), days.end_day if may_come else min(days.end_day, end))
        for days in ranges
        if days.end_day > first and (may_come or days.first_day < end)
    ]
    if kept == list(ranges):
        return PossibleDays(tuple(kept))
    why = _why_not(ranges, first, end, may_come=may_come)
    asked = ", ".join(map(str, ranges))
    if not kept:
        raise ConfigurationError(
            f"Of the Pacific days {asked} none can be had: {why}. Use days from {first} to {today}.", parameter="since"
        )
    if is_total:
        raise ConfigurationError(
            f"A total over {asked} cannot be had: {why}. Without these days the total would be another; use a range "
            f"from {first} to {today}.",
            parameter="since",
        )
    left = ", ".join(map(str, kept))
    return PossibleDays(tuple(kept), f"Of the Pacific days {asked} only {left} can be had and are requested: {why}.")


def _why_not(ranges: Sequence[DateRange], first: date, end: date, *, may_come: bool) -> str:
    whys = []
    if any(days.first_day < first for days in ranges):
        whys.append(f"the API keeps {HISTORY_YEARS} years, now from {first} on")
    if not may_come and any(days.end_day > end for days in ranges):
        whys.append(f"days from {end} on lie in the future")
    return ", and ".join(whys)
