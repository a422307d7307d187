"""Contributors find the way: the guide names what exists, and the repository's workflows run what it says, safely."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(file for file in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if file.stem != "config")
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")
GUIDES = [ROOT / "CONTRIBUTING.md", GITHUB / "SECURITY.md", GITHUB / "RELEASE_CHECKLIST.md"]


def read(file: Path) -> dict[str, Any]:
    content = yaml.safe_load(file.read_text())
    assert isinstance(content, dict), file.name
    return content


def commands_of(file: Path) -> list[str]:
    steps = [step for job in read(file)["jobs"].values() for step in job["steps"]]
    return [step["run"].strip() for step in steps if "run" in step]


def test_there_is_a_workflow_for_tests_documentation_and_publishing() -> None:
    assert [file.stem for file in WORKFLOWS] == ["docs", "publish", "tests"]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_may_do_nothing_that_a_job_does_not_ask_for(file: Path) -> None:
    workflow = read(file)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 60, name
        assert set(job["permissions"].items()) <= {("contents", "read"), ("id-token", "write")}, name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name
    used = [line.strip().removeprefix("- ") for line in file.read_text().splitlines() if "uses:" in line]
    assert used
    assert [line for line in used if not PINNED.fullmatch(line)] == []


def test_only_the_job_that_publishes_can_prove_who_it_is_and_it_runs_no_code_of_the_checkout() -> None:
    with_identity = {
        (file.stem, name): job
        for file in WORKFLOWS
        for name, job in read(file)["jobs"].items()
        if "id-token" in job["permissions"]
    }
    ((place, job),) = with_identity.items()
    assert place == ("publish", "publish")
    assert job["environment"] == "release"
    assert all("run" not in step and "checkout" not in step["uses"] for step in job["steps"])
    assert "secrets." not in "".join(file.read_text() for file in WORKFLOWS)


def test_the_tests_run_on_each_python_that_the_package_names() -> None:
    matrix = read(GITHUB / "workflows" / "tests.yml")["jobs"]["tests"]["strategy"]["matrix"]["python"]
    prefix = "Programming Language :: Python :: 3."
    named = [line.rpartition(" ")[2] for line in PYPROJECT["project"]["classifiers"] if line.startswith(prefix)]
    assert matrix == named


def test_what_a_change_must_pass_here_is_what_the_workflows_run() -> None:
    here = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if re.match(r"(pip|uvx?) ", line)]
    there = {command for file in WORKFLOWS for command in commands_of(file)}
    assert len(here) > 5
    assert set(here) - there == set()
    workflow = read(GITHUB / "workflows" / "tests.yml")
    assert f'PYTEST_ADDOPTS="{workflow["jobs"]["tests"]["env"]["PYTEST_ADDOPTS"]}"' in (ROOT / ".ci/run").read_text()


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.stem)
def test_an_issue_form_asks_each_thing_once_and_warns_of_tokens(file: Path) -> None:
    form = read(file)
    assert {"name", "description", "body"} <= set(form)
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
    ids = [field["id"] for field in fields]
    assert len(ids) == len(set(ids))
    assert all(field["attributes"]["label"] for field in fields)
    assert any(field.get("validations", {}).get("required") for field in fields)
    assert form["body"][0]["attributes"]["value"].startswith("Never paste an access token")


def test_the_bots_look_after_actions_and_packages() -> None:
    updates = read(GITHUB / "dependabot.yml")["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"github-actions", "pip"}


def test_hooks_before_a_commit_are_the_project_s_own_tools() -> None:
    (repo,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repo["repo"] == "local"
    entries = [hook["entry"] for hook in repo["hooks"]]
    assert all(entry.startswith("uv run ") for entry in entries)
    tools = {" ".join(entry.split()[2:4]).partition(" --")[0] for entry in entries}
    assert tools == {"ruff check", "ruff format", "lint-imports", "mypy"}


@pytest.mark.parametrize("file", GUIDES, ids=lambda file: file.stem)
def test_a_guide_names_files_and_markers_that_exist(file: Path) -> None:
    text = file.read_text()
    paths = re.findall(r"`(?:[\w -]+ )?((?:tests|docs|airflow_provider_msginsights|\.ci|\.github)/[\w./-]*)", text)
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert [path for path in [*paths, *links] if not (ROOT / path).exists()] == []
    markers = {marker.partition(":")[0] for marker in PYPROJECT["tool"]["pytest"]["ini_options"]["markers"]}
    named = set(re.findall(r"pytest -m \W*(\w+)", text))
    assert named <= markers
    if file.stem == "CONTRIBUTING":
        assert len(paths) > 10
        assert named == markers - {"smoke"}


def test_the_guide_knows_each_room_of_the_package() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## Where things live")[2].partition("\n## ")[0]
    named = {name for line in table.splitlines() for name in re.findall(r"`(\w+)/`", line)} - {
        "airflow_provider_msginsights"
    }
    rooms = {folder.parent.name for folder in (ROOT / "airflow_provider_msginsights").glob("*/__init__.py")}
    assert named == rooms


def test_one_line_says_where_the_repository_is() -> None:
    project = PYPROJECT["project"]
    assert project["authors"] == [{"name": "The contributors"}]
    addresses = [line for line in (ROOT / "pyproject.toml").read_text().splitlines() if "https://" in line]
    assert addresses == [f'Repository = "{project["urls"]["Repository"]}"']
