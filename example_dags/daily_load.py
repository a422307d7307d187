"""Wait for a finished Pacific day of Messaging Insights, load it, and sum what was loaded."""

from __future__ import annotations

import json

import pendulum
from airflow.sdk import DAG, ObjectStoragePath, Param, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

with DAG(
    dag_id="msginsights_daily_load",
    # Midnight in Meta's own time zone: the run labelled D loads Pacific day D.
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
        output_path="{{ params.output_path }}",
    )

    @task
    def sum_by_metric(load: dict[str, str]) -> dict[str, float]:
        """Read back the files that the load's manifest names, and sum their values by metric."""
        manifest = json.loads(ObjectStoragePath(load["manifest"]).read_text())
        totals: dict[str, float] = {}
        for file in manifest["files"]:
            for line in ObjectStoragePath(file["path"]).read_text().splitlines():
                row = json.loads(line)
                totals[row["metric"]] = totals.get(row["metric"], 0) + row["value"]
        return totals

    day_is_available >> load_day
    sum_by_metric(load_day.output)  # type: ignore[arg-type]  # Airflow hands over the value at run time
