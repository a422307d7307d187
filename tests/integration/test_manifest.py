"""The manifest: everything there is to tell of a load."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.airflow_versions import TaskDeferred
from support.dag_runs import connection_to
from support.made_events import fleeting_message, late_conversation
from support.operator_calls import NEW, execute, manifest_of, run_context

from airflow_provider_msginsights.insights.dates import end_of_day, pacific_date
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

SENT = "page_messages_sent"


@pytest.fixture(autouse=True)
def several_pages(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that reads every Page and waits for no limit itself."""
    connection_to(emulator, monkeypatch, password=emulator.system_user_token, extra={"wait_bound_seconds": 0})


def test_it_lists_every_file_with_what_a_reader_can_check(tmp_path: Path) -> None:
    manifest = manifest_of(execute(output_path=tmp_path.as_uri(), until="2026-11-04"))
    assert len(manifest["files"]) == 3
    for file in manifest["files"]:
        data = Path(file["path"].removeprefix("file://")).read_bytes()
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
        assert file["size_bytes"] == len(data)
        assert file["rows"] == len(data.splitlines())


def test_it_tells_pages_that_answered_from_those_that_failed_and_those_that_said_nothing(
    emulator: GraphEmulator, tmp_path: Path
) -> None:
    emulator.hide_metric(NEW, page_id="103")
    result = execute(output_path=tmp_path.as_uri(), page_ids=["101", "999", "103"], metrics=NEW, max_failed_pages=1)
    manifest = manifest_of(result)
    assert manifest["page_ids"] == ["101", "999", "103"]
    assert manifest["pages_ok"] == ["101"]
    assert manifest["pages_without_rows"] == ["103"]
    assert list(manifest["pages_failed"]) == manifest["pages_unanswered"] == ["999"]


def test_it_tells_metrics_asked_returned_and_refused(emulator: GraphEmulator, tmp_path: Path) -> None:
    emulator.retire_metric(SENT)
    manifest = manifest_of(execute(output_path=tmp_path.as_uri(), metrics="all"))
    assert len(manifest["metrics_asked"]) == 11
    assert set(manifest["metrics_asked"]) - set(manifest["metrics_returned"]) == {SENT}
    assert list(manifest["metrics_unavailable"]) == [SENT]


