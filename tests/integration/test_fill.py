"""The fill operator: what a dataset lacks is requested and stored, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to
from support.operator_calls import execute, run_context

from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

NOW = datetime(2026, 11, 30, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def several_pages(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that reads every Page, on a day whose month is over."""
    emulator.set_clock(NOW)
    connection_to(emulator, monkeypatch, password=emulator.system_user_token, extra={"wait_bound_seconds": 0})


def fill(path: Path, **parameters: Any) -> Any:
    """The result of a fill of the days since November 1."""
    given = {"fill_since": "2026-11-01", "page_ids": ["101", "102"]} | parameters
    task = MessagingInsightsFillOperator(task_id="fill", output_path=str(path), **given)
    return task.execute(run_context(task_id="fill"))  # type: ignore[arg-type] # a context may lack what is not used


def test_an_empty_dataset_is_filled_with_what_one_load_would_hold(tmp_path: Path) -> None:
    result = fill(tmp_path / "filled")
    assert (result["missing_cells"], result["filled_cells"], result["still_missing"]) == (232, 232, {})
    assert result["filled"] == [
        {"page_id": page_id, "first_day": "2026-11-01", "last_day": "2026-11-29"} for page_id in ("101", "102")
    ]
    execute(output_path=str(tmp_path / "loaded"), since="2026-11-01", until="2026-11-30", page_ids=["101", "102"])
    assert rows(tmp_path / "filled") == rows(tmp_path / "loaded")
    assert fill(tmp_path / "filled")["graph_calls"] == 0


def rows(path: Path) -> dict[str, str]:
    return {f"{file.parent.name}/{file.name}": file.read_text() for file in sorted(path.glob("dt=*/part-0.jsonl"))}
