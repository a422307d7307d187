"""The DAGs whose deferred tasks the triggerer benchmark compares: one mapped task each."""

PAGES = 20
DAGS = {
    "MessagingInsightsSensor": """
from datetime import datetime, timedelta
from airflow.sdk import DAG
from airflow_provider_msginsights.insights.dates import last_days_ended_by
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

days = last_days_ended_by(datetime.now().astimezone(), 1)
with DAG("load", schedule=None):
    MessagingInsightsSensor.partial(
        task_id="wait", since=str(days.first_day), until=str(days.end_day), poke_interval={interval}, deferrable=True
    ).expand(page_ids=[str(101 + n % {pages}) for n in range({sensors})])
""",
    "HttpSensor": """
from airflow.sdk import DAG
from airflow.providers.http.sensors.http import HttpSensor

with DAG("load", schedule=None):
    HttpSensor.partial(
        task_id="wait", http_conn_id="graph", request_params={{"metric": "page_messages_new_conversations_unique"}},
        poke_interval={interval}, deferrable=True,
    ).expand(endpoint=[f"v26.0/{{101 + n % {pages}}}/insights" for n in range({sensors})])
""",
    "waking": """
from airflow.sdk import DAG
from bench_triggerer_baseline import IdleSensor

with DAG("load", schedule=None):
    IdleSensor.partial(task_id="wait", interval={interval}).expand(number=list(range({sensors})))
""",
    "sleeping": """
from airflow.sdk import DAG
from bench_triggerer_baseline import IdleSensor

with DAG("load", schedule=None):
    IdleSensor.partial(task_id="wait").expand(number=list(range({sensors})))
""",
}
FIRST_CALLS = {"MessagingInsightsSensor": 3, "HttpSensor": 1}
"""Calls of a trigger's first poll: ours is refused, asks for the Page's token, and asks again with that."""
