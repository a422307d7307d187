"""How rows become files: in which order, beside whom, and what becomes of the rest when one file cannot be written."""

from __future__ import annotations

import random
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.made_records import record, store_rows, values_of
from upath import UPath

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.formats.text import JsonLines
from airflow_provider_msginsights.outputs.schema import COLUMN_NAMES, COLUMNS
from airflow_provider_msginsights.outputs.spool import RowSpool
from airflow_provider_msginsights.outputs.values import sort_key
from airflow_provider_msginsights.outputs.writer import DatasetWriter

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.records import InsightsRecord
    from airflow_provider_msginsights.outputs.values import Values

DAY, NEXT_DAY = "2026-03-08", "2026-03-09"
FINAL_IF_ENDED_BY = record("2026-03-20").end_time


def dataset_at(root: UPath, part: str = "0") -> Dataset[Any]:
    return Dataset(root=root, file_format=format_named("jsonl"), period="day", part=part)


def rows_of(*records: InsightsRecord) -> list[Values]:
    return values_of(records, final_if_ended_by=FINAL_IF_ENDED_BY)


def found_in(root: UPath, day: str = DAY, part: str = "0") -> list[dict[str, Any]]:
    data = root.fs.cat_file(f"{root.path}/dt={day}/part-{part}.jsonl")
    return [dict(zip(COLUMN_NAMES, values, strict=True)) for values in JsonLines().read(data, COLUMNS)]


def test_rows_are_sorted_by_key_in_whatever_order_they_came(root: UPath) -> None:
    records = [
        record(page_id=page_id, metric=metric, breakdowns=(("campaign_id", campaign),))
        for page_id in ("101", "11", "2")
        for metric in ("a", "b")
        for campaign in (None, "autumn", "spring")
    ]
    hashes = set()
    for seed in range(3):
        random.Random(seed).shuffle(records)  # noqa: S311 - an order, no secret
        (file,) = store_rows(dataset_at(root / str(seed)), rows_of(*records))
        hashes.add(file.sha256)
    assert len(hashes) == 1
    keys = [(row["page_id"], row["metric"], row["campaign_id"] or "") for row in found_in(root / "0")]
    assert keys == sorted(keys)
    assert len(keys) == len(records)


@given(
    added=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=60),
    held_rows=st.integers(1, 20),
)
def test_a_spool_gives_back_the_newest_row_of_each_key_in_order(added: list[tuple[int, int]], held_rows: int) -> None:
    spool = RowSpool(held_rows)
    newest: dict[int, int] = {}
    for page, value in added:
        (row,) = rows_of(record(page_id=str(page), value=value))
        spool.add("dt", [row])
        newest[page] = value
    back = list(spool.rows(spool.take("dt")))
    spool.close()
    assert back == sorted(back, key=sort_key)
    assert {int(values[1]): values[COLUMN_NAMES.index("value")] for values in back} == newest
    assert len(back) == len(newest)


def test_equal_numbers_of_different_kinds_keep_their_kind(root: UPath) -> None:
    store_rows(dataset_at(root), rows_of(record(page_id="101", value=1), record(page_id="102", value=1.0)))
    data = root.fs.cat_file(f"{root.path}/dt={DAY}/part-0.jsonl").decode()
    assert [line.partition('"value":')[2].partition(",")[0] for line in data.splitlines()] == ["1", "1.0"]


def test_what_another_process_stored_meanwhile_is_merged_and_not_what_a_cache_remembers(root: UPath) -> None:
    elsewhere = UPath(str(root), **{**root.storage_options, "skip_instance_cache": True})
    assert elsewhere.fs is not root.fs
    store_rows(dataset_at(root), rows_of(record(page_id="101")))
    remembered = root.fs.find(root.path)
    assert len(remembered) == 1
    store_rows(dataset_at(elsewhere), rows_of(record(page_id="102"), record(NEXT_DAY, page_id="102")))
    store_rows(dataset_at(root), rows_of(record(page_id="103"), record(NEXT_DAY, page_id="103")))
    assert [row["page_id"] for row in found_in(elsewhere)] == ["101", "102", "103"]
    assert [row["page_id"] for row in found_in(elsewhere, NEXT_DAY)] == ["102", "103"]


