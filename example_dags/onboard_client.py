"""Onboard a client: fill the history of Pages into the dataset of the daily load, within bounds, until it is complete.

Trigger it with the Pages. Each run requests what is missing, the newest days first, and ends at its bounds: run it
again until it says that nothing is missing. The daily load goes on beside it.
"""

from __future__ import annotations

import logging
from typing import Any

import pendulum
from airflow.sdk import DAG, Param, task

from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator

with DAG(
    dag_id="msginsights_onboard_client",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    params={
        "page_ids": Param(["101"], type="array", description="The client's Facebook Pages."),
        "fill_since": Param(
            "2024-11-30", type="string", description="The first Pacific day; the API keeps about two years."
        ),
        "output_path": Param(
            "file:///tmp/messaging_insights_complete", type="string", description="The path of the daily load."
        ),
    },
    default_args={"retries": 2},
    tags=["messaging-insights"],
    doc_md=__doc__,
) as dag:
    fill_history = MessagingInsightsFillOperator(
        task_id="fill_history",
        page_ids="{{ params.page_ids }}",
        fill_since="{{ params.fill_since }}",
        output_path="{{ params.output_path }}",
        max_graph_calls=1000,
        below_percent=50,  # other tools share the app
    )

    @task
    def progress(fill: dict[str, Any]) -> str:
        """Say how far it is; put your message to the client's team here."""
        missing = sum(fill["still_missing"].values())
        said = f"{fill['filled_cells']} of {fill['missing_cells']} missing cells filled, {missing} to go"
        logging.getLogger("airflow.task").info("%s", said)
        return "complete" if not missing else said

    progress(fill_history.output)  # type: ignore[arg-type]  # Airflow hands over the value at run time
