"""Errors as people meet them end with their id, and with the address of its place once there is documentation."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import re
from email.message import Message
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to
from support.operator_calls import execute, manifest_of
from support.sensor_modes import DEFERRED, run_to_end

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.cli import main
from airflow_provider_msginsights.exceptions import ConfigurationError, MessagingInsightsError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.operators.token_check import MessagingInsightsTokenCheckOperator
from airflow_provider_msginsights.triggers.new_day import MessagingInsightsNewDayTrigger

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("connection")

ID = re.compile(r"MSGI-[\w-]+")
SITE = "https://docs.msginsights.dev/en/stable"
FAULTS = [
    ({"code": 190, "subcode": 463}, "MSGI-190-463"),
    ({"code": 190, "subcode": 4711}, "MSGI-190"),
    ({"code": 100, "message": "(#100) Missing Permission"}, "MSGI-100-permission"),
    ({"code": 100, "message": "(#100) Who knows"}, "MSGI-page-refused"),
    ({"code": 200, "message": "API access blocked."}, "MSGI-200-blocked"),
    ({"code": 250, "message": "(#250) No"}, "MSGI-200"),
    ({"code": 803}, "MSGI-803"),
    ({"code": 2}, "MSGI-2"),
    ({"code": 80001}, "MSGI-limit"),
    ({"code": 4242, "message": "New."}, "MSGI-unknown"),
    ({"kind": "reset"}, "MSGI-no-reply"),
    ({"kind": "html_500"}, "MSGI-http-unavailable"),
    ({"kind": "garbage_json"}, "MSGI-http-unavailable"),
]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package as published with a documentation site."""
    name_site(monkeypatch, SITE)


