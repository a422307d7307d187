"""Parameters as templates, XCom and path objects leave them, in real DAG runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import ObjectStoragePath
from support.airflow_versions import needs_airflow
from support.dag_runs import connection_to
from support.operator_calls import DAY, execute

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

if TYPE_CHECKING:
    from support.dag_runs import RunDag

    from airflow_provider_msginsights.emulator import GraphEmulator

TASKS = """
{native}
@task
def pages():
    return [101, 102]

numbers = pages()
common = {{"metrics": "stable", "since": "{{{{ '20261101' }}}}", "until": "{{{{ '20261102' }}}}"}}
rendered = MessagingInsightsOperator(
    task_id="rendered", output_path="{root}/rendered", page_ids="{{{{ ti.xcom_pull('pages') }}}}",
    part="{{{{ '7' }}}}", lookback_days="{{{{ 1 }}}}", extra_columns={{"batch": "{{{{ '42' }}}}"}},
    breakdowns="{{{{ none }}}}", compression="{{{{ none }}}}", date_preset="{{{{ none }}}}",
    api_version="{{{{ none }}}}",
    retry_bounds="{{{{ {{'max_attempts': 2}} }}}}", max_failed_pages="{{{{ none }}}}", **common,
)
listed = MessagingInsightsOperator(
    task_id="listed", page_ids=["{{{{ 101 }}}}", "{{{{ '102' }}}}"], output_path="{root}/listed", **common
)
passed = MessagingInsightsOperator(task_id="passed", page_ids=numbers, output_path="{root}/passed", **common)
MessagingInsightsOperator.partial(
    task_id="mapped", output_path="{root}/mapped", part="{{{{ ti.map_index }}}}", **common
).expand(page_ids=numbers)
waited = MessagingInsightsSensor(
    task_id="waited", page_ids=["{{{{ 101 }}}}", "102"], min_ready_pages="{{{{ 2 }}}}",
    since="{{{{ 20261101 }}}}", until="{{{{ '20261102' }}}}",
)
numbers >> [rendered, listed, waited]
"""


@pytest.mark.parametrize(
    "native", [pytest.param("", marks=pytest.mark.thorough), "dag.render_template_as_native_obj = True"]
)
def test_ids_and_numbers_work_however_they_are_rendered(
    run_dag: RunDag, emulator: GraphEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, native: str
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    run_after = datetime(2026, 11, 20, 12, tzinfo=UTC)
    done = run_dag(TASKS.format(root=tmp_path, native=native), run_after=run_after)
    assert done.state == "success", done.log
    for name in ("rendered", "listed", "passed", "mapped"):
        files = sorted(tmp_path.glob(f"{name}/dt=2026-11-01/part-*"))
        rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        assert {row["page_id"] for row in rows} == {"101", "102"}, name
        assert {row.get("batch") for row in rows} == ({"42"} if name == "rendered" else {None})
    assert (tmp_path / "rendered" / "dt=2026-10-31" / "part-7.jsonl").exists()
    assert done.xcom("waited") == {"days": ["2026-11-01"], "page_ids": ["101", "102"]}


@needs_airflow("3.2", "path objects in templated fields are rendered")
def test_a_path_object_is_stored_by_its_text(run_dag: RunDag, tmp_path: Path) -> None:
    tasks = f"""
import pathlib
from airflow.sdk import ObjectStoragePath

MessagingInsightsOperator(task_id="path", output_path=pathlib.Path("{tmp_path}/a"), lookback_days=1)
MessagingInsightsOperator(task_id="storage", output_path=ObjectStoragePath("file://{tmp_path}/b"), lookback_days=1)
"""
    done = run_dag(tasks, run_after=datetime(2026, 11, 20, 12, tzinfo=UTC))
    assert done.state == "success", done.log
    assert done.xcom("path")["output_path"] == f"{tmp_path}/a"
    assert done.xcom("storage")["output_path"] == f"file://{tmp_path}/b"
    for name in ("a", "b"):
        assert (tmp_path / name / "dt=2026-11-19" / "part-0.jsonl").exists()


@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize("kind", [Path, ObjectStoragePath])
def test_openlineage_names_a_path_object_by_its_text(kind: Any, tmp_path: Path) -> None:
    from openlineage.client.serde import Serde

    day: dict[str, Any] = DAY
    task = MessagingInsightsOperator(task_id="load", output_path=kind(str(tmp_path)), **day)
    json.dumps(task.execute({}))
    (written,) = task.get_openlineage_facets_on_complete(None).outputs
    assert (written.namespace, written.name) == ("file", str(tmp_path))
    assert Serde.to_json(written)


@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize(
    "path", ["None", "", "data", "./data", "~/data", "file://data", Path("data"), "s3://", b"/data"]
)
def test_a_path_that_means_another_place_on_each_worker_is_refused_before_any_request(
    emulator: GraphEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(AirflowFailException, match=r"^output_path=.* is not valid: use "):
        execute(output_path=path)
    assert list(tmp_path.iterdir()) == []
    assert emulator.stats()["http_requests"] == 0


def test_a_token_in_the_login_is_refused_before_any_request_and_shown_nowhere(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    token = "EAAG" + "x" * 120
    connection_to(emulator, monkeypatch, login=token, password="101")
    told = []
    for ask in (
        execute,
        lambda: MessagingInsightsHook().resolve_page_ids(None),
        lambda: MessagingInsightsHook().inspect_token(),
    ):
        with pytest.raises((AirflowFailException, ConfigurationError), match="login must hold Page ids") as refused:
            ask()
        told.append(f"{refused.value!r} {refused.value.__cause__!r}")
    ok, text = MessagingInsightsHook().test_connection()
    assert not ok
    assert "EAAG" not in f"{told} {text} {capfd.readouterr()}"
    assert emulator.stats()["http_requests"] == 0


@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize("page_ids", [[], "[]", (), ["101", None], ["101", ""], [["101"]], "12a", ["all", "101"]])
def test_a_list_of_pages_with_a_hole_is_not_taken_for_the_default_pages(emulator: GraphEmulator, page_ids: Any) -> None:
    with pytest.raises(AirflowFailException, match="page_ids"):
        execute(page_ids=page_ids)
    assert emulator.stats()["http_requests"] == 0
