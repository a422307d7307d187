"""A limit of Meta's in the middle of a load: what could be read is kept, the slot is free, the rest follows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.airflow_versions import TaskDeferred
from support.dag_runs import connection_to

from airflow_provider_msginsights.exceptions import RateLimitError
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

if TYPE_CHECKING:
    from pathlib import Path

    from support.dag_runs import RunDag

    from airflow_provider_msginsights.emulator import GraphEmulator

PARAMETERS: dict[str, Any] = {"page_ids": ["101", "102", "103"], "since": "2026-11-01", "until": "2026-11-02"}


@pytest.fixture(autouse=True)
def impatient_connection(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that waits for no limit itself."""
    connection_to(emulator, monkeypatch, password=emulator.system_user_token, extra={"wait_bound_seconds": 0})


def operator(tmp_path: Path, **different: Any) -> MessagingInsightsOperator:
    return MessagingInsightsOperator(task_id="load", output_path=tmp_path.as_uri(), **PARAMETERS | different)


def pages_in(tmp_path: Path) -> list[str]:
    (file,) = tmp_path.glob("dt=*/*")
    return sorted({json.loads(line)["page_id"] for line in file.read_text().splitlines()})


def test_what_could_be_read_is_stored_and_the_rest_alone_is_read_later(emulator: GraphEmulator, tmp_path: Path) -> None:
    emulator.set_throttled("102", minutes=15)
    task = operator(tmp_path, deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        task.execute({})
    assert pages_in(tmp_path) == ["101", "103"]
    moment = datetime.fromisoformat(deferred.value.trigger.moment)
    assert 14 * 60 < (moment - datetime.now(UTC)).total_seconds() < 17 * 60
    state = json.loads(json.dumps(deferred.value.trigger.serialize()[1]["state"]))
    assert emulator.system_user_token not in json.dumps(state)

    emulator.reset()
    result = operator(tmp_path, deferrable=True).execute_complete({}, {"status": "resume", "state": state})
    assert {page: calls for page, calls in emulator.stats()["calls_by_page"].items() if page != "102"} == {}
    assert pages_in(tmp_path) == ["101", "102", "103"]
    assert (result["rows"], result["page_count"], result["file_count"]) == (12, 3, 1)


def test_an_undisturbed_load_leaves_the_same_file(emulator: GraphEmulator, tmp_path: Path) -> None:
    emulator.set_throttled("102", minutes=15)
    with pytest.raises(TaskDeferred) as deferred:
        operator(tmp_path / "waited", deferrable=True).execute({})
    emulator.reset()
    event = {"status": "resume", "state": deferred.value.trigger.state}
    operator(tmp_path / "waited", deferrable=True).execute_complete({}, event)
    operator(tmp_path / "undisturbed").execute({})
    ((waited,), (undisturbed,)) = ((tmp_path / name).glob("dt=*/*") for name in ("waited", "undisturbed"))
    assert waited.read_bytes() == undisturbed.read_bytes()


@pytest.mark.parametrize("manifest_is_removed", [True, False])
def test_a_manifest_that_is_missing_after_the_wait_is_warned_about(
    emulator: GraphEmulator, tmp_path: Path, capfd: pytest.CaptureFixture[str], *, manifest_is_removed: bool
) -> None:
    emulator.set_throttled("102", minutes=15)
    with pytest.raises(TaskDeferred) as deferred:
        operator(tmp_path, deferrable=True).execute({})
    emulator.reset()
    if manifest_is_removed:
        for path in tmp_path.glob("_manifests/*.json"):
            path.unlink()
    event = {"status": "resume", "state": deferred.value.trigger.state}
    result = operator(tmp_path, deferrable=True).execute_complete({}, event)
    warned = "count only what is read from now on" in capfd.readouterr().out
    assert (warned, result["rows"]) == ((True, 4) if manifest_is_removed else (False, 12))
    assert pages_in(tmp_path) == ["101", "102", "103"]


def test_without_deferral_the_task_fails_for_a_retry_and_says_until_when(
    emulator: GraphEmulator, tmp_path: Path
) -> None:
    emulator.set_throttled("102", minutes=15)
    with pytest.raises(RateLimitError, match=r"1 request must wait for Meta's rate limit until \d{4}-"):
        operator(tmp_path, deferrable=False).execute({})
    assert pages_in(tmp_path) == ["101", "103"]


def test_rows_for_xcom_cannot_be_kept_so_the_resumed_task_reads_all_again(emulator: GraphEmulator) -> None:
    emulator.set_throttled("102", minutes=15)
    task = MessagingInsightsOperator(task_id="load", deferrable=True, **PARAMETERS)
    with pytest.raises(TaskDeferred) as deferred:
        task.execute({})
    emulator.reset()
    rows = task.execute_complete({}, {"status": "resume", "state": deferred.value.trigger.state})
    assert {row["page_id"] for row in rows} == {"101", "102", "103"}


def test_a_real_run_defers_and_finishes(
    run_dag: RunDag, emulator: GraphEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, extra={"wait_bound_seconds": 0, "throttle_seconds": 1})
    emulator.add_fault(code=80001, page_id="101", times=1)
    task = (
        f'MessagingInsightsOperator(task_id="load", output_path="file://{tmp_path}", lookback_days=2, deferrable=True)'
    )
    done = run_dag(task, run_after=datetime(2026, 11, 3, tzinfo=UTC))
    assert done.state == "success", done.log
    assert done.xcom("load")["rows"] == 8
    assert emulator.stats()["graph_calls"] == 2
    assert "waits without a worker slot" in done.log
