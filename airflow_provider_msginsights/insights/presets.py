"""Named date ranges -> Pacific days, counted from a given moment and never from the wall clock.

Names: Graph API reference, Insights edge, ``date_preset`` (20 values), and ``last_week`` of the Messaging Insights API
page. The documentation gives names only. Read here as the same names are in Meta's ads reporting: ``last_…`` holds
finished days, and so do the two maxima; ``this_…`` and ``today`` hold today as well; a week begins on the day its name
begins with, and ``last_week`` on Monday.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.dates import ONE_DAY, DateRange, first_day_kept, pacific_date
from airflow_provider_msginsights.insights.parameters.parse import parse_choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WEEK = 7 * ONE_DAY
_MONTHS_A_QUARTER = 3


def resolve_preset(name: object, at: datetime) -> DateRange:
    """The Pacific days a preset means at an aware moment.

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
