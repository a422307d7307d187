"""The rows that the write benchmarks store: what a backfill gives, in the order in which a backfill gives it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.dates import DateRange, chunks, end_of_day
from airflow_provider_msginsights.insights.records import Records, RecordSeries, TimeColumns
from airflow_provider_msginsights.outputs.rows import RowMaker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_msginsights.outputs.values import Values

FIRST_DAY = date(2024, 11, 1)
FINAL_IF_ENDED_BY = datetime(2026, 11, 20, tzinfo=UTC)


def rows(pages: int, days: int) -> Iterator[Iterable[Values]]:
    """Page after Page of the first 89 days, metric after metric, a series each; then the next 89 days."""
    maker = RowMaker(final_if_ended_by=FINAL_IF_ENDED_BY)
    for piece in chunks(DateRange(FIRST_DAY, FIRST_DAY + timedelta(days))):
        dates = tuple(piece)
        times = TimeColumns(dates, dates, tuple(map(end_of_day, dates)))
        for page in range(pages):
            for number, (metric, known) in enumerate(METRICS.items()):
                numbers: list[float] = [(page * 31 + number * 7 + day.toordinal() * 13) % 5_003 for day in dates]
                values = [one / 5_003 for one in numbers] if known.unit == "ratio" else numbers
                series = RecordSeries(str(101 + page), metric, "day", known.unit, times, values)
                yield from maker.parts(Records((series,)))
