"""Runs that Airflow's own scheduler makes, around the two days of the year that are not 24 hours long."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from local_airflow import LocalAirflow

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

DAGS = """
import pendulum
from airflow.sdk import DAG, CronDataIntervalTimetable
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

PACIFIC = "America/Los_Angeles"
LABEL = "{{ logical_date.in_timezone('America/Los_Angeles').to_date_string() }}"

for name, first, last in (("spring", (2026, 3, 7), (2026, 3, 9)), ("autumn", (2026, 10, 31), (2026, 11, 2))):
    with DAG(
        name,
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=PACIFIC),
        start_date=pendulum.datetime(*first, tz=PACIFIC),
        end_date=pendulum.datetime(*last, tz=PACIFIC),
        catchup=True,
        max_active_runs=1,
        is_paused_upon_creation=False,
        default_args={"page_ids": "101"},
    ):
        available = MessagingInsightsSensor(task_id="available", deferrable=name == "spring")
        load = MessagingInsightsOperator(task_id="load", output_path=f"file://OUTPUT/{LABEL}")
        available >> load
"""


@pytest.mark.system
@pytest.mark.smoke
@pytest.mark.timeout(600)
def test_a_run_labelled_d_loads_pacific_day_d(tmp_path: Path, emulator: GraphEmulator) -> None:
    emulator.set_clock(datetime(2026, 11, 20, tzinfo=UTC))
    output = tmp_path / "output"
    connection = {"conn_type": "msginsights", "host": emulator.base_url, "password": emulator.page_token("101")}
    airflow = LocalAirflow(home=tmp_path / "airflow", connections={"msginsights_default": json.dumps(connection)})
    airflow.dags.mkdir(parents=True)
    (airflow.dags / "dags.py").write_text(DAGS.replace("OUTPUT", str(output)))
    with airflow.running():
        states = airflow.wait_for_runs(6, timeout_seconds=300)
    assert set(states.values()) == {"success"}, airflow.log_tail()
    loaded = {(file.parents[1].name, file.parent.name) for file in output.glob("*/dt=*/part-0.jsonl")}
    labels = ("2026-03-07", "2026-03-08", "2026-03-09", "2026-10-31", "2026-11-01", "2026-11-02")
    assert loaded == {(label, f"dt={label}") for label in labels}