def test_a_page_that_another_part_holds_is_refused_naming_both_files(root: UPath) -> None:
    store_rows(dataset_at(root, "a"), rows_of(record(page_id="101")))
    with pytest.raises(ConfigurationError, match=r"Page 101 is held by .*part-a.jsonl, so .*part-b.jsonl"):
        store_rows(dataset_at(root, "b"), rows_of(record(page_id="102"), record(page_id="101")))
    assert [row["page_id"] for row in found_in(root, part="a")] == ["101"]
    root.fs.invalidate_cache()
    assert not root.fs.exists(f"{root.path}/dt={DAY}/part-b.jsonl")


def test_a_file_that_cannot_be_read_is_named_and_left_and_the_other_days_are_stored(root: UPath) -> None:
    dataset = dataset_at(root)
    store_rows(dataset, rows_of(record(), record(NEXT_DAY)))
    broken = f"{root.path}/dt={DAY}/part-0.jsonl"
    root.fs.pipe_file(broken, b"half a li")
    with pytest.raises(ConfigurationError, match=r"dt=2026-03-08/part-0.jsonl cannot be read as jsonl .* Restore"):
        store_rows(dataset, rows_of(record(value=7), record(NEXT_DAY, value=7)))
    assert root.fs.cat_file(broken) == b"half a li"
    assert [row["value"] for row in found_in(root, NEXT_DAY)] == [7]


def test_a_row_that_comes_after_its_day_was_settled_is_stored_all_the_same(root: UPath) -> None:
    with DatasetWriter(dataset_at(root)) as writer:
        writer.add(rows_of(record(page_id="101"), record(page_id="103")))
        writer.settle(date.fromisoformat(NEXT_DAY))
        writer.add(rows_of(record(page_id="102")))
        stored = writer.finish()
    assert [(file.partition, file.rows, file.changed) for file in stored.files] == [(f"dt={DAY}", 3, True)]
    assert (stored.rows_added, stored.restated_days) == (3, ())
    assert [row["page_id"] for row in found_in(root)] == ["101", "102", "103"]
    at_once = root / "at once"
    store_rows(dataset_at(at_once), rows_of(*(record(page_id=page_id) for page_id in ("103", "102", "101"))))
    assert found_in(at_once) == found_in(root)


@given(
    answers=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(8, 12), st.integers(0, 3)), max_size=30),
    settled=st.lists(st.integers(8, 13), max_size=6),
)
def test_whenever_days_are_settled_the_files_are_those_of_one_writing_at_the_end(
    answers: list[tuple[str, int, int]], settled: list[int]
) -> None:
    units = {(page, day): value for page, day, value in answers}
    records = [record(f"2026-03-{day:02}", page_id=page, value=value) for (page, day), value in units.items()]
    with tempfile.TemporaryDirectory() as folder:
        roots = [UPath(folder) / name for name in ("in turns", "at the end")]
        for root, days in zip(roots, (settled, []), strict=True):
            with DatasetWriter(dataset_at(root)) as writer:
                for number, one in enumerate(records):
                    writer.add(rows_of(one))
                    if number < len(days):
                        writer.settle(date(2026, 3, days[number]))
                stored = writer.finish()
            assert stored.rows_added == stored.rows == len(records)
        in_turns, at_the_end = (
            {str(file.relative_to(root.path)): file.read_bytes() for file in Path(root.path).rglob("*.jsonl")}
            for root in roots
        )
        assert in_turns == at_the_end


def test_a_writer_leaves_no_file_of_its_own_behind(
    root: UPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with DatasetWriter(dataset_at(root)) as writer:
        writer.add(rows_of(record(), record(NEXT_DAY)))
        meanwhile = list(scratch.iterdir())
        writer.finish()
    assert [*meanwhile, *scratch.iterdir()] == []
    assert sorted(Path(str(name)).name for name in root.fs.find(root.path)) == ["part-0.jsonl", "part-0.jsonl"]


def test_a_new_partition_costs_the_store_one_request_and_an_unchanged_one_no_put(s3_root: UPath) -> None:
    rows = rows_of(*(record(f"2026-03-{day:02}") for day in range(1, 21)))
    s3_root.fs.connect()
    requests: list[str] = []

    def note(request: Any, **_: Any) -> None:
        requests.append(request.method)

    s3_root.fs.s3.meta.events.register("before-send.s3", note)
    store_rows(dataset_at(s3_root), rows)
    assert (requests.count("PUT"), len(requests)) == (20, 22), "two listings say that there is nothing yet"
    requests.clear()
    store_rows(dataset_at(s3_root), rows)
    # One listing, then for each file a listing for other parts, s3fs's own look at the size, and the read.
    assert (requests.count("PUT"), len(requests)) == (0, 1 + 20 * 3)
