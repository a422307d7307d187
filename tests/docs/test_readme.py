"""The README is short and says what is true; it and the pages hold what `docs/generate.py` makes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import generate
import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_it_names_the_two_commands_and_ci_runs_the_second() -> None:
    commands = [line for block in code_blocks("bash") for line in block.splitlines()]
    assert "pip install uv && uv run msginsights demo" in commands
    assert "pip install uv && uv run pytest" in commands
    assert "pip install uv && uv run pytest" in (ROOT / ".ci" / "run").read_text().splitlines()


def test_its_dag_is_twelve_lines_and_airflow_accepts_it() -> None:
    block = code_blocks("python")[0]
    assert len([line for line in block.splitlines() if line]) == 12
    scope: dict[str, Any] = {}
    exec(block, scope)  # noqa: S102 - the README's own code
    dag = scope["load"].dag
    dag.validate()
    assert dag.task_ids == ["available", "load"]
    assert dag.get_task("load").page_ids == ["101", "102"]


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.thorough
def test_what_the_code_knows_is_on_the_pages_as_the_script_makes_it() -> None:
    pages = generate.written()
    assert generate.generated(pages) == pages


@pytest.mark.parametrize(
    "changed",
    [
        {"README.md": README.replace("<!-- generated: cost -->", "<!-- generated: costs -->")},
        {"README.md": README.replace("<!-- generated: cost -->", "")},
        {"docs/new.md": "<!-- generated: cost -->\n<!-- /generated -->\n"},
    ],
    ids=["a mark of no part", "a part without a mark", "a part twice"],
)
def test_a_part_that_does_not_stand_somewhere_once_is_an_error(changed: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="cost"):
        generate.generated(generate.written() | changed)


def test_links_of_generated_parts_lead_from_the_page_on_which_they_stand() -> None:
    text = "[a](docs/guides/hook.md) [b](docs/images/one.png) [c](docs/guides/hook.md#here) [d](#there) [e](https://x.example/)"
    turned = "[a](#) [b](../images/one.png) [c](#here) [d](#there) [e](https://x.example/)"
    assert generate.relinked(text, "docs/guides/hook.md") == turned
    assert generate.relinked(text, "README.md") == text
