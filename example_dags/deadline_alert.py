"""Load each Pacific day, and send a mail when it is not there nine hours after midnight, or when a task fails.

The deadline covers what no task can tell of: a day that Meta computes late, a limit that lasts, a queue that is full.
The mails go out through Airflow's connection ``smtp_default``. Whichever notifier takes its place, such as Slack's:
for the deadline it must be asynchronous, as the triggerer sends it.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import DAG, Asset, Param
from airflow.sdk.definitions.deadline import AsyncCallback, DeadlineAlert, DeadlineReference  # type: ignore[attr-defined]
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

WHO = "data-team@example.com"

late = AsyncCallback(
    SmtpNotifier,
    kwargs={
        "to": WHO,
        "subject": "Messaging Insights are late: {{ dag_run.dag_run_id }}",
        "html_content": "The run that was due by {{ deadline.deadline_time }} is not finished.",
    },
)
failed = SmtpNotifier(
    to=WHO,
    subject="Messaging Insights: {{ ti.task_id }} failed in {{ run_id }}",
    html_content="{{ exception | e }}",  # what happened, why, and what helps
)

with DAG(
    dag_id="msginsights_deadline_alert",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="America/Los_Angeles"),
    start_date=pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles"),
    catchup=False,
    max_active_runs=1,
    deadline=DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=9),
        callback=late,
    ),
    params={
        "page_id": Param("101", type="string", description="The Facebook Page to load."),
        "output_path": Param(
            "file:///tmp/messaging_insights", type="string", description="Any path Airflow can write."
        ),
    },
    default_args={"page_ids": "{{ params.page_id }}", "retries": 2, "on_failure_callback": failed},
    tags=["messaging-insights"],
    doc_md=__doc__,
) as dag:
    day_is_available = MessagingInsightsSensor(task_id="day_is_available", deferrable=True)

    load_day = MessagingInsightsOperator(
        task_id="load_day",
        metrics="all",
        lookback_days=2,
        output_path="{{ params.output_path }}",
        outlets=[Asset("messaging_insights")],  # its events name days, counts and new findings
    )

    day_is_available >> load_day
