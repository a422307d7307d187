"""Refused Pages in loads and sensors, as recorded replies and an emulated API refuse them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.execution_time import task_runner
from support.airflow_versions import TaskDeferred
from support.dag_runs import connection_to
from support.operator_calls import DAY, NEW, execute, manifest_of, run_context
from support.sensor_modes import DEFERRED, run_to_end
from support.triggerers import StateStore, running

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.emulator import GraphEmulator
from airflow_provider_msginsights.exceptions import MessagingInsightsError, PermissionDeniedError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.dates import DateRange, pacific_date
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.triggers.new_day import MessagingInsightsNewDayTrigger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOST = (
    "(#100) Object does not exist, cannot be loaded due to missing permission or reviewable feature, or does not "
    "support this operation. This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content "
    "Access' feature or the 'Page Public Metadata Access' feature."
)
POKE, RESCHEDULE = "poke", "reschedule"
BAD = "102"
REFUSALS = [
    pytest.param({"code": 100, "message": LOST}, "pages_read_engagement", id="lost permission"),
    pytest.param({"code": 100, "message": "(#100) Missing Permission"}, "ANALYZE", id="missing permission"),
    pytest.param({"code": 100, "message": "(#100) Who knows"}, "Who knows", id="a sentence nobody knows"),
    pytest.param({"code": 10}, "Page 102", id="10"),
    pytest.param({"code": 803}, "Page 102", id="803"),
    pytest.param({"code": 200, "subcode": 2069030}, "Page 102", id="200/2069030"),
]


@pytest.fixture
def tokens(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection holds the system user's token."""
    connection_to(emulator, monkeypatch, password=emulator.system_user_token, extra={"base_seconds": 0})


def refuse(emulator: GraphEmulator, fault: dict[str, Any], page_id: str = BAD) -> None:
    emulator.add_fault(**fault, page_id=page_id, path="insights", times=None)


def stored_pages(folder: Path) -> set[str]:
    return {json.loads(line)["page_id"] for file in folder.glob("dt=*/*") for line in file.read_text().splitlines()}


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize(("fault", "word"), REFUSALS)
@pytest.mark.parametrize("page_ids", ["101,102", "102,101"])
@pytest.mark.parametrize("metrics", ["stable", NEW, [NEW]])
def test_a_refused_page_fails_the_load_after_the_other_one_is_stored(
    emulator: GraphEmulator, tmp_path: Path, fault: dict[str, Any], word: str, page_ids: str, metrics: Any
) -> None:
    refuse(emulator, fault)
    with pytest.raises(AirflowFailException, match=word) as failed:
        execute(page_ids=page_ids, metrics=metrics, output_path=tmp_path.as_uri())
    assert "Page 102" in str(failed.value)
    assert stored_pages(tmp_path) == {"101"}


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize(("fault", "word"), REFUSALS)
@pytest.mark.parametrize("page_ids", ["101,102", "102,101"])
def test_a_page_that_may_fail_is_named_in_xcom_and_manifest(
    emulator: GraphEmulator, tmp_path: Path, fault: dict[str, Any], word: str, page_ids: str
) -> None:
    refuse(emulator, fault)
    result = execute(page_ids=page_ids, metrics=[NEW], output_path=tmp_path.as_uri(), max_failed_pages=1)
    assert (result["page_count"], result["failed_page_count"], result["failed_page_ids"]) == (1, 1, [BAD])
    assert result["unavailable_metrics"] == []
    manifest = manifest_of(result)
    assert set(manifest["pages_failed"]) == {BAD}
    assert word in manifest["pages_failed"][BAD]
    assert (manifest["metrics_unavailable"], manifest["metrics_unavailable_on_pages"]) == ({}, {})


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize("mode", [POKE, RESCHEDULE, DEFERRED])
@pytest.mark.parametrize("page_ids", ["101,102", "102,101"])
@pytest.mark.parametrize(("fault", "word"), REFUSALS[:3])
def test_a_sensor_is_never_ready_while_a_page_is_refused(
    emulator: GraphEmulator, mode: str, page_ids: str, fault: dict[str, Any], word: str
) -> None:
    refuse(emulator, fault)
    ended = run_to_end(mode, page_ids=page_ids, since="2026-11-01", until="2026-11-02", poke_interval=0.05, timeout=5)
    assert ended.state == "failed"
    assert word in ended.message
    assert "Page 102" in ended.message


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize("mode", [POKE, DEFERRED])
def test_a_sensor_that_needs_one_page_names_the_refused_one(emulator: GraphEmulator, mode: str) -> None:
    refuse(emulator, {"code": 100, "message": "(#100) Who knows"})
    parameters: dict[str, Any] = {"page_ids": "101,102", "since": "2026-11-01", "until": "2026-11-02"}
    ended = run_to_end(mode, **parameters, min_ready_pages=1, poke_interval=0.05, timeout=5)
    assert ended.state == "success"
    assert ended.value == {
        "days": ["2026-11-01"],
        "page_ids": ["101"],
        "late_page_ids": [BAD],
        "failed_page_ids": [BAD],
    }


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize(("fault", "word"), REFUSALS)
@pytest.mark.parametrize("page_ids", ["101,102", "102,101"])
def test_the_hook_raises_what_keeps_a_page_from_being_probed(
    emulator: GraphEmulator, fault: dict[str, Any], word: str, page_ids: str
) -> None:
    refuse(emulator, fault)
    day = pacific_date(datetime(2026, 11, 1, 20, tzinfo=UTC))
    query = InsightsQuery.create(
        page_ids=page_ids, metrics=NEW, days=DateRange(day, pacific_date(datetime(2026, 11, 2, 20, tzinfo=UTC)))
    )
    probe = MessagingInsightsHook().probe_availability
    with pytest.raises(MessagingInsightsError, match=word):
        probe(query, now=datetime(2026, 11, 5, tzinfo=UTC))
    outcome = MessagingInsightsHook().probe_metrics(query)
    assert set(outcome.page_failures) == {BAD}
    assert not outcome.unavailable_metrics


