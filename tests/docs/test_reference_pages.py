"""The pages of the reference are as the script makes them, and each link in them leads somewhere."""

from __future__ import annotations

import re

import generate
import pytest
from support.paths import ROOT

REFERENCE = ROOT / "docs" / "reference"
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?://)([^)#]*)(?:#([^)]+))?\)")
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
