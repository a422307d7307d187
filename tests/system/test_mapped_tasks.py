"""Mapped tasks of a real scheduler that write one part to S3 at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from support import s3_server
from support.local_airflow import LocalAirflow

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

PAGES = ("101", "102", "103")
DAGS = """
import pendulum
from airflow.sdk import DAG
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

with DAG("mapped", schedule="@once", start_date=pendulum.datetime(2026, 1, 1), is_paused_upon_creation=False):
    MessagingInsightsOperator.partial(
        task_id="load", metrics="page_messages_sent", since="2026-10-01", until="2026-10-02",
        output_path="s3://mapped/insights", output_conn_id="s3",
    ).expand(page_ids=["101", "102", "103"])
"""


@pytest.mark.system
@pytest.mark.timeout(600)
def test_tasks_mapped_over_pages_without_a_part_of_their_own_store_every_page(
    emulator: GraphEmulator, tmp_path: Path, migrated_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_server.running(put_seconds=1) as endpoint:
        monkeypatch.setenv("AIRFLOW_CONN_S3", s3_server.airflow_connection(endpoint))
        client: Any = S3Hook("s3").get_conn()
        client.create_bucket(Bucket="mapped")
        connection = {"conn_type": "msginsights", "host": emulator.base_url, "password": emulator.system_user_token}
        airflow = LocalAirflow(
            home=tmp_path,
            connections={"msginsights_default": json.dumps(connection), "s3": s3_server.airflow_connection(endpoint)},
            options={"CORE__PARALLELISM": str(len(PAGES))},
            migrated=migrated_database,
        )
        with airflow.running(("api-server", "dag-processor", "scheduler")):
            airflow.add_dags("mapped", DAGS)
            (run,) = airflow.wait_for_runs({"mapped": 1}, timeout_seconds=400)
        assert run.state == "success"
        listed = client.list_objects_v2(Bucket="mapped", Prefix="insights/dt=")["Contents"]
        (data,) = (client.get_object(Bucket="mapped", Key=one["Key"])["Body"].read() for one in listed)
    assert [row["page_id"] for row in map(json.loads, data.splitlines())] == list(PAGES)
    ran = airflow.query("SELECT map_index, start_date, end_date FROM task_instance ORDER BY map_index")
    assert max(start for _, start, _ in ran) < min(end for _, _, end in ran), "the tasks ran at once"