@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize("page_ids", ["102", "101,102", "102,101"])
def test_the_token_of_another_page_is_named(emulator: GraphEmulator, page_ids: str) -> None:
    with pytest.raises(AirflowFailException, match="The token is of Page 101, and Page 102 was requested"):
        execute(page_ids=page_ids)
    asked_me = [call for call in emulator.stats()["journal"] if call["path"].endswith("/me")]
    assert len(asked_me) <= (page_ids == "102")


@pytest.mark.usefixtures("tokens")
def test_a_person_s_token_is_not_taken_for_a_page_s(emulator: GraphEmulator) -> None:
    refuse(emulator, {"code": 10})
    with pytest.raises(AirflowFailException) as failed:
        execute(page_ids=BAD)
    assert "The token is of Page" not in str(failed.value)


# What a failed task logs


def logged(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """The lines a task printed: its log."""
    return [line for line in capfd.readouterr().out.splitlines() if line.strip()]


@pytest.mark.usefixtures("tokens")
def test_a_failure_is_told_in_short_lines_and_raised_alone(
    emulator: GraphEmulator, capfd: pytest.CaptureFixture[str]
) -> None:
    refuse(emulator, {"code": 100, "message": LOST})
    capfd.readouterr()
    with pytest.raises(AirflowFailException) as failed:
        execute(page_ids="101,102")
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None
    lines = logged(capfd)
    told = [line[line.index(" - ") :] if " - " in line else line for line in lines]
    starts = ("What happened: Page 102", "Why: ", "What helps: ", "Evidence: HTTP 400, code 100")
    assert all(any(start in line for line in told) for start in starts), lines
    assert len(lines) < 20


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize("mode", [POKE, DEFERRED])
def test_a_sensor_tells_its_failure_in_short_lines(
    emulator: GraphEmulator, mode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    refuse(emulator, {"code": 100, "message": LOST})
    capfd.readouterr()
    run_to_end(mode, page_ids="101,102", since="2026-11-01", until="2026-11-02", poke_interval=0.05, timeout=5)
    out = capfd.readouterr().out
    assert out.count("What happened: Page 102") == 1
    assert out.count("What helps: ") == 1


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize("mode", [POKE, RESCHEDULE, DEFERRED])
def test_a_sensor_that_is_done_tells_what_it_found(mode: str, capfd: pytest.CaptureFixture[str]) -> None:
    run_to_end(mode, page_ids="101,102", since="2026-11-01", until="2026-11-03", poke_interval=0.05, timeout=5)
    assert "Found 2 Pacific days (2026-11-01 to 2026-11-02) of 2 Pages (101, 102)." in capfd.readouterr().out


@pytest.mark.usefixtures("tokens")
def test_a_load_s_summary_names_days_pages_and_path(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    execute(page_ids="101", until="2026-11-03", output_path=tmp_path.as_uri())
    out = capfd.readouterr().out
    assert f"Loaded 2 Pacific days (2026-11-01 to 2026-11-02) of Page 101, to {tmp_path.as_uri()}." in out


# Many Pages


@pytest.fixture(scope="module")
def large_emulator() -> Iterator[GraphEmulator]:
    with GraphEmulator(pages=0) as running:
        yield running


@pytest.fixture
def many(large_emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> GraphEmulator:
    large_emulator.reset()
    for number in range(101, 301):
        large_emulator.add_page(str(number))  # without events: those of 200 Pages take half a minute to make up
    connection_to(large_emulator, monkeypatch, password=large_emulator.system_user_token, extra={"base_seconds": 0})
    return large_emulator


def load_of_all(emulator: GraphEmulator, folder: Path, **parameters: Any) -> Any:
    page_ids = list(emulator.page_ids)
    return execute(page_ids=page_ids, output_path=folder.as_uri(), max_failed_pages=None, **parameters)


def test_200_pages_with_a_dead_metric_log_little(
    many: GraphEmulator, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    many.retire_metric("page_messages_sent")
    result = load_of_all(many, tmp_path, metrics="all")
    assert (result["page_count"], result["unavailable_metrics"]) == (200, ["page_messages_sent"])
    assert len(logged(capfd)) < 20


def test_200_empty_pages_log_little(many: GraphEmulator, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for page_id in many.page_ids:
        many.hide_metric(NEW, page_id=page_id)
    load_of_all(many, tmp_path, metrics=[NEW], on_empty="succeed")
    lines = logged(capfd)
    assert len(lines) < 20
    assert any("200 Pages (101, 102, 103, 104, 105 and 195 more)" in line for line in lines)


@pytest.mark.parametrize("message", ["(#100) Missing Permission", "(#100) Who knows"])
@pytest.mark.parametrize("metrics", [[NEW], "stable"])
def test_150_refused_pages_log_little_and_the_manifest_names_them_all(
    many: GraphEmulator, tmp_path: Path, capfd: pytest.CaptureFixture[str], message: str, metrics: Any
) -> None:
    bad = list(many.page_ids)[:150]
    for page_id in bad:
        refuse(many, {"code": 100, "message": message}, page_id)
    result = load_of_all(many, tmp_path, metrics=metrics)
    assert (result["page_count"], result["failed_page_count"], result["failed_page_ids"]) == (50, 150, bad[:5])
    assert set(manifest_of(result)["pages_failed"]) == set(bad)
    lines = logged(capfd)
    assert len(lines) < 20
    assert sum(message in line for line in lines) == 1


def test_a_sensor_names_how_many_pages_failed(many: GraphEmulator, capfd: pytest.CaptureFixture[str]) -> None:
    for page_id in list(many.page_ids)[:150]:
        refuse(many, {"code": 100, "message": "(#100) Missing Permission"}, page_id)
    parameters: dict[str, Any] = {"page_ids": list(many.page_ids), "since": "2026-11-01", "until": "2026-11-02"}
    ended = run_to_end(POKE, **parameters, poke_interval=0.05, timeout=5)
    assert ended.state == "failed"
    assert "Also failed: 149 Pages (102, 103, 104, 105, 106 and 144 more)." in ended.message
    assert len(logged(capfd)) < 20
    ended = run_to_end(POKE, **parameters, min_ready_pages=50, poke_interval=0.05, timeout=5)
    assert ended.state == "success"
    assert len(logged(capfd)) < 20


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize("max_failed_pages", [0, 1, None])
@pytest.mark.parametrize("metrics", [[NEW], "stable"])
def test_pages_that_are_all_refused_fail_the_task_with_what_the_api_said(
    emulator: GraphEmulator, tmp_path: Path, max_failed_pages: int | None, metrics: Any
) -> None:
    for page_id in ("101", "102"):
        refuse(emulator, {"code": 100, "message": "(#100) Who knows"}, page_id)
    with pytest.raises(AirflowFailException, match="Who knows"):
        execute(page_ids="101,102", metrics=metrics, output_path=tmp_path.as_uri(), max_failed_pages=max_failed_pages)
    assert stored_pages(tmp_path) == set()


@pytest.mark.usefixtures("tokens")
def test_a_page_that_failed_before_a_limit_is_still_told_of_after_it(emulator: GraphEmulator, tmp_path: Path) -> None:
    refuse(emulator, {"code": 100, "message": "(#100) Who knows"})
    emulator.set_throttled("103", minutes=30)
    task = MessagingInsightsOperator(
        task_id="load",
        since=DAY["since"],
        until=DAY["until"],
        page_ids="101,102,103",
        output_path=tmp_path.as_uri(),
        max_failed_pages=1,
        deferrable=True,
    )
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(run_context())  # type: ignore[arg-type]
    emulator.advance(hours=1)
    event = {"status": "resume", "state": deferred.value.trigger.state}
    result = task.execute_complete(run_context(), event)  # type: ignore[arg-type]
    assert (result["page_count"], result["failed_page_ids"]) == (2, [BAD])
    assert set(manifest_of(result)["pages_failed"]) == {BAD}


@pytest.mark.usefixtures("tokens")
def test_a_watcher_tells_of_no_day_while_a_page_is_refused_and_says_so_once_a_poll(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    store = StateStore()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", store, raising=False)
    refuse(emulator, {"code": 100, "message": "(#100) Who knows"})
    first = (pacific_date(datetime.now(UTC)) - timedelta(days=20)).isoformat()
    trigger = MessagingInsightsNewDayTrigger(page_ids="101,102", poll_interval_seconds=30, first_day=first)

    async def watch() -> list[str]:
        async with running(("pages", trigger)) as triggerer:
            await asyncio.sleep(2)
            return triggerer.days()

    assert asyncio.run(watch()) == []
    assert capfd.readouterr().out.count("Who knows") <= 1


def test_errors_keep_their_advice_on_the_way_from_the_triggerer() -> None:
    from airflow_provider_msginsights.failures import error_from_event, event_of_error

    error = PermissionDeniedError("It is refused. Grant it.", advice="Grant it.", page_id="101", code=10)
    again = error_from_event(json.loads(json.dumps(event_of_error(error))))
    assert (type(again), str(again), again.what, again.advice) == (
        type(error),
        str(error),
        "It is refused.",
        "Grant it.",
    )
