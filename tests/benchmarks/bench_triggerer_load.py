"""Puts every instance of the benchmark's mapped task into the state "deferred", as workers would have done.

Runs in the benchmarked Airflow's environment. Each sensor is really executed, up to its ``TaskDeferred``; only the
thousands of worker processes are spared.
"""

from __future__ import annotations

import sys
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.models.dagbag import DBDagBag  # noqa: TID251 - the benchmark writes what a scheduler would
from airflow.models.dagrun import DagRun  # noqa: TID251
from airflow.models.taskinstance import TaskInstance  # noqa: TID251
from airflow.models.taskmap import TaskMap  # noqa: TID251
from airflow.models.trigger import Trigger  # noqa: TID251
from airflow.sdk.exceptions import TaskDeferred
from airflow.utils.session import create_session  # noqa: TID251
from sqlalchemy import select, update


def deferral_of(mapped: Any, map_index: int) -> TaskDeferred:
    """Run one sensor, until it wishes to be deferred."""
    (values,) = mapped.expand_input.value.items()
    sensor = mapped.operator_class(**mapped.partial_kwargs, task_id="wait", **{values[0]: values[1][map_index]})
    try:
        sensor.execute({})
    except TaskDeferred as wish:
        return wish
    raise AssertionError("The sensor found at once what it was to wait for.")


def defer_all(dag_folder: str, dag_id: str, count: int) -> None:
    """Defer the task's ``count`` instances."""
    mapped = DagBag(dag_folder).dags[dag_id].get_task("wait")
    # All before the session opens: a sensor that reads its connection may close it.
    wishes = [deferral_of(mapped, map_index) for map_index in range(count)]
    with create_session() as session:
        dag_run = session.scalars(select(DagRun).where(DagRun.dag_id == dag_id)).one()
        stored = DBDagBag().get_dag_for_run(dag_run, session=session)
        assert stored is not None
        TaskMap.expand_mapped_task(stored.get_task("wait"), dag_run.run_id, session=session)
        rows = [Trigger.from_object(wish.trigger) for wish in wishes]
        session.add_all(rows)
        session.flush()
        for map_index, row in enumerate(rows):
            of_run = update(TaskInstance).where(TaskInstance.run_id == dag_run.run_id)
            session.execute(
                of_run.where(TaskInstance.map_index == map_index).values(
                    state="deferred", trigger_id=row.id, next_method=wishes[map_index].method_name
                )
            )


if __name__ == "__main__":
    defer_all(sys.argv[1], sys.argv[2], int(sys.argv[3]))
