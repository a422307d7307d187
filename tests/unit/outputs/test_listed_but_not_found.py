"""A file that a listing shows and a read does not find is no reason to replace it, whichever of the two is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.interleaving import Bucket, ConditionalStore, Place, Turns
from support.made_records import record, store_rows, values_of
from upath import UPath

from airflow_provider_msginsights.exceptions import StorageError
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.stores import store as storage

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

DAY = "dt=2026-03-08"


def dataset_at(root: Any, part: str = "0") -> Dataset[Any]:
    return Dataset(root=root, file_format=format_named("jsonl"), period="day", part=part)


@pytest.fixture
def rows(final_if_ended_by: datetime, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(storage, "_FIRST_SECONDS", 0.001)

    def _rows(page_id: str = "101") -> Any:
        return values_of([record(page_id=page_id)], final_if_ended_by=final_if_ended_by)

    return _rows


@pytest.mark.parametrize("file", ["part-0.jsonl", "part-other.jsonl"])
def test_a_link_that_leads_nowhere_fails_for_a_retry_and_stays(tmp_path: Path, rows: Any, file: str) -> None:
    dataset = dataset_at(UPath(tmp_path.as_uri())).claim()
    away = tmp_path.with_name("away.jsonl")
    (tmp_path / DAY).mkdir()
    link = tmp_path / DAY / file
    link.symlink_to(away)
    with pytest.raises(StorageError, match=rf"{file} is listed but cannot be found"):
        store_rows(dataset, rows())
    assert link.is_symlink()
    assert [path.name for path in (tmp_path / DAY).iterdir()] == [file]
    link.unlink()
    store_rows(dataset, rows())
    assert (tmp_path / DAY / "part-0.jsonl").exists()


def test_a_label_that_leads_nowhere_fails_for_a_retry_and_stays(tmp_path: Path) -> None:
    label = tmp_path / "_dataset.json"
    label.symlink_to(tmp_path.with_name("away.json"))
    with pytest.raises(StorageError, match=r"_dataset.json is listed but cannot be found"):
        dataset_at(UPath(tmp_path.as_uri())).claim()
    assert label.is_symlink()


class LaggingStore(ConditionalStore):
    """Hides a file from one kind of request, for some of them."""

    def __init__(self, bucket: Bucket, *, hidden_from: str, file: str, times: int) -> None:
        super().__init__(bucket, Turns(), "lagging")
        self._hidden_from, self._file, self._times = hidden_from, file, times

    def _hides(self, request: str) -> bool:
        if request != self._hidden_from or not self._times:
            return False
        self._times -= 1
        return True

    def cat_file(self, path: str) -> bytes:
        if path.endswith(self._file) and self._hides("cat"):
            raise FileNotFoundError(path)
        return super().cat_file(path)

    def ls(self, path: str, *, detail: bool) -> list[dict[str, Any]]:
        if self._hides("ls"):
            raise FileNotFoundError(path)
        return super().ls(path, detail=detail)


def stored_in(bucket: Bucket) -> str:
    return b"".join(data for _, data in sorted(bucket.objects.items())).decode()


@pytest.mark.parametrize("file", ["part-0.jsonl", "part-b.jsonl"])
@pytest.mark.parametrize(("times", "heals"), [(1, True), (99, False)])
def test_a_store_whose_reads_lag_behind_its_listings_loses_no_row(
    rows: Any, file: str, times: int, *, heals: bool
) -> None:
    bucket = Bucket()
    before = Place(ConditionalStore(bucket, Turns(), "before"))
    store_rows(dataset_at(before), rows("102"))
    store_rows(dataset_at(before, "b"), rows("103"))
    place = Place(LaggingStore(bucket, hidden_from="cat", file=file, times=times))
    if heals:
        store_rows(dataset_at(place), rows())
    else:
        with pytest.raises(StorageError, match=rf"{file} is listed but cannot be found.* Retry"):
            store_rows(dataset_at(place), rows())
    assert ('"page_id":"101"' in stored_in(bucket)) is heals
    assert all(f'"page_id":"{page_id}"' in stored_in(bucket) for page_id in ("102", "103"))


@pytest.mark.parametrize("times", [1, 99])
def test_a_store_that_lists_nothing_of_what_it_has_loses_no_row(rows: Any, times: int) -> None:
    bucket = Bucket()
    store_rows(dataset_at(Place(ConditionalStore(bucket, Turns(), "before"))), rows("102"))
    place = Place(LaggingStore(bucket, hidden_from="ls", file="", times=times))
    store_rows(dataset_at(place), rows())
    assert all(f'"page_id":"{page_id}"' in stored_in(bucket) for page_id in ("101", "102"))


def test_a_store_that_says_there_is_a_label_and_has_none_to_read_fails_for_a_retry() -> None:
    bucket = Bucket()
    dataset_at(Place(ConditionalStore(bucket, Turns(), "before"))).claim()
    place = Place(LaggingStore(bucket, hidden_from="cat", file="_dataset.json", times=99))
    before = dict(bucket.objects)
    with pytest.raises(StorageError, match=r"_dataset.json is listed but cannot be found"):
        dataset_at(place).claim()
    assert bucket.objects == before
