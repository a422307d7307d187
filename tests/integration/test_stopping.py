"""Airflow ends a task in the middle of a load: it stops at once and leaves nothing half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date
from typing import TYPE_CHECKING

import pytest
from support.dag_runs import connection_to
from support.operator_calls import execute, manifest_of

from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

# What Airflow's task runner does: SIGTERM calls on_kill in the main thread, and the process ends without clean-up.
TASK = """
import os, signal, sys
from airflow_provider_msginsights.operators.load.reader import LoadStoppedError
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

task = MessagingInsightsOperator(
    task_id="load", output_path=sys.argv[1], since=sys.argv[2], until="2026-11-02", page_ids=sys.argv[3].split()
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
    emulator.add_fault(kind="delay", delay_seconds=60, page_id="102", times=None)
    task = started(output, scratch, since="2026-11-01", page_ids="101 102")
    try:
        wait_until(lambda: bool(emulator.stats()["calls_by_page"].get("102")), task)
        asked_to_stop = time.monotonic()
        task.send_signal(signal.SIGTERM)
        printed, _ = task.communicate(timeout=60)
    finally:
        task.kill()
    assert task.returncode == 7, printed.decode()
    assert time.monotonic() - asked_to_stop < 10, "it waited for the server"
    left = sorted(str(path.relative_to(output)) for path in output.rglob("*") if path.is_file())
    assert left == ["_coverage/part-0.json.gz", "_dataset.json"]
    assert list(scratch.iterdir()) == []


@pytest.mark.thorough
def test_days_that_are_settled_are_stored_while_later_ones_are_still_read(
    emulator: GraphEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.page_token("101"))
    output, scratch = tmp_path / "output", tmp_path / "scratch"
    scratch.mkdir()
    emulator.add_fault(kind="hang", page_id="101", skip=1, times=None)
    days = DateRange(date(2026, 7, 25), date(2026, 11, 2))
    query = InsightsQuery.create(page_ids="101", metrics="stable", days=days)
    answered, unanswered = (part.days for part in query.slices())
    task = started(output, scratch, since=str(days.first_day), page_ids="101")
    try:
        wait_until(lambda: stored_days(output) >= {str(day) for day in answered}, task)
        task.send_signal(signal.SIGTERM)
        printed, _ = task.communicate(timeout=60)
    finally:
        task.kill()
    assert task.returncode == 7, printed.decode()
    assert stored_days(output) == {str(day) for day in answered}, f"none of {unanswered} was read"
    assert not [path for path in output.rglob("*") if path.suffix == ".tmp"]
    kept = rows_in(output)
    emulator.clear_faults()
    result = execute(since=str(days.first_day), until="2026-11-02", page_ids="101", output_path=output.as_uri())
    manifest = manifest_of(result)
    assert stored_days(output) == {str(day) for day in days}
    assert (manifest["rows_unchanged"], manifest["rows_added"]) == (kept, rows_in(output) - kept)
    assert manifest["rows_added"] > 0


def started(output: Path, scratch: Path, *, since: str, page_ids: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", TASK, output.as_uri(), since, page_ids],
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def stored_days(output: Path) -> set[str]:
    return {path.parent.name.removeprefix("dt=") for path in output.rglob("part-0.jsonl")}


def rows_in(output: Path) -> int:
    return sum(len(path.read_bytes().splitlines()) for path in output.rglob("part-0.jsonl"))


def wait_until(holds: Callable[[], bool], task: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert task.poll() is None, "the task ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_task_that_is_not_loading_takes_no_notice() -> None:
    """After an ``execution_timeout`` Airflow calls it too, when the load has ended already."""
    MessagingInsightsOperator(task_id="load").on_kill()
