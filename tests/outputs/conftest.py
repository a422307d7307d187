"""Stores for the tests of the outputs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from upath import UPath

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def final_if_ended_by() -> datetime:
    return datetime(2026, 3, 20, tzinfo=UTC)


@pytest.fixture(params=["local disk", "object store"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> UPath:
    """An empty directory on a local disk, and one on a store that has no directories or renames."""
    if request.param == "local disk":
        return UPath(tmp_path.as_uri()) / "insights"
    path = UPath(f"memory://{request.node.name}")
    if path.fs.exists(path.path):
        path.fs.rm(path.path, recursive=True)
    return path
