"""Two writers of one part: every row is there in the end, or a task fails, is tried again, and then it is."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.interleaving import Bucket, ConditionalStore, Place, Turns
from support.made_records import record, values_of
from upath import UPath

from airflow_provider_msginsights.exceptions import ConfigurationError, WriteConflictError
from airflow_provider_msginsights.outputs import writer
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.stores import store as storage
from airflow_provider_msginsights.outputs.stores.patience import Patience
from airflow_provider_msginsights.outputs.writer import DatasetWriter

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.outputs.write_result import WriteResult

DAY, NEXT_DAY = "2026-03-08", "2026-03-09"
FINAL_IF_ENDED_BY = datetime(2026, 3, 20, tzinfo=UTC)
WRITERS = ("a", "b")
Unit = tuple[str, str, str]  # Page, metric, day

pages = st.lists(
    st.tuples(st.sampled_from(["101", "102"]), st.sampled_from(["x", "y"]), st.sampled_from([DAY, NEXT_DAY])),
    min_size=1,
    max_size=4,
    unique=True,
)
orders = st.lists(st.sampled_from(WRITERS), max_size=24)


def load(place: Place, units: list[Unit], value: int) -> WriteResult:
    dataset = Dataset(root=place, file_format=format_named("jsonl"), period="day")
    records = [record(day, page_id=page, metric=metric, value=value) for page, metric, day in units]
    with DatasetWriter(dataset) as rows:
        rows.add(values_of(records, final_if_ended_by=FINAL_IF_ENDED_BY))
        return rows.finish()


def load_in_turn(bucket: Bucket, turns: Turns, name: str, units: list[Unit], **different: Any) -> Any:
    """What a writer stored, or the error it ended with."""
    try:
        return load(Place(ConditionalStore(bucket, turns, name, **different)), units, WRITERS.index(name))
    except WriteConflictError as error:
        return error
    finally:
        turns.end(name)


def load_at_once(bucket: Bucket, order: list[str], units: dict[str, list[Unit]], **different: Any) -> dict[str, Any]:
    turns = Turns(order)
    with ThreadPoolExecutor(2) as pool, mock.patch.object(storage, "_FIRST_SECONDS", 0.0001):
        started = {name: pool.submit(load_in_turn, bucket, turns, name, units[name], **different) for name in WRITERS}
        return {name: future.result() for name, future in started.items()}


def stored_in(bucket: Bucket) -> dict[Unit, int]:
    rows = [json.loads(line) for data in bucket.objects.values() for line in data.splitlines()]
    return {(row["page_id"], row["metric"], row["pacific_date"]): row["value"] for row in rows}


@settings(deadline=None)
@given(before=st.lists(pages, max_size=1), first=pages, second=pages, order=orders)
@example(before=[], first=[("101", "x", DAY)], second=[("102", "x", DAY)], order=["a", "b"] * 4)
@example(before=[[("101", "y", DAY)]], first=[("101", "x", DAY)], second=[("102", "x", DAY)], order=["a", "b"] * 8)
def test_in_whatever_order_two_writers_read_and_put_every_row_is_stored(
    before: list[list[Unit]], first: list[Unit], second: list[Unit], order: list[str]
) -> None:
    bucket, units = Bucket(), {"a": first, "b": second}
    for there in before:
        load(Place(ConditionalStore(bucket, Turns(), "before")), there, 9)
    done = load_at_once(bucket, order, units)
    found = stored_in(bucket)
    assert found.keys() == {*first, *second, *(unit for there in before for unit in there)}
    for unit in {*first, *second}:
        assert found[unit] in {WRITERS.index(name) for name in WRITERS if unit in units[name]}
    assert {name: stored.rows for name, stored in done.items()} == {name: len(units[name]) for name in WRITERS}


@settings(deadline=None)
@given(first=pages, second=pages, order=orders)
@example(first=[("101", "x", DAY)], second=[("102", "x", DAY)], order=["a", "b"] * 4)
def test_a_writer_that_gives_up_fails_for_a_retry_which_stores_its_rows(
    first: list[Unit], second: list[Unit], order: list[str]
) -> None:
    bucket, units = Bucket(), {"a": first, "b": second}
    with mock.patch.object(writer, "Patience", partial(Patience, seconds=0)):
        done = load_at_once(bucket, order, units)
    failed = [name for name in WRITERS if isinstance(done[name], WriteConflictError)]
    assert all("part=" in str(done[name]) and "max_active_runs=1" in str(done[name]) for name in failed)
    for name in failed:
        load(Place(ConditionalStore(bucket, Turns(), name)), units[name], WRITERS.index(name))
    assert stored_in(bucket).keys() == {*first, *second}


def test_two_writers_that_read_the_same_version_do_meet() -> None:
    """What the properties above are about does happen."""
    bucket = Bucket()
    load_at_once(bucket, ["a", "b"] * 4, {"a": [("101", "x", DAY)], "b": [("102", "x", DAY)]})
    assert bucket.refused > 0


@settings(deadline=None)
@given(first=pages, second=pages, order=orders, lost=st.sets(st.integers(1, 3)))
def test_a_put_whose_reply_is_lost_and_that_is_then_refused_by_itself_loses_nothing(
    first: list[Unit], second: list[Unit], order: list[str], lost: set[int]
) -> None:
    bucket = Bucket()
    done = load_at_once(bucket, order, {"a": first, "b": second}, lost_replies=lost)
    assert not any(isinstance(stored, WriteConflictError) for stored in done.values())
    assert stored_in(bucket).keys() == {*first, *second}


def test_of_two_parts_that_store_one_page_at_once_on_a_disk_one_is_refused(tmp_path: Path) -> None:
    gate = threading.Barrier(2)

    def store(part: str, root: UPath) -> str:
        dataset = Dataset(root=root, file_format=format_named("jsonl"), period="day", part=part)
        with DatasetWriter(dataset) as rows:
            rows.add(values_of([record()], final_if_ended_by=FINAL_IF_ENDED_BY))
            gate.wait()
            try:
                rows.finish()
            except ConfigurationError as refusal:
                return str(refusal)
        return ""

    for day in range(10):
        root = UPath((tmp_path / str(day)).as_uri())
        with ThreadPoolExecutor(2) as pool:
            stored, refused = sorted(pool.map(partial(store, root=root), WRITERS))
        assert stored == ""
        assert "Page 101 is held by" in refused
        assert len(list((tmp_path / str(day)).rglob("part-*"))) == 1