def test_it_tells_final_days_from_provisional_ones(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    today = pacific_date(now)
    days = [today - timedelta(days=count) for count in (4, 3, 2, 1)]
    manifest = manifest_of(execute(output_path=tmp_path.as_uri(), since=days[0], until=today))
    final = [str(day) for day in days if end_of_day(day) <= now - timedelta(hours=48)]
    assert manifest["ranges"] == [[str(days[0]), str(days[-1])]]
    assert manifest["final_days"] == final
    assert manifest["provisional_days"] == [str(day) for day in days if str(day) not in final]
    assert manifest["provisional_days"]


def test_it_names_the_run_and_when_it_ran(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    manifest = manifest_of(execute(run_context(map_index=3, try_number=2), output_path=tmp_path.as_uri()))
    assert {name: manifest[name] for name in ("dag_id", "task_id", "run_id", "map_index", "try_number")} == {
        "dag_id": "daily",
        "task_id": "load",
        "run_id": "scheduled__1",
        "map_index": 3,
        "try_number": 2,
    }
    started, finished = (datetime.fromisoformat(manifest[name]) for name in ("started", "finished"))
    assert before <= started <= finished <= datetime.now(UTC)


def test_it_tells_the_version_asked_and_the_one_that_answered(tmp_path: Path) -> None:
    manifest = manifest_of(execute(output_path=tmp_path.as_uri(), api_version="v25.0"))
    assert (manifest["api_version_asked"], manifest["api_versions"]) == ("v25.0", ["v25.0"])


def test_it_tells_calls_retries_and_how_near_each_page_came_to_its_limit(
    emulator: GraphEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token, extra={"base_seconds": 0})
    emulator.set_allowance("101", calls=10)
    emulator.set_allowance("102", calls=40)
    emulator.add_fault(code=2, page_id="102", times=1)
    manifest = manifest_of(execute(output_path=tmp_path.as_uri(), page_ids=["101", "102"]))
    assert manifest["graph_calls"] == emulator.stats()["graph_calls"]
    assert manifest["graph_retries"] >= 1
    assert manifest["peak_usage_percent"]["101"] >= 10
    assert manifest["peak_usage_percent"]["102"] < manifest["peak_usage_percent"]["101"]
    assert manifest["throttled_seconds"] == 0


def test_every_index_of_a_mapped_task_has_one_for_all_its_tries(tmp_path: Path) -> None:
    def told(map_index: int, try_number: int) -> str:
        context = run_context(map_index=map_index, try_number=try_number)
        return str(execute(context, output_path=tmp_path.as_uri(), page_ids="101", metrics=NEW)["manifest"])

    first, second, again = told(0, 1), told(1, 1), told(0, 2)
    assert first == again != second
    there = {path.as_uri() for path in (tmp_path / "_manifests").glob("*.json")}
    assert there == {first, second}
    assert manifest_of({"manifest": first})["try_number"] == 2


def test_it_counts_what_became_of_the_stored_rows_and_names_the_days_that_say_something_else(
    emulator: GraphEmulator, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"page_ids": "101", "metrics": SENT, "breakdowns": "campaign_id", "until": "2026-11-04"}
    counted = ("rows_added", "rows_changed", "rows_unchanged", "rows_removed")
    emulator.add_events([fleeting_message(date(2026, 11, 2))])
    first = manifest_of(execute(output_path=tmp_path.as_uri(), **asked))
    rows = first["rows"]
    assert [first[name] for name in counted] == [rows, 0, 0, 0]
    assert (first["restated_days"], first["restated_final_days"]) == ([], [])
    assert [file["changed"] for file in first["files"]] == [True, True, True]
    emulator.reset()
    second = manifest_of(execute(output_path=tmp_path.as_uri(), **asked))
    assert [second[name] for name in counted] == [0, 0, rows - 1, 1]
    assert second["restated_days"] == second["restated_final_days"] == ["2026-11-02"]
    assert {file["partition"] for file in second["files"] if file["changed"]} == {"dt=2026-11-02"}


def test_a_day_restated_before_it_was_final_is_told_apart(emulator: GraphEmulator, tmp_path: Path) -> None:
    asked: dict[str, Any] = {"page_ids": "101", "metrics": NEW, "final_after_hours": 10**6}
    execute(output_path=tmp_path.as_uri(), **asked)
    emulator.add_events(late_conversation(date(2026, 11, 1)))
    manifest = manifest_of(execute(output_path=tmp_path.as_uri(), **asked))
    assert (manifest["rows_changed"], manifest["rows_unchanged"]) == (1, 0)
    assert (manifest["restated_days"], manifest["restated_final_days"]) == (["2026-11-01"], [])


def test_it_counts_rows_of_replies_that_were_left_out(emulator: GraphEmulator, tmp_path: Path) -> None:
    row = {"value": 1, "end_time": "2026-11-02T08:00:00+0000"}
    rows = [row, row, {"value": 2, "end_time": "2026-12-02T08:00:00+0000"}]
    entries = [{"name": NEW, "period": period, "values": rows} for period in ("day", "week")]
    emulator.add_fault(kind="reply", body=json.dumps({"data": entries}), path="/insights", times=1)
    manifest = manifest_of(execute(output_path=tmp_path.as_uri(), page_ids="101", metrics=NEW))
    assert manifest["rows"] == 1
    assert manifest["dropped_rows"] == {"duplicate": 1, "outside the range": 1, "other period": 3}


def test_a_load_in_two_turns_has_one_manifest(emulator: GraphEmulator, tmp_path: Path) -> None:
    parameters: dict[str, Any] = {"page_ids": ["101", "102"], "deferrable": True, "until": "2026-11-03"}
    emulator.set_throttled("102", minutes=15)
    with pytest.raises(TaskDeferred) as deferred:
        execute(run_context(), output_path=tmp_path.as_uri(), **parameters)
    first_calls = emulator.stats()["graph_calls"]
    emulator.reset()
    task = MessagingInsightsOperator(task_id="load", output_path=tmp_path.as_uri(), since="2026-11-01", **parameters)
    event = {"status": "resume", "state": json.loads(json.dumps(deferred.value.trigger.state))}
    context: Any = run_context()
    manifest = manifest_of(task.execute_complete(context, event))
    assert manifest["pages_ok"] == ["101", "102"]
    assert manifest["page_ids"] == ["101", "102"]
    assert manifest["rows"] == sum(file["rows"] for file in manifest["files"]) == 16
    assert manifest["graph_calls"] == first_calls + emulator.stats()["graph_calls"]
    assert manifest["final_days"] == manifest["days"] == ["2026-11-01", "2026-11-02"]
    assert 14 * 60 < manifest["throttled_seconds"] < 17 * 60
    assert manifest["peak_usage_percent"]["102"] >= 100
    assert manifest["paused_requests"] == 0
