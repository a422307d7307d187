"""What a real DAG run left behind, as the tests read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class FinishedRun:
    """A DAG run that ended: its state, its tasks, and what it printed."""

    dag_run: Any
    log: str

    @property
    def state(self) -> str:
        return str(self.dag_run.state)

    @property
    def tasks(self) -> dict[str, Any]:
        return {task.task_id: task for task in self.dag_run.get_task_instances()}

    def xcom(self, task_id: str) -> Any:
        return self.tasks[task_id].xcom_pull(task_ids=task_id, run_id=self.dag_run.run_id)


class RunDag(Protocol):
    def __call__(
        self,
        tasks: str,
        *,
        schedule: str = "None",
        logical_date: datetime | None = None,
        run_after: datetime | None = None,
    ) -> FinishedRun: ...
