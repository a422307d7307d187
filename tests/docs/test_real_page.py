"""The guide to a real Page: its commands exist, the first three run in an empty home, and its sources are named."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.dialog_browser import environment
from support.processes import free_port
from support.token_commands import FOUR

from airflow_provider_msginsights import cli
from airflow_provider_msginsights.insights.token.login import DIALOG_PROBLEMS

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "tutorial" / "real-page.md").read_text()
BLOCKS = re.findall(r"(?:<!-- run: (\w+) -->\n)?```bash\n(.*?)```", GUIDE, re.DOTALL)
BIN = Path(sys.executable).parent


def commands() -> list[list[str]]:
    """Every ``msginsights`` command of the guide, as its words."""
    lines = [line.rpartition(" | ")[2] for _, code in BLOCKS for line in code.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("msginsights ")]


def test_the_guide_has_commands_of_every_kind() -> None:
    assert len(commands()) >= 10
    assert {tuple(words[:2]) for words in commands()} >= {("token", "create"), ("token", "renew")}


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_is_one_with_options_that_exist(words: list[str]) -> None:
    arguments = cli.build_parser().parse_args(words)
    assert callable(arguments.run)


def test_every_source_is_listed_and_every_listed_one_is_used() -> None:
    text, listed = GUIDE.split("\n## Sources\n")
    used = set(re.findall(r"\bS\d+\b", text))
    assert used == set(re.findall(r"^\| (S\d+) \|", listed, re.MULTILINE))
    assert all(line.rstrip("|").rpartition("|")[2].strip() for line in listed.splitlines() if line.startswith("| S"))


def test_every_cause_of_an_empty_page_has_a_way_to_tell() -> None:
    table = GUIDE.split("\n## Why a Page is empty\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| **")]
    assert all(len(row) == 3 and all(cell.strip() for cell in row) for row in rows)
    causes = " ".join(row[0] for row in rows)
    for cause in ("too small", "role", "permission", "review", "region", "not computed", "not published"):
        assert cause in causes


def test_the_dialogs_errors_of_the_guide_are_those_of_the_command() -> None:
    for shown in ("URL Blocked", "App not active", "Invalid Scopes"):
        assert shown in GUIDE
        assert any(problem.shown == shown for problem in DIALOG_PROBLEMS)


@pytest.mark.slow
def test_the_three_first_commands_run_in_an_empty_home(tmp_path: Path) -> None:
    """As a new user would, but for a free port, a script as the browser, and the checkout's examples."""
    codes = {name: code for name, code in BLOCKS if name}
    port, data = free_port(), tmp_path / "data"
    surroundings = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        **environment("allow", scope=FOUR, page=["101"]),
        "HOME": str(tmp_path),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }

    def run(code: str, given: str = "") -> str:
        filled = code.replace("8099", str(port)).replace("/tmp/messaging_insights", str(data))  # noqa: S108 - the guide's
        filled = re.sub(r'DAGS_FOLDER="[^"]*"', f'DAGS_FOLDER="{ROOT / "example_dags"}"', filled)
        filled = filled.replace("token create", "token create --port 0")
        done = subprocess.run(  # noqa: S603 - the guide's own commands
            ["/bin/sh", "-c", filled],
            cwd=tmp_path,
            env=surroundings,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stderr

    server = subprocess.Popen(  # noqa: S603 - the guide's own command
        [BIN / "msginsights", *shlex.split(codes["emulator"])[1:], "--port", str(port)],
        cwd=tmp_path,
        env=surroundings,
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        try:
            assert server.stdout is not None
            while "curl" not in (line := server.stdout.readline()):
                assert line
            told = run(codes["create"], given="app-secret\n")
            for line in GUIDE.split("among other lines:\n\n```text\n")[1].split("```")[0].splitlines():
                assert line in told
            run(codes["load"])
        finally:
            server.terminate()
            server.communicate(timeout=20)
    assert list(data.glob("dt=*/part-0.jsonl"))
