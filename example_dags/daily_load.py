"""Wait for a finished Pacific day of Messaging Insights, load it and the two before it, and read the newest back."""

from __future__ import annotations

import json

import pendulum
from airflow.sdk import DAG, Asset, ObjectStoragePath, Param, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

with DAG(
    dag_id="msginsights_daily_load",
    # Midnights in Meta's own time zone: a run loads the Pacific day that is its interval. The UI lists it by the end
    # of that day, as Run After.
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="America/Los_Angeles"),
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    params={
        "page_id": Param("101", type="string", description="The Facebook Page to load."),
        "output_path": Param(
            "file:///tmp/messaging_insights", type="string", description="Any path Airflow can write."
        ),
    },
    default_args={"page_ids": "{{ params.page_id }}", "retries": 2},
    tags=["messaging-insights"],
    doc_md=__doc__,
) as dag:
    day_is_available = MessagingInsightsSensor(task_id="day_is_available", mode="reschedule")

    load_day = MessagingInsightsOperator(
        task_id="load_day",
        metrics="all",
        lookback_days=2,  # Meta restates recent days: three runs load each, and each load replaces the one before
        output_path="{{ params.output_path }}",
        outlets=[Asset("messaging_insights")],  # its event names the days, for DAGs with schedule=[that asset]
    )

    @task
    def newest_values(load: dict[str, str]) -> dict[str, float]:
        """Read back the newest day's file, which the load's manifest names: each metric's value."""
        manifest = json.loads(ObjectStoragePath(load["manifest"]).read_text())
        newest = manifest["files"][-1]  # they are in the order of their days
        rows = map(json.loads, ObjectStoragePath(newest["path"]).read_text().splitlines())
        return {row["metric"]: row["value"] for row in rows}

    day_is_available >> load_day
    newest_values(load_day.output)  # type: ignore[arg-type]  # Airflow hands over the value at run time
