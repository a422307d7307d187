"""The operator outside a DAG run: what it returns, refuses and keeps."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to
from support.made_events import late_conversation
from support.operator_calls import NEW, execute, manifest_of

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.exceptions import RateLimitError, ServiceUnavailableError
from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.dates import end_of_day, pacific_date

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("connection")

SENT = "page_messages_sent"


def test_given_dates_need_no_run_and_the_connection_names_the_page(emulator: GraphEmulator) -> None:
    rows = execute()
    assert {(row["page_id"], row["pacific_date"]) for row in rows} == {("101", "2026-11-01")}
    assert emulator.stats()["graph_calls"] == 1


def test_rows_for_xcom_are_plain_json() -> None:
    rows = execute()
    assert json.loads(json.dumps(rows)) == rows


def test_the_stable_metrics_are_the_default() -> None:
    assert {row["metric"] for row in execute()} == {
        "page_messages_blocked_conversations_unique",
        NEW,
        "page_messages_reported_conversations_unique",
        "page_messages_total_messaging_connections",
    }


def test_several_pages_go_by_one_system_user_token(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    rows = execute(page_ids="101, 102,103")
    assert {row["page_id"] for row in rows} == {"101", "102", "103"}


def test_files_lie_under_the_pacific_date_and_a_second_load_leaves_the_same_bytes(tmp_path: Path) -> None:
    execute(output_path=tmp_path.as_uri())
    (file,) = tmp_path.glob("dt=2026-11-01/*")
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    result = execute(output_path=tmp_path.as_uri())
    assert [told["path"].removeprefix("file://") for told in manifest_of(result)["files"]] == [str(file)]
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    found = [path for path in tmp_path.rglob("*") if path.is_file() and "_manifests" not in path.parts]
    coverage = [tmp_path / "_coverage" / name for name in ("findings-0.json.gz", "pages.json", "part-0.json.gz")]
    assert sorted(found) == [*coverage, tmp_path / "_dataset.json", file]


def test_the_summary_says_what_was_loaded(tmp_path: Path) -> None:
    result = execute(output_path=tmp_path.as_uri(), until="2026-11-03")
    manifest = manifest_of(result)
    assert result["rows"] == sum(file["rows"] for file in manifest["files"]) == 8
    assert (result["first_day"], result["last_day"], result["day_count"]) == ("2026-11-01", "2026-11-02", 2)
    assert (result["page_count"], result["failed_page_count"], result["unavailable_metrics"]) == (1, 0, [])
    assert manifest["pages_ok"] == ["101"]
    assert manifest["api_versions"] == ["v26.0"]
    assert manifest["graph_calls"] == 1


def test_the_summary_stays_under_a_kilobyte(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    for metric in METRICS:
        if metric != NEW:
            emulator.retire_metric(metric)
    pages = list(emulator.page_ids)
    result = execute(page_ids=pages, metrics="all", since="2026-08-01", output_path=tmp_path.as_uri())
    assert len(manifest_of(result)["files"]) == 93
    assert len(manifest_of(result)["metrics_unavailable"]) == 10
    assert len(json.dumps(result)) < 1024


def test_a_restated_day_is_told(emulator: GraphEmulator, tmp_path: Path) -> None:
    execute(output_path=tmp_path.as_uri(), metrics=NEW, final_after_hours=10**6)
    emulator.add_events(late_conversation(date(2026, 11, 1)))
    result = execute(output_path=tmp_path.as_uri(), metrics=NEW, final_after_hours=10**6)
    assert (result["rows_added"], result["rows_changed"], result["restated_day_count"]) == (0, 1, 1)
    assert manifest_of(result)["restated_days"] == ["2026-11-01"]


def test_all_pages_are_those_the_token_may_analyse(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    emulator.change_page("102", tasks=("MESSAGING",))
    assert {row["page_id"] for row in execute(page_ids="all", metrics=NEW)} == set(emulator.page_ids) - {"102"}


def test_all_pages_of_a_token_that_has_none_are_refused_with_the_cure(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    for page_id in emulator.page_ids:
        emulator.change_page(page_id, tasks=())
    with pytest.raises(AirflowFailException, match="ANALYZE"):
        execute(page_ids="all")


@pytest.mark.parametrize("allowed", [1, 0.5, None])
def test_as_many_pages_as_allowed_may_fail(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, allowed: float | None
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    result = execute(page_ids=["101", "999"], output_path=tmp_path.as_uri(), max_failed_pages=allowed)
    assert (result["page_count"], result["failed_page_count"]) == (1, 1)
    assert "999" in manifest_of(result)["pages_failed"]


def test_more_failed_pages_than_allowed_fail_the_task_after_the_good_ones_are_stored(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    with pytest.raises(AirflowFailException, match=r"99[89]"):
        execute(page_ids=["101", "998", "999"], output_path=tmp_path.as_uri(), max_failed_pages=1)
    assert len(list(tmp_path.glob("dt=*/*"))) == 1


def test_extra_columns_stand_in_every_row(tmp_path: Path) -> None:
    execute(output_path=tmp_path.as_uri(), extra_columns={"loaded_by": "run 7"})
    (file,) = tmp_path.glob("dt=*/*")
    assert {json.loads(line)["loaded_by"] for line in file.read_text().splitlines()} == {"run 7"}


@pytest.mark.parametrize(("output_format", "compression"), [("csv", None), ("jsonl", "gzip"), ("parquet", None)])
def test_every_format_holds_every_row(tmp_path: Path, output_format: str, compression: str | None) -> None:
    parameters: dict[str, Any] = {
        "output_path": tmp_path.as_uri(),
        "output_format": output_format,
        "compression": compression,
    }
    result = execute(metrics="all", **parameters)
    (told,) = manifest_of(result)["files"]
    assert told["rows"] == 11
    assert execute(metrics="all", **parameters)["rows_unchanged"] == 11


def test_parts_share_a_partition_and_no_page(
    tmp_path: Path, emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    execute(output_path=tmp_path.as_uri(), page_ids="101", part="a")
    execute(output_path=tmp_path.as_uri(), page_ids="102", part="b")
    assert sorted(file.name for file in tmp_path.glob("dt=*/*")) == ["part-a.jsonl", "part-b.jsonl"]
    with pytest.raises(AirflowFailException, match=r"part-?a"):
        execute(output_path=tmp_path.as_uri(), page_ids="101", part="b")


def test_a_retired_metric_named_by_hand_fails_after_the_others_are_stored(
    emulator: GraphEmulator, tmp_path: Path
) -> None:
    emulator.retire_metric(SENT)
    with pytest.raises(AirflowFailException, match=SENT):
        execute(metrics=[NEW, SENT], output_path=tmp_path.as_uri())
    (file,) = tmp_path.glob("dt=*/*")
    assert [json.loads(line)["metric"] for line in file.read_text().splitlines()] == [NEW]


def test_a_retired_metric_of_a_group_is_left_out_and_reported(emulator: GraphEmulator, tmp_path: Path) -> None:
    emulator.retire_metric(SENT)
    result = execute(metrics="all", output_path=tmp_path.as_uri())
    assert result["rows"] == 10
    assert result["unavailable_metrics"] == [SENT]


def test_a_page_that_fails_does_not_cost_the_others_their_rows(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    with pytest.raises(AirflowFailException, match="999"):
        execute(page_ids=["101", "999", "102"], output_path=tmp_path.as_uri())
    (file,) = tmp_path.glob("dt=*/*")
    assert {json.loads(line)["page_id"] for line in file.read_text().splitlines()} == {"101", "102"}


def test_a_throttled_page_leaves_a_failure_that_airflow_retries_and_that_says_until_when(
    emulator: GraphEmulator,
) -> None:
    emulator.set_throttled("101", minutes=30)
    with pytest.raises(RateLimitError, match="must wait for Meta's rate limit until") as caught:
        execute()
    assert caught.value.retry_after_seconds == pytest.approx(1800, abs=61)


def test_trouble_that_passes_is_retried_within_the_task(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, extra={"base_seconds": 0})
    emulator.add_fault(code=2, times=2)
    assert len(execute()) == 4
    assert emulator.stats()["graph_calls"] == 3


def test_trouble_that_stays_is_left_to_airflow_s_retries(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, extra={"base_seconds": 0, "max_attempts": 2})
    emulator.add_fault(code=2, times=None)
    with pytest.raises(ServiceUnavailableError):
        execute()


def test_an_output_connection_that_does_not_exist_is_refused(emulator: GraphEmulator, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="nowhere"):
        execute(output_path=tmp_path.as_uri(), output_conn_id="nowhere")
    assert emulator.stats()["http_requests"] == 0


def test_more_rows_than_xcom_should_hold_are_refused_with_the_cure() -> None:
    with pytest.raises(AirflowFailException, match="output_path"):
        execute(xcom_max_rows=3)
    assert len(execute(xcom_max_rows=4)) == 4


def test_a_day_that_is_not_over_is_warned_about_and_not_final(
    emulator: GraphEmulator, capfd: pytest.CaptureFixture[str]
) -> None:
    emulator.configure(unready="provisional")
    now = datetime.now(UTC)
    today = pacific_date(now)
    rows = execute(metrics=NEW, since=today - timedelta(days=3), until=today + timedelta(days=1))
    assert "is not over in US Pacific time" in capfd.readouterr().out
    assert {row["pacific_date"]: row["is_final"] for row in rows} == {
        (today - timedelta(days=3)).isoformat(): True,
        (today - timedelta(days=2)).isoformat(): end_of_day(today - timedelta(days=2)) <= now - timedelta(hours=48),
        (today - timedelta(days=1)).isoformat(): False,
        today.isoformat(): False,
    }


def test_rows_are_final_after_the_hours_asked_for() -> None:
    assert {row["is_final"] for row in execute(final_after_hours=48)} == {True}
    assert {row["is_final"] for row in execute(final_after_hours=24 * 36500)} == {False}


def test_the_api_version_of_the_task_wins_over_the_connection_s(emulator: GraphEmulator) -> None:
    execute(api_version="v25.0")
    assert emulator.stats()["journal"][0]["version"] == "v25.0"


def test_errors_of_a_load_survive_the_way_between_processes(emulator: GraphEmulator) -> None:
    emulator.set_throttled("101", minutes=30)
    with pytest.raises(RateLimitError) as caught:
        execute()
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert (str(again), again.retry_after_seconds) == (str(caught.value), caught.value.retry_after_seconds)


@pytest.mark.parametrize("bounds", [{"max_attempts": 1}, {"max_attempts": "1", "base_seconds": "0"}])
def test_a_task_may_ask_again_less_often_than_its_connection(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, bounds: dict[str, Any]
) -> None:
    connection_to(emulator, monkeypatch, extra={"base_seconds": 0, "max_attempts": 4})
    emulator.add_fault(code=2, times=1)
    with pytest.raises(ServiceUnavailableError):
        execute(retry_bounds=bounds)
    assert len(execute(retry_bounds={"base_seconds": 0})) == 4


def test_a_token_that_ends_soon_is_warned_of_when_the_api_tells_its_end(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    token = emulator.page_token("101")
    emulator.change_token(token, expires_at=int((emulator.now() + timedelta(days=3)).timestamp()))
    execute()
    assert "The token ends on" not in capfd.readouterr().out
    assert emulator.stats()["graph_calls"] == 1
    connection_to(emulator, monkeypatch, extra={"app_id": "1", "app_secret": "app-secret"})
    execute()
    assert "The token ends on" in capfd.readouterr().out
    assert emulator.stats()["graph_calls"] == 3
