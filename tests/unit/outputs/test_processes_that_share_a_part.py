"""Processes that write one part at once, on a disk and to S3; one that is killed in the middle blocks nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from support.made_records import record, store_rows, values_of
from support.paths import TESTS
from upath import UPath

from airflow_provider_msginsights.exceptions import WriteConflictError
from airflow_provider_msginsights.outputs import writer
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.manifest import latest_manifest, read_manifest, write_manifest
from airflow_provider_msginsights.outputs.stores.directory_lock import locked_directory
from airflow_provider_msginsights.outputs.stores.patience import Patience
from airflow_provider_msginsights.outputs.writer import DatasetWriter

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

SCRIPT = "support.writing_process"
PAGES = ("101", "102", "103")
DAY = "dt=2026-03-08"


def started(root: UPath, **told: Any) -> subprocess.Popen[str]:
    told = {"root": str(root), "options": dict(root.storage_options), "page_id": "101", "times": 1} | told
    argv = [sys.executable, "-W", "error", "-m", SCRIPT, json.dumps(told)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TESTS)  # noqa: S603 - our own script


def all_done(root: UPath, *, what: str, times: int) -> None:
    processes = [started(root, what=what, page_id=page_id, times=times) for page_id in PAGES]
    errors = [process.communicate(timeout=240)[1] for process in processes]
    assert [error for error in errors if error] == []


def stored_in(root: UPath) -> list[tuple[str, str]]:
    data = root.fs.cat_file(f"{root.path}/{DAY}/part-0.jsonl")
    return [(row["page_id"], row["metric"]) for row in map(json.loads, data.splitlines())]


@pytest.mark.parametrize("root", ["local disk", pytest.param("S3", marks=pytest.mark.thorough)], indirect=True)
def test_every_row_of_every_process_is_stored(root: UPath) -> None:
    times = 5
    all_done(root, what="rows", times=times)
    assert stored_in(root) == [(page_id, f"metric_{number:03}") for page_id in PAGES for number in range(times)]


@pytest.mark.thorough
def test_manifests_of_one_part_are_written_by_several_processes_without_an_error(tmp_path: Path) -> None:
    root = UPath(tmp_path.as_uri())
    all_done(root, what="manifests", times=200)
    assert read_manifest(root, "run") is not None
    assert latest_manifest(root) is not None
    assert list(tmp_path.rglob("*.tmp")) == []


def dataset_at(root: UPath) -> Dataset[Any]:
    return Dataset(root=root, file_format=format_named("jsonl"), period="day").claim()


def test_a_writer_killed_while_it_merges_blocks_nobody_and_leaves_nothing(
    tmp_path: Path, final_if_ended_by: datetime
) -> None:
    root = UPath(tmp_path.as_uri())
    store_rows(dataset_at(root), values_of([record(page_id="102")], final_if_ended_by=final_if_ended_by))
    with started(root, what="rows", stall=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stalled\n"
        during = [path.name for path in (tmp_path / DAY).iterdir() if path.name.endswith(".tmp")]
        process.kill()
    assert len(during) == 1
    store_rows(dataset_at(root), values_of([record(page_id="103")], final_if_ended_by=final_if_ended_by))
    assert [page_id for page_id, _ in stored_in(root)] == ["102", "103"]
    assert [path.name for path in (tmp_path / DAY).iterdir()] == ["part-0.jsonl"]


def test_a_directory_that_stays_in_use_ends_in_an_error_for_a_retry(
    tmp_path: Path, final_if_ended_by: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = UPath(tmp_path.as_uri())
    dataset = dataset_at(root)
    rows = values_of([record()], final_if_ended_by=final_if_ended_by)
    (tmp_path / DAY).mkdir()
    monkeypatch.setattr(writer, "Patience", lambda: Patience(seconds=0.05))
    with locked_directory(tmp_path / DAY, Patience()), pytest.raises(WriteConflictError, match=r"part=.*max_active"):
        store_rows(dataset, rows)
    assert list((tmp_path / DAY).iterdir()) == []
    store_rows(dataset, rows)


def test_a_task_that_is_ended_does_not_wait_for_its_turn(
    tmp_path: Path, final_if_ended_by: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = dataset_at(UPath(tmp_path.as_uri()))
    (tmp_path / DAY).mkdir()
    monkeypatch.setattr(writer, "Patience", lambda: Patience(seconds=10_000))  # far beyond this test's timeout

    def write_and_be_ended() -> None:
        with DatasetWriter(dataset) as rows:
            rows.add(values_of([record()], final_if_ended_by=final_if_ended_by))
            rows.settle(date(2026, 3, 9))
            raise KeyboardInterrupt

    with locked_directory(tmp_path / DAY, Patience()), pytest.raises(KeyboardInterrupt):
        write_and_be_ended()
    assert list((tmp_path / DAY).iterdir()) == []


def test_the_hidden_file_of_a_live_writer_is_left_and_that_of_a_dead_one_is_not(tmp_path: Path) -> None:
    root = UPath(tmp_path.as_uri())
    write_manifest(root, "run", {})
    folder = tmp_path / "_manifests"
    live, dead = folder / ".run.json.1.tmp", folder / ".run.json.2.tmp"
    dead.touch()
    with live.open("xb") as file:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        write_manifest(root, "run", {})
        assert (live.exists(), dead.exists()) == (True, False)
    write_manifest(root, "run", {})
    assert not live.exists()


def test_without_locks_a_hidden_file_is_left_until_it_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some network file systems: a writer that may be alive must not lose its file."""
    import fcntl

    def unsupported(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    root = UPath(tmp_path.as_uri())
    assert not Dataset(root=root, file_format=format_named("jsonl"), period="day").claim().conditional_writes
    write_manifest(root, "run", {})
    new, old = (tmp_path / "_manifests" / f".run.json.{name}.tmp" for name in ("new", "old"))
    for path in (new, old):
        path.touch()
    hours_ago = time.time() - 7200
    os.utime(old, (hours_ago, hours_ago))
    write_manifest(root, "run", {})
    assert (new.exists(), old.exists()) == (True, False)
