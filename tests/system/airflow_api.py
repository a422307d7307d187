"""What the scenarios ask of Airflow, through its public API."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from support.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENDED = frozenset({"success", "failed"})


@dataclass(frozen=True)
class AirflowApi:
    """A logged-in client.

    :param told: gives what is worth knowing when something does not happen.
    """

    base_url: str
    client: httpx.Client
    told: Callable[[], str]

    @classmethod
    def log_in(cls, base_url: str, told: Callable[[], str]) -> AirflowApi:
        token = httpx.get(f"{base_url}/auth/token").json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        return cls(base_url, httpx.Client(base_url=f"{base_url}/api/v2", headers=headers, timeout=60), told)

    def get(self, path: str, **params: Any) -> Any:
        return self.client.get(path, params=params).raise_for_status().json()

    def unpause(self, dag_id: str) -> None:
        self.client.patch(f"/dags/{dag_id}", json={"is_paused": False}).raise_for_status()

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Start a run; give its id."""
        body = {"logical_date": None, "conf": dict(conf)}
        answer = self.client.post(f"/dags/{dag_id}/dagRuns", json=body)
        assert answer.is_success, answer.text
        return str(answer.json()["dag_run_id"])

    def runs(self, dag_id: str) -> dict[str, str]:
        """Give the state of each run."""
        return {run["dag_run_id"]: run["state"] for run in self.get(f"/dags/{dag_id}/dagRuns")["dag_runs"]}

    def task_instances(self, dag_id: str, run_id: str = "~") -> list[dict[str, Any]]:
        """Give every task instance there is, mapped ones one by one."""
        found: list[dict[str, Any]] = self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=100)[
            "task_instances"
        ]
        return found

    def states(self, dag_id: str, run_id: str = "~", *, task_id: str | None = None) -> Counter[str]:
        """Count the task instances by state."""
        return Counter(
            str(instance["state"])
            for instance in self.task_instances(dag_id, run_id)
            if task_id in {None, instance["task_id"]}
        )

    def xcom(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Give what a task returned."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        return self.get(path, deserialize=True)["value"]

    def wait_for_runs(self, dag_id: str, count: int, *, timeout_seconds: float) -> dict[str, str]:
        """Wait until so many runs have ended; give their states."""
        wait_until(
            lambda: sum(state in ENDED for state in self.runs(dag_id).values()) >= count,
            timeout_seconds=timeout_seconds,
            told=lambda: f"{self.runs(dag_id)}, {self.states(dag_id)}\n{self.told()}",
        )
        return self.runs(dag_id)

    def wait_for_run(self, dag_id: str, run_id: str, *, timeout_seconds: float) -> str:
        """Wait until a run has ended; give its state."""
        wait_until(
            lambda: self.runs(dag_id)[run_id] in ENDED,
            timeout_seconds=timeout_seconds,
            told=lambda: f"{self.runs(dag_id)}, {self.states(dag_id, run_id)}\n{self.told()}",
        )
        return self.runs(dag_id)[run_id]

    def wait_for_states(
        self, dag_id: str, run_id: str, task_id: str, wanted: Mapping[str, int], *, timeout_seconds: float
    ) -> None:
        """Wait until at least so many instances of a task are in each of the states."""

        def holds() -> bool:
            states = self.states(dag_id, run_id, task_id=task_id)
            return all(states[state] >= count for state, count in wanted.items())

        wait_until(
            holds,
            timeout_seconds=timeout_seconds,
            told=lambda: f"{self.states(dag_id, run_id)}\n{self.told()}",
        )
