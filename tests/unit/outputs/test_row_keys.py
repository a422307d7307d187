"""A row's key is made of what every answer has, so that the same fact is one row however it was answered."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import paths
from support.examples import so_many
from support.made_records import record, row_of, values_of
from upath import UPath

from airflow_provider_msginsights.insights.dates import DateRange, end_of_day
from airflow_provider_msginsights.insights.graph.record_parser import RecordParser
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.rows import RowMaker
from airflow_provider_msginsights.outputs.schema import COLUMN_NAMES, COLUMNS
from airflow_provider_msginsights.outputs.writer import DatasetWriter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from airflow_provider_msginsights.insights.records import InsightsRecord, Records
    from airflow_provider_msginsights.outputs.formats.protocol import Format
    from airflow_provider_msginsights.outputs.values import Values

SAMPLES = paths.SAMPLES / "dataset_v1"
NOW = datetime(2026, 5, 20, tzinfo=UTC)
NEW = "page_messages_new_conversations_unique"
TOKENS = "recurring_notifications_tokens"
DAY = date(2026, 3, 8)
PERIODS = ("day", "week", "month", "days_28", "total_over_range")
BREAKDOWN = "recurring_notifications_topic"


def answered(period: str, row: dict[str, Any], *, breakdowns: tuple[str, ...] = ()) -> Records:
    """The records of an answer with one row, which ends with `DAY`."""
    metric = TOKENS if breakdowns else NEW
    days = (
        DateRange(DAY - timedelta(6), DAY + timedelta(1))
        if period == "total_over_range"
        else DateRange(DAY, DAY + timedelta(1))
    )
    query = InsightsQuery.create(page_ids="101", metrics=metric, days=days, period=period, breakdowns=breakdowns)
    document: dict[str, object] = {"data": [{"name": metric, "period": period, "values": [row]}]}
    return RecordParser(query).parse(document, query.slices()[0]).records


def dataset_at(root: Path, file_format: Format, period: str = "day", breakdowns: tuple[str, ...] = ()) -> Dataset[Any]:
    return Dataset(root=UPath(root.as_uri()), file_format=file_format, period=period, breakdowns=breakdowns)


def load(dataset: Dataset[Any], rows: Iterable[Values]) -> Any:
    dataset.claim()
    with DatasetWriter(dataset) as writer:
        writer.add(rows)
        return writer.finish()


def stored_rows(root: Path, file_format: Format) -> list[dict[str, Any]]:
    return [
        dict(zip(COLUMN_NAMES, row, strict=True))
        for path in sorted(root.glob(f"*/part-0.{file_format.extension}"))
        for row in file_format.read(path.read_bytes(), COLUMNS)
    ]


def values_in(records: Records) -> list[Values]:
    return RowMaker(final_if_ended_by=NOW).values(records)


@settings(max_examples=so_many(200), deadline=None)
@given(
    period=st.sampled_from(PERIODS),
    breakdowns=st.sampled_from([(), (BREAKDOWN,)]),
    shift_hours=st.integers(-24 * 60, 24 * 60),
    first=st.booleans(),
)
def test_a_start_time_that_comes_and_goes_makes_no_second_row(
    period: str, breakdowns: tuple[str, ...], shift_hours: int, *, first: bool
) -> None:
    row = {"value": 1, "end_time": end_of_day(DAY).isoformat(), **dict.fromkeys(breakdowns, "sale")}
    started = row | {"start_time": (end_of_day(DAY) + timedelta(hours=shift_hours)).isoformat()}
    (one,), (other,) = (
        values_in(answered(period, told, breakdowns=breakdowns))
        for told in ((started, row) if first else (row, started))
    )
    assert one == other


def test_a_day_with_a_start_time_alone_is_the_day_with_an_end_time_alone() -> None:
    started = answered("day", {"value": 1, "start_time": end_of_day(DAY - timedelta(1)).isoformat()})
    ended = answered("day", {"value": 1, "end_time": end_of_day(DAY).isoformat()})
    assert values_in(started) == values_in(ended)


# Datasets of earlier versions


def earlier(period: str, start: date, **different: Any) -> InsightsRecord:
    """A record as earlier versions made it: the first day was that of the start time, where there was one."""
    return record(DAY.isoformat(), period=period, range_start=start, **different)


FIRST_DAYS = {"day": DAY, "week": date(2026, 3, 2), "month": date(2026, 2, 9), "days_28": date(2026, 2, 9)}
FORMATS = (("jsonl", None), ("jsonl", "gzip"), ("csv", None), ("csv", "gzip"), ("parquet", None))
KINDS = [*(("week", one) for one in FORMATS), *((period, FORMATS[0]) for period in FIRST_DAYS if period != "week")]
"""Every format and every period, which do not depend on each other."""
DIVIDED = (((BREAKDOWN, "sale"),), ((BREAKDOWN, None),))


@pytest.mark.parametrize("how", ["with", "without", "both"])
@pytest.mark.parametrize("divided", [False, True])
@pytest.mark.parametrize(("period", "file_format"), KINDS, indirect=["file_format"])
def test_loading_a_day_again_leaves_one_row_of_each_fact_however_its_key_was_made(
    file_format: Format, tmp_path: Path, period: str, how: str, *, divided: bool
) -> None:
    breakdowns = (BREAKDOWN,) if divided else ()
    dimensions: Any = DIVIDED if divided else ((),)
    today = FIRST_DAYS[period]
    starts = {
        "with": [today - timedelta(1)],
        "without": [today],
        "both": [today - timedelta(1), today, today + timedelta(1)],
    }
    old = [
        earlier(period, start, metric=metric, page_id=page_id, breakdowns=named)
        for start in starts[how]
        for page_id in ("101", "102", "103")
        for metric in (NEW, TOKENS)
        for named in dimensions
    ]
    dataset = dataset_at(tmp_path, file_format, period, breakdowns)
    load(dataset, values_of(old, final_if_ended_by=NOW))
    new = [one._replace(range_start=today) for one in old if one.page_id != "102" and one.range_start == starts[how][0]]
    stored = load(dataset, values_of(new, final_if_ended_by=NOW))
    rows = stored_rows(tmp_path, file_format)
    ours = [row for row in rows if row["page_id"] != "102"]
    expected = [row_of(one, final_if_ended_by=NOW) for one in new]
    assert sorted(row["record_id"] for row in ours) == sorted(row["record_id"] for row in expected)
    assert {row["range_start"] for row in ours} == {today}
    assert len(rows) - len(ours) == len(starts[how]) * 2 * len(dimensions), "what was not loaded again stays"
    doubled = (len(starts[how]) - 1) * len(new)
    assert (stored.rows_unchanged, stored.rows_added, stored.rows_changed) == (len(new), 0, 0)
    assert stored.rows_removed == doubled
    assert bool(stored.restated_days) is bool(doubled), "an id of today is no news"
    again = load(dataset, values_of(new, final_if_ended_by=NOW))
    assert (again.rows_unchanged, again.rows_removed) == (len(new), 0)


def test_a_released_dataset_with_rows_of_start_times_ends_with_one_row_of_each_fact(
    file_format: Format, tmp_path: Path
) -> None:
    shutil.copytree(SAMPLES / file_format.extension, tmp_path, dirs_exist_ok=True)
    dataset = dataset_at(tmp_path, file_format)
    path = tmp_path / f"dt={DAY}" / f"part-0.{file_format.extension}"
    present = list(file_format.read(path.read_bytes(), COLUMNS))
    doubled = earlier("day", DAY - timedelta(1), value=41)
    with path.open("wb") as file:
        file_format.write([*values_of([doubled], final_if_ended_by=NOW), *present], COLUMNS, file)
    stored = load(dataset, values_of([record(DAY.isoformat())], final_if_ended_by=NOW))
    rows = stored_rows(tmp_path, file_format)
    assert len(rows) == len(present)
    assert sorted(row["record_id"] for row in rows) == sorted(row[0] for row in present)
    assert (stored.rows_unchanged, stored.rows_removed) == (1, 1)
