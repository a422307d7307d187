from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.made_records import record, store_rows, values_of

from airflow_provider_msginsights.exceptions import StorageError
from airflow_provider_msginsights.outputs.dataset import Dataset, StoredFile
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.formats.text import JsonLines
from airflow_provider_msginsights.outputs.schema import COLUMN_NAMES, COLUMNS

if TYPE_CHECKING:
    from datetime import datetime

    from upath import UPath

    from airflow_provider_msginsights.insights.records import InsightsRecord


@pytest.fixture
def dataset(root: UPath) -> Dataset[Any]:
    made = Dataset(root=root, file_format=format_named("jsonl"), period="day")
    made.claim()
    return made


@pytest.fixture
def store(dataset: Dataset[Any], final_if_ended_by: datetime) -> Any:
    def _store(*records: InsightsRecord) -> tuple[StoredFile, ...]:
        return store_rows(dataset, values_of(records, final_if_ended_by=final_if_ended_by))

    return _store


def read(root: UPath, day: str = "2026-03-08") -> list[dict[str, Any]]:
    path = root / f"dt={day}" / "part-0.jsonl"
    rows = JsonLines().read(path.fs.cat_file(path.path), COLUMNS)
    return [dict(zip(COLUMN_NAMES, values, strict=True)) for values in rows]


def files_below(root: UPath) -> list[str]:
    return sorted(str(name).rsplit("/", 1)[-1] for name in root.fs.find(root.path))


def test_each_pacific_day_has_a_partition_of_its_own(store: Any, root: UPath) -> None:
    stored = store(record("2026-03-08"), record("2026-03-09", value=7))
    assert [file.partition for file in stored] == ["dt=2026-03-08", "dt=2026-03-09"]
    assert [row["value"] for row in read(root, "2026-03-09")] == [7]


def test_a_total_over_a_range_is_stored_under_its_first_and_last_day(root: UPath, final_if_ended_by: datetime) -> None:
    dataset = Dataset(root=root, file_format=format_named("jsonl"), period="total_over_range")
    total = record("2026-03-08", period="total_over_range", range_start=date(2026, 3, 1))
    (file,) = store_rows(dataset, values_of([total], final_if_ended_by=final_if_ended_by))
    assert file.partition == "range=2026-03-01_2026-03-08"


def test_the_same_answer_leaves_the_same_bytes_and_writes_nothing(store: Any, root: UPath) -> None:
    (first,) = store(record(metric="b"), record(metric="a"))
    path = root / "dt=2026-03-08" / "part-0.jsonl"
    modified = path.fs.modified(path.path)
    (second,) = store(record(metric="a"), record(metric="b"))
    assert second.sha256 == first.sha256
    assert (first.changed, second.changed) == (True, False)
    assert path.fs.modified(path.path) == modified
    assert files_below(root) == ["_dataset.json", "part-0.jsonl"]


def test_an_answer_replaces_its_own_page_and_metric_and_no_other(store: Any, root: UPath) -> None:
    store(record(page_id="101"), record(page_id="102"), record(page_id="101", metric="page_messages_sent"))
    store(record(page_id="101", value=99))
    assert [(row["page_id"], row["metric"], row["value"]) for row in read(root)] == [
        ("101", "page_messages_new_conversations_unique", 99),
        ("101", "page_messages_sent", 42),
        ("102", "page_messages_new_conversations_unique", 42),
    ]


def test_a_breakdown_value_that_is_no_longer_listed_goes(store: Any, root: UPath) -> None:
    store(record(breakdowns=(("campaign_id", "old"),)), record(breakdowns=(("campaign_id", "kept"),)))
    store(record(breakdowns=(("campaign_id", "kept"),), value=1))
    assert [(row["campaign_id"], row["value"]) for row in read(root)] == [("kept", 1)]


def test_an_empty_answer_deletes_nothing(store: Any, root: UPath) -> None:
    store(record())
    assert store() == ()
    assert len(read(root)) == 1


def test_a_failure_while_writing_leaves_the_old_file_and_no_other(
    store: Any, root: UPath, final_if_ended_by: datetime
) -> None:
    store(record(value=1))

    class Breaks(JsonLines):
        def write(self, rows: Any, columns: Any, file: Any) -> int:
            super().write(rows, columns, file)
            raise OSError("disk full")

    broken = Dataset(root=root, file_format=Breaks(), period="day")
    with pytest.raises(StorageError, match=r"part-0\.jsonl.* could not be stored: OSError, disk full"):
        store_rows(broken, values_of([record(value=2)], final_if_ended_by=final_if_ended_by))
    assert [row["value"] for row in read(root)] == [1]
    assert files_below(root) == ["_dataset.json", "part-0.jsonl"]


def test_files_on_a_local_disk_have_the_usual_permissions(tmp_path: Path, final_if_ended_by: datetime) -> None:
    from upath import UPath

    plain = tmp_path / "plain"
    plain.touch()
    dataset = Dataset(root=UPath((tmp_path / "data").as_uri()), file_format=format_named("jsonl"), period="day")
    (file,) = store_rows(dataset, values_of([record()], final_if_ended_by=final_if_ended_by))
    assert Path(UPath(file.path).path).stat().st_mode == plain.stat().st_mode
