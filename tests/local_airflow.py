"""A whole Airflow on this machine: scheduler, DAG processor, API server and triggerer, each a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from processes import free_port as free_port  # noqa: PLC0414 - others take it from here

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

COMPONENTS = ("api-server", "dag-processor", "scheduler", "triggerer")


class Run(NamedTuple):
    """A DAG run as Airflow's database holds it."""

    dag_id: str
    run_type: str
    state: str


@dataclass(frozen=True)
class LocalAirflow:
    """Airflow with LocalExecutor and SQLite below ``home``; ``connections`` are environment connections by id.

    ``options`` are further options of Airflow, as environment variables without their ``AIRFLOW__``.
    """

    home: Path
    connections: dict[str, str]
    options: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    log_ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))

    @property
    def dags(self) -> Path:
        return self.home / "dags"

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        given = {f"AIRFLOW_CONN_{name.upper()}": value for name, value in self.connections.items()}
        return (
            inherited
            | given
            | {
                "AIRFLOW_HOME": str(self.home),
                "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
                "AIRFLOW__CORE__PARALLELISM": "2",
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self.port}/execution/",
                # A busy machine may take its time; a task must not fail for that before it began.
                "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
                "AIRFLOW__API__PORT": str(self.port),
                "AIRFLOW__API__HOST": "127.0.0.1",
                "AIRFLOW__API__WORKERS": "1",
                "AIRFLOW__API_AUTH__JWT_SECRET": "only for this test, and long enough " * 3,
                "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "2",
                "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
                "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.log_ports[0]),
                "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.log_ports[1]),
                "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            }
            | {f"AIRFLOW__{name}": value for name, value in self.options.items()}
        )

    @contextlib.contextmanager
    def running(self, components: Iterable[str] = COMPONENTS) -> Iterator[None]:
        """Start these components, and end every one of them whatever happens."""
        self.migrate()
        with contextlib.ExitStack() as stack:
            for component in components:
                stack.enter_context(self.component(component))
                if component == "api-server":
                    self._wait_for_api_server()
            yield

    def _wait_for_api_server(self, *, timeout_seconds: float = 180) -> None:
        """A task that starts before the server does fails, and that is no failure of what the task does."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.2)
        raise AssertionError(f"Airflow's API server did not start.\n{self.log_tail()}")

    def migrate(self) -> None:
        """Make the database."""
        self.dags.mkdir(parents=True, exist_ok=True)
        self._command("db", "migrate").wait(timeout=240)

    @contextlib.contextmanager
    def component(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start one component, and end it whatever happens, with the processes it started."""
        process = self._command(name)
        try:
            yield process
        finally:
            end(process)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Give the rows that Airflow's database has for a statement."""
        with contextlib.closing(sqlite3.connect(self.home / "airflow.db", timeout=60)) as database:
            return database.execute(sql).fetchall()

    def runs(self) -> list[Run]:
        """Give every DAG run there is."""
        return [Run(*row) for row in self.query("SELECT dag_id, run_type, state FROM dag_run")]

    def wait_for_runs(self, counts: dict[str, int], *, timeout_seconds: float) -> list[Run]:
        """Wait until each of the DAGs has so many runs and all have ended; give them all."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            runs = self.runs()
            enough = all(sum(run.dag_id == dag_id for run in runs) >= count for dag_id, count in counts.items())
            if enough and all(run.state in {"success", "failed"} for run in runs):
                return runs
            if time.monotonic() > deadline:
                raise AssertionError(f"These runs should have ended by now: {runs}\n{self.log_tail()}")
            time.sleep(1)

    def wait_for_task(self, dag_id: str, *, state: str, timeout_seconds: float) -> None:
        """Wait until a task of the DAG is in this state."""
        deadline = time.monotonic() + timeout_seconds
        while (dag_id, state) not in self.query("SELECT dag_id, state FROM task_instance"):
            if time.monotonic() > deadline:
                raise AssertionError(f"No task of {dag_id} was {state} by now: {self.runs()}\n{self.log_tail()}")
            time.sleep(0.5)

    def run_command(self, *arguments: str) -> None:
        """Run one ``airflow`` command to its end."""
        subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, "-m", "airflow", *arguments], env=self.environment, check=True, capture_output=True
        )

    def log_tail(self) -> str:
        """Give the end of each component's log."""
        return "\n".join(
            f"--- {file.name}\n" + "\n".join(file.read_text(errors="replace").splitlines()[-25:])
            for file in sorted(self.home.glob("*.log"))
        )

    def _command(self, *arguments: str) -> subprocess.Popen[bytes]:
        log: IO[bytes] = (self.home / f"{arguments[0]}.log").open("ab")
        with log:
            return subprocess.Popen(  # noqa: S603 - our own commands
                [sys.executable, "-m", "airflow", *arguments],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def end(process: subprocess.Popen[bytes], signals: Iterable[signal.Signals] = (signal.SIGTERM, signal.SIGKILL)) -> None:
    """End a component with the processes it started: they share its session."""
    for sign in signals:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=15)
