"""What a person should look at is said once by loads and fills, explained by a fill, and stops a task where wanted."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to
from support.histories import History, LocalRoot
from support.operator_calls import run_context

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

START = date(2026, 9, 1)
PAGES = ["101", "102", "103"]


@pytest.fixture
def history(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> History:
    """Ten days of three Pages, loaded day by day."""
    connection_to(emulator, monkeypatch, password=emulator.system_user_token, extra={"wait_bound_seconds": 0})
    history = History(tmp_path / "daily", emulator, START, {"page_ids": PAGES})
    for number in range(1, 11):
        history.load(START + timedelta(number))
    return history


def findings_of(result: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(Path(result["manifest"]).read_text())["findings"]
    return found


def kinds_in(found: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(finding["kind"], finding["page_id"]) for finding in found]


def test_a_silent_page_is_new_once_then_goes_on_and_ends(emulator: GraphEmulator, history: History) -> None:
    silent_since = START + timedelta(11)
    emulator.lose_permission(page_id="102", first_day=silent_since, last_day=silent_since + timedelta(5))
    seen = [findings_of(history.load(silent_since + timedelta(number))) for number in range(8)]
    new = [kinds_in(found["new"]) for found in seen]
    assert new.count([("page_silent", "102")]) == 1
    assert sum(map(len, new)) == 1, "nothing else, and never a second time"
    first = new.index([("page_silent", "102")])
    assert all(kinds_in(found["ongoing"]) == [("page_silent", "102")] for found in seen[first + 1 : 6])
    assert [("page_silent", "102")] in [kinds_in(found["ended"]) for found in seen[6:]]


def test_a_fill_looks_once_why_a_page_is_silent(
    emulator: GraphEmulator, history: History, capfd: pytest.CaptureFixture[str]
) -> None:
    today = START + timedelta(14)
    emulator.lose_permission(page_id="102", first_day=START + timedelta(11))
    for number in (11, 12, 13):
        history.load(START + timedelta(number))
    capfd.readouterr()
    history.fill(today)
    assert "lost a permission" in capfd.readouterr().out
    (known,) = CoverageFiles(LocalRoot(history.root)).findings("0").open
    assert (known.kind, known.page_id, str(known.cause)) == ("page_silent", "102", "permission_lost")
    calls = emulator.stats()["graph_calls"]
    history.fill(today)
    looks = [call for call in emulator.stats()["journal"][calls:] if "debug_token" in call["path"]]
    assert looks == [], "it was looked at before"


def test_new_findings_about_final_days_stop_a_task_after_everything_is_stored(
    emulator: GraphEmulator, history: History
) -> None:
    emulator.lose_permission(page_id="102", first_day=START + timedelta(11))
    given: dict[str, Any] = {"page_ids": PAGES, "on_finding": "fail", "on_empty": "succeed", "task_id": "load"}
    errors = []
    for number in range(11, 17):
        today = START + timedelta(number)
        task = MessagingInsightsOperator(
            output_path=str(history.root), since=today - timedelta(3), until=today, **given
        )
        with history.on(today):
            try:
                task.execute(run_context(run_id=f"load {today}"))  # type: ignore[arg-type] # what is used of it
            except AirflowFailException as error:
                errors.append((number, str(error)))
    ((number, message),) = errors
    assert number > 12, "not while the day may still come"
    assert "102" in message
    assert "msginsights coverage ack" in message
    stored = {path.parent.name for path in history.root.glob("dt=*/*.jsonl")}
    assert f"dt={START + timedelta(number - 1)}" in stored


def test_what_people_know_of_is_said_no_more(emulator: GraphEmulator, history: History) -> None:
    files = CoverageFiles(LocalRoot(history.root))
    until = START + timedelta(60)
    files.update_acknowledgements(lambda known: known.with_ack(["102"], until=until, reason="agreed with the client"))
    emulator.lose_permission(page_id="102", first_day=START + timedelta(11))
    seen = [findings_of(history.load(START + timedelta(number), on_finding="fail")) for number in range(11, 16)]
    assert [kinds_in(found["new"]) for found in seen] == [[]] * 5
    assert kinds_in(seen[-1]["ongoing"]) == [("page_silent", "102")]
    assert history.failed == []


def test_a_day_that_meta_has_not_computed_is_one_finding_and_none_a_page(
    emulator: GraphEmulator, history: History
) -> None:
    emulator.lose_permission(first_day=START + timedelta(11))
    seen = [findings_of(history.load(START + timedelta(number))) for number in range(11, 16)]
    new = [finding for found in seen for finding in found["new"]]
    assert [(finding["kind"], finding["page_id"], finding["page_ids"]) for finding in new] == [
        ("page_silent", None, PAGES)
    ]


def test_datasets_by_breakdowns_have_no_findings(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    parameters = {"page_ids": PAGES, "metrics": "page_messages_sent", "breakdowns": "message_type"}
    history = History(tmp_path / "by_type", emulator, START, parameters)
    for number in range(1, 11):
        history.load(START + timedelta(number))
    emulator.lose_permission(page_id="102")
    results = [history.load(START + timedelta(number)) for number in range(11, 15)]
    manifests = [json.loads(Path(result["manifest"]).read_text()) for result in results]
    assert [manifest["findings"] for manifest in manifests] == [{"new": [], "ended": [], "ongoing": []}] * 4
