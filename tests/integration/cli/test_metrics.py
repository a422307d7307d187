"""``msginsights metrics``: the catalogue, and what of it the API gives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.commands import connection

from airflow_provider_msginsights.cli import main
from airflow_provider_msginsights.insights.catalog import METRICS, PERIODS, STABLE_METRICS

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

SENT, BLOCKED = "page_messages_sent", "page_messages_blocked_conversations_unique"


@pytest.fixture
def asked(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Ask with a user token; gives the exit code and the document."""

    def ask(*arguments: str) -> tuple[int, dict[str, Any]]:
        for name, value in connection(emulator, "user-token", max_attempts=2).items():
            monkeypatch.setenv(name, value)
        code = main(["metrics", "--json", "--conn-id", "msginsights_default", *arguments])
        return code, json.loads(capsys.readouterr().out)

    return ask


def test_the_catalogue_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    told = document["metrics"]
    assert document["summable_periods"] == ["day"]
    assert all(set(one["sums"]) == {"days", "pages", "dimensions", "within", "why"} for one in told)
    assert next(one["sums"]["days"] for one in told if one["name"] == SENT) is True
    assert next(one["sums"]["days"] for one in told if one["name"] == BLOCKED) is False
    assert [one["name"] for one in told] == list(METRICS)
    assert all(one["periods"] == list(PERIODS) and one["meaning"] and one["unit"] for one in told)
    assert {one["name"] for one in told if not one["in_development"]} == set(STABLE_METRICS)


def test_people_see_every_metric_with_its_breakdowns_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for metric in METRICS.values():
        (line,) = (one for one in lines if metric.name in one)
        assert metric.meaning in line
        assert (", ".join(metric.breakdowns) or "none") in line
        assert ("in development" in line) is metric.in_development
        assert ("days" in line.partition(", ".join(metric.breakdowns) or "none")[2]) is bool(metric.sums.days)


def test_metrics_that_work_are_fine(asked: Any, emulator: GraphEmulator) -> None:
    code, told = asked("--page-ids", "101,102")
    assert code == 0
    assert told["pages"] == {page: dict.fromkeys(METRICS, "works") for page in ("101", "102")}
    assert told["graph_calls"] == emulator.stats()["graph_calls"]


def test_refused_and_empty_metrics_are_told_apart_page_by_page(asked: Any, emulator: GraphEmulator) -> None:
    emulator.retire_metric(SENT)
    emulator.hide_metric(BLOCKED, page_id="102")
    code, told = asked("--page-ids", "101,102")
    assert code == 1
    assert {page: states[SENT] for page, states in told["pages"].items()} == {"101": "refused", "102": "refused"}
    assert {page: states[BLOCKED] for page, states in told["pages"].items()} == {"101": "works", "102": "empty"}
    assert any(SENT in problem for problem in told["problems"])
    assert not any(BLOCKED in problem for problem in told["problems"])


def test_a_page_that_cannot_be_read_and_a_page_without_rows_are_findings(asked: Any, emulator: GraphEmulator) -> None:
    emulator.change_page("102", likes=12)
    emulator.change_page("103", owned=False, tasks=())
    code, told = asked("--page-ids", "101,102,103")
    assert code == 1
    assert set(told["pages"]["101"].values()) == {"works"}
    assert set(told["pages"]["102"].values()) == {"empty"}
    assert "works" not in told["pages"]["103"].values()
    assert all(any(f"Page {page}" in problem for problem in told["problems"]) for page in ("102", "103"))


def test_all_pages_of_the_token_can_be_asked_for(asked: Any) -> None:
    code, told = asked("--page-ids", "all", "--metrics", BLOCKED)
    assert (code, len(told["pages"])) == (0, 20)


def test_many_pages_are_summed_up_for_people(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(*next(iter(connection(emulator, "user-token").items())))
    emulator.hide_metric(BLOCKED, page_id="120")
    assert main(["metrics", "--conn-id", "msginsights_default", "--page-ids", "all", "--metrics", BLOCKED]) == 1
    printed = capsys.readouterr().out
    assert "All 20 Pages" in printed
    (line,) = [one for one in printed.split("All 20 Pages")[1].splitlines() if BLOCKED in one]
    assert line.split()[1:] == ["19", "1", "0", "0"]
    assert "Page 120 gave no row" in printed


def test_a_page_at_its_limit_is_told_and_keeps_no_other_from_being_looked_at(
    asked: Any, emulator: GraphEmulator
) -> None:
    emulator.set_throttled("102", minutes=60)
    code, told = asked("--page-ids", "101,102", "--metrics", BLOCKED)
    assert code == 1
    assert told["pages"] == {"101": {BLOCKED: "works"}, "102": {BLOCKED: "not read"}}
    assert any("limit" in problem for problem in told["problems"])
