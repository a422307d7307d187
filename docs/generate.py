"""Make the parts of README.md that the code knows: tables, figures and a drawing.

    uv run python docs/generate.py            writes them into README.md
    uv run python docs/generate.py --check    exits with 1 and a diff when README.md differs

Each part stands between two marks, ``<!-- generated: NAME -->`` and ``<!-- /generated -->``; change the code, or the
text beside it (docstrings, help texts), and run this. The benchmarks' tables stand between ``<!-- numbers: NAME -->``
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

import costs
import days_drawing
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


def generated(text: str) -> str:
    """Return the text with each part made anew.

    :raises ValueError: when a part stands nowhere in the text, or twice, or a mark names no part.
    """
    names = [found["name"] for found in MARKS.finditer(text)]
    if sorted(names) != sorted(PARTS):
        raise ValueError(f"Each part must stand in README.md once: {sorted(PARTS)}; marked are {sorted(names)}.")
    made = MARKS.sub(lambda found: f"{found[1]}{PARTS[found['name']]()}\n{found[4]}", text)
    return with_tables(made, json.loads(RESULTS.read_text()))


def main() -> int:
    """Write README.md, or check it; return the exit code."""
    parser = argparse.ArgumentParser(description="Make the parts of README.md that the code knows.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 when README.md differs")
    arguments = parser.parse_args()
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # the emulator's, which the figures are counted by
    before = README.read_text()
    after = generated(before)
    if not arguments.check:
        README.write_text(after)
        return 0
    difference = difflib.unified_diff(before.splitlines(), after.splitlines(), "README.md", "generated", lineterm="")
    sys.stdout.writelines(f"{line}\n" for line in difference)
    return int(before != after)


if __name__ == "__main__":
    raise SystemExit(main())
