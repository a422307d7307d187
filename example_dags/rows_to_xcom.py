"""Hand a final day's few rows straight to a Python task, without a file.

Without ``output_path`` the rows are the operator's result. They pass through Airflow's database, so this is for
small answers: more than ``xcom_max_rows`` (1,000) are refused. Nobody replaces them when Meta restates the day, so the
day is the one that has just become final: it ended two days before the run's own.
"""

from __future__ import annotations

from typing import Any

import pendulum
from airflow.sdk import DAG, Param, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

with DAG(
    dag_id="msginsights_rows_to_xcom",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="America/Los_Angeles"),
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    params={"page_ids": Param("101,102", type="string", description="The Facebook Pages, separated by commas.")},
    default_args={
        "page_ids": "{{ params.page_ids }}",
        "since": "{{ data_interval_start.in_timezone('America/Los_Angeles').subtract(days=2) }}",
        "until": "{{ data_interval_end.in_timezone('America/Los_Angeles').subtract(days=2) }}",
        "retries": 2,
    },
    tags=["messaging-insights"],
    doc_md=__doc__,
) as dag:
    day_is_final = MessagingInsightsSensor(task_id="day_is_final", wait_for="final", deferrable=True)

    rows_of_day = MessagingInsightsOperator(
        task_id="rows_of_day",
        metrics=["page_messages_new_conversations_unique", "page_messages_blocked_conversations_unique"],
    )

    @task
    def new_less_blocked(rows: list[dict[str, Any]]) -> dict[str, int]:
        """Return, for each Page, the new conversations less the blocked ones."""
        balance: dict[str, int] = {}
        for row in rows:
            sign = -1 if "blocked" in row["metric"] else 1
            balance[row["page_id"]] = balance.get(row["page_id"], 0) + sign * row["value"]
        return balance

    day_is_final >> rows_of_day
    new_less_blocked(rows_of_day.output)  # type: ignore[arg-type]  # Airflow hands over the value at run time