def name_site(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    read = importlib.metadata.metadata

    def metadata(name: str) -> Any:
        if name != "airflow-provider-msginsights":
            return read(name)
        message = Message()
        message["Project-URL"] = "Repository, https://repository.invalid/x"
        message["Project-URL"] = f"Documentation, {url}"
        return message

    monkeypatch.setattr(importlib.metadata, "metadata", metadata)


def impatient(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch, extra={"max_attempts": 1, "base_seconds": 0, "wait_bound_seconds": 0})


@pytest.mark.parametrize(("fault", "error_id"), FAULTS)
def test_a_failed_load_ends_with_the_id_and_says_it_in_its_log(
    emulator: GraphEmulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: dict[str, Any],
    error_id: str,
) -> None:
    impatient(emulator, monkeypatch)
    emulator.add_fault(**fault, times=None)
    with pytest.raises((AirflowFailException, MessagingInsightsError)) as failed:
        execute(page_ids="101", deferrable=False)
    assert str(failed.value).endswith(f" {error_id}")
    assert str(failed.value).count(error_id) == 1
    assert f"Error: {error_id} " in capsys.readouterr().out


def test_a_page_that_may_fail_has_its_id_in_the_manifest_and_the_log(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    emulator.add_fault(code=803, page_id="102", path="insights", times=None)
    result = execute(page_ids="101,102", output_path=tmp_path.as_uri(), max_failed_pages=1)
    assert manifest_of(result)["pages_failed"]["102"].endswith(" MSGI-803")
    assert "MSGI-803" in capsys.readouterr().out


@pytest.mark.parametrize("mode", ["poke", DEFERRED])
def test_a_sensor_ends_with_the_same_id_however_it_waits(emulator: GraphEmulator, mode: str) -> None:
    emulator.expire_token(emulator.page_token("101"))
    ended = run_to_end(mode, page_ids="101", since="2026-11-01", until="2026-11-02", poke_interval=0.05, timeout=5)
    assert ended.message.endswith("Connection: msginsights_default. MSGI-190-463")


@pytest.mark.parametrize(
    ("parameters", "error_id"),
    [
        ({"page_ids": "12a"}, "MSGI-config-page_ids"),
        ({"metrics": "page_messages_new"}, "MSGI-config-metrics"),
        ({"period": "hour"}, "MSGI-config-period"),
        ({"since": "soon"}, "MSGI-config-since"),
        ({"until": "soon"}, "MSGI-config-until"),
        ({"output_path": "data"}, "MSGI-config-output_path"),
        ({"retry_bounds": {"max_attempts": 0}}, "MSGI-config-retry_bounds"),
        ({"extra_columns": {"a b": "x"}, "output_path": "memory://data"}, "MSGI-config-extra_columns"),
        ({"msginsights_conn_id": "a b"}, "MSGI-config-msginsights_conn_id"),
    ],
)
def test_a_wrong_parameter_is_the_id(parameters: dict[str, Any], error_id: str) -> None:
    with pytest.raises(AirflowFailException) as failed:
        execute(**{"page_ids": "101"} | parameters)
    assert str(failed.value).endswith(f" {error_id}")


@pytest.mark.parametrize(
    ("extra", "error_id"),
    [
        ({"api_version": "26"}, "MSGI-config-api_version"),
        ({"base_seconds": -1}, "MSGI-config-base_seconds"),
        ({"batch_size": 99}, "MSGI-config-batch_size"),
        ({"proxy": "nowhere"}, "MSGI-config-proxy"),
        ({"no_such": 1}, "MSGI-config-extra"),
    ],
)
def test_a_wrong_field_of_the_connection_is_the_id(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any], error_id: str
) -> None:
    connection_to(emulator, monkeypatch, extra=extra)
    with pytest.raises(AirflowFailException) as failed:
        execute(page_ids="101")
    assert str(failed.value).endswith(f" {error_id}")
    ok, text = MessagingInsightsHook().test_connection()
    assert (ok, text.rpartition(" ")[2]) == (False, error_id)


def test_a_dag_that_cannot_be_parsed_ends_with_the_id() -> None:
    with pytest.raises(ConfigurationError, match=r"MSGI-config-[a-z_]+$|MSGI-airflow-version$"):
        MessagingInsightsNewDayTrigger(page_ids="12a")


def test_a_token_check_ends_with_its_id_and_each_problem_with_its_own(
    emulator: GraphEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.expire_token(emulator.page_token("101"))
    with pytest.raises(AirflowFailException) as failed:
        MessagingInsightsTokenCheckOperator(task_id="check").execute({})
    assert str(failed.value).endswith("MSGI-token-check")
    assert "MSGI-190-463" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "error_id"),
    [
        (["check", "no_such_connection"], "MSGI-config-msginsights_conn_id"),
        (["plan", "--period", "hour"], "MSGI-cli-period"),
        (["plan", "--since", "soon"], "MSGI-config-since"),
        (["coverage", "/nowhere/at/all"], "MSGI-dataset-none"),
        (["coverage", "data", "--dry-run"], "MSGI-cli-dry-run"),
        (["no-such-command"], "MSGI-cli-usage"),
    ],
)
def test_the_command_line_ends_with_the_id(words: list[str], error_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(SystemExit):  # the parser's
        assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.err.rstrip().endswith(f" {error_id}"), printed
    assert ID.findall(printed.err) == [error_id]


def test_a_json_document_of_the_command_line_names_the_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--since", "soon", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["error_id"] == "MSGI-config-since"


@pytest.mark.usefixtures("site")
def test_with_a_documentation_site_errors_end_with_the_address_of_their_place(
    emulator: GraphEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.expire_token(emulator.page_token("101"))
    with pytest.raises(AirflowFailException) as failed:
        execute(page_ids="101")
    place = f"MSGI-190-463 {SITE}/reference/errors/#msgi-190-463"
    assert str(failed.value).endswith(f" {place}")
    assert f"Error: {place}" in capsys.readouterr().out
    assert main(["plan", "--since", "soon"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert told.endswith(f"MSGI-config-since {SITE}/reference/errors/#msgi-config-since")


@pytest.mark.usefixtures("site")
def test_an_error_that_may_pass_has_the_address_too(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(emulator, monkeypatch)
    emulator.add_fault(code=2, times=None)
    with pytest.raises(MessagingInsightsError) as failed:
        execute(page_ids="101")
    assert str(failed.value).endswith(f"MSGI-2 {SITE}/reference/errors/#msgi-2")


@pytest.mark.parametrize(
    "url",
    [
        "https://repository.invalid/airflow-provider-msginsights",
        "https://github.com/OWNER/airflow-provider-msginsights",
        "https://OWNER.github.io/x/",
        "https://docs.example.com/",
        "http://localhost:8000/",
        "https://<owner>.readthedocs.io/",
        "nowhere",
        "https://[",
        "",
    ],
)
def test_a_placeholder_names_no_site(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    name_site(monkeypatch, url)
    with pytest.raises(AirflowFailException) as failed:
        execute(page_ids="12a")
    assert str(failed.value).endswith(" MSGI-config-page_ids")
