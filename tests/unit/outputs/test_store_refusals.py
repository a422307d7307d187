"""Whatever a store raises is an error of ours that names the file, and says who must do what about it."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from support import s3_server
from support.made_records import record, store_rows, values_of
from upath import UPath

from airflow_provider_msginsights.exceptions import ConfigurationError, MessagingInsightsError, StorageError
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.manifest import write_manifest
from airflow_provider_msginsights.outputs.stores.errors import error_of_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

DENIED = ("403 Forbidden", "AccessDenied")
FILE = "dt=2026-03-08/part-0.jsonl"
_buckets = count()


@pytest.fixture
def refused() -> dict[str, tuple[str, str]]:
    return {}


@pytest.fixture
def root(refused: dict[str, tuple[str, str]]) -> Iterator[UPath]:
    with s3_server.running(refused=refused) as endpoint:
        client = {"endpoint_url": endpoint, "region_name": s3_server.REGION}
        path = UPath(f"s3://refusing-{next(_buckets)}/insights", key="AKIATEST", secret="hidden", client_kwargs=client)
        path.fs.call_s3("create_bucket", Bucket=path.path.partition("/")[0])
        yield path


def dataset_at(root: Any) -> Dataset[Any]:
    return Dataset(root=root, file_format=format_named("jsonl"), period="day")


def rows(final_if_ended_by: datetime, **different: Any) -> Any:
    return values_of([record(**different)], final_if_ended_by=final_if_ended_by)


@pytest.mark.parametrize(
    ("kind", "done", "right"),
    [("PUT", "stored", "s3:PutObject"), ("LIST", "listed", "s3:ListBucket"), ("GET", "read", "s3:GetObject")],
)
def test_a_missing_right_is_named_with_bucket_and_key(
    root: UPath, refused: dict[str, tuple[str, str]], final_if_ended_by: datetime, kind: str, done: str, right: str
) -> None:
    dataset = dataset_at(root).claim()
    store_rows(dataset, rows(final_if_ended_by))
    refused[kind] = DENIED
    bucket = root.path.partition("/")[0]
    with pytest.raises(ConfigurationError) as refusal:
        store_rows(dataset, rows(final_if_ended_by, value=7))
    message = str(refusal.value)
    assert re.search(rf"bucket '{bucket}', key 'insights/dt=2026-03-08(/part-0.jsonl)?'\) could not be {done}", message)
    assert right in message
    assert "AccessDenied" in message
    assert "hidden" not in message
    refused.clear()
    assert b'"value":42' in root.fs.cat_file(f"{root.path}/{FILE}")


@pytest.mark.parametrize("kind", ["PUT", "GET"])
def test_a_label_or_a_manifest_that_must_not_be_touched_is_named_too(
    root: UPath, refused: dict[str, tuple[str, str]], kind: str
) -> None:
    refused[kind] = refused["HEAD"] = DENIED
    with pytest.raises(ConfigurationError, match=r"key 'insights/_dataset.json'"):
        dataset_at(root).claim()
    if kind == "PUT":
        with pytest.raises(ConfigurationError, match=r"key 'insights/_manifests/run.json'.*s3:PutObject"):
            write_manifest(root, "run", {})


def test_a_bucket_that_does_not_exist_is_named(root: UPath) -> None:
    nowhere = UPath("s3://no-such-bucket/insights", **root.storage_options)
    with pytest.raises(ConfigurationError, match=r"bucket 'no-such-bucket'.* Create the bucket"):
        dataset_at(nowhere).claim()


@pytest.mark.parametrize("code", ["ExpiredToken", "RequestTimeTooSkewed"])
def test_what_may_pass_fails_for_a_retry(root: UPath, refused: dict[str, tuple[str, str]], code: str) -> None:
    refused["PUT"] = ("400 Bad Request", code)
    with pytest.raises(StorageError, match=rf"could not be stored: .*{code}.* retry the task"):
        dataset_at(root).claim()


def test_a_store_that_cannot_be_reached_fails_for_a_retry() -> None:
    client = {"endpoint_url": "http://127.0.0.1:1", "region_name": s3_server.REGION}
    config = {"retries": {"max_attempts": 0}}
    root = UPath("s3://bucket/insights", key="k", secret="s", client_kwargs=client, config_kwargs=config)
    with pytest.raises(StorageError, match=r"s3://bucket/insights/_dataset.json .*could not be read"):
        dataset_at(root).claim()


def test_a_worker_without_credentials_is_told_so() -> None:
    class NoCredentialsError(Exception):
        """As botocore names it."""

    error = error_of_store(NoCredentialsError("Unable to locate credentials"), "s3://bucket/a/b", "read")
    assert isinstance(error, ConfigurationError)
    assert "s3:GetObject" in str(error)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (PermissionError(13, "Permission denied"), ConfigurationError, "the user that the task runs as"),
        (OSError(30, "Read-only file system"), ConfigurationError, "another output_path"),
        (OSError(28, "No space left on device"), StorageError, "No space left on device"),
        (OSError(5, "Input/output error"), StorageError, "retry"),
        (FileNotFoundError(2, "No such file or directory"), StorageError, "retry"),
        (NotADirectoryError(20, "Not a directory"), ConfigurationError, "Not a directory"),
    ],
    ids=lambda value: str(value) if isinstance(value, OSError) else "",
)
def test_a_disk_s_refusals_have_their_kinds(error: OSError, kind: type[MessagingInsightsError], words: str) -> None:
    ours = error_of_store(error, "file:///data/insights/part-0.jsonl", "write")
    assert type(ours) is kind
    assert "/data/insights/part-0.jsonl" in str(ours)
    assert words in str(ours)


def test_what_may_be_a_signature_is_not_repeated() -> None:
    error = OSError("GET https://account.blob/container?sv=1&sig=c2VjcmV0 failed, token=abc")
    message = str(error_of_store(error, "abfs://container/x", "read"))
    assert "c2VjcmV0" not in message
    assert "abc" not in message


def test_an_output_path_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "insights").touch()
    root = UPath((tmp_path / "insights").as_uri())
    with pytest.raises(ConfigurationError, match=r"insights/_dataset.json could not be read: NotADirectoryError"):
        dataset_at(root).claim()
    with pytest.raises(ConfigurationError, match=r"insights/_manifests/run.json could not be stored"):
        write_manifest(root, "run", {})


def test_a_directory_that_is_a_file_is_named(tmp_path: Path, final_if_ended_by: datetime) -> None:
    dataset = dataset_at(UPath(tmp_path.as_uri())).claim()
    (tmp_path / "dt=2026-03-08").touch()
    with pytest.raises(ConfigurationError, match=r"dt=2026-03-08.* could not be listed"):
        store_rows(dataset, rows(final_if_ended_by))
