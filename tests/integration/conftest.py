"""Real DAG runs of tasks that a test writes down."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.airflow_versions import WATCHERS_HAVE_MEMORY
from support.dag_runs import FinishedRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.dag_runs import RunDag

    from airflow_provider_msginsights.emulator import GraphEmulator

DAG_FILE = """
import datetime
import pendulum
from airflow.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

with DAG(
    {dag_id!r},
    schedule={schedule},
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    default_args={{"page_ids": "101", "retries": 2, "retry_delay": datetime.timedelta(0)}},
) as dag:
{tasks}
"""

_numbers = itertools.count(1)

# They cannot even be imported where watchers have no memory.
collect_ignore = [] if WATCHERS_HAVE_MEMORY else ["test_any_parameter.py", "test_events.py"]


@pytest.fixture
def present(emulator: GraphEmulator) -> None:
    """The emulator's clock stands in November 2026; what is told of a token's end counts from the real present."""
    emulator.set_clock(datetime.now(UTC))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test of a module that needs a dataset makes it; each works on a copy."""
    return tmp_path_factory.mktemp("original")


@pytest.fixture
def run_dag(airflow_database: Path, connection: None, capfd: pytest.CaptureFixture[str]) -> Iterator[RunDag]:
    """Runs a DAG of the given tasks through Airflow's own ``dag.test()``."""
    del connection
    files: list[Path] = []

    def run(
        tasks: str,
        *,
        schedule: str = "None",
        logical_date: datetime | None = None,
        run_after: datetime | None = None,
    ) -> FinishedRun:
        dag_id = f"dag_{next(_numbers)}"
        file = airflow_database / "dags" / f"{dag_id}.py"
        files.append(file)
        indented = "\n".join(f"    {line}" for line in tasks.strip().splitlines())
        file.write_text(DAG_FILE.format(dag_id=dag_id, schedule=schedule, tasks=indented))
        scope: dict[str, Any] = {"__file__": str(file), "__name__": dag_id}
        exec(compile(file.read_text(), file, "exec"), scope)  # noqa: S102 - Airflow, too, executes DAG files
        dag_run = scope["dag"].test(logical_date=logical_date, run_after=run_after)
        printed = capfd.readouterr()
        return FinishedRun(dag_run=dag_run, log=printed.out + printed.err)

    yield run
    for file in files:
        file.unlink()
