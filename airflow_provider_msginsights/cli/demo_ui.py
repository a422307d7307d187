"""``msginsights demo --ui``: the whole of Airflow on the emulator, in a browser, until told to stop."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

_READY_SECONDS = 180.0
_STOP_SECONDS = 30.0
_PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


def ui_environment(environment: Mapping[str, str], *, port: int) -> dict[str, str]:
    """The environment of an ``airflow standalone`` on a port of its own, without a log-in.

    :param environment: with ``AIRFLOW_HOME`` and the like; ``PATH`` is led by this Python's own folder, because
        Airflow starts its parts by the name ``airflow``.
    """
    here = os.path.dirname(sys.executable)  # noqa: PTH120 - not resolved: a virtual environment's python is a link
    log_ports = {
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
    }
    return {
        **environment,
        **log_ports,
        "PATH": os.pathsep.join((here, environment.get("PATH", os.defpath))),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
    }


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine."""
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def told_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, instead of breaking off what is under way."""
    stop = threading.Event()

    def set_it(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, set_it) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standalone:
    """A running ``airflow standalone``."""

    process: subprocess.Popen[bytes]
    url: str

    def wait_until_ready(self, stop: threading.Event) -> bool:
        """Wait until every part of Airflow says it is healthy; false when it ended, took too long or was stopped."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None and not stop.wait(0.5):
            if self._is_healthy():
                return True
        return False

    def wait(self, stop: threading.Event) -> None:
        """Wait until told to stop, or until Airflow ended by itself."""
        while self.process.poll() is None and not stop.wait(0.5):
            pass

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v2/monitor/health", timeout=5) as answer:  # noqa: S310 - our own server
                health: dict[str, Any] = json.load(answer)
        except (OSError, ValueError):
            return False
        return all((health.get(part) or {}).get("status") == "healthy" for part in _PARTS)


@contextlib.contextmanager
def standalone(environment: Mapping[str, str], *, port: int, log: IO[bytes]) -> Iterator[Standalone]:
    """Run ``airflow standalone``; at the end, however it comes, every process it started has ended."""
    # A session of its own: Ctrl-C in the terminal then reaches this process alone, which stops the others in order.
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow", "standalone"],
        env=dict(environment),
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Standalone(process=process, url=f"http://127.0.0.1:{port}")
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End Airflow by SIGINT, the one signal on which it ends its parts, and what is left of them by force."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_STOP_SECONDS)
    for sign, patience_seconds in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
        deadline = time.monotonic() + patience_seconds
        while (left := _members(process.pid)) and time.monotonic() < deadline:
            for one in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, sign)
            process.poll()
            time.sleep(0.2)


def _members(session: int) -> list[int]:
    """The living processes of a session: Airflow's tasks leave its process group, but none leaves its session."""
    return [pid for pid, is_zombie, its_session in _processes() if its_session == session and not is_zombie]


def _processes() -> Iterator[tuple[int, bool, int]]:
    """Every process as (id, is a zombie, session): from /proc where there is one, otherwise from ``ps``."""
    entries = list(Path("/proc").glob("[0-9]*/stat"))
    for entry in entries:
        with contextlib.suppress(OSError):
            state, _, _, session = entry.read_text(errors="replace").rpartition(")")[2].split()[:4]
            yield int(entry.parent.name), state == "Z", int(session)
    if not entries:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=False).stdout  # noqa: S607 - the system's own
        for pid, state in (line.split(maxsplit=1) for line in listed.splitlines()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                yield int(pid), state.startswith("Z"), os.getsid(int(pid))
