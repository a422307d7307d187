"""Loads to S3 over HTTP, through an Airflow connection: the same data files as on a local disk."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import ObjectStoragePath
from support import s3_server
from support.dag_runs import connection_to

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

LOAD: dict[str, Any] = {"since": "2026-10-01", "until": "2026-10-04", "page_ids": ["101", "102"], "metrics": "all"}
BUCKET = "airflow-insights"


@pytest.fixture
def s3(s3_endpoint: str, emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> ObjectStoragePath:
    """A bucket, reached by the Airflow connection ``warehouse``."""
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", s3_server.airflow_connection(s3_endpoint))
    S3Hook("warehouse").create_bucket(BUCKET)
    return ObjectStoragePath(f"s3://{BUCKET}", conn_id="warehouse")


def execute(**parameters: Any) -> dict[str, Any]:
    told: dict[str, Any] = MessagingInsightsOperator(task_id="load", **LOAD | parameters).execute({})
    return told


@pytest.mark.parametrize(
    ("output_format", "compression"),
    [("jsonl", "gzip"), *(pytest.param(one, None, marks=pytest.mark.thorough) for one in ("csv", "parquet"))],
)
def test_s3_and_a_local_disk_get_the_same_data_files(
    s3: ObjectStoragePath, tmp_path: Path, output_format: str, compression: str | None
) -> None:
    asked = {"output_format": output_format, "compression": compression}
    local = execute(output_path=tmp_path.as_uri(), **asked)
    remote = execute(output_path=f"s3://{BUCKET}/{output_format}", output_conn_id="warehouse", **asked)
    assert (local["rows"], local["file_count"]) == (remote["rows"], remote["file_count"]) == (66, 3)
    root = f"{BUCKET}/{output_format}/"
    there = {name.removeprefix(root): s3.fs.cat_file(name) for name in s3.fs.find(root)}
    here = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert there.keys() == here.keys()
    data = [name for name in here if not name.startswith(("_manifests/", "_coverage/"))]
    assert len(data) == 4
    assert {name: there[name] for name in data} == {name: here[name] for name in data}


@pytest.mark.thorough
def test_a_second_load_puts_no_data_file_on_s3_again(s3: ObjectStoragePath) -> None:
    def written() -> dict[str, Any]:
        s3.fs.invalidate_cache()
        return {name: s3.fs.info(name)["LastModified"] for name in s3.fs.glob(f"{BUCKET}/twice/dt=*/*")}

    asked = {"output_path": f"s3://{BUCKET}/twice", "output_conn_id": "warehouse"}
    execute(**asked)
    before = written()
    assert execute(**asked)["rows_unchanged"] == 66
    assert written() == before
    assert len(before) == 3


def test_a_storage_whose_provider_is_missing_is_refused_before_any_request_with_what_to_install(
    s3: ObjectStoragePath, emulator: GraphEmulator
) -> None:
    del s3
    with pytest.raises(AirflowFailException, match="apache-airflow-providers-google"):
        execute(output_path="gs://bucket/insights")
    assert emulator.stats()["http_requests"] == 0


@pytest.mark.thorough
@pytest.mark.parametrize("missing", ["s3fs", "airflow.providers.amazon.aws.fs.s3"])
def test_s3_without_its_packages_is_refused_before_any_request_with_our_extra(
    s3: ObjectStoragePath, emulator: GraphEmulator, missing: str
) -> None:
    del s3
    script = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator\n"
        f"MessagingInsightsOperator(task_id='load', output_path='s3://{BUCKET}/never', **{LOAD!r}).execute({{}})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)  # noqa: S603 - our own words
    assert done.returncode == 1
    assert "Storing at s3:// needs a package that is not installed" in done.stderr
    assert "pip install 'airflow-provider-msginsights[s3]'" in done.stderr
    assert emulator.stats()["http_requests"] == 0


def test_a_storage_connection_that_does_not_exist_is_refused_before_any_request(
    s3: ObjectStoragePath, emulator: GraphEmulator
) -> None:
    del s3
    with pytest.raises(Exception, match="nowhere"):
        execute(output_path=f"s3://{BUCKET}/never", output_conn_id="nowhere")
    assert emulator.stats()["http_requests"] == 0
