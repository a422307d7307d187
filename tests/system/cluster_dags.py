"""The DAGs of the cluster's tests, written as a user would: what they load and where to comes with each run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import DAG, get_current_context, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

PACIFIC = "America/Los_Angeles"
TWENTY_PAGES = [str(number) for number in range(101, 121)]


def pacific_midnight(year: int, month: int, day: int) -> pendulum.DateTime:
    return pendulum.datetime(year, month, day, tz=PACIFIC)


# Three scheduled days, one of them 25 hours long.
with DAG(
    "daily",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone=PACIFIC),
    start_date=pacific_midnight(2026, 10, 31),
    end_date=pacific_midnight(2026, 11, 2),
    catchup=True,
    max_active_runs=1,
    default_args={"page_ids": TWENTY_PAGES, "retries": 3, "retry_delay": timedelta(seconds=2)},
):
    MessagingInsightsSensor(task_id="available", deferrable=True, poke_interval=2) >> MessagingInsightsOperator(
        task_id="load", metrics="all", output_path="s3://insights/daily", output_conn_id="s3"
    )

with DAG(
    "mapped",
    schedule=None,
    params={
        "msginsights_conn_id": "msginsights_default",
        "groups": [],
        "since": "",
        "until": "",
        "output_path": "",
    },
    # Two minutes without the API are many tries.
    default_args={"retries": 30, "retry_delay": timedelta(seconds=5)},
    is_paused_upon_creation=False,
):

    @task
    def groups() -> list[dict[str, Any]]:
        """Give each group of Pages a part of its own in every partition."""
        chosen = get_current_context()["params"]["groups"]
        return [{"page_ids": page_ids, "part": f"{number:03}"} for number, page_ids in enumerate(chosen)]

    MessagingInsightsOperator.partial(
        task_id="load",
        msginsights_conn_id="{{ params.msginsights_conn_id }}",
        since="{{ params.since }}",
        until="{{ params.until }}",
        output_path="{{ params.output_path }}",
        deferrable=True,
    ).expand_kwargs(groups())

with DAG("waiting", schedule=None, params={"tasks": 0, "day": "", "next_day": ""}, is_paused_upon_creation=False):
    range_of_run: dict[str, Any] = {"since": "{{ params.day }}", "until": "{{ params.next_day }}"}

    @task
    def pages_to_wait_for() -> list[str]:
        """Name a Page for each of the tasks that shall wait."""
        return [TWENTY_PAGES[number % len(TWENTY_PAGES)] for number in range(get_current_context()["params"]["tasks"])]

    MessagingInsightsSensor.partial(
        task_id="available", deferrable=True, poke_interval=2, retries=0, **range_of_run
    ).expand(page_ids=pages_to_wait_for()) >> MessagingInsightsOperator(
        task_id="load",
        page_ids=TWENTY_PAGES,
        output_path="s3://insights/waiting",
        output_conn_id="s3",
        **range_of_run,
    )

with DAG("tolerant", schedule=None, params={"since": "", "until": ""}, is_paused_upon_creation=False):
    MessagingInsightsOperator(
        task_id="load",
        page_ids=TWENTY_PAGES,
        since="{{ params.since }}",
        until="{{ params.until }}",
        output_path="s3://insights/tolerant",
        output_conn_id="s3",
        max_failed_pages=1,
    )
