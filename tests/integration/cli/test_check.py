"""``msginsights check``: the hook's report, in colour or as JSON, with an exit code; never with a secret."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.commands import connection, run_command

from airflow_provider_msginsights.cli import main
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.token.render import render_report

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

APP = {"app_id": "1", "app_secret": "app-secret"}


def use(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def test_it_prints_the_report_of_the_hook_and_ends_with_0(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, connection(emulator, "system-user-token", **APP))
    assert main(["check"]) == 0
    printed = capsys.readouterr().out
    assert printed.rstrip("\n") == render_report(MessagingInsightsHook().inspect_token())
    assert "system-user-token" not in printed
    assert "app-secret" not in printed


@pytest.mark.parametrize(
    ("asked", "answering"), [(None, "v26.0 (requested v26.0)"), ("v27.0", "v27.0 (requested v27.0)")]
)
def test_it_tells_the_version_that_answers(
    emulator: GraphEmulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    asked: str | None,
    answering: str,
) -> None:
    version = {} if asked is None else {"api_version": asked}
    use(monkeypatch, connection(emulator, "system-user-token", **APP, **version))
    assert main(["check"]) == 0
    assert f"API version: {answering}" in capsys.readouterr().out


@pytest.mark.parametrize("trouble", ["expired", "revoked", "without read_insights"])
def test_a_token_that_does_not_do_ends_with_1_and_says_what_helps(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trouble: str
) -> None:
    match trouble:
        case "expired":
            emulator.expire_token("page-token-101")
        case "revoked":
            emulator.revoke_token("page-token-101")
        case _:
            emulator.change_token("page-token-101", scopes=("pages_messaging", "pages_read_engagement"))
    use(monkeypatch, connection(emulator, "page-token-101", **APP))
    assert main(["check", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    errors = [one for one in told["findings"] if one["severity"] == "error"]
    assert errors
    assert all(one["remedy"] for one in errors)
    assert "page-token-101" not in json.dumps(told)


def test_an_api_that_cannot_be_reached_ends_with_3(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = connection(emulator, "page-token-101", max_attempts=1)
    parts = json.loads(environment["AIRFLOW_CONN_MSGINSIGHTS_DEFAULT"]) | {"host": "http://127.0.0.1:9"}
    use(monkeypatch, {"AIRFLOW_CONN_MSGINSIGHTS_DEFAULT": json.dumps(parts)})
    assert main(["check", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "TransportError"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "no connection 'msginsights_default'"),
        ({"conn_type": "http", "host": "x"}, "of type 'http'"),
        ({"conn_type": "msginsights"}, "no password"),
        ({"conn_type": "msginsights", "password": "secret-of-mine", "extra": {"batch_size": 0}}, "batch_size"),
    ],
)
def test_a_connection_that_is_missing_or_wrong_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], parts: dict[str, object], words: str
) -> None:
    if parts:
        monkeypatch.setenv("AIRFLOW_CONN_MSGINSIGHTS_DEFAULT", json.dumps(parts))
    assert main(["check"]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert "secret-of-mine" not in captured.out + captured.err


@pytest.mark.thorough
def test_stdout_holds_the_json_document_alone_in_a_process_of_its_own(emulator: GraphEmulator) -> None:
    done = run_command("check", "--json", environment=connection(emulator, "page-token-101", **APP))
    assert done.exit_code == 0, done.errors
    assert done.document["kind"] == "PAGE"
    assert "page-token-101" not in done.out + done.errors


@pytest.mark.slow
def test_the_connection_may_live_in_the_database(emulator: GraphEmulator, tmp_path: Path) -> None:
    """As for everyone who made it in the UI; Airflow's own commands look there too."""
    home = {"AIRFLOW_HOME": str(tmp_path)}
    (parts,) = connection(emulator, "page-token-101", **APP).values()
    for arguments in (("db", "migrate"), ("connections", "add", "stored", "--conn-json", parts)):
        subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, "-m", "airflow", *arguments], env={**os.environ, **home}, check=True, capture_output=True
        )
    done = run_command("check", "stored", "--json", environment=home)
    assert done.exit_code == 0, done.errors
    assert done.document["connection"] == "stored"


@pytest.mark.thorough
def test_it_is_in_colour_in_a_terminal(emulator: GraphEmulator) -> None:
    """A terminal is what a pseudo-terminal makes of it."""
    emulator.expire_token("page-token-101")
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow_provider_msginsights.cli", "check"],
        env={**os.environ, **connection(emulator, "page-token-101", **APP), "TERM": "xterm-256color", "NO_COLOR": ""},
        stdout=its_end,
        stderr=subprocess.DEVNULL,
    )
    os.close(its_end)
    printed = b""
    try:
        while piece := os.read(terminal, 4096):
            printed += piece
    except OSError:  # the terminal's end on Linux
        pass
    finally:
        os.close(terminal)
    assert process.wait(timeout=60) == 1
    assert b"\x1b[1;31mThe API refuses the token." in printed


def test_a_sample_that_cannot_be_written_ends_with_2(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    use(monkeypatch, connection(emulator, "page-token-101"))
    assert main(["check", "--sample", str(tmp_path / "nowhere" / "sample.json")]) == 2
    assert "cannot be written" in capsys.readouterr().err
