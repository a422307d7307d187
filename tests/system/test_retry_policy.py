"""A limit of Meta's under Airflow's own scheduler: the task comes back at the moment told, not after `retry_delay`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.airflow_versions import POLICIES_RESCHEDULE, needs_airflow
from support.local_airflow import LocalAirflow

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

LIMIT_CODE = 80001

DAGS = """
import datetime
import pendulum
from airflow.sdk import DAG
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.retry_policies import MessagingInsightsRetryPolicy

with DAG("limited", schedule="@once", start_date=pendulum.datetime(2026, 1, 1), is_paused_upon_creation=False):
    MessagingInsightsOperator(
        task_id="load",
        page_ids="101",
        since="2026-01-01",
        until="2026-01-03",
        retries=RETRIES,
        retry_delay=datetime.timedelta(hours=5),
        retry_policy=MessagingInsightsRetryPolicy(),
    )
"""


@needs_airflow("3.3", "retry policies")
@pytest.mark.system
@pytest.mark.timeout(900)
def test_a_limited_task_runs_again_when_the_limit_ends(
    emulator: GraphEmulator, tmp_path: Path, migrated_database: Path
) -> None:
    connection = {
        "conn_type": "msginsights",
        "host": emulator.base_url,
        "password": emulator.page_token("101"),
        "extra": {"wait_bound_seconds": 0},
    }
    airflow = LocalAirflow(
        home=tmp_path, connections={"msginsights_default": json.dumps(connection)}, migrated=migrated_database
    )

    def is_told_of_the_limit() -> bool:
        """Keep the limit up until the task has met it, however long Airflow takes to start the task."""
        if any(call["code"] == LIMIT_CODE for call in emulator.stats()["journal"]):
            return True
        emulator.set_throttled("101", minutes=1, code=LIMIT_CODE)
        return False

    with airflow.running():
        # Where a limit is a reschedule it spends no retry, so that none is needed.
        airflow.add_dags("limited", DAGS.replace("RETRIES", "0" if POLICIES_RESCHEDULE else "1"))
        airflow.wait_until(is_told_of_the_limit, timeout_seconds=300)
        (run,) = airflow.wait_for_runs({"limited": 1}, timeout_seconds=400)
    assert run.state == "success", airflow.told()
    ((try_number,),) = airflow.query("SELECT try_number FROM task_instance WHERE task_id = 'load'")
    ((reschedules,),) = airflow.query("SELECT count(*) FROM task_reschedule")
    assert try_number == (1 if POLICIES_RESCHEDULE else 2)
    assert bool(reschedules) is POLICIES_RESCHEDULE
