"""The retry policy in DAG runs of the Airflow at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.airflow_versions import needs_airflow
from support.dag_runs import connection_to

if TYPE_CHECKING:
    import pytest
    from support.dag_runs import RunDag

    from airflow_provider_msginsights.emulator import GraphEmulator


LOAD = """
from airflow_provider_msginsights.retry_policies import MessagingInsightsRetryPolicy
MessagingInsightsOperator(
    task_id="load", metrics="page_messages_sent", since="2026-01-01", until="2026-01-03", retries=RETRIES,
    retry_delay=datetime.timedelta(hours=5), retry_policy=MessagingInsightsRetryPolicy(),
)
"""


@needs_airflow("3.4", "a retry policy can reschedule")
def test_a_limit_spends_no_retry_where_airflow_can_reschedule(
    emulator: GraphEmulator, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, extra={"wait_bound_seconds": 0})
    emulator.add_fault(code=80001, times=1)
    run = run_dag(LOAD.replace("RETRIES", "0"))
    assert (run.state, run.tasks["load"].try_number) == ("success", 1)
    assert len(run.xcom("load")) == 2
