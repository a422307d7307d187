"""However a path and its connection are written: a load lies in one directory, or nothing is requested."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from airflow.sdk import ObjectStoragePath
from support import s3_server
from support.dag_runs import connection_to
from support.operator_calls import execute

from airflow_provider_msginsights.airflow_names import AirflowFailException, AirflowNotFoundException

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

BUCKET = "bucket-of-paths"


@pytest.fixture(autouse=True)
def connected(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch)


@pytest.fixture(scope="module")
def bucket(s3_endpoint: str) -> str:
    """A bucket that what the machine has of its own does not reach; its endpoint."""
    requests.put(f"{s3_endpoint}/{BUCKET}", timeout=30).raise_for_status()
    return s3_endpoint


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two connections of S3, which nothing is to be requested of."""
    for name in ("WAREHOUSE", "WARE_HOUSE"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", s3_server.airflow_connection("http://127.0.0.1:9"))


def files_below(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")
    }


@pytest.mark.parametrize(
    "spelling",
    [
        "{0}/data",
        "{0}/data/",
        "{0}//data",
        "/{0}/data",
        "{0}/./data/.",
        "{0}/elsewhere/../data",
        "{0}/link",
        "{0}/link/",
        "{0}/link/../real",
        "file://{0}/data",
        "file:///{0}/data/",
        "FILE://{0}/data",
        "local://{0}/data",
        "file://{0}/link/../data",
        "file://{0}/a b%20c?d#e",
        "{0}/~",
        "{0}/a@b:c",
    ],
)
def test_label_data_and_manifests_lie_in_one_directory_and_are_found_there(
    tmp_path: Path, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, home = tmp_path / "cwd", tmp_path / "home"
    for folder in (outside, home, tmp_path / "real" / "sub", tmp_path / "elsewhere"):
        folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "sub")
    monkeypatch.chdir(outside)
    monkeypatch.setenv("HOME", str(home))
    path = spelling.format(tmp_path)
    first, second = (execute(output_path=path) for _ in range(2))
    assert (first["rows_added"], second["rows_added"]) == (first["rows"], 0)
    assert second["rows_unchanged"] == first["rows"] > 0
    (label,) = tmp_path.rglob("_dataset.json")
    names = files_below(label.parent)
    assert {name.partition("/")[0] for name in names} == {"_coverage", "_dataset.json", "_manifests", "dt=2026-11-01"}
    everything = {path.resolve() for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith(".")}
    assert everything == {(label.parent / name).resolve() for name in names}
    assert Path(second["manifest"].removeprefix("file://").removeprefix("local://")).is_file()


@pytest.mark.parametrize("path", ["~/data", "data", "./data", "file:/data", "file://data", "s3://b//x", "s3://b/../x"])
def test_a_path_that_means_no_certain_place_is_refused_before_any_request(emulator: GraphEmulator, path: str) -> None:
    with pytest.raises(AirflowFailException, match="output_path"):
        execute(output_path=path, page_ids="all")  # so that even the Pages are not listed before
    assert emulator.stats()["http_requests"] == 0


@pytest.mark.parametrize(
    "named",
    [
        {"output_path": f"s3://{BUCKET}/x", "output_conn_id": "warehouse"},
        {"output_path": f"s3://warehouse@{BUCKET}/x"},
        {"output_path": f"s3://warehouse@{BUCKET}/x", "output_conn_id": "warehouse"},
        {"output_path": f"S3://ware_house@{BUCKET}/x/"},
        {"output_path": f"s3a://ware%5Fhouse@{BUCKET}/x"},
        # Made before there is a connection, as in a DAG file: Airflow remembers a file system without credentials.
        {"output_path": ObjectStoragePath(f"s3://{BUCKET}/x", conn_id="made_later")},
    ],
)
def test_a_connection_may_be_named_in_any_way(
    named: dict[str, Any], bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WAREHOUSE", "WARE_HOUSE", "MADE_LATER"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", s3_server.airflow_connection(bucket))
    assert execute(**named)["rows"] > 0


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize(
    "named",
    [
        {"output_path": f"s3://{BUCKET}/x", "output_conn_id": "typo"},
        {"output_path": f"s3://typo@{BUCKET}/x"},
        {"output_path": f"S3://typo@{BUCKET}/x"},
        {"output_path": f"s3a://typo@{BUCKET}/x"},
        {"output_path": f"s3://ty%70o@{BUCKET}/x"},
        {"output_path": f"s3://typo@{BUCKET}/x", "output_conn_id": "typo"},
        {"output_path": "file://typo@/tmp/never"},
        {"output_path": "/tmp/never", "output_conn_id": "typo"},  # noqa: S108 - never written to
        {"output_path": "gs://typo@bucket/x"},
        {"output_path": "abfs://typo@container/x"},
    ],
)
def test_a_connection_that_does_not_exist_is_named_before_any_request(
    emulator: GraphEmulator, named: dict[str, Any]
) -> None:
    with pytest.raises(AirflowNotFoundException, match="'typo' of the storage does not exist"):
        execute(**named, page_ids="all")  # so that even the Pages are not listed before
    assert emulator.stats()["http_requests"] == 0
    assert not Path("/tmp/never").exists()  # noqa: S108 - never written to


@pytest.mark.usefixtures("connections")
def test_a_path_object_whose_connection_does_not_exist_is_refused_too(emulator: GraphEmulator) -> None:
    path = ObjectStoragePath(f"s3://{BUCKET}/x", conn_id="typo")
    with pytest.raises(AirflowNotFoundException, match="'typo'"):
        execute(output_path=path)
    assert emulator.stats()["http_requests"] == 0


@pytest.mark.usefixtures("connections")
def test_two_different_connections_are_refused(emulator: GraphEmulator) -> None:
    with pytest.raises(AirflowFailException, match="'warehouse' and output_conn_id names 'ware_house'"):
        execute(output_path=f"s3://warehouse@{BUCKET}/x", output_conn_id="ware_house")
    assert emulator.stats()["http_requests"] == 0


def test_a_connection_that_cannot_be_read_is_named_and_nothing_of_it_is_shown(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BROKEN", '{"conn_type": "aws", "password": "SECRET-VALUE"')
    with pytest.raises((AirflowFailException, AirflowNotFoundException), match="'broken' of the storage") as refusal:
        execute(output_path="s3://bucket/x", output_conn_id="broken")
    assert "SECRET" not in str(refusal.value)
    assert emulator.stats()["http_requests"] == 0
