"""Airflow as it runs distributed: its components, two Celery workers, and the servers they need, on one machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx
import psutil
from support.processes import Session, Sessions, free_port, wait_for_port, wait_until
from system.airflow_api import AirflowApi
from system.servers import ObjectStore, Postgres, Redis

from airflow_provider_msginsights.emulator import GraphEmulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEARTBEAT_TIMEOUT_SECONDS = 15
SLOTS_OF_A_WORKER = 2
WORKERS = ("worker-1", "worker-2")
_ARGUMENTS = {name: (name,) for name in ("api-server", "scheduler", "dag-processor", "triggerer")} | {
    name: (
        *("celery", "worker", "--concurrency", str(SLOTS_OF_A_WORKER), "--celery-hostname", f"{name}@%h"),
        *("--skip-serve-logs", "--without-gossip", "--without-mingle"),
    )
    for name in WORKERS
}
_AIRFLOW = (sys.executable, "-m", "airflow")
_CONNECTED = ("triggerer", *WORKERS)
"""The components that run our code on behalf of tasks: only they are given the connections."""


@dataclass
class Cluster:
    """A running Airflow with all its neighbours.

    :param folder: an empty folder of the test's own.
    """

    folder: Path
    sessions: Sessions
    postgres: Postgres
    redis: Redis
    store: ObjectStore
    emulator: GraphEmulator
    port: int = field(default_factory=free_port)
    components: dict[str, Session] = field(default_factory=dict)

    @property
    def dags(self) -> Path:
        return self.folder / "dags"

    def start(self) -> None:
        """Start everything, and wait until it is healthy."""
        # Side by side what can be: on two cores half of the time is Python importing Airflow.
        self.store.start()
        self.redis.start()
        self.postgres.create()
        self.postgres.start()
        migrate = self.sessions.start("migrate", [*_AIRFLOW, "db", "migrate"], environment=self._environment("migrate"))
        for name in WORKERS:
            self.start_component(name)
        assert migrate.finish(timeout_seconds=120) == 0, migrate.log
        for name in _ARGUMENTS:
            if name not in WORKERS:
                self.start_component(name)
        self.store.make_bucket()
        self.wait_until_healthy()

    def close(self) -> None:
        """Leave the API, and ask all components at once to end."""
        self.api.client.close()
        for component in self.components.values():
            component.ask_to_stop()

    def start_component(self, name: str) -> None:
        """Start one of Airflow's components, or start it again."""
        command = [*_AIRFLOW, *_ARGUMENTS[name]]
        self.components[name] = self.sessions.start(name, command, environment=self._environment(name))

    def wait_until_healthy(self, *, timeout_seconds: float = 120) -> None:
        """Wait until every component says that it is well."""
        wait_for_port(self.port, self.components["api-server"], timeout_seconds=timeout_seconds)
        wait_until(self.is_healthy, timeout_seconds=timeout_seconds, told=self.log_tail)

    def is_healthy(self) -> bool:
        """Whether every component says that it is well."""
        with contextlib.suppress(httpx.HTTPError, KeyError):
            health = self.api.get("/monitor/health")
            parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
            ready = all("ready." in self.components[name].log for name in WORKERS)
            return ready and all(health[part]["status"] == "healthy" for part in parts)
        return False

    @cached_property
    def api(self) -> AirflowApi:
        return AirflowApi.log_in(f"http://127.0.0.1:{self.port}", told=self.log_tail)

    def revive(self) -> None:
        """Start every component that has ended again, as systemd or Kubernetes would."""
        for name, session in list(self.components.items()):
            if not session.is_running:
                session.kill()
                self.start_component(name)

    def _connections(self) -> dict[str, dict[str, Any]]:
        """Give the store, and the emulator twice: with a token that has to be exchanged, for an app with a secret.

        The second one asks little at a time, so that there is a middle for something to go wrong in.
        """
        emulator = self.emulator
        extra = {"app_id": emulator.app_id, "app_secret": emulator.app_secret, "wait_bound_seconds": 5}
        whole = {"conn_type": "msginsights", "host": emulator.base_url, "password": emulator.system_user_token}
        return {
            "s3": self.store.connection,
            "msginsights_default": whole | {"extra": extra},
            "msginsights_bit_by_bit": whole | {"extra": extra | {"batch_size": 5, "concurrency": 1}},
        }

    def log_tail(self) -> str:
        """Give the end of each component's log."""
        return "\n".join(
            f"--- {name}\n" + "\n".join(session.log.splitlines()[-15:]) for name, session in self.components.items()
        )

    def _environment(self, component: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS"))}
        database = f"postgresql+psycopg2://{self.postgres.address}"
        settings = {
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self.port}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            # Nothing is encrypted, so that a dump of the database would show a token that got into it.
            "AIRFLOW__CORE__FERNET_KEY": "",
            # A busy machine may take its time; a task must not fail for that before it began.
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
            # As long can a slot stay taken after its task has ended.
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__CELERY__BROKER_URL": self.redis.url,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
            "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": "one secret for all components, and long enough",
            # Its one DAG file never changes.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_TIMEOUT_SECONDS),
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
            "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
            "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
        }
        given = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(value) for name, value in self._connections().items()}
        return inherited | settings | (given if component in _CONNECTED else {})


@contextlib.contextmanager
def running_cluster(folder: Path, dag_file: Path, *, pages: int) -> Iterator[Cluster]:
    """Start a cluster with one DAG file; whatever happens, nothing of it is left running."""
    with contextlib.ExitStack() as stack:
        stack.callback(_assert_nothing_is_left, folder)
        sessions = stack.enter_context(Sessions(folder / "components"))
        cluster = Cluster(
            folder=folder,
            sessions=sessions,
            postgres=Postgres(sessions, folder / "postgres"),
            redis=Redis(sessions),
            store=ObjectStore(sessions),
            emulator=GraphEmulator(pages=pages, port=free_port()),
        )
        stack.enter_context(cluster.emulator)
        cluster.dags.mkdir()
        shutil.copy(dag_file, cluster.dags)
        cluster.start()
        stack.callback(cluster.close)
        yield cluster


def _assert_nothing_is_left(folder: Path) -> None:
    """Refuse to end while a process of the cluster runs."""
    left = [process.cmdline() for process in psutil.process_iter() if _belongs_to(folder, process)]
    assert left == []


def _belongs_to(folder: Path, process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        if process.status() != psutil.STATUS_ZOMBIE:
            return str(folder) in " ".join((*process.cmdline(), process.environ().get("AIRFLOW_HOME", "")))
    return False
