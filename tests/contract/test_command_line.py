"""``msginsights``: what it starts can be used, and is gone when it is told to stop."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.readme_blocks import blocks

from airflow_provider_msginsights import __version__
from airflow_provider_msginsights.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert __version__ in capsys.readouterr().out


def test_the_first_dag_of_the_readme_loads_by_the_connection_that_the_emulator_prints(
    airflow_database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dag_code = next(block.code for block in blocks() if block.language == "python")
    output = "file:///tmp/messaging_insights"
    assert output in dag_code
    file = airflow_database / "dags" / "readme_first.py"
    file.write_text(dag_code.replace(output, f"file://{tmp_path}"))
    scope: dict[str, Any] = {"__file__": str(file), "__name__": "readme_first"}
    exec(compile(file.read_text(), file, "exec"), scope)  # noqa: S102 - the README's own code
    dag = scope["load"].dag
    for task in dag.tasks:
        task.retries = 0
    with _emulator("--pages", "2") as printed:
        (export,) = [line for line in printed if line.startswith("export ")]
        name, _, value = export.removeprefix("export ").partition("=")
        monkeypatch.setenv(name, shlex.split(value)[0])
        run = dag.test(logical_date=datetime.now(UTC))
    assert str(run.state) == "success"
    rows = [json.loads(line) for file in tmp_path.glob("dt=*/*.jsonl") for line in file.read_text().splitlines()]
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
