"""``msginsights`` as a process: told to stop it ends at once with all it started, and it copes with any output."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from support.processes import AT_ONCE_SECONDS, ONE_AND_THE_OTHERS, Session, Sessions, wait_until

from airflow_provider_msginsights.cli import main
from airflow_provider_msginsights.cli.plan import command as plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMAND = (sys.executable, "-m", "airflow_provider_msginsights.cli")


class DrippingServer:
    """Answers every request with headers and then a byte a second, for ever."""

    def __init__(self) -> None:
        self.was_asked = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._drip, args=(client,), daemon=True).start()

    def _drip(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999\r\n\r\n")
            self.was_asked.set()
            while True:
                client.sendall(b" ")
                time.sleep(1)


@pytest.fixture
def dripping() -> Iterator[DrippingServer]:
    with contextlib.closing(DrippingServer()) as server:
        yield server


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Sessions]:
    with Sessions(tmp_path / "logs") as started:
        yield started


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the command puts its temporary folders."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def is_told_to_stop_and_ends(session: Session, number: signal.Signals) -> None:
    os.kill(session.pid, number)
    assert session.finish(timeout_seconds=AT_ONCE_SECONDS) == 128 + number, session.log


def processes_below(folder: Path) -> list[int]:
    """Processes whose environment names a folder."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in environment.read_bytes():
                found.append(int(environment.parent.name))
    return found


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (("check",), signal.SIGTERM),
        pytest.param(("check",), signal.SIGINT, marks=pytest.mark.thorough),
        pytest.param(("check",), signal.SIGHUP, marks=pytest.mark.thorough),
        pytest.param(("metrics", "--conn-id", "msginsights_default"), signal.SIGTERM, marks=pytest.mark.thorough),
    ],
)
def test_a_command_stops_at_once_while_a_server_drips(
    arguments: tuple[str, ...], number: signal.Signals, dripping: DrippingServer, sessions: Sessions
) -> None:
    parts = {"conn_type": "msginsights", "host": f"http://127.0.0.1:{dripping.port}", "login": "101", "password": "x"}
    environment = {**os.environ, "AIRFLOW_CONN_MSGINSIGHTS_DEFAULT": json.dumps(parts), "NO_PROXY": "*"}
    session = sessions.start("command", [*COMMAND, *arguments], environment=environment)
    wait_until(dripping.was_asked.is_set, timeout_seconds=90, told=lambda: session.log, every_seconds=0.05)
    is_told_to_stop_and_ends(session, number)
    assert "Traceback" not in session.log


