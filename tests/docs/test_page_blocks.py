"""Every code block of the README and the pages is run, or at the least parsed by its program; a new block is, too.

- ``python``: executed on the emulator, the blocks of a section one after the other in one namespace; the
  examples are run by ``contract/test_examples.py`` instead. DAGs must be such
  that Airflow can store them. Blocks with tests in them are run by pytest, as a project of their own.
- ``bash``: each command is parsed by the parser of its program; each connection is read by the hook.
- ``json``, ``toml``: parsed.
- ``sql``: has a name (see `page_blocks`), and stands below in ``RUN_ELSEWHERE`` or ``NOT_RUN``.
- ``text`` and blocks without a language show output.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, BaseOperator
from support.airflow_versions import DagSerialization
from support.dag_runs import connection_to
from support.page_blocks import Block, blocks, blocks_of
from support.page_commands import check_command, commands_of
from support.paths import EXAMPLES, TESTS

from airflow_provider_msginsights.exceptions import MessagingInsightsError

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

RUN_ELSEWHERE: dict[str, str] = {
    "duckdb": "integration/test_table_over_time.py",
    "duckdb-fill": "integration/test_warehouse_after_fill.py",
    "dbt-model": "integration/test_warehouse_after_fill.py",
}
"""Named blocks that another test runs by ``named_block("…")``: name, and that test's file below ``tests``."""
NOT_RUN: dict[str, str] = {}
"""Named blocks that no test can run: name, and why."""
OUTPUT = {"", "text", "console"}
SHOWN = {file.read_text(): file.name for file in EXAMPLES.glob("*.py")}
"""The examples, which another test runs."""
BLOCKS = blocks()


def in_language(*languages: str) -> list[Block]:
    found = [block for block in BLOCKS if block.language in languages and block.name not in {*RUN_ELSEWHERE, *NOT_RUN}]
    return [block for block in found if block.code not in SHOWN]


def is_test_project(block: Block) -> bool:
    return "pytest_plugins" in block.code or "\ndef test_" in f"\n{block.code}"


def by_section(found: list[Block]) -> list[Any]:
    groups = groupby(found, key=lambda block: (block.page, block.section))
    return [pytest.param(list(group), id=f"{page}: {section}") for (page, section), group in groups]


@pytest.fixture
def everyones_connection(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default connection, with a token that may read every Page of the emulator."""
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)


def test_there_is_no_block_that_no_test_would_look_at() -> None:
    assert len(BLOCKS) > 5
    known = {"python", "bash", "json", "toml", "sql", *OUTPUT}
    assert [str(block) for block in BLOCKS if block.language not in known] == []
    assert [str(block) for block in in_language("sql")] == []
    names = [block.name for block in BLOCKS if block.name]
    assert len(names) == len(set(names))
    assert {*RUN_ELSEWHERE, *NOT_RUN} <= set(names)
    assert all(len(reason.split()) > 3 for reason in NOT_RUN.values())
    for name, test_file in RUN_ELSEWHERE.items():
        assert f'named_block("{name}")' in (TESTS / test_file).read_text()


def test_every_example_is_shown_whole_once() -> None:
    assert sorted(SHOWN[block.code] for block in BLOCKS if block.code in SHOWN) == sorted(SHOWN.values())


@pytest.mark.usefixtures("everyones_connection")
@pytest.mark.parametrize("found", by_section([block for block in in_language("python") if not is_test_project(block)]))
def test_python_blocks_run(found: list[Block]) -> None:
    scope: dict[str, Any] = {"__name__": "page"}
    for block in found:
        lines_before = "\n" * block.line  # so that a traceback names the page's own line
        exec(compile(lines_before + block.code, block.page, "exec"), scope)  # noqa: S102 - the page's own code
    for dag in dags_in(scope):
        json.dumps(DagSerialization.to_dict(dag))


def dags_in(scope: dict[str, Any]) -> list[DAG]:
    """The DAGs of a namespace: those it names, and those of the tasks it names."""
    found = [getattr(value, "dag", value) for value in scope.values() if isinstance(value, (DAG, BaseOperator))]
    return [dag for dag in found if isinstance(dag, DAG)]


@pytest.mark.thorough
@pytest.mark.parametrize("found", by_section([block for block in in_language("python") if is_test_project(block)]))
def test_blocks_with_tests_in_them_pass_as_a_project_of_their_own(found: list[Block], tmp_path: Path) -> None:
    tests = 0
    for number, block in enumerate(found):
        first_line = block.code.splitlines()[0]
        name = first_line.removeprefix("# ") if first_line.endswith(".py") else f"test_block_{number}.py"
        (tmp_path / name).write_text(block.code)
        tests += f"\n{block.code}".count("\ndef test_")
    done = subprocess.run(  # noqa: S603 - pytest on files written above
        [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{tests} passed" in done.stdout


@pytest.mark.parametrize("block", in_language("bash"), ids=str)
def test_bash_blocks_hold_commands_that_exist(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = list(commands_of(block.code))
    assert commands
    for command in commands:
        check_command(command, monkeypatch)


def test_json_and_toml_blocks_parse() -> None:
    for block in in_language("json", "toml"):
        assert (json.loads if block.language == "json" else tomllib.loads)(block.code), block


@pytest.mark.parametrize(
    "command",
    [
        "msginsights demo --no-such-option",
        "msginsights no-such-command",
        "airflow dags no-such-command",
        "pip install airflow-provider-msginsights[no-such-extra]",
        "uv run pytest -m no_such_marker",
        "no-such-program",
        """export AIRFLOW_CONN_MSGINSIGHTS_DEFAULT='{"conn_type": "msginsights", "extra": {"no_such": 1}}'""",
    ],
)
def test_a_command_that_does_not_exist_would_be_found(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises((SystemExit, AssertionError, MessagingInsightsError)):
        check_command(next(commands_of(command)), monkeypatch)


def test_a_block_is_read_with_its_section_line_and_name() -> None:
    text = "## One\n<!-- block: first -->\n\n```sql\nselect 1\n```\n<!-- block: lost -->\ntext\n```\nout\n```\n"
    found = blocks_of(text, "page.md")
    assert [(block.section, block.line, block.name, block.code) for block in found] == [
        ("One", 4, "first", "select 1\n"),
        ("One", 9, "", "out\n"),
    ]
