"""A retry asks only for what an earlier try did not get to, where Airflow remembers it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow_versions import TaskDeferred, needs_airflow
from dag_runs import connection_to
from operator_calls import execute, manifest_of

from airflow_provider_msginsights.exceptions import RateLimitError, ServiceUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from dag_runs import RunDag

    from airflow_provider_msginsights.emulator import GraphEmulator

PAGES = ["101", "102", "103"]


class TaskStateStore:
    """As Airflow's: values survive as JSON, until they are deleted."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.retention: timedelta | None = None

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.kept[key]) if key in self.kept else default

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        self.kept[key], self.retention = json.dumps(value), retention

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)


class BrokenStore:
    """A store whose backend is down."""

    def __getattr__(self, name: str) -> Any:
        raise OSError(name)


@pytest.fixture
def store(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> TaskStateStore:
    connection_to(
        emulator,
        monkeypatch,
        password=emulator.system_user_token,
        extra={"wait_bound_seconds": 0, "base_seconds": 0, "max_attempts": 1},
    )
    return TaskStateStore()


def pages_asked(emulator: GraphEmulator) -> set[str]:
    return {page_id for page_id, calls in emulator.stats()["calls_by_page"].items() if calls}


def test_a_retry_after_a_limit_reads_the_rest_and_leaves_the_files_of_an_undisturbed_load(
    emulator: GraphEmulator, store: TaskStateStore, tmp_path: Path
) -> None:
    parameters: dict[str, Any] = {"page_ids": PAGES, "output_path": (tmp_path / "retried").as_uri()}
    emulator.set_throttled("102", minutes=15)
    with pytest.raises(RateLimitError):
        execute({"task_state_store": store}, **parameters)
    assert emulator.system_user_token not in json.dumps(store.kept)
    assert store.retention == timedelta(hours=24)
    emulator.reset()
    result = execute({"task_state_store": store}, **parameters)
    assert pages_asked(emulator) == {"102"}
    assert (result["rows"], result["page_count"]) == (12, 3)
    assert store.kept == {}

    execute(page_ids=PAGES, output_path=(tmp_path / "undisturbed").as_uri())
    (retried,), (undisturbed,) = ((tmp_path / name).glob("dt=*/*") for name in ("retried", "undisturbed"))
    assert retried.read_bytes() == undisturbed.read_bytes()


def test_a_retry_after_a_page_s_passing_trouble_reads_that_page_alone(
    emulator: GraphEmulator, store: TaskStateStore, tmp_path: Path
) -> None:
    parameters: dict[str, Any] = {"page_ids": PAGES, "output_path": tmp_path.as_uri()}
    emulator.add_fault(code=2, page_id="103", times=1)
    with pytest.raises(ServiceUnavailableError):
        execute({"task_state_store": store}, **parameters)
    emulator.reset()
    assert execute({"task_state_store": store}, **parameters)["page_count"] == 3
    assert pages_asked(emulator) == {"103"}


def test_a_task_that_crashes_after_its_wait_still_reads_the_rest_alone(
    emulator: GraphEmulator, store: TaskStateStore, tmp_path: Path
) -> None:
    parameters: dict[str, Any] = {"page_ids": PAGES, "output_path": tmp_path.as_uri(), "deferrable": True}
    emulator.set_throttled("102", minutes=15)
    with pytest.raises(TaskDeferred):
        execute({"task_state_store": store}, **parameters)
    emulator.reset()
    manifest = manifest_of(execute({"task_state_store": store}, **parameters))
    assert pages_asked(emulator) == {"102"}
    assert manifest["pages_ok"] == PAGES


@pytest.mark.parametrize("different", [{"metrics": "all"}, {"until": "2026-11-03"}, {"part": "b"}])
def test_a_task_with_other_parameters_reads_everything(
    emulator: GraphEmulator, store: TaskStateStore, tmp_path: Path, different: dict[str, Any]
) -> None:
    emulator.set_throttled("102", minutes=15)
    with pytest.raises(RateLimitError):
        execute({"task_state_store": store}, page_ids=PAGES, output_path=(tmp_path / "a").as_uri())
    emulator.reset()
    changed = {"page_ids": PAGES, "output_path": (tmp_path / "b").as_uri(), **different}
    execute({"task_state_store": store}, **changed)
    assert pages_asked(emulator) == set(PAGES)


def test_what_was_left_a_day_ago_is_not_taken_up(
    emulator: GraphEmulator, store: TaskStateStore, tmp_path: Path
) -> None:
    parameters: dict[str, Any] = {"page_ids": PAGES, "output_path": tmp_path.as_uri()}
    emulator.set_throttled("102", minutes=15)
    with pytest.raises(RateLimitError):
        execute({"task_state_store": store}, **parameters)
    ((key, kept),) = store.kept.items()
    old = json.loads(kept) | {"kept_at": (datetime.now(UTC) - timedelta(hours=25)).isoformat()}
    store.kept[key] = json.dumps(old)
    emulator.reset()
    execute({"task_state_store": store}, **parameters)
    assert pages_asked(emulator) == set(PAGES)


def test_rows_for_xcom_are_never_remembered(emulator: GraphEmulator, store: TaskStateStore) -> None:
    emulator.set_throttled("102", minutes=15)
    with pytest.raises(RateLimitError):
        execute({"task_state_store": store}, page_ids=PAGES)
    assert store.kept == {}


def test_a_store_that_is_down_costs_calls_and_fails_nothing(
    emulator: GraphEmulator, store: TaskStateStore, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    del store
    result = execute({"task_state_store": BrokenStore()}, page_ids=PAGES, output_path=tmp_path.as_uri())
    assert result["page_count"] == 3
    assert "task state store could not be used (OSError)" in capfd.readouterr().out
    assert pages_asked(emulator) == set(PAGES)


def test_what_is_left_of_a_large_load_stays_small_enough_to_keep(
    emulator: GraphEmulator, store: TaskStateStore, tmp_path: Path
) -> None:
    """Airflow advises at most 64 KB, which two years of 200 Pages must not exceed; these are 20 of them."""
    for page_id in emulator.page_ids:
        emulator.set_throttled(page_id, minutes=15)
    with pytest.raises(RateLimitError):
        execute(
            {"task_state_store": store},
            page_ids=list(emulator.page_ids),
            metrics="all",
            since="2024-11-02",
            output_path=tmp_path.as_uri(),
        )
    (kept,) = store.kept.values()
    assert len(json.loads(kept)["work"]["rests"][0]) > 1
    assert len(kept) * 10 < 64 * 1024


@needs_airflow("3.3", "a task's state is kept")
def test_a_real_retry_reads_the_rest_alone(
    run_dag: RunDag, emulator: GraphEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(
        emulator,
        monkeypatch,
        password=emulator.system_user_token,
        extra={"wait_bound_seconds": 0, "base_seconds": 0, "max_attempts": 1},
    )
    emulator.add_fault(code=2, page_id="102", times=1)
    task = (
        f'MessagingInsightsOperator(task_id="load", page_ids={PAGES}, output_path="file://{tmp_path}", '
        'since="2026-11-01", until="2026-11-02")'
    )
    done = run_dag(task, run_after=datetime(2026, 11, 3, tzinfo=UTC))
    assert done.state == "success", done.log
    assert done.tasks["load"].try_number == 2
    assert done.xcom("load")["rows"] == 12
    assert "only the rest is read" in done.log
    assert emulator.stats()["calls_by_page"]["103"] == 1
