"""Gives every test run an Airflow home of its own, made before Airflow is first imported."""

from __future__ import annotations

import atexit
import fcntl
import gc
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.bytecode import share_bytecode

share_bytecode()  # before anything large is imported

from support.memory_disk import keep_files_in_memory

keep_files_in_memory()  # before the first temporary file

import hypothesis
from support import s3_server
from support.dag_runs import connection_to

from airflow_provider_msginsights.emulator import GraphEmulator

if TYPE_CHECKING:
    from collections.abc import Iterator

for _name in [name for name in os.environ if name.startswith("AIRFLOW") or name == "COLUMNS"]:
    del os.environ[_name]  # a run in several processes sets the width of a terminal
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("PYTEST_ADDOPTS", None)  # those of this run, not of the pytest that some tests start
AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="msginsights-tests-"))
os.environ |= {
    "AIRFLOW_HOME": str(AIRFLOW_HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(AIRFLOW_HOME / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
}
(AIRFLOW_HOME / "dags").mkdir()

# How long an example takes says more about the machine than about the code. Every run tries new examples, so that a
# plain one tries few; `support.examples` scales the numbers of tests that name their own.
hypothesis.settings.register_profile("plain", deadline=None, max_examples=30)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=100)
hypothesis.settings.load_profile("plain")


def pytest_xdist_auto_num_workers() -> int | None:
    """Start one worker more than there are cores: in many tests one waits, for a timeout or another process."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return (len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1) + 1


LOOK_FOR_GARBAGE = 50_000, 20, 20
"""After how many new objects; Python's own numbers are for programs that have to be small."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep the garbage collector from looking, again and again, at what lives to the end: tests and libraries."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*LOOK_FOR_GARBAGE)
        gc.enable()


EXPENSIVE_FIXTURES = ("airflow_database", "s3_endpoint")
"""What takes a process seconds to make, or to use for the first time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that one worker runs all else meanwhile and makes none of it again."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    used = getattr(item, "fixturenames", ())
    found = [number for number, name in enumerate(EXPENSIVE_FIXTURES, start=1) if name in used]
    return 0 if item.get_closest_marker("smoke") else min(found, default=len(EXPENSIVE_FIXTURES) + 1)


def pytest_unconfigure() -> None:
    """Remove the Airflow home, also where tests run in processes of their own and nothing used it; hasten the end."""
    shutil.rmtree(AIRFLOW_HOME, ignore_errors=True)
    gc.collect()
    gc.freeze()  # pytest looks for garbage five times more, which takes seconds
    atexit.register(gc.unfreeze)  # for what libraries release at the very end


@pytest.fixture(scope="session", autouse=True)
def airflow_home() -> Path:
    """The Airflow home of this process; removed at its end."""
    return AIRFLOW_HOME


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[GraphEmulator]:
    """One emulator for all tests: starting it takes longer than most tests do."""
    with GraphEmulator(pages=20) as emulator:
        yield emulator


@pytest.fixture
def emulator(running_emulator: GraphEmulator) -> GraphEmulator:
    """The emulator as if just started."""
    running_emulator.reset()
    return running_emulator


@pytest.fixture
def connection(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default connection: to the emulator, with the token of Page 101."""
    connection_to(emulator, monkeypatch)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of an S3 spoken to over HTTP."""
    with s3_server.running() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A new database of Airflow's, made once by whichever worker needs it first: to be copied."""
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / "migrated"
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "done").exists():
            done = subprocess.run(
                [sys.executable, "-m", "airflow", "db", "migrate"],
                env=os.environ | {"AIRFLOW_HOME": str(home)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            (home / "done").touch()
    return home / "airflow.db"


@pytest.fixture(scope="session")
def airflow_database(airflow_home: Path, migrated_database: Path) -> Path:
    """Airflow's home, with its database."""
    # By SQLite and not as a file: a test that only read a connection may have opened an empty database there.
    with (
        closing(sqlite3.connect(migrated_database)) as made,
        closing(sqlite3.connect(airflow_home / "airflow.db")) as ours,
    ):
        made.backup(ours)
    return airflow_home
