"""Rows that stay columns until their bytes are made are stored as rows that are made one by one."""

from __future__ import annotations

import tempfile
import tracemalloc
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.examples import so_many
from upath import UPath

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import DateRange, end_of_day
from airflow_provider_msginsights.insights.records import Records, RecordSeries, TimeColumns
from airflow_provider_msginsights.outputs.changes import ChangeLog
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.rows import RowMaker
from airflow_provider_msginsights.outputs.spool import RowSpool
from airflow_provider_msginsights.outputs.values import PACIFIC_DATE, VALUE, sort_key
from airflow_provider_msginsights.outputs.writer import DatasetWriter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_msginsights.outputs.formats.protocol import Format
    from airflow_provider_msginsights.outputs.series_rows import RowSeries
    from airflow_provider_msginsights.outputs.values import Values
    from airflow_provider_msginsights.outputs.write_result import StoredFile

DAY = date(2026, 3, 6)
FINAL_IF_ENDED_BY = end_of_day(DAY)
UNITS = {"page_messages_sent": "count", 'é " \\': "ratio", "paid": "money"}
EXTRA = {"run_id": "a run"}


def times_of(first: date, count: int, *, minute: int = 0) -> TimeColumns:
    days = tuple(DateRange(first, first + timedelta(count)))
    return TimeColumns(days, days, tuple(end_of_day(day) + timedelta(minutes=minute) for day in days))


def series(page_id: str, metric: str, values: list[float], first: date = DAY, minute: int = 0) -> RecordSeries:
    times = times_of(first, len(values), minute=minute)
    return RecordSeries(page_id, metric, "day", UNITS[metric], times, values)  # type: ignore[arg-type] # a unit


@st.composite
def parts(draw: st.DrawFn) -> Records:
    """A series, as columns or record by record."""
    values: list[float] = draw(st.lists(st.integers(0, 99) | st.floats(0, 1), min_size=1, max_size=4))
    page_id, metric = draw(st.sampled_from(["101", "11", "2"])), draw(st.sampled_from(list(UNITS)))
    first, minute = DAY + timedelta(draw(st.integers(0, 2))), draw(st.sampled_from([0, 0, 0, 1]))
    drawn = series(page_id, metric, values, first, minute)
    return Records((drawn,) if draw(st.booleans()) else (tuple(drawn),))


def maker() -> RowMaker:
    return RowMaker(final_if_ended_by=FINAL_IF_ENDED_BY, extra_columns=EXTRA)


def dataset_at(root: UPath, file_format: Format, part: str = "0", extra: Iterable[str] = EXTRA) -> Dataset[Any]:
    return Dataset(root=root, file_format=file_format, period="day", part=part, extra_columns=tuple(extra))


def stored(dataset: Dataset[Any], added: Iterable[RowSeries | list[Values]]) -> tuple[StoredFile, ...]:
    with DatasetWriter(dataset) as writer:
        for part in added:
            writer.add(part)
        return writer.finish().files


@example([Records((series("2", "paid", [1, 2.0]), tuple(series("2", "paid", [3]))))], 100)
@given(st.lists(parts(), max_size=12), st.integers(1, 30))
def test_a_spool_gives_series_and_single_rows_back_as_the_rows_added_last(added: list[Records], held: int) -> None:
    spool, rows = RowSpool(held), maker()
    newest: dict[tuple[Any, ...], Values] = {}
    for records in added:
        for part in rows.parts(records):
            if isinstance(part, list):
                for values in part:
                    spool.add(str(values[PACIFIC_DATE]), [values])
            else:
                spool.add_series(part, [str(day.pacific_date) for day in part.days])
            newest |= {sort_key(values): values for values in part}
    back = [values for name in spool.partitions for values in spool.rows(spool.take(name))]
    assert spool.partitions == ()
    spool.close()
    assert sorted(back, key=sort_key) == [newest[key] for key in sorted(newest)]
    assert [repr(row[VALUE]) for row in sorted(back, key=sort_key)] == [
        repr(newest[key][VALUE]) for key in sorted(newest)
    ]
    assert back == sorted(back, key=lambda row: (row[PACIFIC_DATE], sort_key(row)))


