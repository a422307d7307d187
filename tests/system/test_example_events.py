"""The event-driven examples in a real Airflow: a day appears, its event starts a run, and the run loads that day."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.local_airflow import LocalAirflow
from support.paths import EXAMPLES

from airflow_provider_msginsights.insights.dates import last_days_ended_by

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

CONSUMER = """
from airflow.sdk import DAG, Asset
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

with DAG("consumer", schedule=[Asset("messaging_insights_day_available")], catchup=False):
    MessagingInsightsOperator(task_id="load_days", page_ids="101", output_path="file://OUTPUT")
"""


@pytest.mark.system
@pytest.mark.timeout(900)
def test_what_the_events_name_is_loaded(tmp_path: Path, emulator: GraphEmulator, migrated_database: Path) -> None:
    connection = {"conn_type": "msginsights", "host": emulator.base_url, "password": emulator.page_token("101")}
    airflow = LocalAirflow(
        home=tmp_path / "airflow",
        connections={"msginsights_default": json.dumps(connection)},
        options={"CORE__DAGS_ARE_PAUSED_AT_CREATION": "False"},
        migrated=migrated_database,
    )
    watched, polled = tmp_path / "watched", tmp_path / "polled"
    example = (EXAMPLES / "event_driven.py").read_text()
    assert "file:///tmp/messaging_insights" in example
    expected = {"msginsights_event_driven": 1, "msginsights_sensor_as_event_source": 1, "consumer": 1}
    with airflow.running():
        airflow.add_dags("consumer", CONSUMER.replace("OUTPUT", str(polled)))
        airflow.add_dags("event_driven", example.replace("/tmp/messaging_insights", str(watched)))  # noqa: S108
        airflow.add_dags("source", (EXAMPLES / "sensor_as_event_source.py").read_text())
        runs = airflow.wait_for_runs(expected, timeout_seconds=600)
    assert {run.state for run in runs} == {"success"}, airflow.told()
    three_days = [f"dt={day}" for day in last_days_ended_by(datetime.now(UTC), 3)]
    assert sorted(folder.name for folder in watched.glob("dt=*")) == three_days, "the day told of and two before it"
    assert [folder.name for folder in polled.glob("dt=*")] == three_days[-1:]
