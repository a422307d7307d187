"""Reply -> records: one `InsightsRecord` for each value the API returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import date, datetime

    from airflow_provider_msginsights.insights.catalog import Unit


class InsightsRecord(NamedTuple):
    """One value of one metric of one Page.

    A tuple and not a dataclass: a load makes one per value, millions in a backfill, and this is nine times as quick.

    :param page_id: the Page, as the query named it.
    :param metric: the metric's name.
    :param period: the period asked for.
    :param range_start: first Pacific day the value covers.
    :param pacific_date: last Pacific day the value covers; for ``period="day"`` the day itself.
    :param end_time: the API's end time as an aware UTC datetime.
    :param value: the number; money in units of ``currency``; ``None`` where the API said ``null``.
    :param value_raw: the value's JSON text, only where it was no plain number.
    :param unit: ``count``, ``ratio`` or ``money``.
    :param currency: ISO code, where the API gave one.
    :param breakdowns: the query's breakdowns in the query's order, as (name, value); ``None`` where the row had none.
    :param breakdowns_other: dimensions the row had beyond those, as (name, value), sorted by name.
    """

    page_id: str
    metric: str
    period: str
    range_start: date
    pacific_date: date
    end_time: datetime
    value: float | None
    value_raw: str | None
    unit: Unit
    currency: str | None
    breakdowns: tuple[tuple[str, str | None], ...]
    breakdowns_other: tuple[tuple[str, str], ...]
