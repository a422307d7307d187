"""What a user installs: a wheel and an sdist with everything needed and nothing else, under one version."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from datetime import date
from email.parser import BytesParser
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import readme_renderer.markdown
from packaging.metadata import Metadata
from packaging.version import Version

import hatch_build
from airflow_provider_msginsights import __version__

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGE = "airflow_provider_msginsights"
STEM = f"{PACKAGE}-{__version__}"
KINDS_OF_CHANGE = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


class Built:
    """The two files of a release."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheel = folder / f"{STEM}-py3-none-any.whl"
        self.sdist = folder / f"{STEM}.tar.gz"

    @cached_property
    def wheel_files(self) -> dict[str, bytes]:
        with zipfile.ZipFile(self.wheel) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}

    @cached_property
    def metadata(self) -> Message:
        return BytesParser().parsebytes(self.wheel_files[f"{STEM}.dist-info/METADATA"])


def build(source: Path, folder: Path, *kinds: str) -> Built:
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder), *kinds]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)  # noqa: S603 - our own command
    return Built(folder)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(ROOT, tmp_path_factory.mktemp("dist"))


def sources() -> set[str]:
    """The files that are the package: code, what its page is made of, the typing marker; nothing that lies about."""
    code = {file for file in (ROOT / PACKAGE).rglob("*.py") if "__pycache__" not in file.parts}
    page = {file for kind in ("css", "js") for file in (ROOT / PACKAGE / "coverage_page" / "static").glob(f"*.{kind}")}
    return {file.relative_to(ROOT).as_posix() for file in code | page} | {f"{PACKAGE}/py.typed"}


def examples(folder: str) -> set[str]:
    return {f"{folder}/{file.name}" for file in (ROOT / "example_dags").glob("*.py")}


def test_a_release_is_one_wheel_and_one_sdist(built: Built) -> None:
    assert sorted(built.folder.iterdir()) == sorted([built.wheel, built.sdist])


def test_the_wheel_has_the_code_the_examples_and_the_licence_and_nothing_else(built: Built) -> None:
    about = {f"{STEM}.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")}
    expected = sources() | examples(f"{PACKAGE}/example_dags") | about | {f"{STEM}.dist-info/licenses/LICENSE"}
    assert set(built.wheel_files) == expected


def test_the_sdist_has_what_the_wheel_is_built_from_and_nothing_else(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        names = {member.name.removeprefix(f"{STEM}/") for member in sdist.getmembers() if member.isfile()}
    # Hatchling puts .gitignore in by itself: what it leaves out is left out of a wheel made from the sdist, too.
    about = {"PKG-INFO", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "hatch_build.py", ".gitignore"}
    assert names == sources() | examples("example_dags") | about


def test_a_wheel_built_from_the_sdist_is_the_same_byte_for_byte(built: Built, tmp_path: Path) -> None:
    with tarfile.open(built.sdist) as sdist:
        sdist.extractall(tmp_path, filter="data")
    again = build(tmp_path / STEM, tmp_path / "dist", "-t", "wheel")
    assert again.wheel.read_bytes() == built.wheel.read_bytes()


def test_the_metadata_is_valid_and_says_what_pyproject_says(built: Built) -> None:
    found = Metadata.from_email(built.wheel_files[f"{STEM}.dist-info/METADATA"], validate=True)
    project = PYPROJECT["project"]
    assert (found.name, str(found.version)) == ("airflow-provider-msginsights", __version__)
    assert found.summary == project["description"]
    assert str(found.requires_python) == project["requires-python"]
    assert found.license_expression == "Apache-2.0"
    assert found.author == "The contributors"
    assert found.project_urls == project["urls"]
    assert set(found.provides_extra or ()) == set(project["optional-dependencies"])
    always = {needed.name for needed in found.requires_dist or () if needed.marker is None}
    assert always == {"apache-airflow", "croniter", "httpx", "msgspec", "pendulum", "requests", "rich"}


def test_airflow_and_the_shell_find_what_they_look_for(built: Built) -> None:
    entry_points = built.wheel_files[f"{STEM}.dist-info/entry_points.txt"].decode()
    assert f"[apache_airflow_provider]\nprovider_info = {PACKAGE}.get_provider_info:get_provider_info" in entry_points
    assert f"[console_scripts]\nmsginsights = {PACKAGE}.cli.process:run" in entry_points


def test_the_long_description_renders(built: Built) -> None:
    assert built.metadata["Description-Content-Type"] == "text/markdown"
    text = built.metadata.get_payload()
    assert isinstance(text, str)
    rendered = readme_renderer.markdown.render(text)
    assert rendered is not None
    headings = re.findall(r"^## (.+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert [heading for heading in headings if f">{heading}<" not in rendered] == []
    assert rendered.count("<h2") == len(headings)
    assert rendered.count("<table>") == len(re.findall(r"^\|[-:|]+\|$", text, re.MULTILINE))


def test_the_long_description_has_no_relative_link_and_the_repository_stands_in_one_place(built: Built) -> None:
    text = built.metadata.get_payload()
    assert isinstance(text, str)
    rendered = readme_renderer.markdown.render(text)
    assert rendered is not None
    links = re.findall(r'<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)="([^"]*)"', rendered)
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    repository = PYPROJECT["project"]["urls"]["Repository"]
    assert (ROOT / "pyproject.toml").read_text().count(repository) == 1
    ours = [link.removeprefix(f"{repository}/") for link in links if link.startswith(repository)]
    kinds = {path.partition("/")[0] for path in ours}
    assert kinds == {"blob", "raw"}
    assert [path for path in ours if not (ROOT / path.split("/", 2)[2].partition("#")[0]).is_file()] == []
    assert len(ours) >= len(relative_links((ROOT / "README.md").read_text())) > 10


def relative_links(text: str) -> list[str]:
    return re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](docs/a.md#b)", "[a](https://r.example/blob/main/docs/a.md#b)"),
        ("![a](docs/a.svg)", "![a](https://r.example/raw/main/docs/a.svg)"),
        ("[![a](a.png)](b.md)", "[![a](https://r.example/raw/main/a.png)](https://r.example/blob/main/b.md)"),
        (
            '<img src="a.png"> <a href="b.md">',
            '<img src="https://r.example/raw/main/a.png"> <a href="https://r.example/blob/main/b.md">',
        ),
        ('<source srcset="a.png">', '<source srcset="https://r.example/raw/main/a.png">'),
        ("text\n[a]: b.md\n", "text\n[a]: https://r.example/blob/main/b.md\n"),
        ("[a](#here) [b](https://x.example/b.md) [c](mailto:a@x.example)", None),
    ],
    ids=["link", "picture", "linked picture", "HTML", "picture by scheme", "reference", "others"],
)
def test_each_kind_of_relative_link_becomes_an_address(text: str, expected: str | None) -> None:
    assert hatch_build.with_addresses(text, "https://r.example") == (text if expected is None else expected)


