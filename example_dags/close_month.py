"""Close a month: read its days once more, check that every Page has all of them, and list what changed since.

Loads and fills keep what they change in stored rows with `keep_changes`. On the fifth all of last month is final: it is
loaded once more, the gate fails for Pages that lack days since its first one, and the changes say why figures that were
reported before differ now.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from typing import Any

import pendulum
from airflow.sdk import DAG, ObjectStoragePath, Param, task
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_msginsights.operators.coverage_check import MessagingInsightsCoverageCheckOperator
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

with DAG(
    dag_id="msginsights_close_month",
    schedule=CronTriggerTimetable("0 6 5 * *", timezone="America/Los_Angeles"),
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    params={
        "page_ids": Param(["101", "102"], type="array", description="The Facebook Pages of the report."),
        "output_path": Param(
            "file:///tmp/messaging_insights_complete", type="string", description="The path of the daily load."
        ),
    },
    default_args={"page_ids": "{{ params.page_ids }}", "retries": 2},
    tags=["messaging-insights"],
    doc_md=__doc__,
) as dag:
    read_again = MessagingInsightsOperator(
        task_id="read_again",
        output_path="{{ params.output_path }}",
        date_preset="last_month",
        keep_changes=True,
    )

    gate = MessagingInsightsCoverageCheckOperator(
        task_id="gate",
        output_path="{{ params.output_path }}",
        check_since="{{ (dag_run.run_after.replace(day=1) - macros.timedelta(days=1)).strftime('%Y-%m-01') }}",
    )

    @task
    def changes(load: dict[str, Any], **context: Any) -> dict[str, float]:
        """Add up by how much each metric of each Page moved, in the month and since changes were kept."""
        moved: defaultdict[str, float] = defaultdict(float)
        for file in (ObjectStoragePath(context["params"]["output_path"]) / "_changes").glob("*.jsonl.gz"):
            for line in map(json.loads, gzip.decompress(file.read_bytes()).splitlines()):
                if load["first_day"] <= line["pacific_date"] <= load["last_day"]:
                    difference = (line["new_value"] or 0) - (line["old_value"] or 0)
                    moved[f"{line['page_id']} {line['metric']}"] += difference
        return dict(moved)

    read_again >> gate >> changes(read_again.output)  # type: ignore[arg-type]  # Airflow hands over the value
