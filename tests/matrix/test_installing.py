"""Installing beside others: whatever a release of Airflow had installed before, it has after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from matrix.combinations import RELEASES, Combination, resolve

if TYPE_CHECKING:
    from pathlib import Path

NEIGHBOURS = [f"apache-airflow-providers-{name}" for name in ("amazon", "facebook", "google", "http")]
OURS = "airflow-provider-msginsights"
PYTHON = "3.12"


@pytest.mark.matrix
@pytest.mark.timeout(600)
@pytest.mark.parametrize("release", RELEASES)
def test_it_adds_itself_and_changes_no_version_beside(release: str, wheel: Path, tmp_path: Path) -> None:
    """As a free choice, and with every version pinned, as Airflow's constraint files pin them; extras included."""
    combination = Combination(release, PYTHON)
    before = resolve(combination, [f"apache-airflow=={release}", *NEIGHBOURS])
    wanted = [f"apache-airflow=={release}", *NEIGHBOURS, f"{OURS}[emulator,parquet] @ {wheel.as_uri()}"]
    free = resolve(combination, wanted)
    assert free.pop(OURS)
    assert free == before
    pins = tmp_path / "constraints.txt"
    pins.write_text("".join(f"{name}=={version}\n" for name, version in before.items()))
    pinned = resolve(combination, wanted, "--constraints", str(pins))
    assert pinned.pop(OURS)
    assert pinned == before
