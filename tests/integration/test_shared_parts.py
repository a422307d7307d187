"""Mapped tasks that write one part at once: every row is stored, or the tasks are refused before any request."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import DAG, ObjectStoragePath
from support import s3_server
from support.dag_runs import connection_to

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

PAGES, DAYS = ("101", "102", "103"), ("2026-10-01", "2026-10-02", "2026-10-03")
LOAD: dict[str, Any] = {
    "since": DAYS[0],
    "until": "2026-10-04",
    "page_ids": list(PAGES),
    "metrics": "page_messages_sent",
}
_numbers = count()
MAPPINGS: dict[str, list[dict[str, Any]]] = {
    "Pages": [{"page_ids": page_id} for page_id in PAGES],
    "metrics": [{"metrics": "page_messages_sent"}, {"metrics": "page_messages_new_conversations_unique"}],
    "connections": [{"page_ids": page_id, "msginsights_conn_id": f"of_{page_id}"} for page_id in PAGES],
}


@pytest.fixture(params=["honoured", "ignored", "unknown"])
def conditions(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connections(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    for page_id in PAGES:
        variable = f"AIRFLOW_CONN_OF_{page_id}"
        connection_to(emulator, monkeypatch, variable=variable, login=page_id, password=emulator.page_token(page_id))


@pytest.fixture
def s3(conditions: str, connections: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The operator's words for a bucket of an S3 that does with conditions of puts what the test says."""
    del connections
    with s3_server.running(conditions=conditions) as endpoint:
        number = next(_numbers)
        monkeypatch.setenv(f"AIRFLOW_CONN_SHARED_{number}", s3_server.airflow_connection(endpoint))
        S3Hook(f"shared_{number}").create_bucket(f"shared-{number}")
        yield {"output_path": f"s3://shared-{number}/insights", "output_conn_id": f"shared_{number}"}


def execute(map_index: int, context: dict[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
    names = {"dag_id": "mapped", "task_id": "load", "run_id": "run", "map_index": map_index, "try_number": 1}
    task = MessagingInsightsOperator(task_id="load", **LOAD | parameters)
    result: dict[str, Any] = task.execute({"ti": SimpleNamespace(**names)} | (context or {}))  # type: ignore[arg-type]
    return result


def execute_at_once(mapping: list[dict[str, Any]], **parameters: Any) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(len(mapping)) as pool:
        started = [pool.submit(execute, index, **parameters, **own) for index, own in enumerate(mapping)]
        return [future.result() for future in started]


def rows_at(output_path: str, conn_id: str | None = None) -> set[tuple[str, str, str]]:
    root = ObjectStoragePath(output_path, conn_id=conn_id)
    root.fs.invalidate_cache()
    files = [name for name in root.fs.find(root.path) if "/dt=" in name]
    rows = [json.loads(line) for name in files for line in root.fs.cat_file(name).splitlines()]
    found = [(row["page_id"], row["metric"], row["pacific_date"]) for row in rows]
    assert len(found) == len(set(found))
    return set(found)


def expected(mapping: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    tasks = [LOAD | own for own in mapping]
    return {
        (page_id, task["metrics"], day)
        for task in tasks
        for page_id in ([task["page_ids"]] if isinstance(task["page_ids"], str) else task["page_ids"])
        for day in DAYS
    }


@pytest.mark.parametrize("over", MAPPINGS)
def test_on_a_disk_every_row_of_every_mapped_task_is_stored(connections: None, tmp_path: Path, over: str) -> None:
    del connections
    results = execute_at_once(MAPPINGS[over], output_path=tmp_path.as_uri())
    assert rows_at(tmp_path.as_uri()) == expected(MAPPINGS[over])
    per_task = len(expected(MAPPINGS[over])) // len(MAPPINGS[over])
    assert [result["rows"] for result in results] == [per_task] * len(results), "each counts its own rows"


@pytest.mark.parametrize("conditions", ["honoured"], indirect=True)
@pytest.mark.thorough
@pytest.mark.parametrize("over", MAPPINGS)
def test_on_s3_every_row_of_every_mapped_task_is_stored(s3: dict[str, Any], over: str) -> None:
    results = execute_at_once(MAPPINGS[over], **s3)
    assert rows_at(*s3.values()) == expected(MAPPINGS[over])
    per_task = len(expected(MAPPINGS[over])) // len(MAPPINGS[over])
    assert [result["rows"] for result in results] == [per_task] * len(results)


@pytest.mark.parametrize("conditions", ["ignored", pytest.param("unknown", marks=pytest.mark.thorough)], indirect=True)
def test_where_conditions_are_not_honoured_mapped_tasks_without_a_part_are_refused_before_any_request(
    s3: dict[str, Any], emulator: GraphEmulator
) -> None:
    before = emulator.stats()["http_requests"]
    with pytest.raises(AirflowFailException, match=r"mapped tasks share part='0'.* a part of its own"):
        execute(0, page_ids="all", **s3)  # not even the list of Pages
    assert emulator.stats()["http_requests"] == before
    assert rows_at(*s3.values()) == set()
    assert execute(-1, page_ids="101", **s3)["rows"] == len(DAYS), "a task that is not mapped may"
    assert execute(1, page_ids="102", part="b", **s3)["rows"] == len(DAYS), "and one with a part of its own"


def mapped(**partial: Any) -> Any:
    """A DAG with one mapped task, as a context has it."""
    expand = partial.pop("expand")
    with DAG("mapped", schedule=None) as dag:
        MessagingInsightsOperator.partial(task_id="load", **partial).expand(**expand)
    return {"dag": dag}


@pytest.mark.parametrize("conditions", ["ignored"], indirect=True)
@pytest.mark.parametrize(
    ("written", "part", "is_refused"),
    [
        ({"part": "same", "expand": {"metrics": ["a", "b"]}}, "same", True),
        ({"part": "{{ ti.map_index }}", "expand": {"metrics": ["a", "b"]}}, "1", False),
        ({"expand": {"part": ["0", "1"]}}, "0", False),
        ({"expand": {"metrics": ["a", "b"]}}, "0", True),
    ],
)
def test_a_part_that_all_mapped_tasks_have_is_not_their_own(
    s3: dict[str, Any], written: dict[str, Any], part: str, *, is_refused: bool
) -> None:
    context = mapped(**written)
    if is_refused:
        with pytest.raises(AirflowFailException, match="mapped tasks share part"):
            execute(0, context, page_ids="101", part=part, **s3)
    else:
        assert execute(0, context, page_ids="101", part=part, **s3)["rows"] == len(DAYS)
