"""Load each day together with the seven before it, and raise an alert when Meta restated one of them.

Meta goes on counting after a day is over. A load replaces what it stored before and says how many days that changed;
the manifest names them. Days that had been marked final are the ones to worry about.
"""

from __future__ import annotations

import json
import logging

import pendulum
from airflow.sdk import DAG, ObjectStoragePath, Param, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

with DAG(
    dag_id="msginsights_restated_days",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="America/Los_Angeles"),
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    params={
        "page_id": Param("101", type="string", description="The Facebook Page to load."),
        "output_path": Param(
            "file:///tmp/messaging_insights_watched", type="string", description="Any path Airflow can write."
        ),
    },
    default_args={"retries": 2},
    tags=["messaging-insights"],
    doc_md=__doc__,
) as dag:
    load_days = MessagingInsightsOperator(
        task_id="load_days",
        page_ids="{{ params.page_id }}",
        metrics="all",
        lookback_days=7,
        output_path="{{ params.output_path }}",
    )

    @task.branch
    def was_any_day_restated(load: dict[str, int]) -> str | None:
        """Go on to the alert, or nowhere."""
        return "alert" if load["restated_day_count"] else None

    @task
    def alert(load: dict[str, str]) -> dict[str, list[str]]:
        """Name the days; put your notifier in the place of the log line."""
        manifest = json.loads(ObjectStoragePath(load["manifest"]).read_text())
        restated = {name: manifest[name] for name in ("restated_days", "restated_final_days")}
        logging.getLogger("airflow.task").warning("Meta restated days that were loaded before: %s", restated)
        return restated

    loaded = load_days.output
    was_any_day_restated(loaded) >> alert(loaded)  # type: ignore[arg-type]  # Airflow hands over the values
