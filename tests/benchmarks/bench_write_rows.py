"""The rows that the write benchmarks store: what a backfill gives, in the order in which a backfill gives it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.date_ranges import DateRange, chunks, end_of_day
from airflow_provider_msginsights.insights.records import InsightsRecord
from airflow_provider_msginsights.outputs.rows import RowMaker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_msginsights.outputs.values import Values

FIRST_DAY = date(2024, 11, 1)
FINAL_IF_ENDED_BY = datetime(2026, 11, 20, tzinfo=UTC)


def rows(pages: int, days: int) -> Iterator[list[Values]]:
    """Page after Page of the first 89 days, metric after metric, a list each; then the next 89 days."""
    maker = RowMaker(final_if_ended_by=FINAL_IF_ENDED_BY)
    for piece in chunks(DateRange(FIRST_DAY, FIRST_DAY + timedelta(days))):
        listed = [(day, end_of_day(day), day.toordinal()) for day in piece]
        for page in range(pages):
            page_id = str(101 + page)
            for number, metric in enumerate(METRICS):
                values = [(page * 31 + number * 7 + ordinal * 13) % 5_003 for _, _, ordinal in listed]
                yield maker.values(
                    [
                        _record(page_id, metric, day, end_time, value)
                        for (day, end_time, _), value in zip(listed, values, strict=True)
                    ]
                )


def _record(page_id: str, metric: str, day: date, end_time: datetime, value: int) -> InsightsRecord:
    return InsightsRecord(
        page_id=page_id,
        metric=metric,
        period="day",
        range_start=day,
        pacific_date=day,
        end_time=end_time,
        value=value / 5_003 if METRICS[metric].unit == "ratio" else value,
        value_raw=None,
        unit=METRICS[metric].unit,
        currency=None,
        breakdowns=(),
        breakdowns_other=(),
    )
