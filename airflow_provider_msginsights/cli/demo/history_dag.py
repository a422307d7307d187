"""The DAG that gives ``msginsights demo --ui`` a dataset worth looking at; the demo copies this file to its DAGs.

What happens to a dataset in a year happens here in a minute: half a year of history, a week on which nothing ran, a day
that Meta restated, a Page that fell silent, and a fill that works on the rest.
"""

from __future__ import annotations

import json
import os
import urllib.request
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, task

from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

EMULATOR = os.environ.get("MSGINSIGHTS_DEMO_EMULATOR", "")
OUTPUT = os.environ.get("MSGINSIGHTS_DEMO_OUTPUT", "")
PAGE_IDS = ["101", "102", "103"]
SILENT = "103"
TODAY = datetime.now(UTC).date() - timedelta(days=1)
HISTORY_DAYS = 200
LOAD: dict[str, Any] = {
    "output_path": OUTPUT,
    "publish": "values",
    "partition_events": False,
    "max_failed_pages": None,
    "outlets": [Asset("messaging_insights_history")],
    "on_empty": "succeed",
}


def day(ago: int) -> date:
    """Return the day so many days before today."""
    return TODAY - timedelta(days=ago)


def steer(name: str, body: dict[str, Any]) -> None:
    """Change something in the emulator."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{EMULATOR}/_emulator/{name}", json.dumps(body).encode(), headers)  # noqa: S310 - the demo's own server
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - the demo's own server
        pass


with DAG("msginsights_demo_history", schedule="@once", catchup=False, tags=["messaging-insights"], doc_md=__doc__):

    @task
    def messages_come_late() -> None:
        """Let a conversation be counted that was not before."""
        at = datetime.combine(day(9), datetime.min.time(), UTC) + timedelta(hours=20)
        events = [
            {"page_id": "101", "kind": kind, "at": at.isoformat(), "person_id": f"late-{number}"}
            for number in range(40)
            for kind in ("conversation_started", "person_acted")
        ]
        steer("events", {"events": events})

    @task
    def permission_is_lost() -> None:
        """Let the API answer nothing about a Page."""
        steer("permissions", {"lose": "read_insights", "page_id": SILENT})

    history = MessagingInsightsOperator(
        task_id="load_history", page_ids=PAGE_IDS, since=str(day(HISTORY_DAYS)), until=str(day(40)), **LOAD
    )
    after_a_week = MessagingInsightsOperator(
        task_id="load_after_a_week_off", page_ids=PAGE_IDS, since=str(day(33)), until=str(day(3)), **LOAD
    )
    restated = MessagingInsightsOperator(
        task_id="load_a_restated_day", page_ids="101", since=str(day(9)), until=str(day(8)), **LOAD
    )
    newest = MessagingInsightsOperator(
        task_id="load_newest_days", page_ids=PAGE_IDS, since=str(day(3)), until=str(day(-1)), **LOAD
    )
    fill = MessagingInsightsFillOperator(
        task_id="fill",
        page_ids=PAGE_IDS,
        fill_since=str(day(HISTORY_DAYS)),
        max_graph_calls=1,
        **{name: value for name, value in LOAD.items() if name not in {"max_failed_pages", "on_empty"}},
    )
    history >> after_a_week >> messages_come_late() >> restated >> permission_is_lost() >> newest >> fill
