"""A path is taken apart once, in one way, or refused; what may be a secret in it is never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.parameters.parse import parse_output_path
from airflow_provider_msginsights.outputs.stores.locations import Location, parse_location


@pytest.mark.parametrize(
    ("path", "location", "url"),
    [
        ("/data/insights", ("", None, "", "/data/insights"), "/data/insights"),
        ("//data///insights/./x/", ("", None, "", "/data/insights/x"), "/data/insights/x"),
        ("/data/link/../insights", ("", None, "", "/data/link/../insights"), "/data/link/../insights"),
        ("/data/a@b:c/~x?y#z", ("", None, "", "/data/a@b:c/~x?y#z"), "/data/a@b:c/~x?y#z"),
        ("file:///data/insights/", ("file", None, "", "/data/insights"), "file:///data/insights"),
        ("file:////data//insights", ("file", None, "", "/data/insights"), "file:///data/insights"),
        ("FILE:///Data", ("file", None, "", "/Data"), "file:///Data"),
        ("local:///data", ("local", None, "", "/data"), "local:///data"),
        ("file://disk@/data", ("file", "disk", "", "/data"), "file:///data"),
        ("s3://bucket/insights/", ("s3", None, "bucket", "insights"), "s3://bucket/insights"),
        ("s3://bucket", ("s3", None, "bucket", ""), "s3://bucket/"),
        ("S3://Bucket/In", ("s3", None, "Bucket", "In"), "s3://Bucket/In"),
        ("s3://warehouse@bucket/x@y", ("s3", "warehouse", "bucket", "x@y"), "s3://bucket/x@y"),
        ("s3://ware%68ouse@bucket/x%20y", ("s3", "warehouse", "bucket", "x%20y"), "s3://bucket/x%20y"),
        ("gs://bucket/a b/ü", ("gs", None, "bucket", "a b/ü"), "gs://bucket/a b/ü"),
        ("abfs://container/x", ("abfs", None, "container", "x"), "abfs://container/x"),
        ("hdfs://namenode:8020/x", ("hdfs", None, "namenode:8020", "x"), "hdfs://namenode:8020/x"),
    ],
)
def test_a_path_is_read_as(path: str, location: tuple[str, str | None, str, str], url: str) -> None:
    found = parse_location(path)
    assert found == Location(*location)
    assert found.url == url
    assert parse_location(found.url, found.conn_id) == found


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("data/insights", "is relative"),
        ("/", "is the root directory"),
        ("file:///", "is the root directory"),
        ("/data/..", "is the root directory"),
        ("file://data/insights", "names a host"),
        ("local://data", "names a host"),
        ("s3://", "names no bucket"),
        ("s3:///key", "names no bucket"),
        ("s3://warehouse@/key", "names no bucket"),
        ("s3://bucket//key", "nothing between two slashes"),
        ("gs://bucket/a//b", "nothing between two slashes"),
        ("abfs://container/a/../b", "'..'"),
        ("s3://bucket/./b", "'.'"),
        ("s3://@bucket/b", "before the @ that is not the id"),
        ("s3://a@b@bucket/b", "before the @ that is not the id"),
        ("s3://a%20b@bucket/b", "before the @ that is not the id"),
        ("abfs://container@account.dfs.core.windows.net/b", "names the host 'account.dfs.core.windows.net'"),
        ("abfss://account.blob.core.windows.net/container/b", "names the host"),
        ("abfs://container/b?sv=1&sig=SECRET", "has a '[?]' or '#'"),
    ],
)
def test_a_path_that_names_no_certain_place_is_refused(path: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as refusal:
        parse_location(path)
    assert "SECRET" not in str(refusal.value)


def test_two_connections_are_refused_and_one_named_twice_is_one() -> None:
    assert parse_location("s3://warehouse@bucket/x", "warehouse").conn_id == "warehouse"
    with pytest.raises(ConfigurationError, match="'warehouse' and output_conn_id names 'other'"):
        parse_location("s3://warehouse@bucket/x", "other")


PASSWORDS = [
    "s3://user:SECRET@bucket/b",
    "s3://user%3ASECRET@bucket/b",
    "s3://:SECRET@bucket/b",
    "s3://user:SEC/SECRET@bucket/b",
    "s3:/user:SECRET@bucket/b",
    "s3://user:SECRET@",
    "S3A://user:SECRET@@bucket",
    "file://user:SECRET@/data",
    "user:SECRET@bucket/b",
    "sftp://user:SECRET@host:22/data",
    "https://user:SECRET@host/x\n",
]


@pytest.mark.parametrize("path", PASSWORDS)
def test_a_password_in_a_path_is_refused_and_not_shown(path: str) -> None:
    for parse in (parse_output_path, parse_location):
        if parse is parse_location and "://" not in path:
            continue  # such a path does not get that far
        with pytest.raises(ConfigurationError, match=r"Airflow connection|absolute path") as refusal:
            parse(path)
        assert "SECRET" not in str(refusal.value)


@given(st.text(st.sampled_from("abS:/@.%3?#~ \\"), max_size=30))
def test_any_path_is_taken_apart_or_refused(path: str) -> None:
    try:
        text = parse_output_path(path)
        location = parse_location(str(text))
    except ConfigurationError:
        return
    assert parse_location(location.url, location.conn_id) == location
