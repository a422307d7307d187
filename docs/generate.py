"""Make what the code knows: the pages of the reference, and parts of README.md.

    uv run python docs/generate.py            writes them
    uv run python docs/generate.py --check    exits with 1 and a diff when one of them differs

A page of the reference is made whole, by a module of its own. In README.md each part stands between two marks,
``<!-- generated: NAME -->`` and ``<!-- /generated -->``; change the code, or the text beside it (docstrings, help
texts), and run this. The benchmarks' tables stand between ``<!-- numbers: NAME -->``
and ``<!-- /numbers -->`` and are made from ``tests/benchmarks/results/results.json``.
"""

from __future__ import annotations

import argparse
import difflib
import json
import logging
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "tests" / "benchmarks" / "results" / "results.json"
sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "tests" / "benchmarks")]

import connection_page
import costs
import days_drawing
import hook_page
import metrics_page
import operators_page
import reference
from peers.tables import with_tables

if TYPE_CHECKING:
    from collections.abc import Callable

MARKS = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n)(?P<text>.*?)(<!-- /generated -->)", re.DOTALL)
PARTS: dict[str, Callable[[], str]] = {
    "headline": lambda: costs.headline(json.loads(RESULTS.read_text())),
    "days": days_drawing.drawing,
    "operator": reference.operator_parameters,
    "sensor": reference.sensor_parameters,
    "token-check": reference.token_check_parameters,
    "fill": reference.fill_parameters,
    "coverage-check": reference.coverage_check_parameters,
    "new-day-trigger": reference.new_day_trigger_parameters,
    "hook": reference.hook_methods,
    "connection": reference.connection_extras,
    "columns": reference.columns,
    "metrics": reference.metrics,
    "examples": reference.examples,
    "public-names": reference.public_names,
    "backfill": costs.backfill,
    "plan": costs.planned_year,
}
PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/connection.md": connection_page.page,
    "docs/reference/hook.md": hook_page.page,
    "docs/reference/metrics.md": metrics_page.page,
    "docs/reference/operators.md": operators_page.page,
}
"""Files that are made whole."""


def generated(text: str) -> str:
    """Return the text with each part made anew.

    :raises ValueError: when a part stands nowhere in the text, or twice, or a mark names no part.
    """
    names = [found["name"] for found in MARKS.finditer(text)]
    if sorted(names) != sorted(PARTS):
        raise ValueError(f"Each part must stand in README.md once: {sorted(PARTS)}; marked are {sorted(names)}.")
    made = MARKS.sub(lambda found: f"{found[1]}{PARTS[found['name']]()}\n{found[4]}", text)
    return with_tables(made, json.loads(RESULTS.read_text()))


def documents() -> dict[str, str]:
    """Return the text of every document that is made, by its path.

    :raises ValueError: when a document lies among the pages of the reference that none of them makes.
    """
    found = {str(file.relative_to(ROOT)) for file in (ROOT / "docs" / "reference").glob("*.md")}
    if unknown := found - set(PAGES):
        raise ValueError(f"Nothing makes {sorted(unknown)}: remove them, or add them to PAGES.")
    return {"README.md": generated(README.read_text())} | {path: page() for path, page in PAGES.items()}


def difference(path: str, after: str) -> list[str]:
    """Return the lines of a diff between the document as it stands and as it is made."""
    before = file.read_text() if (file := ROOT / path).exists() else ""
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), path, "generated", lineterm=""))


def main() -> int:
    """Write what is made, or check it; return the exit code."""
    parser = argparse.ArgumentParser(description="Make what the code knows: the reference, and parts of README.md.")
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
