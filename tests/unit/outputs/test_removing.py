"""A file is removed by an update that writes nothing, and only if it still is the version that was read."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING
from unittest import mock

from support.interleaving import Bucket
from support.killable_store import place_in
from upath import UPath

from airflow_provider_msginsights.outputs.stores import store as storage
from airflow_provider_msginsights.outputs.stores.opening import open_store

if TYPE_CHECKING:
    import pytest

    from airflow_provider_msginsights.outputs.stores.store import Current

NAME = "dt=2026-03-08/part-0.jsonl"


def write_nothing(current: Current, file: IO[bytes]) -> bytes | None:
    del file
    return current.data


def test_a_file_of_which_nothing_is_left_is_removed(root: UPath) -> None:
    store = open_store(root)
    assert store.removes_conditionally
    store.write(NAME, b"row\n")
    assert store.update(NAME, write_nothing)[1] == b"row\n"
    assert store.read(NAME) is None
    assert store.list("dt=2026-03-08") == {}


def test_a_file_that_is_not_there_needs_no_removal(root: UPath) -> None:
    store = open_store(root)
    assert store.update(NAME, write_nothing)[1] is None
    assert store.read(NAME) is None


def test_what_another_writer_stored_meanwhile_is_not_removed() -> None:
    bucket = Bucket()
    store, other = open_store(place_in(bucket)), open_store(place_in(bucket))
    store.write(NAME, b"old\n")
    seen: list[bytes | None] = []

    def keep_new_rows(current: Current, file: IO[bytes]) -> None:
        seen.append(current.data)
        if current.data == b"old\n":
            other.write(NAME, b"old\nnew\n")  # after it was read, and before it is removed
        else:
            file.write(b"new\n")

    with mock.patch.object(storage, "_FIRST_SECONDS", 0.0001):
        store.update(NAME, keep_new_rows)
    assert seen == [b"old\n", b"old\nnew\n"]
    assert store.read(NAME) == b"new\n"


def test_a_store_without_conditions_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    store = open_store(UPath(f"memory://removing/{tmp_path_factory.mktemp('any').name}"))
    assert not store.removes_conditionally
    store.write(NAME, b"row\n")
    store.update(NAME, write_nothing)
    assert store.read(NAME) is None
