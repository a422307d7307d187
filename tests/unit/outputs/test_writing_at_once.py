"""Partitions are written several at a time, each once its day is settled, in memory that stays the same."""

from __future__ import annotations

import os
import threading
import time
import tracemalloc
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from support.made_records import record, replied, store_rows, values_of
from upath import UPath

from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.rows import RowMaker
from airflow_provider_msginsights.outputs.spool import RowSpool
from airflow_provider_msginsights.outputs.stores.directory_lock import locked_directory
from airflow_provider_msginsights.outputs.stores.patience import Patience
from airflow_provider_msginsights.outputs.writer import DatasetWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from airflow_provider_msginsights.outputs.values import Values

PATIENCE_SECONDS = 30
DAY, NEXT_DAY = "2026-03-08", "2026-03-09"


class WatchedStore(MemoryFileSystem):  # type: ignore[misc] # fsspec has no types
    """A store in memory that tells when the first file was put, and lets puts go on only when so many are under way."""

    cachable = False

    def __init__(self, *, puts_at_once: int) -> None:
        super().__init__()
        self.store: dict[str, Any] = {}  # its own, and not that of all stores in memory
        self.pseudo_dirs = [""]
        self.first_put = threading.Event()
        self._all_here = threading.Barrier(puts_at_once)

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        self._all_here.wait(PATIENCE_SECONDS)
        super().pipe_file(path, value, mode=mode, **kwargs)
        self.first_put.set()


@dataclass(frozen=True)
class Place:
    """A directory of such a store."""

    fs: WatchedStore
    path: str = "/insights"
    protocol: str = "memory"


def dataset_at(root: Any) -> Dataset[Any]:
    return Dataset(root=root, file_format=format_named("jsonl"), period="day")


def test_files_are_put_several_at_a_time(final_if_ended_by: datetime) -> None:
    place = Place(WatchedStore(puts_at_once=4))
    records = [record(f"2026-03-0{day}") for day in range(1, 9)]
    stored = store_rows(dataset_at(place), values_of(records, final_if_ended_by=final_if_ended_by))
    assert len(stored) == len(place.fs.find(place.path)) == 8


def test_a_settled_day_is_stored_while_rows_of_others_still_come(final_if_ended_by: datetime) -> None:
    place = Place(WatchedStore(puts_at_once=1))
    first, second = values_of([record(DAY), record(NEXT_DAY)], final_if_ended_by=final_if_ended_by)
    with DatasetWriter(dataset_at(place)) as writer:
        writer.add([first])
        writer.settle(date.fromisoformat(NEXT_DAY))
        assert place.fs.first_put.wait(PATIENCE_SECONDS)
        writer.add([second])
        assert place.fs.find(place.path) == [f"{place.path}/dt={DAY}/part-0.jsonl"]
        writer.finish()
    assert len(place.fs.find(place.path)) == 2


def test_files_on_disk_are_flushed_several_at_a_time(
    tmp_path: Path, final_if_ended_by: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_here = threading.Barrier(4)
    monkeypatch.setattr(os, "fsync", lambda _: all_here.wait(PATIENCE_SECONDS))
    records = [record(f"2026-03-0{day}") for day in range(1, 9)]
    rows = values_of(records, final_if_ended_by=final_if_ended_by)
    assert len(store_rows(dataset_at(UPath(tmp_path.as_uri())), rows)) == 8


def test_a_day_that_another_writer_holds_keeps_no_other_from_being_stored(
    tmp_path: Path, final_if_ended_by: datetime
) -> None:
    held, free = tmp_path / f"dt={DAY}", tmp_path / f"dt={NEXT_DAY}"
    held.mkdir()
    rows = values_of([record(DAY), record(NEXT_DAY)], final_if_ended_by=final_if_ended_by)
    with DatasetWriter(dataset_at(UPath(tmp_path.as_uri()))) as writer:
        with locked_directory(held, Patience()):
            writer.add(rows)
            writer.settle(date.fromisoformat("2026-03-10"))
            until = time.monotonic() + PATIENCE_SECONDS
            while not (free / "part-0.jsonl").exists():
                assert time.monotonic() < until
                time.sleep(0.01)
            assert not (held / "part-0.jsonl").exists()
        assert len(writer.finish().files) == 2


@pytest.mark.thorough
def test_four_times_the_rows_take_no_more_memory_while_they_wait(final_if_ended_by: datetime) -> None:
    """What bounds a load's memory; the next test loads, and takes half a minute."""
    maker = RowMaker(final_if_ended_by=final_if_ended_by)

    def peak_bytes(pages: int) -> int:
        spool = RowSpool(held_rows=2_000)
        tracemalloc.start()
        try:
            for page in range(pages):
                for number in range(10):
                    day = f"2026-03-{number + 1:02}"
                    spool.add(f"dt={day}", maker.values(replied(record(day, page_id=f"page-{page}", value=page))))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            spool.close()

    peak_bytes(10)  # what is made once is made
    assert peak_bytes(2_000) < 1.25 * peak_bytes(500)


@pytest.mark.slow
def test_four_times_the_days_take_no_more_memory(tmp_path: Path, final_if_ended_by: datetime) -> None:
    maker = RowMaker(final_if_ended_by=final_if_ended_by)

    def rows(days: int) -> Iterator[Values]:
        for page in range(200):
            for number in range(days):
                day = date(2024, 1, 1) + timedelta(days=number)
                one = record(day.isoformat(), page_id=f"page-{page}", value=page * 1000 + number)
                yield from maker.values(replied(one))

    def peak_bytes(days: int) -> int:
        root = UPath((tmp_path / str(days)).as_uri())
        store_rows(dataset_at(root), rows(10))  # what is made once is made
        tracemalloc.start()
        try:
            store_rows(dataset_at(root), rows(days))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak_bytes(1000) < 1.25 * peak_bytes(250)
