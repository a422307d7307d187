"""Load a whole year of Messaging Insights in four mapped tasks, one a quarter.

Trigger it by hand with the year. A run for each day would load the same rows with many times the calls of the API:
one request reads all metrics of a Page for up to 89 days. The partitions are those of the daily load, so both may
write to the same directory; not at the same time.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG, Param, task

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

with DAG(
    dag_id="msginsights_backfill",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    params={
        "year": Param(2025, type="integer", description="A year that is over; Meta keeps about two."),
        "page_ids": Param("101", type="string", description="The Facebook Pages to load, separated by commas."),
        "output_path": Param(
            "file:///tmp/messaging_insights", type="string", description="Any path Airflow can write."
        ),
    },
    default_args={"retries": 2},
    tags=["messaging-insights"],
    doc_md=__doc__,
) as dag:

    @task
    def quarters(year: str) -> list[dict[str, str]]:
        """Name the four quarters by Pacific dates; ``until`` is exclusive."""
        first = pendulum.date(int(year), 1, 1)
        starts = [first.add(months=months) for months in (0, 3, 6, 9)]
        return [{"since": str(start), "until": str(start.add(months=3))} for start in starts]

    MessagingInsightsOperator.partial(
        task_id="load_quarter",
        metrics="all",
        page_ids="{{ params.page_ids }}",
        output_path="{{ params.output_path }}",
        max_active_tis_per_dagrun=2,  # the Pages are the same in all four, and so are their limits
        map_index_template="{{ task.since }} to {{ task.until }}",
    ).expand_kwargs(quarters("{{ params.year }}"))
