"""Each of five tokens is told from the others, with its cure: in the hook's report, on the Test button."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support.airflow_versions import needs_airflow
from support.dag_runs import CONNECTION_VARIABLE, connection_to

from airflow_provider_msginsights.emulator import Token, TokenKind
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.token.render import render_report

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

GOOD = "a-token-for-the-test"
pytestmark = pytest.mark.usefixtures("present")

APP = {"app_id": "1", "app_secret": "app-secret"}
WITHOUT_READ = ("pages_messaging", "pages_read_engagement", "pages_show_list")


def make(emulator: GraphEmulator, kind: str, name: str) -> None:
    """Make the token `GOOD` one of the five."""
    tomorrow = int((emulator.now() + timedelta(hours=25)).timestamp())
    cases: dict[str, dict[str, Any]] = {
        "good": {},
        "expires tomorrow": {"expires_at": tomorrow},
        "lacks read_insights": {"scopes": WITHOUT_READ},
        "revoked": {"invalid_subcode": 467},
        "wrong kind": {"kind": TokenKind.APP, "page_id": None, "user_id": None, "scopes": ()},
    }
    owner: dict[str, Any] = {"user_id": "9001"} if kind == "USER" else {"user_id": "9001", "page_id": "101"}
    if "scopes" in cases[name]:  # the Page tokens made from a token have its permissions
        emulator.change_token(emulator.page_token("101"), scopes=cases[name]["scopes"])
    emulator.add_token(Token(**{"value": GOOD, "kind": TokenKind(kind), **owner, **cases[name]}))


FIVE = [
    ("good", True, None, "The token works."),
    ("expires tomorrow", True, "expires", "in 1 day"),
    ("lacks read_insights", False, "missing_permission", "allow read_insights for every Page"),
    ("revoked", False, "revoked", "Make a new token"),
    ("wrong kind", False, "wrong_kind", "Put a Page, user or system-user token there"),
]


@pytest.mark.parametrize("kind", ["PAGE", "USER"])
@pytest.mark.parametrize(("name", "ok", "topic", "cure"), FIVE, ids=[one[0] for one in FIVE])
def test_each_of_five_tokens_is_told_apart_with_its_cure(
    emulator: GraphEmulator,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    name: str,
    topic: str | None,
    cure: str,
    *,
    ok: bool,
) -> None:
    make(emulator, kind, name)
    connection_to(emulator, monkeypatch, password=GOOD, extra=APP)
    report = MessagingInsightsHook().inspect_token()
    assert report.ok is ok
    grave = [one.topic for one in report.findings if one.severity in ("error", "warning")]
    assert grave == ([topic] if topic else [])
    succeeded, text = MessagingInsightsHook().test_connection()
    assert succeeded is ok
    assert cure in text
    assert len(text) <= 2000
    assert GOOD not in text
    assert "app-secret" not in text
    assert asyncio.run(MessagingInsightsHook().ainspect_token()).findings == report.findings


@pytest.mark.parametrize(("name", "ok", "topic", "cure"), FIVE, ids=[one[0] for one in FIVE])
def test_without_app_secret_a_page_token_still_shows_what_can_be_known(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, name: str, topic: str | None, cure: str, *, ok: bool
) -> None:
    del ok, topic
    make(emulator, "PAGE", name)
    connection_to(emulator, monkeypatch, password=GOOD)
    report = MessagingInsightsHook().inspect_token()
    grave = [one.topic for one in report.findings if one.severity in ("error", "warning")]
    assert grave == {"revoked": ["revoked"], "wrong kind": ["wrong_kind"], "lacks read_insights": ["no_rows"]}.get(
        name, []
    )
    unknown = [one for one in report.findings if one.severity == "unknown"]
    if name in ("good", "expires tomorrow", "lacks read_insights"):
        assert "until when it is valid" in unknown[0].what
        assert "app_id and app_secret" in unknown[0].remedy
    else:
        assert cure in render_report(report)


def test_a_person_who_is_no_developer_of_the_app_is_known_by_permissions_and_pages(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.change_token(emulator.user_token, of_developer=False, scopes=WITHOUT_READ)
    emulator.change_page("102", tasks=("MODERATE",))
    connection_to(emulator, monkeypatch, password=emulator.user_token)
    report = MessagingInsightsHook().inspect_token(page_ids=("101", "102", "103"))
    assert report.kind == "PERSON"
    assert report.missing_permissions == ("read_insights",)
    assert {one.page_id for one in report.findings if one.topic == "missing_task"} == {"102"}


def test_a_token_of_another_app_is_told_as_such(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator.change_token(emulator.page_token("101"), app_id="2")
    connection_to(emulator, monkeypatch, extra=APP | {"appsecret_proof": "off"})
    report = MessagingInsightsHook().inspect_token()
    (found,) = (one for one in report.findings if one.topic == "app_credentials")
    assert "did not match the Viewing App" in found.what
    assert report.is_valid


def test_a_version_that_has_ended_is_told(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch, extra={"api_version": "v19.0"})
    ok, text = MessagingInsightsHook().test_connection()
    assert ok
    assert "v19.0 was requested and v21.0 answered" in text


def test_no_metric_can_spoil_the_test(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_msginsights.insights.catalog import METRICS

    for metric in METRICS:
        emulator.retire_metric(metric)
    connection_to(emulator, monkeypatch)
    ok, text = MessagingInsightsHook().test_connection()
    assert ok, text


@pytest.mark.parametrize(
    ("different", "told"),
    [
        ({"password": ""}, "'msginsights_default': The connection has no password"),
        ({"extra": {"max_attempts": "many"}}, "max_attempts must be a whole number"),
        pytest.param(
            {"extra": "not json"},
            "'msginsights_default': The connection's extra must be a JSON object",
            marks=needs_airflow("3.2", "such a connection is found"),
        ),
        ({"host": "http://127.0.0.1:9", "extra": {"max_attempts": 1}}, "could not be reached"),
        ({"extra": {"api_version": "v99.0"}}, "check the connection's api_version"),
    ],
)
def test_a_test_never_raises(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, different: dict[str, Any], told: str
) -> None:
    connection_to(emulator, monkeypatch, **different)
    ok, text = MessagingInsightsHook().test_connection()
    assert not ok
    assert told in text


def test_a_connection_that_does_not_exist_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CONNECTION_VARIABLE, raising=False)
    assert MessagingInsightsHook().test_connection() == (
        False,
        "The connection could not be read: AirflowNotFoundException. MSGI-airflow",
    )


def test_a_text_too_long_for_airflow_ends_with_where_the_rest_is(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for page_id in emulator.page_ids:
        emulator.change_page(page_id, tasks=("MODERATE",))
    connection_to(emulator, monkeypatch, login=",".join(emulator.page_ids), password=emulator.user_token)
    ok, text = MessagingInsightsHook().test_connection()
    assert not ok
    assert len(text) <= 2000
    assert text.splitlines()[-1].endswith("msginsights check CONN_ID")
    assert "lacks the task ANALYZE on Page 101" in text


def airflow_command(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "airflow", *command],
        env={**os.environ, "AIRFLOW__CORE__TEST_CONNECTION": "Enabled", "COLUMNS": "300", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.thorough
@pytest.mark.usefixtures("airflow_database")
def test_airflow_s_own_command_tests_the_connection(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch, extra=APP)
    done = airflow_command("connections", "test", "msginsights_default")
    assert "Connection success!" in done.stdout
    emulator.revoke_token(emulator.page_token("101"))
    failed = airflow_command("connections", "test", "msginsights_default")
    assert "Connection failed!" in failed.stdout
    assert "The API refuses the token." in failed.stdout
    assert "What helps: Make a new token" in failed.stdout
    for output in (done.stdout, done.stderr, failed.stdout, failed.stderr):
        assert emulator.page_token("101") not in output
        assert "app-secret" not in output


@needs_airflow("3.3", "connections are tested on workers")
@pytest.mark.parametrize(("token", "state"), [("good", "success"), ("revoked", "failed")])
def test_airflow_s_test_on_a_worker_works_too(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, token: str, state: str
) -> None:
    """The worker's part of Airflow 3.3's test, less its way to the API server, which hands over and takes back."""
    from airflow.sdk.execution_time import connection_test_supervisor as worker

    make(emulator, "PAGE", token)
    extra = APP | {"batch_size": 10, "allow_plain_http": True, "proxy": None, "read_timeout_seconds": 7.5}
    given = SimpleNamespace(
        conn_id="on_worker",
        conn_type="msginsights",
        host=emulator.base_url,
        login="101",
        password=GOOD,
        schema_=None,
        port=None,
        extra=json.dumps(extra),
    )
    told: list[tuple[str, str]] = []
    server = SimpleNamespace(
        get_connection=lambda _: given, update_state=lambda _, state, message: told.append((state.value, message))
    )
    monkeypatch.setattr(worker, "Client", lambda **_: SimpleNamespace(connection_tests=server))
    worker.supervise_connection_test(
        connection_test_id=uuid.uuid4(), connection_id="on_worker", timeout=60, token="t", server="http://nowhere"
    )
    ((found, message),) = told
    assert found == state, message
    assert ("The token works." in message) is (token == "good")
    assert GOOD not in message
    assert len(message) <= 2000


def test_a_test_does_not_keep_a_person_waiting(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch)
    emulator.add_fault(code=2, times=100)
    ok, text = MessagingInsightsHook().test_connection()
    assert not ok
    assert "code 2" in text
    assert emulator.stats()["graph_calls"] == 2
    emulator.reset()
    emulator.set_throttled("101", minutes=30)
    ok, text = MessagingInsightsHook().test_connection()
    assert not ok
    assert "code 80001" in text
