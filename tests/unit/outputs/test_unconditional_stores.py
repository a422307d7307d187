"""Whether a store honours conditions is tried once, noted in ``_dataset.json`` and not asked again."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from support import s3_server
from support.made_records import record, store_rows, values_of
from upath import UPath

from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

CONDITIONS = ["honoured", "ignored", "unknown"]
_buckets = count()  # names of their own: every server of a process has the same buckets


def s3_at(endpoint: str) -> UPath:
    client = {"endpoint_url": endpoint, "region_name": s3_server.REGION}
    path = UPath(f"s3://conditions-{next(_buckets)}/insights", key="testing", secret="testing", client_kwargs=client)
    path.fs.call_s3("create_bucket", Bucket=path.path.partition("/")[0])
    return path


@pytest.fixture(params=CONDITIONS)
def conditions(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def root(conditions: str) -> Iterator[UPath]:
    with s3_server.running(conditions=conditions) as endpoint:
        yield s3_at(endpoint)


def dataset_at(root: Any) -> Dataset[Any]:
    return Dataset(root=root, file_format=format_named("jsonl"), period="day")


def label_of(root: UPath) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(root.fs.cat_file(f"{root.path}/_dataset.json"))
    return found


def watched(root: UPath) -> list[str]:
    """The methods of the requests from now on."""
    requests: list[str] = []

    def note(request: Any, **_: Any) -> None:
        requests.append(request.method)

    root.fs.s3.meta.events.register("before-send.s3", note)
    return requests


def test_the_answer_is_noted_and_the_next_claim_reads_the_label_and_does_no_more(conditions: str, root: UPath) -> None:
    claimed = dataset_at(root).claim()
    assert claimed.conditional_writes is label_of(root)["conditional_writes"] is (conditions == "honoured")
    requests = watched(root)
    assert dataset_at(root).claim().conditional_writes is claimed.conditional_writes
    assert requests == ["HEAD", "GET"], "s3fs looks at the size before it reads"


def test_a_label_without_the_answer_gets_it_and_keeps_the_rest(conditions: str, root: UPath) -> None:
    dataset_at(root).claim()
    old = {name: value for name, value in label_of(root).items() if name != "conditional_writes"}
    root.fs.pipe_file(f"{root.path}/_dataset.json", json.dumps(old).encode())
    assert dataset_at(root).claim().conditional_writes is (conditions == "honoured")
    assert label_of(root) == old | {"conditional_writes": conditions == "honoured"}


def test_rows_are_merged_on_every_store_with_the_same_requests(
    conditions: str, root: UPath, final_if_ended_by: datetime
) -> None:
    dataset = dataset_at(root).claim()
    requests = watched(root)
    for page_id in ("101", "102"):
        store_rows(dataset, values_of([record(page_id=page_id)], final_if_ended_by=final_if_ended_by))
    data = root.fs.cat_file(f"{root.path}/dt=2026-03-08/part-0.jsonl")
    assert [json.loads(line)["page_id"] for line in data.splitlines()] == ["101", "102"]
    # A listing, twice where it is empty, and a put; then a listing, two to read, and a put; the test's own two.
    assert len(requests) == 3 + 4 + 2, conditions


def test_a_local_label_of_before_is_left_as_it_is(tmp_path: Any) -> None:
    root = UPath(tmp_path.as_uri())
    dataset_at(root).claim()
    label = tmp_path / "_dataset.json"
    old = json.dumps({name: value for name, value in label_of(root).items() if name != "conditional_writes"})
    label.write_text(old)
    assert dataset_at(root).claim().conditional_writes
    assert label.read_text() == old


def test_a_store_of_another_kind_is_taken_to_have_no_conditions() -> None:
    root = UPath("memory://unconditional/insights")
    assert not dataset_at(root).claim().conditional_writes
    assert not dataset_at(root).claim().conditional_writes
