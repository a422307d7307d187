"""Wait for each Pacific day, and start the DAG that loads it by an asset event that names it (Airflow 3.1 and 3.2).

A watcher does the same from Airflow 3.3 on (``event_driven.py``). The event names the day, because
the sensor writes what it found into the events of its outlets. A DAG with ``schedule=[day_available]`` and a
``MessagingInsightsOperator`` without dates loads the days that the events name.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, Asset, Param
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

day_available = Asset("messaging_insights_day_available")

with DAG(
    dag_id="msginsights_sensor_as_event_source",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="America/Los_Angeles"),
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    params={"page_ids": Param("101", type="string", description="The Facebook Pages, separated by commas.")},
    tags=["messaging-insights"],
    doc_md=__doc__,
) as dag:
    MessagingInsightsSensor(
        task_id="day_is_available",
        page_ids="{{ params.page_ids }}",
        deferrable=True,
        outlets=[day_available],
        retries=2,
    )