def test_every_file_the_readme_points_to_exists() -> None:
    links = relative_links((ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_the_version_stands_in_one_place() -> None:
    assert "version" in PYPROJECT["project"]["dynamic"]
    places = [*(ROOT / PACKAGE).rglob("*.py"), *(ROOT / "example_dags").glob("*.py"), ROOT / "pyproject.toml"]
    holding = [place for place in places if re.search(rf"[\"']{re.escape(__version__)}[\"']", place.read_text())]
    assert holding == [ROOT / PACKAGE / "__init__.py"]
    assert str(Version(__version__)) == __version__


def test_the_changelog_is_kept_and_its_newest_version_is_this_one() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert text.startswith("# Changelog\n")
    assert "keepachangelog.com/en/1.1.0" in text
    releases = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", text, re.MULTILINE)
    assert len(releases) == text.count("\n## ")
    dated = [(Version(name), date.fromisoformat(day)) for name, day in releases if name != "Unreleased"]
    assert dated == sorted(dated, reverse=True)
    assert releases[0][0] in {"Unreleased", __version__}
    if dated:
        assert dated[0][0] <= Version(__version__)
    kinds = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert kinds
    assert set(kinds) <= KINDS_OF_CHANGE


def test_the_release_checklist_names_files_and_commands_that_exist() -> None:
    text = (ROOT / ".github" / "RELEASE_CHECKLIST.md").read_text()
    for path in re.findall(r"`(?:uv run pytest [^`]*?)?((?:tests|airflow_provider_msginsights|\.ci)/[\w/.]+)`", text):
        assert (ROOT / path).exists(), path
    markers = {marker.partition(":")[0] for marker in PYPROJECT["tool"]["pytest"]["ini_options"]["markers"]}
    assert set(re.findall(r"pytest -m \W*(\w+)", text)) == markers - {"smoke"}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("extras", ["", "[emulator]"], ids=["without extras", "with the emulator"])
def test_the_demo_runs_from_a_fresh_installation_of_the_wheel(built: Built, tmp_path: Path, extras: str) -> None:
    uv = shutil.which("uv")
    assert uv, "This test needs uv."
    venv = tmp_path / "venv"
    newest = PYPROJECT["tool"]["uv"]["exclude-newer"]
    install = [uv, "pip", "install", "--python", str(venv), "--exclude-newer", newest, f"{built.wheel}{extras}"]
    for command in ([uv, "venv", "--python", sys.executable, str(venv)], install):
        subprocess.run(command, cwd=tmp_path, check=True, timeout=600)  # noqa: S603 - our own command
    done = subprocess.run(  # noqa: S603 - our own command
        [str(venv / "bin" / "msginsights"), "demo", "--keep", str(tmp_path / "kept")],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "COLUMNS": "160"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    days = sorted((tmp_path / "kept" / "messaging_insights").glob("dt=*"))
    assert len(days) == 3  # the example's day and the two that it looks back
    assert {(day / "part-0.jsonl").read_text().count("\n") for day in days} == {11}
    assert str(ROOT) not in (tmp_path / "kept" / "airflow.log").read_text()
