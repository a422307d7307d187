"""``msginsights``: what it starts can be used, and is gone when it is told to stop."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.operator_calls import execute

from airflow_provider_msginsights import __version__
from airflow_provider_msginsights.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert __version__ in capsys.readouterr().out


def test_a_load_reads_every_page_by_the_connection_that_the_emulator_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    with _emulator("--pages", "2") as printed:
        (export,) = [line for line in printed if line.startswith("export ")]
        name, _, value = export.removeprefix("export ").partition("=")
        monkeypatch.setenv(name, shlex.split(value)[0])
        rows = execute(page_ids="all", metrics="all")
    assert {row["page_id"] for row in rows} == {"101", "102"}


@contextlib.contextmanager
def _emulator(*options: str) -> Iterator[list[str]]:
    """Run the command on a free port, and give the lines it prints."""
    command = [sys.executable, "-m", "airflow_provider_msginsights.cli", "emulator", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        assert process.stdout is not None
        try:
            yield _until(iter(process.stdout.readline, ""), "curl ")
        finally:
            process.terminate()
            process.communicate(timeout=20)


@pytest.mark.parametrize("command", ["emulator", pytest.param("demo", marks=pytest.mark.thorough)])
@pytest.mark.parametrize(
    "missing",
    ["starlette", *(pytest.param(one, marks=pytest.mark.thorough) for one in ("uvicorn", "python_multipart"))],
)
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
