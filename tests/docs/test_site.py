"""The site: every page is in its list, every file that a page names is there, and answers are near its start.

That links to pages and anchors lead somewhere is looked at by the build itself, which is strict.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml
from support.paths import DOCS, README, ROOT

CLICKS = 2
QUESTIONS = {
    "Why is my Page empty?": "tutorial/real-page.md#why-a-page-is-empty",
    "Can I add uniques up?": "reference/metrics.md#what-may-be-added-up",
    "Which date in the UI is day D?": "guides/schedules.md#in-the-ui",
    "How do I fill a hole?": "guides/completeness.md#fill-what-is-missing",
    "What does 190/463 mean?": "reference/errors.md#msgi-190-463",
    "Which token do I need, and who makes it?": "tutorial/real-page.md#which-token",
    "How do I load two years of history?": "guides/backfill.md",
    "What happens when Meta limits me?": "guides/operations.md#waiting-and-retries",
    "How do I get the rows into BigQuery or Snowflake?": "guides/warehouses.md#bigquery-snowflake-redshift-iceberg",
    "How do I test my DAG without Facebook?": "guides/testing.md#in-tests",
    "How do I remove a client's data?": "guides/datasets.md#pages-that-leave-a-dataset",
    'Why does the Test button say "Bad Request"?': "guides/troubleshooting.md#the-test-button-says-bad-request",
    "How do I upgrade, and back?": "guides/install.md#upgrade-and-roll-back",
    "Which metrics may change?": "reference/metrics.md",
    "How many calls has a Page a day?": "guides/sizing.md#how-many-calls",
}
"""What a newcomer asks, and the place that answers it."""

PAGES = {file.relative_to(DOCS).as_posix(): file.read_text() for file in sorted(DOCS.rglob("*.md"))}
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r'\]\((?!https?://)([^)\s]+)\)|(?:src|srcset|href)="(?!https?://)([^"]+)"')
TAKEN_IN = re.compile(r'^--8<-- "(.+)"$', re.MULTILINE)


def links_of(page: str) -> list[str]:
    """The relative links of a page and what it takes in, as seen from the folder of the pages."""
    text = FENCE.sub("", PAGES[page])
    text = TAKEN_IN.sub(lambda found: (ROOT / found[1]).read_text(), text)
    links = [first or second for first, second in LINK.findall(FENCE.sub("", text))]
    return [os.path.normpath(Path(page).parent / link) if link[0] != "#" else f"{page}{link}" for link in links]


def in_navigation(entries: list[object]) -> list[str]:
    """Every page of the navigation, in order."""
    found: list[str] = []
    for entry in entries:
        if isinstance(entry, str):
            found.append(entry)
        else:
            assert isinstance(entry, dict)
            for value in entry.values():
                found += [value] if isinstance(value, str) else in_navigation(value)
    return found


def test_every_page_stands_in_the_navigation_once() -> None:
    navigation = in_navigation(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    assert sorted(navigation) == sorted(PAGES)
    assert navigation[0] == "index.md"


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    named = {link.partition("#")[0] for link in links_of(page)}
    assert [path for path in named if not (DOCS / path).is_file()] == []
    assert [path for path in named if path.startswith("..")] == []


@pytest.mark.parametrize("page", [page for page in PAGES if not TAKEN_IN.search(PAGES[page])])
def test_a_page_has_one_title_and_says_first_what_it_is_about(page: str) -> None:
    text = re.sub(r"<!--.*?-->\n*", "", FENCE.sub("", PAGES[page]))
    title, _, rest = text.partition("\n\n")
    assert title.startswith("# ")
    assert not re.search(r"^# ", rest, re.MULTILINE)
    assert re.match(r"[A-Z`\[]", rest), rest[:80]


def test_the_pictures_are_all_shown_somewhere() -> None:
    shown = {link for page in PAGES for link in links_of(page)}
    shown |= {found.removeprefix("docs/") for pair in LINK.findall(README.read_text()) for found in pair}
    pictures = {file.relative_to(DOCS).as_posix() for file in (DOCS / "images").iterdir()}
    assert pictures - {link.partition("#")[0] for link in shown} == set()


def clicks_to(target: str) -> int:
    """How many links one must follow from the start."""
    seen, clicks = {"index.md"}, 0
    while clicks <= CLICKS:
        clicks += 1
        found = {link for page in seen for link in links_of(page)}
        if target in found:
            return clicks
        seen |= {link.partition("#")[0] for link in found} & set(PAGES)
    return clicks


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answer_is_near_the_start(question: str) -> None:
    assert clicks_to(QUESTIONS[question]) <= CLICKS


def test_questions_of_the_start_lead_to_the_place_that_answers_them() -> None:
    asked = dict(re.findall(r"\[([^\]]+\?)\]\(([^)]+)\)", PAGES["index.md"]))
    assert len(asked) >= 10
    assert {question: place for question, place in asked.items() if QUESTIONS.get(question, place) != place} == {}
    assert len(set(QUESTIONS) & set(asked)) >= 10


def test_nothing_of_the_site_is_fetched_from_elsewhere() -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    assert settings["theme"]["font"] is False
    assert not {"extra_css", "extra_javascript"} & set(settings)
    for page, text in PAGES.items():
        assert not re.search(r"!\[[^\]]*\]\(https?:|src=\"https?:", FENCE.sub("", text)), page
