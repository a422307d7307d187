"""``msginsights coverage``: what a dataset lacks and who must act, told to people and machines, and ledgers rebuilt."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import time_machine
from support.dag_runs import connection_to
from support.operator_calls import execute, run_context

from airflow_provider_msginsights.cli import main
from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_msginsights.emulator import GraphEmulator

NOW = datetime(2026, 11, 30, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def several_pages(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    emulator.set_clock(NOW)
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    with time_machine.travel(NOW, tick=True):
        yield


def load(path: Path, since: str, until: str, *, page_ids: tuple[str, ...] = ("101", "102"), **different: Any) -> None:
    parameters = {"output_path": str(path), "since": since, "until": until, "page_ids": page_ids} | different
    execute(run_context(run_id=f"{since}-{until}"), **parameters)


def fill(path: Path, **different: Any) -> None:
    given = {"fill_since": "2026-11-01", "page_ids": ["101", "102"]} | different
    task = MessagingInsightsFillOperator(task_id="fill", output_path=str(path), **given)
    task.execute(run_context(task_id="fill"))  # type: ignore[arg-type] # a context may lack what is not used


@pytest.fixture
def lacking(original: Path, tmp_path: Path) -> Path:
    """A dataset of two Pages since 1 November that lacks nine days."""
    if not any(original.iterdir()):
        load(original, "2026-11-01", "2026-11-11")
        load(original, "2026-11-20", "2026-11-30")
    return Path(shutil.copytree(original, tmp_path, dirs_exist_ok=True))


def coverage(capsys: pytest.CaptureFixture[str], *arguments: object, exit_code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["coverage", *map(str, arguments), "--json"]) == exit_code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def screen(capsys: pytest.CaptureFixture[str], *arguments: object, exit_code: int = 0) -> str:
    capsys.readouterr()
    assert main(["coverage", *map(str, arguments)]) == exit_code
    return capsys.readouterr().out


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_days_that_no_fill_works_on_need_a_person(lacking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = coverage(capsys, lacking, exit_code=1)
    assert (told["needs_person"], told["counts"]["needs_person"]) == (True, 2)
    assert {page["missing_days"] for page in told["pages"]} == {9}
    shown = screen(capsys, lacking, exit_code=1)
    assert "since 2026-11-01" in shown.splitlines()[0]
    assert "2 need a person" in shown.splitlines()[1]
    assert "Page 101   9 of 29 days missing and no fill works on them" in shown
    assert "×××××××××" in shown  # noqa: RUF001 - a mark, no letter
    assert "\x1b" not in shown


def test_a_dataset_that_is_filled_is_fine(lacking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(lacking)
    told = coverage(capsys, lacking)
    assert (told["needs_person"], told["counts"]["complete"]) == (False, 2)
    assert "2 of 2 Pages complete to Nov 29" in screen(capsys, lacking)


def test_looking_changes_nothing_and_asks_the_api_nothing(emulator: GraphEmulator, lacking: Path) -> None:
    before, calls = files_of(lacking), emulator.stats()["http_requests"]
    for options in ([], ["--since", "2026-11-20"], ["--verify"], ["--changes"], ["--rebuild", "--dry-run"]):
        assert main(["coverage", str(lacking), *options]) in {0, 1}
    assert files_of(lacking) == before
    assert emulator.stats()["http_requests"] == calls


def test_a_later_first_day_and_one_page_can_be_looked_at(lacking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert coverage(capsys, lacking, "--since", "2026-11-20")["needs_person"] is False
    told = coverage(capsys, lacking, "--page-ids", "102", exit_code=1)
    assert [page["page_id"] for page in told["pages"]] == ["102"]
    assert "does not have 999" in coverage(capsys, lacking, "--page-ids", "999", exit_code=2)["error"]["message"]


def test_what_is_known_is_quiet_until_its_day(lacking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("ack", lacking, "--page-ids", "101,102", "--until", "2026-12-15", "--reason", "agreed with client")
    assert coverage(capsys, *words, "--dry-run")["nothing_to_do"] is False
    assert not (lacking / "_coverage/acknowledged.json").exists()
    coverage(capsys, *words)
    assert coverage(capsys, lacking)["counts"]["acknowledged"] == 2
    assert "known until Dec 15 (agreed with client)" in screen(capsys, lacking)
    assert coverage(capsys, *words)["nothing_to_do"]
    told = coverage(capsys, "ack", lacking, "--page-ids", "101", exit_code=2)
    assert "--until DATE" in told["error"]["message"]


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv"])
def test_cells_are_written_for_other_tools(
    lacking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    file = tmp_path / f"cells.{suffix}"
    coverage(capsys, lacking, "--cells", file, exit_code=1)
    if suffix == "parquet":
        rows = [{name: str(value) for name, value in row.items()} for row in pq.read_table(file).to_pylist()]
    elif suffix == "jsonl":
        rows = [json.loads(line) for line in file.read_text().splitlines()]
    else:
        rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert {tuple(row) for row in map(dict.keys, rows)} == {
        ("page_id", "metric", "first_day", "last_day", "state", "reason", "run")
    }
    missing = [row for row in rows if row["state"] == "missing"]
    assert {(row["first_day"], row["last_day"], row["reason"]) for row in missing} == {
        ("2026-11-11", "2026-11-19", "never requested")
    }


def test_a_page_for_a_browser_is_written(lacking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "coverage.html"
    told = coverage(capsys, lacking, "--html", file, exit_code=1)
    data = json.loads(file.read_text().split('id="report">')[1].split("</script>")[0])
    assert data["name"] == told["dataset"]
    for page in data["report"]["pages"]:
        assert page.pop("values")
    assert data["report"] == {name: told[name] for name in data["report"]}
    assert list(tmp_path.glob(".coverage*")) == []
    assert f"Page written to {file}" in screen(capsys, lacking, "--html", file, exit_code=1).replace("\n", "")
    told = coverage(capsys, lacking, "--html", tmp_path / "no-folder" / "x.html", exit_code=1)
    assert "no-folder" in told["error"]["message"]


def test_a_file_of_cells_of_another_kind_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = coverage(capsys, tmp_path, "--cells", tmp_path / "cells.xlsx", exit_code=2)
    assert ".parquet, .jsonl, .csv" in told["error"]["message"]


def test_a_damaged_ledger_is_named_and_built_anew_from_the_rows(
    lacking: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(lacking)
    expected = coverage(capsys, lacking)
    (lacking / "_coverage/part-0.json.gz").write_bytes(b"damaged")
    told = coverage(capsys, lacking, exit_code=1)
    assert "--rebuild" in told["problems"][0]
    built = coverage(capsys, lacking, "--rebuild", "--since", "2026-11-01")
    assert (built["parts"], built["files"], built["fill_calls"], built["fill_nights"]) == (["0"], 29, 0, 0)
    told = coverage(capsys, lacking)
    stored = [{**page["by_state"]} for page in told["pages"]]
    assert stored == [{**page["by_state"]} for page in expected["pages"]]


def test_a_dry_rebuild_tells_what_a_fill_would_cost(lacking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lacking / "_coverage/part-0.json.gz").unlink()
    (lacking / "_coverage/pages.json").unlink()
    built = coverage(capsys, lacking, "--rebuild", "--dry-run", "--max-graph-calls", "1")
    assert (built["missing_cells"], built["fill_calls"], built["fill_nights"], built["fill_files"]) == (72, 2, 2, 9)
    assert built["new_page_ids"] == ["101", "102"]
    assert not (lacking / "_coverage/part-0.json.gz").exists()
    coverage(capsys, lacking, "--rebuild")
    entries = json.loads((lacking / "_coverage/pages.json").read_text())["pages"]
    assert {page_id: entry["part"] for page_id, entry in entries.items()} == {"101": "0", "102": "0"}


@pytest.mark.parametrize("ledger", ["kept", "lost"])
def test_a_day_that_people_deleted_stays_deleted_after_a_rebuild(
    lacking: Path, capsys: pytest.CaptureFixture[str], ledger: str
) -> None:
    fill(lacking)
    (lacking / "dt=2026-11-05/part-0.jsonl").unlink()
    if ledger == "lost":
        (lacking / "_coverage/part-0.json.gz").unlink()
    assert coverage(capsys, lacking, "--rebuild")["removed_cells"] == 8
    fill(lacking)
    assert not (lacking / "dt=2026-11-05/part-0.jsonl").exists()


def test_a_verification_names_what_the_ledger_does_not_say(lacking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert coverage(capsys, lacking, "--verify")["differences"] == []
    file = lacking / "dt=2026-11-05/part-0.jsonl"
    kept = [line for line in file.read_text().splitlines(keepends=True) if json.loads(line)["page_id"] == "102"]
    file.write_text("".join(kept))
    (lacking / "dt=2026-11-06/part-0.jsonl").write_text("{")
    found = coverage(capsys, lacking, "--verify", exit_code=1)["differences"]
    assert {(one["day"], one["page_id"]) for one in found if one["day"] == "2026-11-05"} == {("2026-11-05", "101")}
    assert any("dt=2026-11-06/part-0.jsonl cannot be read" in one["what"] for one in found)
    assert "stored by the ledger, and no file has a row" in screen(capsys, lacking, "--verify", exit_code=1)


def test_a_page_in_two_parts_is_named_by_a_verification(lacking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = lacking / "dt=2026-11-05"
    (folder / "part-b.jsonl").write_bytes((folder / "part-0.jsonl").read_bytes())
    found = coverage(capsys, lacking, "--verify", exit_code=1)["differences"]
    assert {one["page_id"] for one in found if "part '0' has rows of the Page and day too" in one["what"]} == {
        "101",
        "102",
    }


def test_kept_changes_are_added_up_by_page_metric_and_month(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(tmp_path, "2026-11-01", "2026-11-03", keep_changes=True)
    lines = [
        {
            "page_id": "101",
            "metric": "m",
            "pacific_date": day,
            "old_value": old,
            "new_value": new,
            "was_final": final,
            "at": at,
        }
        for day, old, new, final, at in (
            ("2026-10-01", 5, 7, True, "2026-11-02T00:00:00+00:00"),
            ("2026-10-02", None, 1, False, "2026-11-20T00:00:00+00:00"),
            ("2026-09-30", 4, None, True, "2026-11-20T00:00:00+00:00"),
        )
    ]
    folder = tmp_path / "_changes"
    folder.mkdir()
    (folder / "run.jsonl.gz").write_bytes(gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines)))
    months = {one["month"]: one for one in coverage(capsys, tmp_path, "--changes")["changes"]}
    assert (months["2026-10"]["rows"], months["2026-10"]["difference"], months["2026-10"]["final_rows"]) == (2, 3, 1)
    assert months["2026-09"]["difference"] == -4
    later = coverage(capsys, tmp_path, "--changes", "--since", "2026-11-10")["changes"]
    assert {one["month"]: one["difference"] for one in later} == {"2026-10": 1, "2026-09": -4}
    assert "2026-10" in screen(capsys, tmp_path, "--changes")
    (folder / "run.jsonl.gz").write_bytes(b"damaged")
    assert (
        "cannot be read as a file of changes"
        in coverage(capsys, tmp_path, "--changes", exit_code=2)["error"]["message"]
    )


def test_a_dataset_from_before_ledgers_says_what_to_run_and_alarms_nobody(
    lacking: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (lacking / "_coverage/part-0.json.gz").unlink()
    load(lacking, "2026-11-28", "2026-11-30")
    assert coverage(capsys, lacking)["counts"]["not_built"] == 2
    assert "--rebuild" in screen(capsys, lacking)


def test_storage_that_does_not_answer_is_told_apart_from_wrong_options(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = {"endpoint_url": "http://127.0.0.1:9", "config_kwargs": {"retries": {"max_attempts": 1}}}
    parts = {"conn_type": "aws", "login": "testing", "password": "testing", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", json.dumps(parts))
    told = coverage(capsys, "s3://nowhere/insights", "--output-conn-id", "nowhere", exit_code=3)
    assert told["error"]["kind"] == "StorageError"


def test_a_month_has_no_coverage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(tmp_path, "2026-10-01", "2026-11-01", period="month")
    told = coverage(capsys, tmp_path, exit_code=2)
    assert "day, week and days_28" in told["error"]["message"]


def test_a_fill_is_planned_without_a_request(
    emulator: GraphEmulator, lacking: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = emulator.stats()["http_requests"]
    capsys.readouterr()
    assert main(["plan", "--fill", str(lacking), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["missing_cells"], told["fill_calls"], told["fill_nights"], told["fill_files"]) == (72, 2, 1, 9)
    assert main(["plan", "--fill", str(lacking), "--page-ids", "101,103", "--since", "2026-11-01", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["missing_pages"], told["fill_calls"]) == (2, 2)
    assert emulator.stats()["http_requests"] == calls
    fill(lacking)
    capsys.readouterr()
    assert main(["plan", "--fill", str(lacking)]) == 0
    assert "nothing is missing" in capsys.readouterr().out
    assert main(["plan", "--fill", str(lacking), "--schedule", "0 0 * * *"]) == 2
