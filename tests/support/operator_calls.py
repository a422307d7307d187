"""Calls of the operator outside a DAG run, as several tests make them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY = {"since": "2026-11-01", "until": "2026-11-02"}
NEW = "page_messages_new_conversations_unique"


def execute(context: Mapping[str, Any] | None = None, **parameters: Any) -> Any:
    """The result of a task; it loads the one day of `DAY` unless told otherwise."""
    task = MessagingInsightsOperator(task_id="load", **DAY | parameters)
    return task.execute(dict(context or {}))  # type: ignore[arg-type] # a context may lack what is not used


def manifest_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest a result names."""
    told: dict[str, Any] = json.loads(Path(result["manifest"].removeprefix("file://")).read_text())
    return told


def run_context(**different: Any) -> dict[str, Any]:
    """As much of Airflow's context as names a run."""
    names = {"dag_id": "daily", "task_id": "load", "run_id": "scheduled__1", "map_index": -1, "try_number": 1}
    return {"ti": SimpleNamespace(**names | different)}
