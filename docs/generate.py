"""Make what the code knows: the pages of the reference, and parts of README.md and of other pages.

    uv run python docs/generate.py            writes them
    uv run python docs/generate.py --check    exits with 1 and a diff when one of them differs

A page of the reference is made whole, by a module of its own. On README.md and the other pages below ``docs/`` a part
stands between two marks, ``<!-- generated: NAME -->`` and ``<!-- /generated -->``, each part once in all; change the
code, or the text beside it (docstrings, help texts), and run this. What makes a part writes its links as seen from the
repository's root (``docs/guides/hook.md``); they are turned to the page on which they stand. The benchmarks' tables
stand between ``<!-- numbers: NAME -->`` and ``<!-- /numbers -->`` and are made from
``tests/benchmarks/results/results.json``.
"""

from __future__ import annotations

import argparse
import difflib
import json
import logging
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "tests" / "benchmarks" / "results" / "results.json"
sys.path[:0] = [str(ROOT / "docs" / "generator"), str(ROOT / "tests" / "benchmarks")]

import cli_page
import columns_page
import connection_page
import costs
import days_drawing
import emulator_page
import errors_reference.page
import hook_page
import metrics_page
import operators_page
import public_names_page
import reference
from peers.tables import with_tables

if TYPE_CHECKING:
    from collections.abc import Callable

MARKS = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n)(?P<text>.*?)(<!-- /generated -->)", re.DOTALL)
PARTS: dict[str, Callable[[], str]] = {
    "reasons": lambda: costs.reasons(json.loads(RESULTS.read_text())),
    "cost": lambda: costs.cost_of_400_pages(json.loads(RESULTS.read_text())),
    "days": days_drawing.drawing,
    "examples": reference.examples,
    "backfill": costs.backfill,
    "plan": costs.planned_year,
}

PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/cli.md": cli_page.page,
    "docs/reference/columns-and-manifest.md": columns_page.page,
    "docs/reference/errors.md": errors_reference.page.page,
    "docs/reference/connection.md": connection_page.page,
    "docs/reference/emulator.md": emulator_page.page,
    "docs/reference/hook.md": hook_page.page,
    "docs/reference/metrics.md": metrics_page.page,
    "docs/reference/operators.md": operators_page.page,
    "docs/reference/public-names.md": public_names_page.page,
}
"""Files that are made whole."""

LINK = re.compile(r"(\]\()(?![a-z]+:|#|/)([^)\s]+)")


def written() -> dict[str, str]:
    """Return the text of README.md and of each page that is not made whole, by its path below the repository's root.

    :raises ValueError: when a page lies among those of the reference that none of them makes.
    """
    files = [README, *sorted((ROOT / "docs").rglob("*.md"))]
    pages = {file.relative_to(ROOT).as_posix(): file for file in files}
    if unknown := {page for page in pages if page.startswith("docs/reference/")} - set(PAGES):
        raise ValueError(f"Nothing makes {sorted(unknown)}: remove them, or add them to PAGES.")
    return {page: file.read_text() for page, file in pages.items() if page not in PAGES}


def generated(pages: dict[str, str]) -> dict[str, str]:
    """Return the pages with each part made anew.

    :param pages: the text of each, by its path below the repository's root.
    :raises ValueError: when a part stands nowhere, or twice, or a mark names no part.
    """
    names = [found["name"] for text in pages.values() for found in MARKS.finditer(text)]
    if sorted(names) != sorted(PARTS):
        raise ValueError(f"Each part must stand on one page, once: {sorted(PARTS)}; marked are {sorted(names)}.")
    results = json.loads(RESULTS.read_text())
    return {page: with_tables(_with_parts(page, text), results) for page, text in pages.items()}


def documents() -> dict[str, str]:
    """Return the text of every document that is made or holds something made, by its path."""
    return generated(written()) | {path: page() for path, page in PAGES.items()}


def _with_parts(page: str, text: str) -> str:
    return MARKS.sub(lambda found: f"{found[1]}{relinked(PARTS[found['name']](), page)}\n{found[4]}", text)


def relinked(text: str, page: str) -> str:
    """Turn links that start at the repository's root into links that start at the page."""

    def turn(found: re.Match[str]) -> str:
        path, sign, anchor = found[2].partition("#")
        if path == page:
            return f"{found[1]}#{anchor}"
        return f"{found[1]}{os.path.relpath(path, Path(page).parent)}{sign}{anchor}"

    return LINK.sub(turn, text)


def difference(path: str, after: str) -> list[str]:
    """Return the lines of a diff between the document as it stands and as it is made."""
    before = file.read_text() if (file := ROOT / path).exists() else ""
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), path, "generated", lineterm=""))


def main() -> int:
    """Write what is made, or check it; return the exit code."""
    parser = argparse.ArgumentParser(description="Make what the code knows: the reference, and parts of other pages.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 when a document differs")
    arguments = parser.parse_args()
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # the emulator's, which the figures are counted by
    made = documents()
    if not arguments.check:
        for path, text in made.items():
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(text)
        return 0
    lines = [line for path, text in made.items() for line in difference(path, text)]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return int(bool(lines))


if __name__ == "__main__":
    raise SystemExit(main())
