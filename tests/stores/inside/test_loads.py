"""Loads through the operator: the files of a local disk, whoever loads at the same time and whoever is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import ObjectStoragePath
from integration.test_killed_loads import kill_loads
from support.dag_runs import connection_to
from support.operator_calls import execute

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from support.store_places import Place

    from airflow_provider_msginsights.emulator import GraphEmulator

LOAD: dict[str, Any] = {"since": "2026-10-01", "until": "2026-10-04", "page_ids": ["101", "102"], "metrics": "all"}
PAGES = ("101", "102", "103", "104")
WRITER = """
import sys, json
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
task = MessagingInsightsOperator(task_id="load", **json.loads(sys.argv[1]))
sys.stdin.readline()
task.execute({})
"""


@pytest.fixture(autouse=True)
def connected(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)


@pytest.mark.parametrize(
    ("output_format", "compression"), [("jsonl", None), ("jsonl", "gzip"), ("csv", None), ("parquet", None)]
)
def test_the_files_are_those_of_a_local_disk_and_a_second_load_replaces_none(
    place: Place, tmp_path: Path, output_format: str, compression: str | None
) -> None:
    asked = LOAD | {"output_format": output_format, "compression": compression}
    here = execute(**asked, output_path=tmp_path.as_uri())
    there = execute(**asked, **place.parameters)
    assert (here["rows"], here["file_count"]) == (there["rows"], there["file_count"]) == (66, 3)
    files = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.glob("dt=*/*")}
    versions = {name: version for name, version in place.versions().items() if name.startswith("dt=")}
    assert {name: place.read(name) for name in versions} == files
    assert len(files) == 3
    again = execute(**asked, **place.parameters)
    assert again["rows_unchanged"] == 66
    assert {name: version for name, version in place.versions().items() if name.startswith("dt=")} == versions


def test_the_connection_may_stand_in_the_path_and_the_scheme_in_capitals(place: Place) -> None:
    path = place.url.replace(f"{place.scheme}://", f"{place.scheme.upper()}://warehouse@")
    assert execute(**LOAD, output_path=path)["rows"] == 66
    assert execute(**LOAD, **place.parameters)["rows_unchanged"] == 66
    assert execute(**LOAD, output_path=ObjectStoragePath(place.url, conn_id="warehouse"))["rows_unchanged"] == 66


@pytest.mark.parametrize("directory", ["a/b/c", "with space/ü", "50%25 off", "a+b&c=d", "x" * 200])
def test_a_directory_may_have_any_name(place: Place, directory: str) -> None:
    other = type(place)(place.endpoint, place.bucket, directory)
    execute(**LOAD | {"until": "2026-10-02"}, **other.parameters)
    result = execute(**LOAD, **other.parameters)
    assert (result["rows"], result["rows_unchanged"]) == (66, 22)
    names = sorted(other.versions())
    assert [name for name in names if not name.startswith("_manifests/")] == [
        "_coverage/findings-0.json.gz",
        "_coverage/pages.json",
        "_coverage/part-0.json.gz",
        "_dataset.json",
        *(f"dt=2026-10-0{day}/part-0.jsonl" for day in (1, 2, 3)),
    ]
    assert len(names) == 9


def test_a_page_is_moved_and_one_erased_with_its_last_files(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    def pages_by_file() -> dict[str, set[str]]:
        names = [name for name in place.versions() if name.startswith("dt=")]
        return {name: {json.loads(line)["page_id"] for line in place.read(name).splitlines()} for name in names}

    def dataset(action: str, page_id: str, *options: str) -> None:
        arguments = [place.url, "--output-conn-id", "warehouse", "--page-ids", page_id, *options, "--json"]
        assert main(["dataset", action, *arguments]) == 0, capsys.readouterr()

    execute(**LOAD, **place.parameters)
    dataset("move", "102", "--part", "b")
    days = [f"dt=2026-10-0{day}" for day in (1, 2, 3)]
    kept = {f"{day}/part-0.jsonl": {"101"} for day in days}
    moved = {f"{day}/part-b.jsonl": {"102"} for day in days}
    assert pages_by_file() == kept | moved
    dataset("erase", "101")
    assert pages_by_file() == moved
    assert execute(**LOAD | {"page_ids": ["102"]}, **place.parameters, part="b")["rows_unchanged"] == 33


def test_tasks_that_write_one_part_at_once_lose_no_page(place: Place) -> None:
    """Four processes, each with a Page of its own, and one that loads all of them."""
    loads = [LOAD | {"page_ids": [page_id]} for page_id in PAGES] + [LOAD | {"page_ids": list(PAGES)}]
    arguments = [json.dumps(load | place.parameters) for load in loads]
    started = [
        subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-c", WRITER, argument],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ,
        )
        for argument in arguments
    ]
    told = [process.communicate(b"go\n")[0].decode() for process in started]
    assert [process.returncode for process in started] == [0] * len(started), "\n".join(told)[-5000:]
    for day in (1, 2, 3):
        rows = [json.loads(line) for line in place.read(f"dt=2026-10-0{day}/part-0.jsonl").splitlines()]
        assert {row["page_id"] for row in rows} == set(PAGES)
        assert len(rows) == 11 * len(PAGES)
    assert execute(**LOAD | {"page_ids": list(PAGES)}, **place.parameters)["rows_unchanged"] == 3 * 11 * len(PAGES)


def test_a_killed_load_leaves_whole_files_and_a_second_try_mends_them(
    place: Place, emulator: GraphEmulator, tmp_path: Path
) -> None:
    told = {"store": os.environ["STORE_UNDER_TEST"], "endpoint": place.endpoint}
    report = kill_loads(emulator, tmp_path, {}, kills=12, **told)
    assert report["wrong"] == []
    assert report["seen"]["killed"] >= 3, report


def test_a_missing_bucket_is_named_with_what_to_do(place: Place) -> None:
    with pytest.raises(AirflowFailException, match=r"(?s)no-such-bucket.*Create the bucket or container"):
        execute(**LOAD, output_path=f"{place.scheme}://no-such-bucket/insights", output_conn_id="warehouse")
