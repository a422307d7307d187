"""No secret in what Airflow itself keeps of a run."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.dag_runs import connection_to
from support.secret_watch import Secrets, Watch

if TYPE_CHECKING:
    from pathlib import Path

    from support.dag_runs import RunDag

    from airflow_provider_msginsights.emulator import GraphEmulator

TASKS = """
MessagingInsightsSensor(task_id="wait", page_ids=["101", "102"], deferrable=True)
MessagingInsightsOperator(task_id="to_files", page_ids="all", output_path="file://{root}")
MessagingInsightsOperator(task_id="to_xcom", page_ids=["101", "102"], retries=0)
MessagingInsightsOperator(task_id="refused", page_ids="999", retries=0)
MessagingInsightsOperator(task_id="wrong", page_ids="101", metrics="no_such_metric", retries=0)
"""


@pytest.mark.parametrize(
    "is_expired",
    [pytest.param(False, marks=pytest.mark.thorough, id="good token"), pytest.param(True, id="expired token")],
)
def test_what_airflow_keeps_of_a_run_holds_no_secret(
    run_dag: RunDag,
    emulator: GraphEmulator,
    monkeypatch: pytest.MonkeyPatch,
    airflow_database: Path,
    tmp_path: Path,
    is_expired: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """XCom, rendered fields, triggers, logs, the serialised DAG: the whole database and every file are looked at."""
    connection_to(
        emulator, monkeypatch, password=emulator.system_user_token, extra={"app_id": "1", "app_secret": "app-secret"}
    )
    if is_expired:
        emulator.expire_token(emulator.system_user_token)
    monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)
    tasks = TASKS.format(root=tmp_path)
    schedule = 'CronDataIntervalTimetable("0 0 * * *", timezone="America/Los_Angeles")'
    done = run_dag(tasks, schedule=schedule, logical_date=datetime(2026, 11, 3, 8, tzinfo=UTC))
    assert str(done.tasks["to_files"].state) == ("failed" if is_expired else "success")
    pages = {f"token of Page {page}": emulator.page_token(page) for page in ("101", "102")}
    secrets = {"system user's token": emulator.system_user_token, "app secret": "app-secret", **pages}
    watch = Watch(Secrets(secrets, app_secret="app-secret"))
    watch.see("log", done.log)
    watch.see_files(airflow_database, channel="Airflow's home")
    watch.see_files(tmp_path, channel="output")
    assert watch.saw("Airflow's home airflow.db")
    assert ("Session has expired" in done.log) is is_expired
    assert watch.leaks() == []
