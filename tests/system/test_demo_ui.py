"""``msginsights demo --ui``: all of Airflow comes up, runs the DAG, and is gone when told to stop."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from processes import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


def wait_until(is_so: Callable[[], bool], *, seconds: float, else_show: Path) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, else_show.read_text(errors="replace")[-3000:]
        time.sleep(1)


def processes_with(text: str) -> set[str]:
    found = set()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if text.encode() in environment.read_bytes():
                found.add(environment.parent.name)
    return found


def run_states(database: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection:
        return [state for (state,) in connection.execute("SELECT state FROM dag_run")]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_it_runs_the_dag_and_leaves_no_process_behind(tmp_path: Path, sign: signal.Signals) -> None:
    home, printed = tmp_path / "home", tmp_path / "printed"
    arguments = ("demo", "--ui", "--port", str(free_port()), "--keep", str(home))
    with printed.open("wb") as out:
        demo = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "airflow_provider_msginsights.cli", *arguments], stdout=out, env=dict(os.environ)
        )
    try:
        wait_until(lambda: "Open http" in printed.read_text(), seconds=240, else_show=printed)
        wait_until(lambda: "success" in run_states(home / "airflow.db"), seconds=180, else_show=home / "airflow.log")
        assert len(processes_with(f"AIRFLOW_HOME={home}")) > 4
        demo.send_signal(sign)
        assert demo.wait(timeout=90) == 0
        assert processes_with(f"AIRFLOW_HOME={home}") == set()
    finally:
        demo.terminate()  # and not kill: it stops what it started
        demo.wait(timeout=90)
    assert list(home.glob("messaging_insights/dt=*/part-0.jsonl"))
    text = printed.read_text()
    assert re.search(r"Open http://127\.0\.0\.1:\d+ in a browser", text)
    assert "page-token-101" not in text + (home / "airflow.log").read_text(errors="replace")


def test_a_port_that_is_taken_is_told_before_anything_starts(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "airflow_provider_msginsights.cli", "demo", "--ui", "--port", str(port)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "HOME": str(tmp_path)},
        )
    assert done.returncode == 2
    assert f"Port {port} is taken" in done.stderr
