"""A worker that dies in the middle of a load leaves no half of a file, and nothing that the next try does not mend."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from support import s3_server
from support.dag_runs import connection_to
from support.made_events import late_conversation
from support.paths import TESTS

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

SCRIPT = "support.killed_loads"
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
LOAD: dict[str, Any] = {"since": "2026-10-01", "until": "2026-10-09", "page_ids": ["101", "102"], "metrics": "all"}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("output_format", "kills", "flush_seconds"),
    [
        pytest.param("jsonl", 15, 0.02, marks=pytest.mark.thorough),
        pytest.param("jsonl", 200, 0, marks=pytest.mark.slow),
        pytest.param("parquet", 15, 0.02, marks=pytest.mark.slow),
        pytest.param("parquet", 200, 0, marks=pytest.mark.slow),
    ],
)
def test_a_killed_load_leaves_whole_files_and_a_second_try_mends_the_rest(
    emulator: GraphEmulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    output_format: str,
    kills: int,
    flush_seconds: float,
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    different = {"output_format": output_format}
    check(kill_loads(emulator, tmp_path, different, kills=kills, flush_seconds=flush_seconds))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "kills", [pytest.param(5, marks=pytest.mark.thorough), pytest.param(60, marks=pytest.mark.slow)]
)
def test_a_load_that_is_killed_while_it_puts_to_s3_leaves_whole_files_too(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kills: int
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    with s3_server.running(put_seconds=0.1) as endpoint:
        monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", s3_server.airflow_connection(endpoint))
        check(kill_loads(emulator, tmp_path, {}, kills=kills, store="s3", endpoint=endpoint))


def check(report: dict[str, Any]) -> None:
    seen = report["seen"]
    print(seen)  # noqa: T201 - shown with -s
    assert report["wrong"] == []
    assert seen.get("killed", 0) > seen.get("ended before", 0)
    assert seen.get("between", 0) > 0, "no load was killed between its first and its last file"


def kill_loads(emulator: GraphEmulator, folder: Path, different: dict[str, Any], **told: Any) -> dict[str, Any]:
    """Make the datasets before and after, then kill loads from the one to the other; what was seen."""
    parameters = LOAD | different
    old, new, scratch, temporary = (folder / name for name in ("old", "new", "scratch", "tmp"))
    temporary.mkdir()
    execute(parameters | {"until": "2026-10-06"}, old)
    add_conversations(emulator)
    shutil.copytree(old, new)
    execute(parameters, new)
    told |= {"parameters": parameters, "seed": told["kills"], "old": str(old), "new": str(new), "scratch": str(scratch)}
    argv = [sys.executable, "-W", "error", "-m", SCRIPT, json.dumps(told)]
    environment = os.environ | ONE_THREAD | {"TMPDIR": str(temporary)}
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=environment, cwd=TESTS)  # noqa: S603 - our own script
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def execute(parameters: dict[str, Any], folder: Path) -> None:
    MessagingInsightsOperator(task_id="load", output_path=folder.as_uri(), **parameters).execute({})


def add_conversations(emulator: GraphEmulator) -> None:
    """Let every day say something else than before."""
    for page_id in ("101", "102"):
        for day in range(1, 10):
            emulator.add_events(late_conversation(date(2026, 10, day), page_id=page_id, name=f"late-{day}"))
