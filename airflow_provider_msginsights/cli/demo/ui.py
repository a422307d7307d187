"""``msginsights demo --ui``: the whole of Airflow on the emulator, in a browser, until it is stopped."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_msginsights.cli.demo.child import child

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping

_READY_SECONDS = 600.0
_PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


def ui_environment(environment: Mapping[str, str], *, port: int) -> dict[str, str]:
    """Return the environment of an ``airflow standalone`` on a port of its own, without a log-in.

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
        # A busy machine may take its time; a task must not fail for that before it began.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
    }


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Standalone:
    """A running ``airflow standalone``."""

    process: subprocess.Popen[bytes]
    url: str

    def wait_until_ready(self) -> bool:
        """Wait until every part of Airflow says it is healthy; false when it ended or took too long."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._is_healthy():
                return True
            time.sleep(0.5)
        return False

    def _is_healthy(self) -> bool:
        try:
            with _opener().open(f"{self.url}/api/v2/monitor/health", timeout=5) as answer:
                health: dict[str, Any] = json.load(answer)
        except (OSError, ValueError):
            return False
        return all((health.get(part) or {}).get("status") == "healthy" for part in _PARTS)


def _opener() -> urllib.request.OpenerDirector:
    """Reach this machine's own servers, whatever proxy the environment names."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextlib.contextmanager
def standalone(environment: Mapping[str, str], *, port: int, log: IO[bytes]) -> Iterator[Standalone]:
    """Run ``airflow standalone``; at the end, however it comes, every process it started has ended."""
    with child([sys.executable, "-m", "airflow", "standalone"], environment, log) as process:
        yield Standalone(process=process, url=f"http://127.0.0.1:{port}")
