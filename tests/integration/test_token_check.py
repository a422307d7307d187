"""The check task: what is a problem, what is a warning, and what the team gets to see."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to

from airflow_provider_msginsights.airflow_names import AirflowFailException, AirflowSkipException
from airflow_provider_msginsights.exceptions import TransportError
from airflow_provider_msginsights.operators.token_check import MessagingInsightsTokenCheckOperator

if TYPE_CHECKING:
    from support.dag_runs import RunDag

    from airflow_provider_msginsights.emulator import GraphEmulator

APP = {"app_id": "1", "app_secret": "app-secret"}


@pytest.fixture(autouse=True)
def connected(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator.set_clock(datetime.now(UTC))
    connection_to(emulator, monkeypatch, extra=APP)


def end_in(emulator: GraphEmulator, field: str = "expires_at", **left: float) -> None:
    emulator.change_token(emulator.page_token("101"), **{field: int((emulator.now() + timedelta(**left)).timestamp())})


def check(context: Any = None, **parameters: Any) -> dict[str, Any]:
    enough: Any = context or {}
    return MessagingInsightsTokenCheckOperator(task_id="check", **parameters).execute(enough)


class Ti:
    """What a failing task pushes."""

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, *, key: str, value: Any) -> None:
        self.pushed[key] = value


def test_a_good_token_gives_a_small_report_without_a_secret(emulator: GraphEmulator) -> None:
    summary = check()
    assert summary["ok"]
    assert (summary["kind"], summary["page_count"], summary["api_version"]) == ("PAGE", 1, "v26.0")
    assert summary["missing_permissions"] == summary["problems"] == summary["warnings"] == []
    assert 89 < summary["days_left"] <= 90
    text = json.dumps(summary)
    assert len(text) < 2000
    assert emulator.page_token("101") not in text
    assert "app-secret" not in text


@pytest.mark.parametrize("field", ["expires_at", "data_access_expires_at"])
def test_the_thresholds_tell_a_warning_from_a_problem(emulator: GraphEmulator, field: str) -> None:
    end_in(emulator, field, days=10)
    assert check()["ok"]
    assert "in 10 days" in check()["warnings"][0]
    assert check(warn_within_days=5)["warnings"] == []
    with pytest.raises(AirflowFailException, match="in 10 days"):
        check(fail_within_days="10.5")


@pytest.mark.parametrize(("on_problem", "error"), [("fail", AirflowFailException), ("skip", AirflowSkipException)])
def test_a_problem_fails_or_skips_and_leaves_the_report(
    emulator: GraphEmulator, on_problem: str, error: type[Exception]
) -> None:
    emulator.revoke_token(emulator.page_token("101"))
    ti = Ti()
    with pytest.raises(error, match=r"msginsights_default.*revoked.*Make a new token"):
        check({"ti": ti}, on_problem=on_problem)
    assert ti.pushed["return_value"]["ok"] is False
    assert ti.pushed["return_value"]["is_valid"] is False


def test_a_problem_may_be_a_mere_warning(emulator: GraphEmulator, capfd: pytest.CaptureFixture[str]) -> None:
    emulator.change_token(
        emulator.page_token("101"), scopes=("pages_messaging", "pages_show_list", "pages_read_engagement")
    )
    summary = check(on_problem="warn")
    assert not summary["ok"]
    assert summary["missing_permissions"] == ["read_insights"]
    assert "[warning" in "".join(line for line in capfd.readouterr().out.splitlines() if "lacks read_insights" in line)


def test_an_end_nobody_tells_is_a_problem_only_where_it_is_asked_for(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch)
    summary = check()
    assert summary["ok"]
    assert not summary["end_is_known"]
    assert "app_id and app_secret" in summary["warnings"][0]
    with pytest.raises(AirflowFailException, match="app_id and app_secret"):
        check(require_known_end=True)
    connection_to(emulator, monkeypatch, extra=APP)
    assert check(require_known_end=True)["ok"]


def test_the_pages_of_the_loads_are_looked_at(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator.change_page("102", tasks=("MODERATE",))
    connection_to(emulator, monkeypatch, password=emulator.user_token, extra=APP)
    assert check()["ok"]
    with pytest.raises(AirflowFailException, match="ANALYZE on Page 102"):
        check(page_ids="101, 102")


def test_no_answer_is_left_to_a_retry(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch, host="http://127.0.0.1:9", extra={"max_attempts": 1})
    with pytest.raises(TransportError):
        check()


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"fail_within_days": "soon"}, "fail_within_days='soon'"),
        ({"warn_within_days": -1}, "warn_within_days=-1"),
        ({"fail_within_days": "nan"}, "fail_within_days='nan'"),
        ({"on_problem": "explode"}, "on_problem"),
    ],
)
def test_parameters_that_mean_nothing_are_refused_before_any_call(
    emulator: GraphEmulator, parameters: dict[str, Any], told: str
) -> None:
    with pytest.raises(AirflowFailException, match=told):
        check(**parameters)
    assert emulator.stats()["graph_calls"] == 0


def test_in_a_real_run_the_check_fails_without_retries_and_its_report_can_be_read(
    emulator: GraphEmulator, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, extra=APP)
    end_in(emulator, days=2)
    run = run_dag(
        "from airflow_provider_msginsights.operators.token_check import MessagingInsightsTokenCheckOperator\n"
        "MessagingInsightsTokenCheckOperator(task_id='check', fail_within_days='{{ 1 + 2 }}')"
    )
    task = run.tasks["check"]
    assert (run.state, task.state, task.try_number) == ("failed", "failed", 1)
    assert run.xcom("check")["problems"][0].startswith("The token ends on")
    assert emulator.page_token("101") not in run.log


@pytest.mark.parametrize("page_ids", ["all", [101, 102], "[101, '102']", None, "None"])
def test_pages_may_be_named_in_any_way(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, page_ids: Any) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token, extra=APP)
    assert check(page_ids=page_ids)["page_count"] == 20


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"page_ids": "12a"}, "page_ids: '12a' is not a Page id"),
        ({"page_ids": []}, "page_ids"),
        ({"fail_within_days": "soon"}, "fail_within_days='soon'"),
        ({"warn_within_days": float("nan")}, "warn_within_days=nan"),
        ({"on_problem": "wran"}, r"on_problem='wran' .*Did you mean 'warn'"),
        ({"require_known_end": "perhaps"}, "require_known_end='perhaps'"),
        ({"api_version": 26.0}, r"api_version=26\.0"),
        ({"msginsights_conn_id": None}, "msginsights_conn_id=None"),
    ],
)
def test_a_wrong_parameter_is_refused_before_any_request(
    emulator: GraphEmulator, parameters: dict[str, Any], told: str
) -> None:
    with pytest.raises(AirflowFailException, match=told):
        check(**parameters)
    assert emulator.stats()["http_requests"] == 0
