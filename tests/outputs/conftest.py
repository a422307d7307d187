"""Records and stores for the tests of the outputs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from upath import UPath

from airflow_provider_msginsights.insights.date_ranges import end_of_day
from airflow_provider_msginsights.insights.records import InsightsRecord

if TYPE_CHECKING:
    from pathlib import Path


class Records:
    """Makes records of one day, different only in what a test says."""

    def __call__(self, day: str = "2026-03-08", **different: Any) -> InsightsRecord:
        pacific_date = date.fromisoformat(day)
        fields: dict[str, Any] = {
            "page_id": "101",
            "metric": "page_messages_new_conversations_unique",
            "period": "day",
            "range_start": pacific_date,
            "pacific_date": pacific_date,
            "end_time": end_of_day(pacific_date),
            "value": 42,
            "value_raw": None,
            "unit": "count",
            "currency": None,
            "breakdowns": (),
            "breakdowns_other": (),
        }
        return InsightsRecord(**fields | different)


@pytest.fixture
def record() -> Records:
    return Records()


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