@settings(max_examples=so_many(20))
@given(st.lists(parts(), min_size=1, max_size=8))
def test_a_file_has_the_same_bytes_whether_its_rows_came_as_columns(added: list[Records]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("jsonl", "csv", "parquet"):
            root, rows = UPath(Path(folder).as_uri()) / name, maker()
            columns = stored(dataset_at(root / "columns", format_named(name)), rows_of(rows, added))
            single = stored(dataset_at(root / "rows", format_named(name)), map(maker().values, added))
            assert [file.sha256 for file in columns] == [file.sha256 for file in single]
            assert [file.rows for file in columns] == [file.rows for file in single]


def rows_of(rows: RowMaker, added: Iterable[Records]) -> Iterable[RowSeries | list[Values]]:
    return (part for records in added for part in rows.parts(records))


@settings(max_examples=so_many(60))
@example([Records((series("2", "paid", [1]), series("1", "paid", [1])))], [Records((series("2", "paid", [1.0]),))])
@example([Records((series("2", "paid", [1]),))], [Records((series("11", "paid", [5]), series("2", "paid", [3])))])
@given(st.lists(parts(), min_size=1, max_size=6), st.lists(parts(), min_size=1, max_size=8))
def test_a_day_loaded_again_is_stored_and_counted_alike_whether_its_rows_came_as_columns(
    before: list[Records], added: list[Records]
) -> None:
    for name in ("jsonl", "csv", "parquet"):
        check_that_both_ways_are_alike(format_named(name), before, added)


def check_that_both_ways_are_alike(file_format: Format, before: list[Records], added: list[Records]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        columns, single = (dataset_at(UPath(Path(folder).as_uri()) / way, file_format) for way in ("columns", "rows"))
        stored(columns, rows_of(maker(), before))
        stored(single, rows_of(maker(), before))
        results = [
            restated(columns, rows_of(later_maker(), added)),
            restated(single, map(later_maker().values, added)),
        ]
        assert results[0] == results[1]


def later_maker() -> RowMaker:
    """Of a load of another run, to which one more day is final."""
    return RowMaker(final_if_ended_by=FINAL_IF_ENDED_BY + timedelta(1), extra_columns={"run_id": "another run"})


def restated(dataset: Dataset[Any], added: Iterable[RowSeries | list[Values]]) -> tuple[object, ...]:
    """What a load did to stored rows: its counts, the bytes of its files, and each row that says something else now."""
    with ChangeLog(at=FINAL_IF_ENDED_BY, keep=False) as changes:
        with DatasetWriter(dataset, changes=changes) as writer:
            for part in added:
                writer.add(part)
            result = writer.finish()
        counts = {name: value for name, value in result.as_fields().items() if name != "files"}
        hashes = [(file.partition, file.rows, file.sha256, file.changed) for file in result.files]
        return counts, hashes, sorted(map(repr, changes.restatements))


def test_series_are_merged_into_stored_rows(file_format: Format, tmp_path: Path) -> None:
    dataset = dataset_at(UPath(tmp_path.as_uri()), file_format)
    first = [Records((series("101", "paid", [1, 2]), series("102", "paid", [3, 4])))]
    second = [Records((series("101", "paid", [1, 5]), series("103", "paid", [6, 7])))]
    stored(dataset, rows_of(maker(), first))
    with DatasetWriter(dataset) as writer:
        for part in rows_of(maker(), second):
            writer.add(part)
        result = writer.finish()
    assert (result.rows_added, result.rows_changed, result.rows_unchanged) == (2, 1, 1)
    assert [file.rows for file in result.files] == [3, 3]


def test_a_page_of_a_series_that_another_part_holds_is_refused(tmp_path: Path) -> None:
    root, file_format = UPath(tmp_path.as_uri()), format_named("jsonl")
    stored(dataset_at(root, file_format, "a"), rows_of(maker(), [Records((series("101", "paid", [1]),))]))
    both = Records((series("102", "paid", [1]), series("101", "paid", [1])))
    with pytest.raises(ConfigurationError, match=r"Page 101 is held by .*part-a.jsonl, so .*part-b.jsonl"):
        stored(dataset_at(root, file_format, "b"), rows_of(maker(), [both]))
    alone = stored(dataset_at(root, file_format, "b"), rows_of(maker(), [Records((series("102", "paid", [1]),))]))
    assert [file.rows for file in alone] == [1]


@pytest.mark.thorough
def test_series_take_no_more_memory_than_their_rows(tmp_path: Path) -> None:
    times = times_of(DAY, 300)
    added = [
        Records((RecordSeries(f"page-{page}", "paid", "day", "money", times, list(range(300))),)) for page in range(140)
    ]

    def peak_bytes(name: str, parts_of: Iterable[RowSeries | list[Values]]) -> int:
        tracemalloc.start()
        try:
            stored(dataset_at(UPath((tmp_path / name).as_uri()), format_named("jsonl")), parts_of)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak_bytes("columns", rows_of(maker(), added)) < peak_bytes("rows", map(maker().values, added))
