"""One task mapped over ranges, Page groups and connections; and arguments that several tasks share."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pendulum
from airflow.sdk import DAG
from support.dag_runs import connection_to

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from support.dag_runs import RunDag

    from airflow_provider_msginsights.emulator import GraphEmulator

TASKS = """
MessagingInsightsOperator.partial(task_id="ranges", output_path="file://{root}/ranges").expand_kwargs(
    [{{"since": "2026-01-01", "until": "2026-01-04"}}, {{"since": "2026-02-01", "until": "2026-02-02"}}]
)
MessagingInsightsOperator.partial(
    task_id="groups", output_path="file://{root}/groups", lookback_days=1
).expand_kwargs([{{"page_ids": ["101", "102"], "part": "a"}}, {{"page_ids": ["103"], "part": "b"}}])
MessagingInsightsOperator.partial(
    task_id="connections",
    page_ids=None,
    lookback_days=1,
    output_path="file://{root}/connections",
    part="{{{{ task.msginsights_conn_id }}}}",
).expand(msginsights_conn_id=["msginsights_default", "business_b"])
MessagingInsightsOperator.partial(
    task_id="named", lookback_days=1, map_index_template="my {{{{ task.page_ids }}}}"
).expand(page_ids=["101"])
MessagingInsightsOperator(task_id="alone", lookback_days=1)
"""


def test_mapped_tasks_load_their_own_share_and_are_named_by_it(
    run_dag: RunDag, emulator: GraphEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    other = {"host": emulator.base_url, "login": "102", "password": emulator.page_token("102")}
    monkeypatch.setenv("AIRFLOW_CONN_BUSINESS_B", json.dumps({"conn_type": "msginsights", **other}))
    done = run_dag(TASKS.format(root=tmp_path), run_after=datetime(2026, 3, 10, 12, tzinfo=UTC))
    assert done.state == "success", done.log
    labels = {(ti.task_id, ti.map_index): ti.rendered_map_index for ti in done.dag_run.get_task_instances()}
    assert labels == {
        ("ranges", 0): "2026-01-01 to 2026-01-03, msginsights_default",
        ("ranges", 1): "2026-02-01, msginsights_default",
        ("groups", 0): "2026-03-09, part a, msginsights_default",
        ("groups", 1): "2026-03-09, part b, msginsights_default",
        ("connections", 0): "2026-03-09, part msginsights_default, msginsights_default",
        ("connections", 1): "2026-03-09, part business_b, business_b",
        ("named", 0): "my 101",
        ("alone", -1): None,
    }
    files = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("dt=*/*")}
    assert files == {
        *(f"ranges/dt=2026-01-0{day}/part-0.jsonl" for day in (1, 2, 3)),
        "ranges/dt=2026-02-01/part-0.jsonl",
        *(f"groups/dt=2026-03-09/part-{part}.jsonl" for part in ("a", "b")),
        *(f"connections/dt=2026-03-09/part-{part}.jsonl" for part in ("msginsights_default", "business_b")),
    }


def test_shared_arguments_feed_sensor_and_operator_alike() -> None:
    shared = {
        "page_ids": ["101", "102"],
        "metrics": "all",
        "since": "{{ ds }}",
        "until": "{{ next_ds }}",
        "lookback_days": 2,
        "msginsights_conn_id": "business_b",
        "api_version": "v25.0",
        "deferrable": True,
    }
    with DAG("shared", schedule=None, start_date=pendulum.datetime(2026, 1, 1), default_args=shared):
        tasks = [MessagingInsightsSensor(task_id="available"), MessagingInsightsOperator(task_id="load")]
    for task in tasks:
        assert {name: getattr(task, name) for name in shared} == shared
