"""Datasets of released versions are read and added to: ``samples/dataset_v<schema version>`` has one of each format."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.made_records import record, row_of, values_of
from support.paths import SAMPLES
from upath import UPath

from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.schema import COLUMN_NAMES, COLUMNS, SCHEMA_VERSION
from airflow_provider_msginsights.outputs.writer import DatasetWriter

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.insights.records import InsightsRecord
    from airflow_provider_msginsights.outputs.formats.protocol import Format

NOW = datetime(2026, 3, 20, tzinfo=UTC)
DAY = "2026-03-08"


def records() -> list[InsightsRecord]:
    """What every sample holds: it may grow with new columns, at its end."""
    return [
        record(DAY),
        record(DAY, metric="page_messages_read_ratio", value=0.25, unit="ratio"),
        record(DAY, metric="page_messages_sent", value=float("nan"), breakdowns_other=(("colour", 'dark "red", é'),)),
        record(
            DAY, page_id="102", metric="page_messages_order_earnings", value=None, value_raw='{"a": 1}', unit="money"
        ),
    ]


def dataset_at(root: Path, file_format: Format) -> Dataset[Any]:
    return Dataset(root=UPath(root.as_uri()), file_format=file_format, period="day")


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_every_released_layout_is_read(file_format: Format, version: int) -> None:
    path = SAMPLES / f"dataset_v{version}" / file_format.extension / f"dt={DAY}" / f"part-0.{file_format.extension}"
    found = [dict(zip(COLUMN_NAMES, row, strict=True)) for row in file_format.read(path.read_bytes(), COLUMNS)]
    expected = sorted((row_of(one, final_if_ended_by=NOW) for one in records()), key=lambda row: row["record_id"])
    assert sorted(found, key=lambda row: row["record_id"]) == expected


def test_the_present_layout_is_added_to_and_its_rows_are_known_again(file_format: Format, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(SAMPLES / f"dataset_v{SCHEMA_VERSION}" / file_format.extension, root)
    dataset = dataset_at(root, file_format)
    dataset.claim()
    with DatasetWriter(dataset) as writer:
        writer.add(values_of([*records(), record(DAY, page_id="103")], final_if_ended_by=NOW))
        stored = writer.finish()
    assert (stored.rows_unchanged, stored.rows_added, stored.rows_changed) == (4, 1, 0)
