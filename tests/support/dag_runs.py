"""What a real DAG run left behind, as the tests read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    import pytest

    from airflow_provider_msginsights.emulator import GraphEmulator


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


CONNECTION_VARIABLE = "AIRFLOW_CONN_MSGINSIGHTS_DEFAULT"


def connection_to(
    emulator: GraphEmulator,
    monkeypatch: pytest.MonkeyPatch,
    *,
    variable: str = CONNECTION_VARIABLE,
    **different: Any,
) -> None:
    """Set a connection, the default one: to the emulator, with the token of Page 101 unless another is given."""
    fields = {
        "conn_type": "msginsights",
        "host": emulator.base_url,
        "login": "101",
        "password": emulator.page_token("101"),
    }
    monkeypatch.setenv(variable, json.dumps(fields | different))