@pytest.mark.parametrize("number", ONE_AND_THE_OTHERS)
def test_the_emulator_stops_at_once_while_a_request_hangs(
    number: signal.Signals, sessions: Sessions, temporary: Path
) -> None:
    environment = {**os.environ, "TMPDIR": str(temporary)}
    session = sessions.start("emulator", [*COMMAND, "emulator", "--port", "0"], environment=environment)
    wait_until(lambda: "curl " in session.log, timeout_seconds=60, told=lambda: session.log, every_seconds=0.05)
    found = re.search(r"Address +(\S+)", session.log)
    assert found
    requests.post(f"{found[1]}/_emulator/faults", json={"kind": "hang", "times": None}, timeout=10).raise_for_status()
    with socket.create_connection(("127.0.0.1", int(found[1].rpartition(":")[2]))) as client:
        client.sendall(b"GET /v26.0/101 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        is_told_to_stop_and_ends(session, number)
    assert session.log.endswith("The emulator has stopped.\n")
    assert list(temporary.iterdir()) == []


def started_demo(sessions: Sessions, temporary: Path, *options: str) -> Session:
    """Start the demo, and wait until Airflow runs below it."""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    session = sessions.start("demo", [*COMMAND, "demo", *options], environment=environment)
    wait_until(
        lambda: len(processes_below(temporary)) > 2,
        timeout_seconds=90,
        told=lambda: session.log,
        every_seconds=0.05,
    )
    return session


@pytest.mark.parametrize("number", ONE_AND_THE_OTHERS)
def test_the_demo_stops_at_once_with_its_children_and_folders(
    number: signal.Signals, sessions: Sessions, temporary: Path
) -> None:
    session = started_demo(sessions, temporary)
    is_told_to_stop_and_ends(session, number)
    assert processes_below(temporary) == []
    assert list(temporary.iterdir()) == []
    assert "Traceback" not in session.log


@pytest.mark.parametrize(
    "options",
    [pytest.param((), id="demo"), pytest.param(("--ui", "--port", "0"), id="demo --ui")],
)
@pytest.mark.thorough
def test_children_of_a_killed_demo_end_by_themselves(
    options: tuple[str, ...], sessions: Sessions, temporary: Path
) -> None:
    session = started_demo(sessions, temporary, *options)
    os.kill(session.pid, signal.SIGKILL)
    wait_until(
        lambda: processes_below(temporary) == [], timeout_seconds=20, told=lambda: session.log, every_seconds=0.05
    )


@pytest.mark.thorough
def test_a_hangup_that_was_ignored_at_the_start_stays_ignored(sessions: Sessions) -> None:
    command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *COMMAND, "emulator", "--port", "0"]
    session = sessions.start("emulator", command)
    wait_until(lambda: "curl " in session.log, timeout_seconds=60, told=lambda: session.log, every_seconds=0.05)
    os.kill(session.pid, signal.SIGHUP)
    time.sleep(0.5)
    assert session.is_running
    is_told_to_stop_and_ends(session, signal.SIGTERM)


@pytest.mark.thorough
def test_ctrl_c_ends_what_a_script_started_in_the_background(sessions: Sessions) -> None:
    """There it is ignored from the start."""
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *COMMAND, "emulator", "--port", "0"]
    session = sessions.start("emulator", command)
    wait_until(lambda: "curl " in session.log, timeout_seconds=60, told=lambda: session.log, every_seconds=0.05)
    is_told_to_stop_and_ends(session, signal.SIGINT)


# Output


