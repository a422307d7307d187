"""Load each day, fill what the dataset lacks beside it, and make a report for each Page that is complete.

The fill is a task of its own: `load >> gate` is never later for it. The gate reads the ledgers that loads and fills
keep, and names the complete Pages, so that one client's trouble does not hold up the reports of the others.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import DAG, ObjectStoragePath, Param, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_msginsights.operators.coverage_check import MessagingInsightsCoverageCheckOperator
from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

with DAG(
    dag_id="msginsights_coverage",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="America/Los_Angeles"),
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    params={
        "page_ids": Param(["101", "102"], type="array", description="The Facebook Pages of the dataset."),
        "fill_since": Param("2026-11-01", type="string", description="The first Pacific day it should have."),
        "output_path": Param(
            "file:///tmp/messaging_insights_complete", type="string", description="Any path Airflow can write."
        ),
    },
    default_args={"retries": 2},
    tags=["messaging-insights"],
    doc_md=__doc__,
) as dag:
    load = MessagingInsightsOperator(
        task_id="load",
        output_path="{{ params.output_path }}",
        page_ids="{{ params.page_ids }}",
        lookback_days=2,
        max_failed_pages=None,  # the gate names Pages that fail
    )

    fill = MessagingInsightsFillOperator(
        task_id="fill",
        output_path="{{ params.output_path }}",
        page_ids="{{ params.page_ids }}",
        fill_since="{{ params.fill_since }}",
        recheck_days=35,  # once a week: restatements that come after the look-back
        execution_timeout=timedelta(minutes=40),
    )

    gate = MessagingInsightsCoverageCheckOperator(
        task_id="gate",
        output_path="{{ params.output_path }}",
        check_since="{{ params.fill_since }}",
        max_incomplete_pages=None,  # the reports of complete Pages run, whatever is the matter with others
    )

    @task
    def complete_page_ids(checked: dict[str, Any]) -> list[str]:
        """Give the Pages whose reports can be made."""
        return list(checked["complete_page_ids"])

    @task(map_index_template="Page {{ page_id }}")
    def report(page_id: str, **context: Any) -> dict[str, float]:
        """Add up each metric of a Page; put your report in its place."""
        totals: dict[str, float] = {}
        for file in ObjectStoragePath(context["params"]["output_path"]).glob("dt=*/part-*.jsonl"):
            for row in map(json.loads, file.read_text().splitlines()):
                if row["page_id"] == page_id:
                    totals[row["metric"]] = totals.get(row["metric"], 0) + row["value"]
        return totals

    load >> gate
    report.expand(page_id=complete_page_ids(gate.output))  # type: ignore[arg-type]  # Airflow hands over the value
    load >> fill  # the newest days are there by then, so that it requests older ones only
