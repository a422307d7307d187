"""``msginsights dataset``: Pages retired, erased and moved, in a folder and on S3; a dry run tells first."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to
from support.made_records import record, store_rows, values_of
from support.operator_calls import execute, run_context
from support.store_places import S3Place
from upath import UPath

from airflow_provider_msginsights.cli import main
from airflow_provider_msginsights.insights.dates import pacific_date
from airflow_provider_msginsights.outputs.dataset import Dataset

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

NOVEMBER = {"since": "2026-11-01", "until": "2026-11-04"}


@pytest.fixture(autouse=True)
def several_pages(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator.set_clock(datetime(2026, 11, 30, 20, tzinfo=UTC))
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)


@pytest.fixture
def loaded(tmp_path: Path) -> Path:
    """A dataset of two Pages and three days."""
    execute(run_context(), output_path=str(tmp_path), page_ids=["101", "102"], **NOVEMBER)
    return tmp_path


def dataset(capsys: pytest.CaptureFixture[str], *arguments: object, exit_code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["dataset", *map(str, arguments), "--json"]) == exit_code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def pages_in(folder: Path) -> set[str]:
    lines = [line for file in folder.glob("dt=*/part-*.jsonl") for line in file.read_text().splitlines()]
    return {json.loads(line)["page_id"] for line in lines}


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    "action", [("retire", "--on", "2026-11-03"), ("erase",), ("move", "--part", "b")], ids=lambda words: words[0]
)
def test_a_dry_run_tells_what_would_be_done_and_changes_nothing(
    loaded: Path, capsys: pytest.CaptureFixture[str], action: tuple[str, ...]
) -> None:
    before = files_of(loaded)
    name, *options = action
    assert main(["dataset", name, str(loaded), "--page-ids", "101", "--dry-run", *options]) == 0
    told = capsys.readouterr().out
    assert "Page 101" in told
    assert told.endswith("Nothing was changed.\n")
    assert files_of(loaded) == before


def test_a_retired_page_keeps_its_rows_and_its_line_says_until_when(
    loaded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = dataset(capsys, "retire", loaded, "--page-ids", "101", "--on", "2026-11-03", "--reason", "client left")
    assert (told["changed"], told["on"]) == (["101"], "2026-11-03")
    line = json.loads((loaded / "_coverage/pages.json").read_text())["pages"]["101"]
    assert (line["active_until"], line["reason"]) == ("2026-11-03", "client left")
    assert pages_in(loaded) == {"101", "102"}
    assert dataset(capsys, "retire", loaded, "--page-ids", "101", "--on", "2026-11-03", "--reason", "client left")[
        "nothing_to_do"
    ]


def test_an_erased_page_is_gone_and_no_load_brings_it_back(loaded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = dataset(capsys, "erase", loaded, "--page-ids", "101", "--reason", "asked for")
    assert told["rows"] > 0
    assert (told["files_rewritten"], told["files_removed"]) == (3, 0)
    assert pages_in(loaded) == {"102"}
    execute(run_context(run_id="again"), output_path=str(loaded), page_ids=["101", "102"], **NOVEMBER)
    assert pages_in(loaded) == {"102"}
    assert dataset(capsys, "erase", loaded, "--page-ids", "101")["rows"] == told["rows"]  # the receipt, once more


def test_rows_that_a_killed_load_left_of_an_erased_page_go_with_the_next_load(
    loaded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset(capsys, "erase", loaded, "--page-ids", "101")
    late = [record("2026-11-02", page_id="101")]
    rows = values_of(late, final_if_ended_by=datetime(2026, 11, 20, tzinfo=UTC))
    store_rows(Dataset.at(UPath(loaded.as_uri())), rows)
    assert pages_in(loaded) == {"101", "102"}
    execute(run_context(run_id="next"), output_path=str(loaded), page_ids=["102"], **NOVEMBER)
    assert pages_in(loaded) == {"102"}
    assert "Page 101 erased from this dataset meanwhile: all rows are removed." in capsys.readouterr().out
    manifest = json.loads((loaded / "_manifests/latest/part-0.json").read_text())
    told = json.dumps({key: held for key, held in manifest.items() if key != "files"})
    assert re.search(r"(?<![\w.])101(?![\w.])", told) is None  # a duration, a time or a digest may hold these figures


def test_a_moved_page_is_loaded_by_its_new_part(loaded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dataset(capsys, "move", loaded, "--page-ids", "101", "--part", "b")["from_parts"] == ["0"]
    again = {"output_path": str(loaded), **NOVEMBER}
    result = execute(run_context(run_id="again"), page_ids=["101"], part="b", **again)
    assert (result["rows_added"], result["rows_changed"]) == (0, 0)
    assert dataset(capsys, "move", loaded, "--page-ids", "101", "--part", "b")["nothing_to_do"]


def test_what_is_not_a_dataset_is_refused_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = dataset(capsys, "erase", tmp_path / "nothing", "--page-ids", "101", exit_code=2)
    assert "is not a dataset: it has no _dataset.json. Name the output_path of a load" in told["error"]["message"]
    assert not (tmp_path / "nothing").exists()


def test_a_page_of_a_dataset_without_a_list_of_pages_is_retired_after_a_rebuild(
    loaded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (loaded / "_coverage/pages.json").unlink()
    told = dataset(capsys, "retire", loaded, "--page-ids", "101", exit_code=2)
    assert "msginsights coverage PATH --rebuild" in told["error"]["message"]


@pytest.mark.thorough
def test_a_dataset_on_s3_is_reached_by_its_connection(
    s3_endpoint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = S3Place(s3_endpoint, "clients")
    place.create()
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", place.connection)
    execute(run_context(), page_ids=["101"], **place.parameters, **NOVEMBER)
    told = dataset(capsys, "erase", place.url, "--output-conn-id", "warehouse", "--page-ids", "101")
    assert told["files_removed"] == 3
    assert not any(name.startswith("dt=") for name in place.versions())
    told = dataset(capsys, "erase", place.url, "--output-conn-id", "other", "--page-ids", "101", exit_code=2)
    assert "The connection 'other' of the storage does not exist" in told["error"]["message"]


def test_the_last_day_of_a_retired_page_is_the_one_that_has_ended(
    loaded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = dataset(capsys, "retire", loaded, "--page-ids", "101")
    assert told["on"] == str(pacific_date(datetime.now(UTC)) - timedelta(days=1))


def test_a_load_that_runs_while_a_page_is_erased_takes_its_rows_out_again(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, loaded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """However long the erasure takes: until it is done, what the load asks for is refused, and asked for again."""
    patient = {"max_attempts": 100_000, "base_seconds": 0.02, "max_delay_seconds": 0.02}
    connection_to(emulator, monkeypatch, password=emulator.system_user_token, extra=patient)
    emulator.add_fault(code=2, page_id="101", times=None)
    with ThreadPoolExecutor(1) as pool:
        before = emulator.stats()["http_requests"]
        later = {"since": "2026-11-04", "until": "2026-11-06"}
        load = pool.submit(
            execute, run_context(run_id="long"), output_path=str(loaded), page_ids=["101", "102"], **later
        )
        try:
            while emulator.stats()["http_requests"] == before:
                time.sleep(0.01)
            assert main(["dataset", "erase", str(loaded), "--page-ids", "101"]) == 0
        finally:
            emulator.clear_faults()
        load.result()
    assert pages_in(loaded) == {"102"}
    assert len(list(loaded.glob("dt=*/part-0.jsonl"))) == 5
    assert '"101"' not in (loaded / "_manifests/latest/part-0.json").read_text()
    assert dataset(capsys, "erase", loaded, "--page-ids", "101")["nothing_to_do"]


@pytest.mark.parametrize(
    "kind",
    [
        {"output_format": "parquet"},
        {"output_format": "csv", "compression": "gzip"},
        {"period": "total_over_range"},
        {"period": "month", "since": "2026-10-01", "until": "2026-11-01"},
        {"breakdowns": "engagement_source", "metrics": "page_messages_engagement", "since": "2026-10-01"},
        {"extra_columns": {"run": "{{ run_id }}"}},
    ],
    ids=lambda kind: "-".join(map(str, kind.values())),
)
def test_datasets_of_every_kind_are_erased_from_and_moved_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: dict[str, Any]
) -> None:
    execute(run_context(), **{"output_path": str(tmp_path), "page_ids": ["101", "102"], **NOVEMBER} | kind)
    moved = dataset(capsys, "move", tmp_path, "--page-ids", "102", "--part", "b")
    assert moved["rows"] > 0
    assert dataset(capsys, "move", tmp_path, "--page-ids", "102", "--part", "b")["nothing_to_do"]
    erased = dataset(capsys, "erase", tmp_path, "--page-ids", "101")
    assert (erased["files_rewritten"], erased["files_removed"]) == (0, len(erased["files"]))
    data = [file.name for file in tmp_path.rglob("part-*") if not file.parent.name.startswith(("_", "latest"))]
    assert data
    assert {name.partition(".")[0] for name in data} == {"part-b"}
    assert dataset(capsys, "erase", tmp_path, "--page-ids", "101")["nothing_to_do"]
