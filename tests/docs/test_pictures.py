"""The documentation's pictures: each light and dark, small, and shown somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = ROOT / "docs" / "images"
PICTURES = sorted(IMAGES.iterdir())
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHOWN = re.compile(r"!\[[^\]]+\]\(([^)#]+)(?:#only-(light|dark))?\)")


def shown(page: Path) -> list[tuple[Path, str]]:
    """Each picture that a page shows, with the theme it is shown in."""
    return [((page.parent / path).resolve(), theme) for path, theme in SHOWN.findall(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_small_and_has_one_of_the_other_theme(picture: Path) -> None:
    name, _, theme = picture.stem.rpartition("-")
    other = {"light": "dark", "dark": "light"}[theme]
    assert (IMAGES / f"{name}-{other}.png") in PICTURES
    assert picture.stat().st_size <= 200_000


def test_every_picture_is_shown_by_some_page_and_none_is_lacking() -> None:
    assert {picture for page in PAGES for picture, _ in shown(page)} == set(PICTURES)


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_each_picture_in_both_themes(page: Path) -> None:
    found = shown(page)
    assert [picture.stem.rpartition("-")[2] for picture, _ in found] == [theme for _, theme in found]
    assert [theme for _, theme in found] == ["light", "dark"] * (len(found) // 2)
