"""Stores and formats for the tests of the outputs."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

import pytest
from support import s3_server
from upath import UPath

from airflow_provider_msginsights.outputs.formats.by_name import format_named

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.outputs.formats.protocol import Format

_buckets = count()


@pytest.fixture
def final_if_ended_by() -> datetime:
    return datetime(2026, 3, 20, tzinfo=UTC)


@pytest.fixture(
    params=[("jsonl", None), ("jsonl", "gzip"), ("csv", None), ("csv", "gzip"), ("parquet", None)],
    ids=["jsonl", "jsonl-gzip", "csv", "csv-gzip", "parquet"],
)
def file_format(request: pytest.FixtureRequest) -> Format:
    return format_named(*request.param)


@pytest.fixture(params=["local disk", "S3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> UPath:
    """An empty directory on a local disk, and one on a store that has no directories or renames."""
    if request.param == "local disk":
        return UPath(tmp_path.as_uri()) / "insights"
    made: UPath = request.getfixturevalue("s3_root")
    return made


@pytest.fixture
def s3_root(s3_endpoint: str) -> UPath:
    """An empty directory of an S3 spoken to over HTTP."""
    path = UPath(
        f"s3://bucket-{next(_buckets)}/insights",
        key="testing",
        secret="testing",
        client_kwargs={"endpoint_url": s3_endpoint, "region_name": s3_server.REGION},
    )
    path.fs.call_s3("create_bucket", Bucket=path.path.partition("/")[0])
    return path
