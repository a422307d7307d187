"""``execution_timeout`` with a real scheduler and triggerer: it ends a deferred task as it ends one that pokes."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.local_airflow import COMPONENTS, LocalAirflow

from airflow_provider_msginsights.insights.dates import last_days_ended_by

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

DAGS = """
from datetime import timedelta
import pendulum
from airflow.sdk import DAG
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

common = dict(since="FIRST", until="END", execution_timeout=timedelta(seconds=20))
waits = dict(page_ids="102", poke_interval=3, timeout=3600, on_silent_page="wait", **common)

with DAG("bounded", schedule="@once", start_date=pendulum.datetime(2026, 1, 1), is_paused_upon_creation=False):
    MessagingInsightsOperator(task_id="load", page_ids="101", deferrable=True, output_path="file://OUTPUT", **common)
    MessagingInsightsSensor(task_id="sensor", deferrable=True, **waits)
    MessagingInsightsSensor(task_id="soft_sensor", deferrable=True, soft_fail=True, **waits)
    MessagingInsightsSensor(task_id="poking_sensor", **waits)
"""

STATES = "SELECT task_id, state, start_date FROM task_instance ORDER BY task_id"


@pytest.mark.system
@pytest.mark.timeout(600)
def test_an_execution_timeout_ends_deferred_tasks_as_it_ends_poking_ones(
    tmp_path: Path, emulator: GraphEmulator, migrated_database: Path
) -> None:
    emulator.set_clock(datetime.now(UTC))
    emulator.configure(readiness_lag_hours=24 * 5)  # no row for a long time
    emulator.set_throttled("101", minutes=30)
    connection = {
        "conn_type": "msginsights",
        "host": emulator.base_url,
        "password": emulator.system_user_token,
        "extra": {"wait_bound_seconds": 1},
    }
    airflow = LocalAirflow(
        home=tmp_path / "airflow",
        connections={"msginsights_default": json.dumps(connection)},
        migrated=migrated_database,
        options={"SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "2"},
    )
    days = last_days_ended_by(datetime.now(UTC), 1)
    dags = DAGS.replace("FIRST", str(days.first_day)).replace("END", str(days.end_day))

    def states() -> dict[str, str]:
        return {task_id: state for task_id, state, _ in airflow.query(STATES)}

    with airflow.running(COMPONENTS):
        airflow.add_dags("bounded", dags.replace("OUTPUT", str(tmp_path / "output")))
        airflow.wait_until(lambda: "deferred" in states().values(), timeout_seconds=240)
        started = time.monotonic()
        airflow.wait_until(lambda: set(states().values()) == {"failed"}, timeout_seconds=120)
        assert time.monotonic() - started > 5, "they were deferred for a while"
    assert states() == dict.fromkeys(("load", "poking_sensor", "sensor", "soft_sensor"), "failed")
