"""Writes the table of what was run on which Airflow and Python, from what the matrix left in ``.matrix/``.

uv run pytest -m matrix && uv run python tests/matrix/make_table.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from matrix.combinations import COMBINATIONS, ROOT, Combination
from matrix.runs import RESULTS, SUBJECTS

PAGE = ROOT / "docs" / "project" / "compatibility.md"
_HEAD = "| Airflow | Python |"
_PASSED, _NOT_RUN = "✓", "-"


def table(outcomes: dict[Combination, dict[str, str]]) -> str:
    """Give the table as Markdown: a tick for what passed, a dash for what the release does not have."""
    lines = [f"{_HEAD} {' | '.join(SUBJECTS)} |", "|---" * 2 + "|:-:" * len(SUBJECTS) + "|"]
    for combination, outcome in outcomes.items():
        cells = [_cell(outcome.get(subject)) for subject in SUBJECTS]
        lines.append(f"| {combination.airflow} | {combination.python} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(outcome: str | None) -> str:
    if outcome is None:
        return _NOT_RUN
    return _PASSED if outcome == "passed" else outcome


def table_in(text: str) -> list[list[str]]:
    """Read the rows of the table on a page."""
    lines = iter(text.splitlines())
    rows: list[list[str]] = []
    for line in lines:
        if line.startswith(_HEAD):
            next(lines)
            for row in lines:
                if not row.startswith("|"):
                    return rows
                rows.append([cell.strip() for cell in row.strip("|").split("|")])
    return rows


def main() -> None:
    """Replace the page's table by what was run so far."""
    files = {one: RESULTS / f"{one}.json" for one in COMBINATIONS}
    outcomes = {one: json.loads(file.read_text()) for one, file in files.items() if file.exists()}
    made = table(outcomes)
    text = PAGE.read_text()
    before, _, rest = text.partition(_HEAD)
    after = rest.partition("\n\n")[2]
    PAGE.write_text(f"{before}{made}\n\n{after}")
    sys.stdout.write(made + "\n")


if __name__ == "__main__":
    main()