def in_shell(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own script
        ["/bin/bash", "-c", script, "bash", *COMMAND],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


PLAN = "plan --date-preset yesterday"
QUICK = ("metrics --json", PLAN, f"{PLAN} --json", "--version", "--help")


@pytest.mark.parametrize(
    "arguments",
    ["metrics", *(pytest.param(one, marks=pytest.mark.thorough) for one in ("emulator --port 0", *QUICK))],
)
def test_output_that_cannot_be_written_is_told_in_one_line(arguments: str) -> None:
    for redirection, reason in ((">/dev/full", "No space left on device"), (">&-", "it is closed")):
        done = in_shell(f'"$@" {arguments} {redirection}')
        expected = f"msginsights: standard output cannot be written: {reason}. MSGI-cli-output\n"
        assert (done.returncode, done.stderr) == (74, expected)
        silent = in_shell(f'"$@" {arguments} {redirection} 2>&- <&-')
        assert (silent.returncode, silent.stderr) == (74, "")


@pytest.mark.parametrize(
    "arguments",
    [
        "metrics",
        *(pytest.param(one, marks=pytest.mark.thorough) for one in ("metrics --json", "emulator --port 0 --journal")),
    ],
)
def test_a_reader_that_leaves_ends_the_command_without_a_word(arguments: str) -> None:
    """As `head` does. What it never reads is longer than what a pipe holds, or comes after it has left."""
    done = in_shell(f'set -o pipefail; {{ sleep 0.5; "$@" {arguments}; }} | true')
    assert (done.returncode, done.stdout, done.stderr) == (141, "", "")


def test_an_error_goes_nowhere_where_standard_error_cannot_be_written() -> None:
    for redirection in ("2>&-", "2>/dev/full"):
        done = in_shell(f'"$@" metrics --metrics nonsense {redirection}')
        assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.parametrize(
    "variables",
    [{"PYTHONIOENCODING": "ascii"}, pytest.param({"LC_ALL": "C", "PYTHONUTF8": "0"}, marks=pytest.mark.thorough)],
    ids=str,
)
@pytest.mark.parametrize(
    "arguments",
    [
        "plan --period naïve",
        *(
            pytest.param(one, marks=pytest.mark.thorough)
            for one in ("metrics", PLAN, "--help", "metrics --metrics naïve")
        ),
    ],
)
def test_an_encoding_without_its_letters_stops_no_command(variables: dict[str, str], arguments: str) -> None:
    done = in_shell(f'"$@" {arguments}', PYTHONCOERCECLOCALE="0", **variables)
    assert done.returncode in {0, 2}
    assert not re.search(r"Traceback|Unicode\w+Error", done.stdout + done.stderr)
    assert done.stdout.isascii()


UNREACHABLE = {"conn_type": "msginsights", "host": "http://127.0.0.1:9", "password": "x", "extra": {"max_attempts": 1}}


@pytest.mark.thorough
def test_a_connection_is_read_in_a_locale_in_which_airflow_cannot_read_its_own_files() -> None:
    connection = {"AIRFLOW_CONN_MSGINSIGHTS_DEFAULT": json.dumps(UNREACHABLE)}
    done = in_shell('"$@" check', LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", **connection)
    assert (done.returncode, "\nTransportError: " in f"\n{done.stderr}") == (3, True)
    assert not re.search(r"Unicode\w+Error", done.stderr)


@pytest.mark.parametrize(
    "broken",
    [
        {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "nonsense://u:PASSWORD-1@127.0.0.1:9/x"},
        pytest.param({"AIRFLOW__SECRETS__BACKEND": "no.such.Backend"}, marks=pytest.mark.thorough),
    ],
    ids=lambda broken: next(iter(broken)),
)
def test_an_airflow_that_does_not_work_is_told_so_and_not_shown(broken: dict[str, str]) -> None:
    done = in_shell('"$@" check some_connection', **broken)
    assert done.returncode == 2
    assert "This Airflow cannot" in done.stderr
    assert not re.search("Traceback|PASSWORD-1", done.stdout + done.stderr)


@pytest.mark.thorough
def test_the_emulator_prints_its_welcome_in_ascii(sessions: Sessions) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    session = sessions.start("emulator", [*COMMAND, "emulator", "--port", "0"], environment=environment)
    wait_until(lambda: "curl " in session.log, timeout_seconds=60, told=lambda: session.log, every_seconds=0.05)
    assert r"101 \u2026 120" in session.log
    is_told_to_stop_and_ends(session, signal.SIGTERM)


# Errors that nobody expected


def failing(error: BaseException) -> Callable[..., Any]:
    def run(_: object) -> int:
        raise error

    return run


@pytest.mark.parametrize("error", [ValueError("secret-1"), KeyError("secret-1"), RecursionError("secret-1")], ids=repr)
def test_an_unexpected_error_is_a_line_with_its_place_and_never_its_text(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(plan, "_page_ids", failing(error))
    assert main(["plan"]) == 70
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines())) == ("", 1)
    assert f"Unexpected {type(error).__name__} at cli/plan/command.py:" in told.err
    assert "MSGINSIGHTS_DEBUG=1" in told.err
    assert "secret-1" not in told.err
    assert main(["plan", "--json"]) == 70
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == type(error).__name__
    monkeypatch.setenv("MSGINSIGHTS_DEBUG", "1")
    assert main(["plan"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_what_the_system_refuses_is_told_with_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(plan, "_page_ids", failing(PermissionError(13, "Permission denied", "/a/file")))
    assert main(["plan"]) == 1
    assert capsys.readouterr().err == "msginsights: /a/file: Permission denied MSGI-cli-file\n"
