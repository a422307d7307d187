"""A whole Airflow on this machine: scheduler, DAG processor, API server and triggerer, each a process of its own."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from support.processes import Session, Sessions, free_port, wait_for_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

COMPONENTS = ("api-server", "dag-processor", "scheduler", "triggerer")
WITHOUT_UI = ("api-server --apps execution", *COMPONENTS[1:])


class Run(NamedTuple):
    """A DAG run as Airflow's database holds it."""

    dag_id: str
    run_type: str
    state: str


@dataclass(frozen=True)
class LocalAirflow:
    """Airflow with LocalExecutor and SQLite below ``home``; ``connections`` are environment connections by id.

    ``options`` are further options of Airflow, as environment variables without their ``AIRFLOW__``; ``migrated`` is a
    new database to start with a copy of. Add DAGs once it is running: a task that starts before the API server
    does fails, and that is no failure of what the task does.
    """

    home: Path
    connections: dict[str, str]
    options: dict[str, str] = field(default_factory=dict)
    migrated: Path | None = None
    port: int = field(default_factory=free_port)
    log_ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))

    @property
    def dags(self) -> Path:
        return self.home / "dags"

    @property
    def database(self) -> Path:
        return self.home / "airflow.db"

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
                "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(b"of all components, for this test").decode(),
                "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
                "AIRFLOW__CORE__PARALLELISM": "2",
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self.port}/execution/",
                # A busy machine may take its time; a task must not fail for that before it began.
                "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
                # As long can a slot stay taken after its task has ended.
                "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
                # Many processes share one file: they wait for each other, and no task fails for it.
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}?timeout=60",
                "AIRFLOW__API__PORT": str(self.port),
                "AIRFLOW__API__HOST": "127.0.0.1",
                "AIRFLOW__API__WORKERS": "1",
                "AIRFLOW__API_AUTH__JWT_SECRET": "only for this test, and long enough " * 3,
                "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "1",
                "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
                "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
                "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.log_ports[0]),
                "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.log_ports[1]),
                "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
                "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            }
            | {f"AIRFLOW__{name}": value for name, value in self.options.items()}
        )

    @contextlib.contextmanager
    def running(self, components: Iterable[str] = COMPONENTS) -> Iterator[None]:
        """Start these components, each with options of its own if it needs any; end them all whatever happens."""
        self.migrate()
        with Sessions(self.home) as sessions:
            started = {name.partition(" ")[0]: self._start(sessions, name) for name in components}
            wait_for_port(self.port, started["api-server"], timeout_seconds=180)
            try:
                yield
            finally:
                # All at once, and not one after the other.
                for session in started.values():
                    session.ask_to_stop()

    def migrate(self) -> None:
        """Make the database: a copy, where one was made before."""
        self.dags.mkdir(parents=True, exist_ok=True)
        if self.migrated:
            shutil.copy(self.migrated, self.database)
            # Otherwise each component that starts would write one, with a key of its own.
            (self.home / "airflow.cfg").touch()
        else:
            self.run_command("db", "migrate")

    @contextlib.contextmanager
    def component(self, name: str) -> Iterator[Session]:
        """Start one component, and end it whatever happens, with the processes it started."""
        with Sessions(self.home) as sessions:
            yield self._start(sessions, name)

    def _start(self, sessions: Sessions, name: str) -> Session:
        component, *options = name.split()
        command = [sys.executable, "-m", "airflow", component, *options]
        return sessions.start(component, command, environment=self.environment)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Give the rows that Airflow's database has for a statement."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=60)) as database:
            return database.execute(sql).fetchall()

    def runs(self) -> list[Run]:
        """Give every DAG run there is."""
        return [Run(*row) for row in self.query("SELECT dag_id, run_type, state FROM dag_run")]

    def add_dags(self, name: str, source: str) -> None:
        """Give Airflow a DAG file, whole from its first moment on."""
        written = self.home / f"{name}.py"
        written.write_text(source)
        written.rename(self.dags / written.name)

    def wait_until(self, condition: Callable[[], bool], *, timeout_seconds: float) -> None:
        """Wait until something holds; otherwise fail, at once when a DAG file cannot be read."""

        def holds() -> bool:
            assert (unreadable := self.query("SELECT filename, stacktrace FROM import_error")) == [], unreadable
            return condition()

        wait_until(holds, timeout_seconds=timeout_seconds, told=self.told)

    def wait_for_runs(self, counts: dict[str, int], *, timeout_seconds: float) -> list[Run]:
        """Wait until each of the DAGs has so many runs and all have ended; give them all."""

        def have_ended() -> bool:
            runs = self.runs()
            enough = all(sum(run.dag_id == dag_id for run in runs) >= count for dag_id, count in counts.items())
            return enough and all(run.state in {"success", "failed"} for run in runs)

        self.wait_until(have_ended, timeout_seconds=timeout_seconds)
        return self.runs()

    def run_command(self, *arguments: str, tries: int = 5) -> None:
        """Run one ``airflow`` command to its end; again when SQLite broke it off, since another writer was faster."""
        done = subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, "-m", "airflow", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if tries > 1 and done.returncode and "database is locked" in done.stderr:
            self.run_command(*arguments, tries=tries - 1)
        else:
            assert done.returncode == 0, done.stdout + done.stderr

    def told(self) -> str:
        """Give each task and run that has not succeeded, and the end of each component's log."""
        tasks = self.query(
            "SELECT dag_id, run_id, task_id, state, count(*) FROM task_instance "
            "WHERE state IS NOT 'success' GROUP BY dag_id, run_id, task_id, state"
        )
        return f"{self.runs()}\n{tasks}\n{self.log_tail()}"

    def log_tail(self) -> str:
        """Give the end of each component's log."""
        return "\n".join(
            f"--- {file.name}\n" + "\n".join(file.read_text(errors="replace").splitlines()[-25:])
            for file in sorted(self.home.glob("*.log"))
        )
