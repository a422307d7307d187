"""DuckDB, pyarrow and pandas read a dataset by its root, and read nothing but its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow.dataset as pads
import pytest
from support.made_records import record, store_rows, values_of
from upath import UPath

from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.formats.parquet import arrow_schema
from airflow_provider_msginsights.outputs.manifest import write_manifest
from airflow_provider_msginsights.outputs.schema import COLUMN_NAMES

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 20, tzinfo=UTC)
VALUES = [("101", "2026-03-08", 1), ("101", "2026-03-09", 2), ("102", "2026-03-08", 3)]


@pytest.fixture
def stored(tmp_path: Path) -> tuple[str, Dataset[Any]]:
    """Two parts in two days, a label and a manifest."""
    root = UPath(tmp_path.as_uri())
    datasets = [Dataset(root=root, file_format=format_named("parquet"), period="day", part=part) for part in "ab"]
    for dataset, page_id in zip(datasets, ("101", "102"), strict=True):
        dataset.claim()
        records = [record(day, page_id=page, value=value) for page, day, value in VALUES if page == page_id]
        files = store_rows(dataset, values_of(records, final_if_ended_by=NOW))
        write_manifest(root, f"run-{dataset.part}", {"files": [file.path for file in files]}, part=dataset.part)
    return str(tmp_path), datasets[0]


@pytest.mark.parametrize("hive", [True, False])
def test_duckdb_reads_it_by_its_root(stored: tuple[str, Dataset[Any]], hive: bool) -> None:  # noqa: FBT001 - a parameter
    root, _ = stored
    query = (
        "SELECT page_id, pacific_date::VARCHAR, value::INT FROM read_parquet($1, hive_partitioning = $2) ORDER BY ALL"
    )
    assert duckdb.execute(query, [f"{root}/**/*.parquet", hive]).fetchall() == sorted(VALUES)
    described = duckdb.execute(
        "DESCRIBE " + query.replace("page_id, pacific_date::VARCHAR, value::INT", "*"), [f"{root}/**/*.parquet", hive]
    )
    assert [name for name, *_ in described.fetchall()] == [*COLUMN_NAMES, *(["dt"] if hive else [])]


def test_pyarrow_reads_it_by_its_root_with_the_schema_of_every_file(stored: tuple[str, Dataset[Any]]) -> None:
    root, dataset = stored
    found = pads.dataset(root, format="parquet", partitioning="hive")
    assert found.schema.remove(found.schema.get_field_index("dt")) == arrow_schema(dataset.columns)
    assert len(found.files) == 3
    for fragment in found.get_fragments():
        assert fragment.physical_schema == arrow_schema(dataset.columns)
    rows = found.to_table(columns=["page_id", "pacific_date", "value"]).to_pylist()
    assert sorted((row["page_id"], row["pacific_date"].isoformat(), row["value"]) for row in rows) == sorted(VALUES)


def test_pandas_reads_it_by_its_root(stored: tuple[str, Dataset[Any]]) -> None:
    root, _ = stored
    frame = pd.read_parquet(root)
    assert list(frame.columns) == [*COLUMN_NAMES, "dt"]
    found = zip(frame["page_id"], frame["dt"].astype(str), frame["value"], strict=True)
    assert sorted(found) == sorted(VALUES)
    assert str(frame["end_time"].dtype).endswith("UTC]")
