"""Watch Pages, and load each Pacific day as soon as Meta has it: no schedule, no waiting task (Airflow 3.3 and newer).

On older versions, where watchers have no memory, see ``sensor_as_event_source.py``.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, Asset, AssetWatcher, Param

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.triggers.new_day import MessagingInsightsNewDayTrigger

PAGE_IDS = ["101"]

new_day = Asset(
    "messaging_insights_new_day",
    watchers=[AssetWatcher(name="new_day", trigger=MessagingInsightsNewDayTrigger(page_ids=PAGE_IDS))],
)

with DAG(
    dag_id="msginsights_event_driven",
    schedule=[new_day],
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    params={
        "output_path": Param(
            "file:///tmp/messaging_insights", type="string", description="Any path Airflow can write."
        ),
    },
    tags=["messaging-insights"],
    doc_md=__doc__,
) as dag:
    # Several events can start one run: it loads every day they name, and the two before each, which Meta restates.
    MessagingInsightsOperator(
        task_id="load_days",
        page_ids=PAGE_IDS,
        metrics="all",
        lookback_days=2,
        output_path="{{ params.output_path }}",
        retries=2,
    )
