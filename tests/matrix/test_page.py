"""The page in Airflow's UI on every release: plugin, application and page, with the API server alone."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from matrix.combinations import PYTHONS, RELEASES, ROOT, Combination, make_environment

if TYPE_CHECKING:
    from pathlib import Path

TESTS = ("integration/test_coverage_page.py", "browser/test_coverage_page.py")


@pytest.mark.matrix
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("release", RELEASES)
def test_the_page_works_on(release: str, wheel: Path, tmp_path: Path) -> None:
    python = make_environment(Combination(release, PYTHONS[0]), wheel, tmp_path / "environment")
    options = ["-q", "-n", "0", "-m", "not slow", "-p", "no:cacheprovider", "-o", "filterwarnings=default"]
    done = subprocess.run(  # noqa: S603 - our own tests
        [str(python), "-P", "-m", "pytest", *options, *(str(ROOT / "tests" / path) for path in TESTS)],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
