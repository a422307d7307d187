"""The first command of the README: it works, twice the same, and gives no secret away."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from support.paths import EXAMPLES

from airflow_provider_msginsights.cli.demo.run import main as run_dag_file
from airflow_provider_msginsights.insights.catalog import METRICS

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "page-token-101"


def run_demo(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "airflow_provider_msginsights.cli", "demo", *arguments],
        env={**os.environ, "HOME": str(home), "COLUMNS": "160", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def data_files(folder: Path) -> list[Path]:
    """What was loaded: a file for each of three days, the newest last."""
    files = sorted(folder.glob("messaging_insights/dt=*/*"))
    assert len(files) == 3
    return files


@pytest.mark.thorough
@pytest.mark.usefixtures("connection")
def test_the_run_in_its_airflow_reports_the_day_and_each_task_in_order(airflow_database: Path, tmp_path: Path) -> None:
    """The heart of it, in this process: the rest below makes an Airflow home first."""
    report, dag_file = tmp_path / "report.json", airflow_database / "dags" / "daily_load.py"
    shutil.copy(EXAMPLES / "daily_load.py", dag_file)
    try:
        assert run_dag_file(str(dag_file), (tmp_path / "messaging_insights").as_uri(), str(report)) == 0
    finally:
        dag_file.unlink()
    told = json.loads(report.read_text())
    assert told["state"] == "success"
    assert told["pacific_date"] == data_files(tmp_path)[-1].parent.name.removeprefix("dt=")
    done = [(task["task_id"], task["state"]) for task in told["tasks"]]
    assert done == [(name, "success") for name in ("day_is_available", "load_day", "newest_values")]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder the demo kept, and what it printed, with an old locale and a proxy in its environment.

    Nobody may ask the proxy.
    """
    folder = tmp_path_factory.mktemp("demo") / "kept with a space"
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        names = [f"{kind}_proxy" for kind in ("http", "https", "all")]
        proxies = {spelling: address for name in names for spelling in (name, name.upper())}
        surroundings = {**proxies, "NO_PROXY": "", "no_proxy": "", "LC_ALL": "C", "PYTHONUTF8": "0"}
        done = run_demo("--keep", str(folder), home=tmp_path_factory.mktemp("home"), **surroundings)
        assert done.returncode == 0, done.stdout + done.stderr
        proxy.settimeout(0)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    return folder, done.stdout + done.stderr


@pytest.mark.thorough
def test_it_shows_every_metric_of_one_page_and_where_the_file_is(kept: tuple[Path, str]) -> None:
    folder, printed = kept
    newest = data_files(folder)[-1]
    assert all(name in printed for name in METRICS)
    assert str(newest) in printed
    assert str(folder / "airflow.log") in printed


@pytest.mark.slow
def test_a_second_run_leaves_the_same_files_and_no_other(kept: tuple[Path, str], tmp_path: Path) -> None:
    """In plain surroundings, unlike the first one."""
    folder, _ = kept
    first = [file.read_bytes() for file in data_files(folder)]
    done = run_demo("--keep", str(folder), home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert [file.read_bytes() for file in data_files(folder)] == first
    assert sorted(folder.glob("messaging_insights/**/*.jsonl")) == data_files(folder)


@pytest.mark.thorough
def test_the_token_is_in_nothing_it_printed_or_left(kept: tuple[Path, str]) -> None:
    folder, printed = kept
    searched = 0
    for file in folder.rglob("*"):
        if file.is_file():
            searched += 1
            content = file.read_bytes()
            assert TOKEN.encode() not in content, file
            assert quote(TOKEN, safe="").replace("-", "%2D").encode() not in content, file
    assert searched > 5
    assert TOKEN not in printed


@pytest.mark.thorough
def test_the_search_would_find_a_token(kept: tuple[Path, str]) -> None:
    """The database and the log really hold what a run leaves: rendered fields, XCom, messages."""
    folder, _ = kept
    assert b"page_messages_sent" in (folder / "airflow.db").read_bytes()
    log = (folder / "airflow.log").read_bytes()
    assert b"API calls: " in log


@pytest.mark.thorough
def test_the_example_it_runs_gives_nothing_to_warn_of(kept: tuple[Path, str]) -> None:
    """Such as a day that is loaded for the last time before Meta is done with it."""
    folder, _ = kept
    ours = [
        line for line in (folder / "airflow.log").read_text().splitlines() if "airflow_provider_msginsights" in line
    ]
    assert ours
    assert [line for line in ours if "warning" in line.lower() or "error" in line.lower()] == []


@pytest.mark.slow
def test_a_run_that_fails_says_so_and_exits_with_1(tmp_path: Path) -> None:
    (tmp_path / "messaging_insights").write_text("in the way")
    done = run_demo("--keep", str(tmp_path), home=tmp_path)
    assert done.returncode == 1
    assert "did not succeed" in done.stdout
    assert TOKEN not in done.stdout + done.stderr
