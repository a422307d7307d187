"""The emulator as a process of its own: what it says, what it prints, and how it ends."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[..., tuple[subprocess.Popen[str], list[str]]]

NEW = "page_messages_new_conversations_unique"


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the emulator with options, and read what it says until it has said how to ask it."""
    processes: list[subprocess.Popen[str]] = []

    def run(**options: object) -> tuple[subprocess.Popen[str], list[str]]:
        code = (
            "from airflow_provider_msginsights.emulator.command import run_emulator\n"
            f"raise SystemExit(run_emulator(**{options!r}))"
        )
        process = subprocess.Popen(  # noqa: S603 - the command with the test's options
            [sys.executable, "-W", "error", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        said: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.rstrip("\n"))
            if line.startswith("curl "):
                break
        return process, said

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def address_in(said: list[str]) -> str:
    (line,) = [line for line in said if line.strip().startswith("Address")]
    return line.split()[-1]


def test_it_says_ids_tokens_and_a_connection_ready_to_paste(start: Start) -> None:
    _, said = start(port=0, pages=20)
    text = "\n".join(said)
    address = address_in(said)
    for expected in ("101 … 120", "page-token-101", "user-token", "system-user-token", "id 1, secret app-secret"):
        assert expected in text
    assert f"{address}/_emulator/" in text
    (export,) = [line for line in said if line.startswith("export ")]
    _, assignment = shlex.split(export)
    name, _, connection = assignment.partition("=")
    assert name == "AIRFLOW_CONN_MSGINSIGHTS_DEFAULT"
    assert json.loads(connection) == {
        "conn_type": "msginsights",
        "host": address,
        "login": "101",
        "password": "system-user-token",
    }
    assert max(map(len, said)) > 80, "lines to copy are not wrapped"


def test_its_first_request_works_as_printed(start: Start) -> None:
    _, said = start(port=0, pages=1)
    done = subprocess.run(  # noqa: S603 - the line the emulator printed
        [*shlex.split(said[-1]), "--silent", "--noproxy", "*"], capture_output=True, check=True, timeout=60
    )
    assert json.loads(done.stdout)["data"][0]["name"] == NEW


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.thorough),
        pytest.param(signal.SIGHUP, marks=pytest.mark.thorough),
    ],
)
def test_it_stops_cleanly_when_told_to(start: Start, number: signal.Signals) -> None:
    process, said = start(port=0, pages=1)
    with requests.Session() as session:
        assert session.get(f"{address_in(said)}/_emulator/stats", timeout=10).ok
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (128 + number, "")
    assert out.endswith("The emulator has stopped.\n")


def test_a_taken_port_is_said_in_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process, _ = start(port=port)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert err == f"The emulator cannot listen on port {port}: Address already in use. Choose another with --port.\n"


def test_an_option_that_means_nothing_is_said_in_one_line(start: Start) -> None:
    process, _ = start(port=0, style="baroque")
    _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert len(err.splitlines()) == 1
    assert "baroque" in err


def test_its_options_are_those_of_the_emulator(start: Start) -> None:
    _, said = start(
        port=0, pages=2, seed=5, latency_ms=1, batch_part_ms=2, readiness_lag_hours=30, style="documentation"
    )
    settings = requests.get(f"{address_in(said)}/_emulator/settings", timeout=10).json()
    assert {
        "pages": 2,
        "seed": 5,
        "latency_ms": 1,
        "batch_part_ms": 2,
        "readiness_lag_hours": 30,
        "style": "documentation",
    }.items() <= settings.items()


def test_the_journal_prints_a_line_for_each_call_without_tokens(start: Start) -> None:
    process, said = start(port=0, pages=1, journal=True)
    address = address_in(said)
    params = {"metric": NEW, "access_token": "page-token-101", "appsecret_proof": "abc"}
    requests.get(f"{address}/v26.0/101/insights", params=params, timeout=10)
    requests.get(f"{address}/v26.0/101/insights", params={"metric": NEW}, timeout=10)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    proof, refused = [line for line in out.splitlines() if "/101/insights" in line]
    assert re.search(rf"400 code 100 +GET /101/insights\?metric={NEW}", proof)
    assert "400 code 104" in refused
    assert "page-token-101" not in out
    assert "abc" not in out
