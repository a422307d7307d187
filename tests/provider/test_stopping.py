"""Airflow ends a task in the middle of a load: it stops at once and leaves nothing half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from dag_runs import connection_to

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from airflow_provider_msginsights.emulator import GraphEmulator

# What Airflow's task runner does: SIGTERM calls on_kill in the main thread, and the process ends without clean-up.
TASK = """
import os, signal, sys
from airflow_provider_msginsights.operators.load import LoadStoppedError
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

task = MessagingInsightsOperator(
    task_id="load", since="2026-11-01", until="2026-11-02", output_path=sys.argv[1], page_ids=["101", "102"]
)
signal.signal(signal.SIGTERM, lambda *_: task.on_kill())
code = 1
try:
    task.execute({})
except LoadStoppedError:
    code = 7
os._exit(code)
"""


def test_a_load_that_waits_for_a_slow_server_ends_within_seconds_and_leaves_no_partial_file(
    emulator: GraphEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    output, scratch = tmp_path / "output", tmp_path / "scratch"
    scratch.mkdir()
    emulator.add_fault(kind="delay", delay_seconds=20, page_id="102", times=None)
    task = subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", TASK, output.as_uri()],
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for_a_call_of(emulator, "102", task)
        asked_to_stop = time.monotonic()
        task.send_signal(signal.SIGTERM)
        printed, _ = task.communicate(timeout=60)
    finally:
        task.kill()
    assert task.returncode == 7, printed.decode()
    assert time.monotonic() - asked_to_stop < 10, "it waited for the server"
    left = [str(path.relative_to(output)) for path in output.rglob("*") if path.is_file()]
    assert left == ["_dataset.json"]
    assert list(scratch.iterdir()) == []


def wait_for_a_call_of(emulator: GraphEmulator, page_id: str, task: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not emulator.stats()["calls_by_page"].get(page_id):
        assert task.poll() is None, "the task ended by itself"
        assert time.monotonic() < deadline, "the task asked for nothing"
        time.sleep(0.1)


def test_a_task_that_is_not_loading_takes_no_notice() -> None:
    """After an ``execution_timeout`` Airflow calls it too, when the load has ended already."""
    MessagingInsightsOperator(task_id="load").on_kill()
