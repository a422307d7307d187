"""``msginsights``: what it starts can be used, and is gone when it is told to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest

from airflow_provider_msginsights import __version__
from airflow_provider_msginsights.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_the_emulator_prints_a_connection_that_works_and_stops_cleanly(sign: signal.Signals) -> None:
    command = [sys.executable, "-m", "airflow_provider_msginsights.cli", "emulator", "--port", "0", "--pages", "2"]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "300"}
    ) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        (export,) = [
            line for line in _until(lines, "curl ") if line.startswith("export AIRFLOW_CONN_MSGINSIGHTS_DEFAULT=")
        ]
        connection = json.loads(export.split("=", 1)[1].strip().strip("'"))
        assert connection["conn_type"] == "msginsights"
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{connection['host']}/v26.0/{connection['login']}/insights?metric=page_messages_sent&period=day",
            headers={"Authorization": f"Bearer {connection['password']}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own server
            assert json.load(answer)["data"][0]["name"] == "page_messages_sent"
        process.send_signal(sign)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors == ""


@pytest.mark.parametrize("command", ["demo", "emulator"])
@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "python_multipart"])
def test_a_command_that_needs_the_emulator_says_what_to_install(command: str, missing: str) -> None:
    code = f"""
import sys
sys.modules[{missing!r}] = None  # as if it were not installed
from airflow_provider_msginsights.cli import main
sys.exit(main([{command!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - our own code
    assert done.returncode == 2
    assert f"'{missing}'" in done.stderr
    assert "pip install 'airflow-provider-msginsights[emulator]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def _until(lines: Iterator[str], start: str) -> list[str]:
    found: list[str] = []
    for line in lines:
        found.append(line)
        if line.startswith(start):
            break
    return found
