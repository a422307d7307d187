"""The examples of the reference, one a class: each stands alone, and is run by the tests of the documentation."""

LOAD = """
import pendulum
from airflow.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

midnight = CronDataIntervalTimetable("0 0 * * *", timezone="America/Los_Angeles")
start = pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles")
with DAG("insights_load", schedule=midnight, start_date=start, max_active_runs=1) as dag:
    MessagingInsightsOperator(
        task_id="load",
        page_ids=["101", "102"],
        metrics="all",
        lookback_days=2,
        output_path="s3://bucket/insights",
        deferrable=True,
        retries=3,
    )
"""
FILL = """
import pendulum
from airflow.sdk import DAG

from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator

with DAG("insights_fill", schedule="@daily", start_date=pendulum.datetime(2026, 1, 1), max_active_runs=1) as dag:
    MessagingInsightsFillOperator(
        task_id="fill",
        output_path="s3://bucket/insights",
        fill_since="2025-01-01",
        page_ids=["101", "102"],
        max_graph_calls=500,
    )
"""
GATE = """
import pendulum
from airflow.sdk import DAG

from airflow_provider_msginsights.operators.coverage_check import MessagingInsightsCoverageCheckOperator

with DAG("insights_gate", schedule="@daily", start_date=pendulum.datetime(2026, 1, 1)) as dag:
    MessagingInsightsCoverageCheckOperator(
        task_id="gate",
        output_path="s3://bucket/insights",
        last_days=35,
        max_incomplete_pages=0.05,
    )
"""
CHECK = """
import pendulum
from airflow.sdk import DAG

from airflow_provider_msginsights.operators.token_check import MessagingInsightsTokenCheckOperator

with DAG("insights_token", schedule="@daily", start_date=pendulum.datetime(2026, 1, 1)) as dag:
    MessagingInsightsTokenCheckOperator(task_id="check", fail_within_days=7, require_known_end=True)
"""
SENSOR = """
import pendulum
from airflow.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

midnight = CronDataIntervalTimetable("0 0 * * *", timezone="America/Los_Angeles")
start = pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles")
with DAG("insights_wait", schedule=midnight, start_date=start) as dag:
    MessagingInsightsSensor(task_id="available", page_ids=["101", "102"], min_ready_pages=0.9, deferrable=True)
"""
TRIGGER = """
from airflow.sdk import DAG, Asset, AssetWatcher

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.triggers.new_day import MessagingInsightsNewDayTrigger

watcher = AssetWatcher(name="new_day", trigger=MessagingInsightsNewDayTrigger(page_ids=["101", "102"]))
with DAG("insights_new_day", schedule=[Asset("insights_new_day", watchers=[watcher])], max_active_runs=1) as dag:
    MessagingInsightsOperator(task_id="load", page_ids=["101", "102"], output_path="s3://bucket/insights")
"""
RETRY_POLICY = """
import pendulum
from airflow.sdk import DAG, task

from airflow_provider_msginsights.retry_policies import MessagingInsightsRetryPolicy

with DAG("insights_pages", schedule="@daily", start_date=pendulum.datetime(2026, 1, 1)) as dag:

    @task(retries=3, retry_policy=MessagingInsightsRetryPolicy())
    def list_page_ids():
        from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook

        return [page.page_id for page in MessagingInsightsHook().list_pages()]

    list_page_ids()
"""
HOOK = """
from airflow.sdk import task


@task
def messages_sent_by_page():
    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.insights.query import InsightsQuery, asked_days

    hook = MessagingInsightsHook()
    days = asked_days(since="2026-11-01", until="2026-11-08")
    query = InsightsQuery.create(page_ids=hook.resolve_page_ids("all"), metrics="page_messages_sent", days=days)
    totals = {}
    for record in hook.get_records(query):
        totals[record.page_id] = totals.get(record.page_id, 0) + (record.value or 0)
    return totals
"""
FIXTURE = """
def test_the_next_two_calls_fail(graph_emulator):
    graph_emulator.add_fault(code=2, times=2)
    assert [fault.times for fault in graph_emulator.faults()] == [2]
    assert graph_emulator.page_ids == ("101", "102", "103")
"""
