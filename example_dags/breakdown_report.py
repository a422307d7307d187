"""Report, for each month, how many notification tokens each topic has at each frequency.

``total_over_range`` gives one value for the whole interval. Unique counts and ratios must not be added up from days,
so a report over a month asks for the month (up to 90 days are allowed), once its last days are final.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pendulum
from airflow.sdk import DAG, Param, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

with DAG(
    dag_id="msginsights_breakdown_report",
    # The first of each month in Meta's own time zone: a run covers its whole Pacific month.
    schedule=CronDataIntervalTimetable("0 0 1 * *", timezone="America/Los_Angeles"),
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    params={"page_id": Param("101", type="string", description="The Facebook Page to report on.")},
    default_args={"page_ids": "{{ params.page_id }}", "retries": 2},
    tags=["messaging-insights"],
    doc_md=__doc__,
) as dag:
    month_is_final = MessagingInsightsSensor(task_id="month_is_final", wait_for="final", deferrable=True)

    tokens = MessagingInsightsOperator(
        task_id="tokens",
        metrics="recurring_notifications_tokens",
        period="total_over_range",
        breakdowns=["recurring_notifications_topic", "recurring_notifications_frequency"],
    )

    @task
    def report(rows: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
        """Return the tokens by topic, then by frequency."""
        by_topic: dict[str, dict[str, int]] = defaultdict(dict)
        for row in rows:
            topic, frequency = row["recurring_notifications_topic"], row["recurring_notifications_frequency"]
            by_topic[topic or "no topic"][frequency or "no frequency"] = row["value"]
        return by_topic

    month_is_final >> tokens
    report(tokens.output)  # type: ignore[arg-type]  # Airflow hands over the value at run time
