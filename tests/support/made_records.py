"""Records for tests: alike, but for what a test says."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.dates import end_of_day
from airflow_provider_msginsights.insights.records import InsightsRecord, Records
from airflow_provider_msginsights.outputs.rows import RowMaker
from airflow_provider_msginsights.outputs.writer import DatasetWriter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.schema import Row
    from airflow_provider_msginsights.outputs.values import Values
    from airflow_provider_msginsights.outputs.write_result import StoredFile


def record(day: str = "2026-03-08", **different: Any) -> InsightsRecord:
    pacific_date = date.fromisoformat(day)
    fields: dict[str, Any] = {
        "page_id": "101",
        "metric": "page_messages_new_conversations_unique",
        "period": "day",
        "range_start": pacific_date,
        "pacific_date": pacific_date,
        "end_time": end_of_day(pacific_date),
        "value": 42,
        "value_raw": None,
        "unit": "count",
        "currency": None,
        "breakdowns": (),
        "breakdowns_other": (),
    }
    return InsightsRecord(**fields | different)


def replied(*records: InsightsRecord) -> Records:
    """Records as a reply brings them, one by one."""
    return Records((records,))


def row_of(one: InsightsRecord, *, final_if_ended_by: datetime, **arguments: Any) -> Row:
    (row,) = RowMaker(final_if_ended_by=final_if_ended_by, **arguments).rows(replied(one))
    return row


def values_of(records: Iterable[InsightsRecord], *, final_if_ended_by: datetime) -> list[Values]:
    return RowMaker(final_if_ended_by=final_if_ended_by).values(replied(*records))


def store_rows(dataset: Dataset[Any], rows: Iterable[Values]) -> tuple[StoredFile, ...]:
    """Merge the rows into their partitions and say what each of these files holds now."""
    with DatasetWriter(dataset) as writer:
        writer.add(rows)
        return writer.finish().files
