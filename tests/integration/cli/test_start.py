"""The command line starts quickly, and every command tells how it ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

from airflow_provider_msginsights.cli import main

COMMANDS = ("check", "metrics", "plan", "demo", "emulator")
HEAVY = ("airflow", "requests", "httpx", "rich", "starlette", "pendulum", "pyarrow")


@pytest.mark.parametrize("arguments", [["metrics", "--json"], ["plan", "--json", "--date-preset", "yesterday"]])
def test_what_needs_no_connection_loads_no_airflow_and_no_http_library(arguments: list[str]) -> None:
    code = (
        "import sys; from airflow_provider_msginsights.cli import main; "
        f"code = main({arguments!r}); print(sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert (done.returncode, done.stderr.strip()) == (0, "[]")


@pytest.mark.parametrize("command", ["check", "metrics", "plan"])
def test_the_help_of_a_command_names_its_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert "Exit codes: 0" in capsys.readouterr().out


def test_every_command_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = capsys.readouterr().out
    assert [command for command in COMMANDS if f"    {command} " not in printed] == []


@pytest.mark.parametrize("arguments", [["plan", "--pages", "none"], ["plan", "--timetable", "nope"], ["nothing"], []])
def test_wrong_options_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err
