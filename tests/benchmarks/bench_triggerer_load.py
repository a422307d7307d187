"""Puts every task of the benchmark's DAG into the state "deferred", as workers would have done by running it once.

Runs in the benchmarked Airflow's environment. Each sensor is really executed, up to its ``TaskDeferred``; only the
two thousand worker processes are spared.
"""

from __future__ import annotations

import sys

from airflow.dag_processing.dagbag import DagBag
from airflow.models.taskinstance import TaskInstance  # noqa: TID251 - the benchmark writes what a scheduler would
from airflow.models.trigger import Trigger  # noqa: TID251
from airflow.sdk.exceptions import TaskDeferred
from airflow.utils.session import create_session  # noqa: TID251
from sqlalchemy import select


def defer_all(dag_folder: str, dag_id: str) -> int:
    """Give how many tasks were deferred."""
    dag = DagBag(dag_folder).dags[dag_id]
    deferred: dict[str, TaskDeferred] = {}
    for task in dag.tasks:
        try:
            task.execute({})  # type: ignore[union-attr]
        except TaskDeferred as wish:
            deferred[task.task_id] = wish
    with create_session() as session:
        for instance in session.scalars(select(TaskInstance).where(TaskInstance.dag_id == dag_id)):
            one = deferred[instance.task_id]
            row = Trigger.from_object(one.trigger)
            session.add(row)
            session.flush()
            instance.trigger_id = row.id
            instance.next_method = one.method_name
            instance.state = "deferred"
    return len(deferred)


if __name__ == "__main__":
    print(defer_all(*sys.argv[1:]))
