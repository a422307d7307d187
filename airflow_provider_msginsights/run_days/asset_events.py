"""The Pacific days that asset events name; anybody writes their extras, so what is not a day is ignored and logged."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import (
    ONE_DAY,
    DateRange,
    pacific_date,
    parse_moment,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MIDNIGHT = re.compile(r"[T ]00:00(:00(\.0+)?)?")
_LONGEST_QUOTE = 60


def ranges_in_events(events: object) -> list[DateRange]:
    """Return the ranges of Pacific days that triggering asset events name, in any order and perhaps twice.

    An event names days by ``days`` (a list, or text with commas), by ``day``, or by ``first_day`` and ``last_day``, in
    its extra or in the payload that a watcher's trigger put there, or by a partition key that begins with a date. A
    day is an ISO date; an aware moment means the Pacific day it lies in. Anything else is ignored, and logged in one
    line.

    :param events: Airflow's ``triggering_asset_events``.
    """
    found: list[DateRange] = []
    foreign: list[str] = []
    for event in _each(events):
        extra = getattr(event, "extra", None)
        payload = extra.get("payload") if isinstance(extra, Mapping) else None
        for holder in (extra, payload):
            if isinstance(holder, Mapping):
                found += _in_holder(holder, foreign)
        key = getattr(event, "partition_key", None)
        if isinstance(key, str) and _DATE.fullmatch(first := key.partition("|")[0]) and (day := _day(first)):
            found.append(_day_range(day))
    if foreign:
        log.info("Ignored in asset events, because they are not days: %s", "; ".join(dict.fromkeys(foreign)))
    return found


def _each(events: object) -> Iterator[Any]:
    for of_asset in events.values() if isinstance(events, Mapping) else ():
        yield from of_asset if isinstance(of_asset, Collection) else ()


def _in_holder(holder: Mapping[Any, Any], foreign: list[str]) -> Iterator[DateRange]:
    for name in ("days", "day"):
        for value in _items(holder.get(name)):
            if day := _day(value):
                yield _day_range(day)
            else:
                foreign.append(_quoted(name, value))
    if "days" in holder:
        return
    bounds = (holder.get("first_day"), holder.get("last_day"))
    if bounds == (None, None):
        return
    first, last = map(_day, bounds)
    if first and last and first <= last:
        yield DateRange(first, last + ONE_DAY)
    else:
        foreign.append(_quoted("first_day to last_day", bounds))


def _items(value: object) -> Iterator[object]:
    if isinstance(value, str):
        yield from (piece.strip() for piece in value.split(",") if piece.strip())
    elif isinstance(value, Collection) and not isinstance(value, (Mapping, bytes, bytearray)):
        for item in value:
            yield from _items(item) if isinstance(item, str) else (item,)
    elif value is not None:
        yield value


def _day(value: object) -> date | None:
    """Return a Pacific day; ``None`` for anything else, numbers included."""
    if isinstance(value, str):
        text = value.strip()
        value = text[:10] if _MIDNIGHT.fullmatch(text[10:]) else text
        if not (_DATE.match(value) and (len(value) == len("2026-03-08") or value[10] in "T ")):
            return None
    elif not isinstance(value, date):
        return None
    try:
        day = parse_moment(value)
    except ConfigurationError:
        return None
    return pacific_date(day) if isinstance(day, datetime) else day


def _day_range(day: date) -> DateRange:
    return DateRange(day, day + ONE_DAY)


def _quoted(name: str, value: object) -> str:
    """Return a value's name and a short quote: extras of others may hold secrets and whole documents."""
    shown = repr(value) if isinstance(value, (int, float, bool)) else f"{type(value).__name__}"
    if isinstance(value, str):
        shown = repr(value[:_LONGEST_QUOTE])
    return f"{name} {shown}"
