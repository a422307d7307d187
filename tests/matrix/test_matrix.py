"""The provider on every release of Airflow it supports, on every Python that release supports.

    uv run pytest -m matrix

makes twelve environments, one after the other, and takes half an hour on a quiet machine. ``make_table.py`` in this
folder turns what it leaves in ``.matrix/`` into the README's table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from matrix.combinations import COMBINATIONS, Combination
from matrix.make_table import README, table_in
from matrix.runs import SUBJECTS, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.matrix
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_the_provider_works_on(combination: Combination, wheel: Path, tmp_path: Path) -> None:
    outcome = run(combination, wheel, tmp_path)
    assert set(outcome.values()) == {"passed"}, (outcome, (tmp_path / "output.txt").read_text()[-5000:])


def test_the_readme_shows_every_combination_and_no_failure() -> None:
    rows = table_in(README.read_text())
    assert [(row[0], row[1]) for row in rows] == [(one.airflow, one.python) for one in COMBINATIONS]
    for row, combination in zip(rows, COMBINATIONS, strict=True):
        cells = dict(zip(SUBJECTS, row[2:], strict=True))
        assert cells.pop("scheduler and triggerer") == ("✓" if combination.is_lowest_or_highest else "-")
        assert cells.pop("asset events") in {"✓", "-"}, "from Airflow 3.3 on"
        assert set(cells.values()) == {"✓"}
