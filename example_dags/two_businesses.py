"""Load every Page of two businesses, each with a connection of its own, into one dataset.

One mapped task a business. Both write the same days, so each has a ``part``: its own file in every partition.
The tokens are those of users or system users: a Page's own token knows of no other Page.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, Param
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

BUSINESSES = [
    {"msginsights_conn_id": "msginsights_bakery", "part": "bakery"},
    {"msginsights_conn_id": "msginsights_florist", "part": "florist"},
]

with DAG(
    dag_id="msginsights_two_businesses",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="America/Los_Angeles"),
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    params={
        "output_path": Param(
            "file:///tmp/messaging_insights_by_business", type="string", description="Any path Airflow can write."
        ),
    },
    default_args={"retries": 2},
    tags=["messaging-insights"],
    doc_md=__doc__,
) as dag:
    MessagingInsightsOperator.partial(
        task_id="load_business",
        page_ids="all",
        metrics="all",
        output_path="{{ params.output_path }}",
        lookback_days=2,  # a day that Meta has not computed yet is loaded by the next run
        max_failed_pages=0.1,  # the task fails when more than one Page in ten does; the others are stored
        map_index_template="{{ task.part }}",
    ).expand_kwargs(BUSINESSES)
