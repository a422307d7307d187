"""The pages of the reference are as the script makes them, and each link in them leads somewhere."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import generate
import pytest
from airflow.sdk import DAG
from support.airflow_versions import DagSerialization
from support.paths import ROOT
from support.readme_blocks import blocks
from support.readme_commands import check_command, commands_of

if TYPE_CHECKING:
    from support.readme_blocks import Block

REFERENCE = ROOT / "docs" / "reference"
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?://)([^)#]*)(?:#([^)]+))?\)")
BLOCKS = [(path, block) for path in generate.PAGES for block in blocks((ROOT / path).read_text())]
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> list[str]:
    """Every place of a page that a link can name: its headings, and what it marks by an id."""
    prose = FENCE.sub("", text)
    slugs = [re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in HEADING.findall(prose)]
    return [re.sub(r"[-\s]+", "-", slug) for slug in slugs] + re.findall(r'<a id="([^"]+)">', prose)


@pytest.mark.parametrize("path", generate.PAGES)
def test_a_page_is_as_the_script_makes_it(path: str) -> None:
    assert generate.difference(path, generate.PAGES[path]()) == []


@pytest.mark.parametrize("path", generate.PAGES)
def test_each_anchor_of_a_page_stands_there_once(path: str) -> None:
    found = anchors((ROOT / path).read_text())
    assert [anchor for anchor in found if found.count(anchor) > 1] == []


@pytest.mark.parametrize("path", generate.PAGES)
def test_each_link_of_a_page_leads_somewhere(path: str) -> None:
    file = ROOT / path
    for target, anchor in LINK.findall(FENCE.sub("", file.read_text())):
        linked = (file.parent / target).resolve() if target else file
        assert linked.is_file(), target
        assert linked.is_relative_to(ROOT / "docs"), target
        if anchor:
            assert anchor in anchors(linked.read_text()), f"{target}#{anchor}"


def test_a_stale_page_is_shown_as_a_diff() -> None:
    path = "docs/reference/metrics.md"
    text = generate.PAGES[path]()
    lines = generate.difference(path, text.replace("# Metrics", "# Other words", 1))
    assert {"-# Metrics", "+# Other words"} <= set(lines)


def test_a_page_that_nothing_makes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "PAGES", {})
    with pytest.raises(ValueError, match="metrics"):
        generate.documents()


def in_language(language: str) -> list[Any]:
    return [pytest.param(block, id=f"{path}:{block.line}") for path, block in BLOCKS if block.language == language]


def test_there_is_no_block_that_no_test_would_look_at() -> None:
    assert {block.language for _, block in BLOCKS} <= {"python", "bash", "text"}


@pytest.mark.parametrize("block", in_language("python"))
def test_an_example_runs_and_airflow_can_store_its_dags(block: Block) -> None:
    scope: dict[str, Any] = {"__name__": "reference"}
    exec(compile(block.code, f"line {block.line}", "exec"), scope)  # noqa: S102 - the page's own code
    for dag in scope.values():
        if isinstance(dag, DAG):
            json.dumps(DagSerialization.to_dict(dag))


@pytest.mark.parametrize("block", in_language("bash"))
def test_a_shell_command_is_one_that_its_program_takes(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in commands_of(block.code):
        check_command(command, monkeypatch)
