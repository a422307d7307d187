"""The provider on every release of Airflow it supports, on every Python that release supports.

    uv run pytest -m matrix

makes twelve environments, one after the other, and takes half an hour on a quiet machine. ``make_table.py`` in this
folder turns what it leaves in ``.matrix/`` into the documentation's table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from matrix.combinations import COMBINATIONS, Combination
from matrix.make_table import PAGE, table_in
from matrix.runs import OTHER, SUBJECTS, run

if TYPE_CHECKING:
    from pathlib import Path


def subjects_of(combination: Combination) -> set[str]:
    """Name the subjects that some test has to be about there; one that all tests skip is a failure."""
    missing = set() if combination.is_lowest_or_highest else {"scheduler and triggerer"}
    if combination.airflow.startswith(("3.1.", "3.2.")):
        missing.add("asset events")
    return set(SUBJECTS) - missing


@pytest.mark.matrix
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_the_provider_works_on(combination: Combination, wheel: Path, tmp_path: Path) -> None:
    outcome = run(combination, wheel, tmp_path)
    expected = dict.fromkeys([*subjects_of(combination), OTHER], "passed")
    assert {OTHER: "passed"} | outcome == expected, (outcome, (tmp_path / "output.txt").read_text()[-5000:])


def test_the_documentation_shows_every_combination_and_no_failure() -> None:
    rows = table_in(PAGE.read_text())
    assert [(row[0], row[1]) for row in rows] == [(one.airflow, one.python) for one in COMBINATIONS]
    for row, combination in zip(rows, COMBINATIONS, strict=True):
        there = subjects_of(combination)
        assert row[2:] == ["✓" if subject in there else "-" for subject in SUBJECTS], combination
