"""Nothing that a test starts outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from support.paths import TESTS
from support.processes import Sessions

if TYPE_CHECKING:
    from pathlib import Path

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], process_group=0)
print(os.getpid(), child.pid, flush=True)
time.sleep(300)
"""


def wait_for_pids(log_file: Path) -> list[int]:
    for _ in range(600):
        if log_file.exists() and len(found := log_file.read_text().split()) == 2:
            return [int(pid) for pid in found]
        time.sleep(0.05)
    pytest.fail("The process did not start.")


def are_gone(pids: list[int]) -> bool:
    return all(not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE for pid in pids)


def test_a_process_that_ignores_signals_ends_with_its_children_whatever_their_group(tmp_path: Path) -> None:
    with Sessions(tmp_path) as sessions:
        session = sessions.start("stubborn", [sys.executable, "-c", STUBBORN])
        pids = wait_for_pids(session.log_file)
        assert session.is_running
        session.stop(patience_seconds=0.2)
        assert session.has_ended
    assert are_gone(pids)


PARENT_OF_A_SESSION = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
def end(*_):
    child.kill()
    sys.exit()
signal.signal(signal.SIGTERM, end)
print(os.getpid(), child.pid, flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize(
    ("code", "patience_seconds"),
    [(STUBBORN, 0.2), (PARENT_OF_A_SESSION, 30)],
    ids=["those that ignore signals", "those that only a process knows of"],
)
def test_they_end_when_the_test_itself_is_killed(tmp_path: Path, code: str, patience_seconds: float) -> None:
    test_code = (
        "import sys, time; from pathlib import Path; from support.processes import Sessions\n"
        f"with Sessions(Path({str(tmp_path)!r}), patience_seconds={patience_seconds}) as sessions:\n"
        f"    sessions.start('started', [sys.executable, '-c', {code!r}])\n"
        "    time.sleep(300)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen([sys.executable, "-c", test_code], env=environment) as test:  # noqa: S603 - this file's own code
        pids = wait_for_pids(tmp_path / "started.log")
        test.send_signal(signal.SIGKILL)
    for _ in range(600):
        if are_gone(pids):
            return
        time.sleep(0.05)
    pytest.fail("They are still there.")
