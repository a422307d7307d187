"""What two writers rely on: a file is made once, and replaced only by whoever saw its present version."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_msginsights.outputs.stores.errors import ReplacedMeanwhileError
from airflow_provider_msginsights.outputs.stores.opening import open_store

if TYPE_CHECKING:
    from support.store_places import Place

    from airflow_provider_msginsights.outputs.stores.store import Entry, Store

WRITERS = 8
LARGE_BYTES = 110 * 2**20
"""More than any of the libraries sends in one piece of its own accord."""


def root_of(place: Place) -> ObjectStoragePath:
    return ObjectStoragePath(place.url, conn_id="warehouse")


def store_at(place: Place) -> Store:
    return open_store(root_of(place))


def put_if(store: Store, name: str, data: bytes, entry: Entry | None) -> str:
    try:
        store._put_if(name, data, entry)  # noqa: SLF001 - the condition itself
    except ReplacedMeanwhileError:
        return "refused"
    return "stored"


def test_the_server_refuses_a_second_exclusive_create(place: Place) -> None:
    """Comes first: with a server that ignores conditions the other tests would say nothing."""
    fs, path = root_of(place).fs, f"{place.bucket}/insights/once.json"
    fs.pipe_file(path, b"first", mode="create")
    with pytest.raises(OSError, match=r"\w"):
        fs.pipe_file(path, b"second", mode="create")
    assert place.read("once.json") == b"first"


def test_a_file_is_created_once(place: Place) -> None:
    store = store_at(place)
    assert store.create("_dataset.json", b"mine") == b"mine"
    assert store.create("_dataset.json", b"another's") == b"mine"
    assert place.read("_dataset.json") == b"mine"


@pytest.mark.parametrize("padding", [0, LARGE_BYTES], ids=["small", "large"])
def test_a_file_is_replaced_only_if_it_is_the_version_that_was_listed(place: Place, padding: int) -> None:
    store, name = store_at(place), "dt=2026-03-08/part-0.jsonl"
    one, two, three, four = (word * max(padding, 1) for word in (b"1", b"2", b"3", b"4"))
    assert put_if(store, name, one, None) == "stored"
    assert put_if(store, name, two, None) == "refused"
    first = store.list("dt=2026-03-08")["part-0.jsonl"]
    assert first.version
    assert put_if(store, name, two, first) == "stored"
    assert put_if(store, name, three, first) == "refused"
    second = store.list("dt=2026-03-08")["part-0.jsonl"]
    assert second.version not in (None, first.version)
    assert store.read(name, size_bytes=len(two)) == two == place.read(name)
    place.put(name, four)
    assert put_if(store, name, three, second) == "refused"
    assert place.read(name) == four


def test_a_file_that_is_gone_is_not_replaced(place: Place) -> None:
    store, name = store_at(place), "dt=2026-03-08/part-0.jsonl"
    put_if(store, name, b"1", None)
    listed = store.list("dt=2026-03-08")["part-0.jsonl"]
    assert put_if(store, "dt=2026-03-08/part-1.jsonl", b"2", listed) == "refused"
    assert list(place.versions()) == [name]


def test_a_single_look_names_the_version_that_a_listing_names(place: Place) -> None:
    store, name = store_at(place), "dt=2026-03-08/part-0.jsonl"
    for data in (b"1", b"2"):
        place.put(name, data)
        looked = store._look_at(name)  # noqa: SLF001 - what update uses for files that a listing lacks
        assert looked == store.list("dt=2026-03-08")["part-0.jsonl"]
        assert looked is not None
    assert store._look_at("dt=2026-03-08") is None  # noqa: SLF001 - a folder is no file
    assert store._look_at("dt=2026-03-09/part-0.jsonl") is None  # noqa: SLF001 - nothing


def test_of_many_that_replace_at_once_one_does(place: Place) -> None:
    store, name = store_at(place), "dt=2026-03-08/part-0.jsonl"
    put_if(store, name, b"0", None)
    for number in range(5):
        listed = store.list("dt=2026-03-08")["part-0.jsonl"]
        gate = threading.Barrier(WRITERS)

        def replace(writer: int, number: int = number, gate: threading.Barrier = gate, listed: Entry = listed) -> str:
            gate.wait()
            return put_if(store, name, f"{number} {writer}".encode(), listed)

        with ThreadPoolExecutor(WRITERS) as pool:
            outcomes = list(pool.map(replace, range(WRITERS)))
        assert sorted(outcomes) == ["refused"] * (WRITERS - 1) + ["stored"]
        assert place.read(name) == f"{number} {outcomes.index('stored')}".encode()


def test_every_update_of_many_at_once_is_kept(place: Place) -> None:
    store, name = store_at(place), "dt=2026-03-08/part-0.jsonl"

    def add(writer: int) -> None:
        for number in range(5):
            line = f"{writer} {number}\n".encode()

            def merge(current: Any, file: Any, line: bytes = line) -> None:
                file.write((current.data or b"") + line)

            store.update(name, merge)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    assert sorted(place.read(name).splitlines()) == sorted(b"%d %d" % (w, n) for w in range(4) for n in range(5))


def test_a_listing_shows_the_folder_and_nothing_beside_it(place: Place) -> None:
    store = store_at(place)
    names = ["_dataset.json", "dt=2026-03-08/part-0.jsonl", "dt=2026-03-08/part-a.jsonl", "dt=2026-03-081/part-b.jsonl"]
    for name in names:
        place.put(name, b"1")
    type(place)(place.endpoint, place.bucket, "insights_2").put("dt=2026-03-10/part-0.jsonl", b"1")
    assert sorted(store.list()) == ["_dataset.json", "dt=2026-03-08", "dt=2026-03-081"]
    assert sorted(store.list("dt=2026-03-08")) == ["part-0.jsonl", "part-a.jsonl"]
    assert store.list("dt=2026-03-09") == {}
    assert store.read("dt=2026-03-09/part-0.jsonl") is None
