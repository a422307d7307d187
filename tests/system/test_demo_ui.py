"""``msginsights demo --ui``: all of Airflow comes up, runs the DAG, and is gone when told to stop."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support.processes import Sessions, free_port, wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


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


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["Ctrl-C", "SIGTERM", "SIGHUP"])
def test_it_runs_the_dag_and_leaves_no_process_behind(tmp_path: Path, sign: signal.Signals) -> None:
    home = tmp_path / "home"
    arguments = ("demo", "--ui", "--port", str(free_port()), "--keep", str(home))

    def told() -> str:
        logs = [file.read_text(errors="replace")[-3000:] for file in home.glob("airflow.log")]
        return "\n".join((demo.log, *logs))

    with Sessions(tmp_path, patience_seconds=90) as sessions:
        command = [sys.executable, "-m", "airflow_provider_msginsights.cli", *arguments]
        demo = sessions.start("demo", command, stop_signal=sign)
        wait_until(lambda: "Open http" in demo.log, timeout_seconds=240, told=told)
        wait_until(lambda: "success" in run_states(home / "airflow.db"), timeout_seconds=180, told=told)
        assert len(processes_with(f"AIRFLOW_HOME={home}")) > 4
        demo.ask_to_stop()
        assert demo.finish(timeout_seconds=10) == 128 + sign
        assert processes_with(f"AIRFLOW_HOME={home}") == set()
    assert list(home.glob("messaging_insights/dt=*/part-0.jsonl"))
    assert re.search(r"Open http://127\.0\.0\.1:\d+ in a browser", demo.log)
    assert "page-token-101" not in demo.log + (home / "airflow.log").read_text(errors="replace")


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
