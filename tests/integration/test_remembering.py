"""A retry asks only for what an earlier try did not get to, where Airflow remembers it."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.airflow_versions import TaskDeferred, needs_airflow
from support.dag_runs import connection_to
from support.operator_calls import execute, manifest_of

from airflow_provider_msginsights.exceptions import RateLimitError, ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.dag_runs import RunDag

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
    assert "only what it left is read" in done.log
    assert emulator.stats()["calls_by_page"]["103"] == 1


class FlakyStore(TaskStateStore):
    """A store of which one call does not answer."""

    def __init__(self, fails: str) -> None:
        super().__init__()
        self.fails = fails

    def __getattribute__(self, name: str) -> Any:
        if name == super().__getattribute__("fails"):
            raise OSError(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize("fails", ["get", "set", "delete"])
def test_no_call_of_a_store_that_fails_fails_the_task(
    emulator: GraphEmulator, store: TaskStateStore, tmp_path: Path, capfd: pytest.CaptureFixture[str], fails: str
) -> None:
    del store
    flaky = FlakyStore(fails)
    parameters: dict[str, Any] = {"page_ids": PAGES, "output_path": tmp_path.as_uri()}
    emulator.set_throttled("102", minutes=15)
    with pytest.raises(RateLimitError):
        execute({"task_state_store": flaky}, **parameters)
    emulator.reset()
    assert execute({"task_state_store": flaky}, **parameters)["page_count"] == 3
    assert "task state store could not be used (OSError)" in capfd.readouterr().out


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: 7,
        lambda _: "text",
        lambda _: [],
        lambda kept: kept | {"kept_at": 7},
        lambda kept: kept | {"kept_at": "2026-11-01T00:00:00"},
        lambda kept: {name: value for name, value in kept.items() if name != "stored"},
        lambda kept: kept | {"work": None},
        lambda kept: kept | {"work": kept["work"] | {"ranges": [["2026-11-02", "2026-11-01"]]}},
        lambda kept: kept | {"work": kept["work"] | {"page_ids": []}},
        lambda kept: kept | {"work": {name: value for name, value in kept["work"].items() if name != "rests"}},
    ],
)
def test_what_a_store_holds_is_not_trusted(
    emulator: GraphEmulator,
    store: TaskStateStore,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    damage: Callable[[Any], Any],
) -> None:
    parameters: dict[str, Any] = {"page_ids": PAGES, "output_path": tmp_path.as_uri()}
    emulator.set_throttled("102", minutes=15)
    with pytest.raises(RateLimitError):
        execute({"task_state_store": store}, **parameters)
    ((key, kept),) = store.kept.items()
    store.kept[key] = json.dumps(damage(json.loads(kept)))
    emulator.reset()
    assert execute({"task_state_store": store}, **parameters)["page_count"] == 3
    assert pages_asked(emulator) == set(PAGES)
    assert "cannot be read" in capfd.readouterr().out


def left_by_a_try(emulator: GraphEmulator, store: TaskStateStore, tmp_path: Path, **parameters: Any) -> None:
    """Let a first try store Pages 101 and 103, and leave 102."""
    emulator.set_throttled("102", minutes=15)
    with pytest.raises(RateLimitError):
        execute({"task_state_store": store}, output_path=tmp_path.as_uri(), **{"page_ids": PAGES} | parameters)
    emulator.reset()


@pytest.mark.parametrize(
    ("name", "corrected"),
    [("login", {"login": "101,103,104"}), ("fewer", {"login": "101,103"}), ("more", {"login": "101,102,103,104"})],
)
def test_a_cleared_task_asks_for_the_pages_its_connection_has_by_now(
    emulator: GraphEmulator,
    store: TaskStateStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    corrected: dict[str, str],
) -> None:
    del name
    connection: dict[str, Any] = {
        "password": emulator.system_user_token,
        "extra": {"wait_bound_seconds": 0, "base_seconds": 0, "max_attempts": 1},
    }
    connection_to(emulator, monkeypatch, **connection, login=",".join(PAGES))
    left_by_a_try(emulator, store, tmp_path, page_ids=None)
    connection_to(emulator, monkeypatch, **connection, **corrected)
    result = execute({"task_state_store": store}, output_path=tmp_path.as_uri(), page_ids=None)
    assert pages_asked(emulator) == set(corrected["login"].split(","))
    assert result["page_count"] == len(corrected["login"].split(","))


def test_a_cleared_task_asks_an_other_version_of_the_api_for_everything(
    emulator: GraphEmulator, store: TaskStateStore, tmp_path: Path
) -> None:
    left_by_a_try(emulator, store, tmp_path)
    execute({"task_state_store": store}, output_path=tmp_path.as_uri(), page_ids=PAGES, api_version="v25.0")
    assert pages_asked(emulator) == set(PAGES)


@pytest.mark.parametrize("lost", ["everything", "data", "manifests", "another run wrote"])
def test_a_cleared_task_reads_again_what_is_not_stored_any_more(
    emulator: GraphEmulator, store: TaskStateStore, tmp_path: Path, capfd: pytest.CaptureFixture[str], lost: str
) -> None:
    left_by_a_try(emulator, store, tmp_path, until="2026-11-03")
    (*_, file) = sorted(tmp_path.glob("dt=*/*"))
    if lost == "another run wrote":
        execute(page_ids="104", output_path=tmp_path.as_uri())
        emulator.reset()
    elif lost == "data":
        file.unlink()
    else:
        shutil.rmtree(tmp_path / "_manifests" if lost == "manifests" else tmp_path)
    parameters: dict[str, Any] = {"page_ids": PAGES, "until": "2026-11-03", "output_path": tmp_path.as_uri()}
    assert execute({"task_state_store": store}, **parameters)["page_count"] == 3
    assert pages_asked(emulator) == set(PAGES)
    assert "everything is read" in capfd.readouterr().out
    for path in tmp_path.glob("dt=*/*"):
        assert {json.loads(line)["page_id"] for line in path.read_text().splitlines()} >= set(PAGES)


def test_a_try_that_stored_the_rest_and_was_killed_is_not_counted_twice(
    emulator: GraphEmulator, store: TaskStateStore, tmp_path: Path
) -> None:
    parameters: dict[str, Any] = {"page_ids": PAGES, "output_path": tmp_path.as_uri()}
    left_by_a_try(emulator, store, tmp_path)
    left = dict(store.kept)
    once = manifest_of(execute({"task_state_store": store}, **parameters))
    store.kept = left  # it was killed before it could forget
    emulator.reset()
    again = manifest_of(execute({"task_state_store": store}, **parameters))
    assert (once["rows"], again["rows"]) == (12, 12)
    assert pages_asked(emulator) == set(PAGES)
