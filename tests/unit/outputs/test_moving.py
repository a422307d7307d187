"""Pages move to another part: never missing, doubled in one partition at most, however often the call is killed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import pytest
from support.interleaving import Bucket
from support.killable_store import DAYS, KilledError, load_pages, place_in, rows_in

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.ledger import Ledger
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles, unpacked
from airflow_provider_msginsights.outputs.coverage_recorder import CoverageRecorder
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.maintenance.erasing import PageEraser
from airflow_provider_msginsights.outputs.maintenance.moving import PageMover
from airflow_provider_msginsights.outputs.write_result import WriteResult

ROOT = "bucket/insights"


def made() -> Bucket:
    bucket = Bucket()
    load_pages(bucket, ["101"], days=DAYS)
    load_pages(bucket, ["102"], days=DAYS[1:])
    load_pages(bucket, ["201"], part="b", days=DAYS[:2])
    return bucket


def mover(bucket: Bucket, *page_ids: str, part: str = "b", **killed: Any) -> PageMover:
    return PageMover(replace(Dataset.at(place_in(bucket, **killed)), part=part), page_ids or ("101",))


def move(bucket: Bucket, *page_ids: str, **different: Any) -> None:
    moving = mover(bucket, *page_ids, **different)
    moving.run(moving.plan())


def stored(bucket: Bucket) -> dict[str, Any]:
    """Every file, the ledgers without the versions of data files."""
    return {
        name: json.loads(unpacked(data))["pages"] if "/_coverage/part-" in name else data
        for name, data in bucket.objects.items()
    }


def test_rows_cells_and_the_holder_move_and_nothing_else_changes() -> None:
    bucket = made()
    before = rows_in(bucket)
    move(bucket)
    after = rows_in(bucket)
    assert after.keys() == before.keys()
    assert all(len(files) == 1 for files in after.values())
    assert {files[0].rpartition("/")[2] for cell, files in after.items() if cell[0] == "101"} == {"part-b.jsonl"}
    assert {cell: files for cell, files in after.items() if cell[0] != "101"} == {
        cell: files for cell, files in before.items() if cell[0] != "101"
    }
    files = CoverageFiles(place_in(bucket))
    assert {page_id: entry.part for page_id, entry in files.pages().items()} == {"101": "b", "102": "0", "201": "b"}
    source, target = files.ledger("0").ledger, files.ledger("b").ledger
    assert source is not None
    assert target is not None
    assert (set(source.pages), set(target.pages)) == ({"102"}, {"101", "201"})
    assert {bytes(series.codes) for series in target.pages["101"].series.values()} == {cells.FINAL * len(DAYS)}
    assert mover(bucket).plan().is_done


@pytest.mark.parametrize("dies", ["before it", "after it"])
def test_a_call_that_was_killed_at_any_put_is_finished_by_the_same_call(dies: str) -> None:
    undisturbed = made()
    every_cell = rows_in(undisturbed).keys()
    move(undisturbed)
    for dies_at in count(1):
        bucket = made()
        try:
            move(bucket, dies_at=dies_at, done=dies == "after it")
        except KilledError:
            between = rows_in(bucket)
            assert between.keys() == every_cell
            assert len({day for (_, _, day), files in between.items() if len(files) > 1}) <= 1
            move(bucket)
            assert stored(bucket) == stored(undisturbed)
        else:
            break
    assert dies_at > 8


@pytest.mark.parametrize("dies", ["before it", "after it"])
def test_a_load_of_others_between_a_kill_and_the_second_call_changes_nothing(dies: str) -> None:
    for dies_at in count(1):
        bucket = made()
        try:
            move(bucket, dies_at=dies_at, done=dies == "after it")
        except KilledError:
            for part in ("0", "b"):  # looks at all files, as a fill does
                recorder = CoverageRecorder.open(replace(Dataset.at(place_in(bucket)), part=part))
                recorder.record(lambda _: None, WriteResult(), run="looked")
            move(bucket)
            target = CoverageFiles(place_in(bucket)).ledger("b").ledger
            assert target is not None
            assert {bytes(series.codes) for series in target.pages["101"].series.values()} == {cells.FINAL * len(DAYS)}
        else:
            break


def test_a_page_moves_to_a_part_that_begins_with_it() -> None:
    bucket = made()
    move(bucket, "102", part="new")
    ledger = CoverageFiles(place_in(bucket)).ledger("new").ledger
    assert ledger is not None
    assert (ledger.covers_all, set(ledger.pages), len(ledger.files)) == (True, {"102"}, 3)


def test_what_was_known_without_a_row_moves_too() -> None:
    bucket = made()
    files = CoverageFiles(place_in(bucket))
    files.update_ledger(
        "0", lambda ledger: ledger.page("101").of("x").put(date(2026, 3, 1).toordinal(), b"rrn"), at_first=Ledger
    )
    move(bucket)
    ledger = files.ledger("b").ledger
    assert ledger is not None
    assert bytes(ledger.pages["101"].series["x"].codes) == b"rrn"


def test_an_erased_page_and_one_that_is_not_there_are_refused() -> None:
    bucket = made()
    eraser = PageEraser(Dataset.at(place_in(bucket)), ["101"])
    eraser.run(eraser.plan(), at=datetime(2026, 11, 30, tzinfo=UTC), reason="")
    before = dict(bucket.objects)
    for page_id, what in (("101", "Erased before"), ("999", "holds nothing of Page 999")):
        with pytest.raises(ConfigurationError, match=what):
            move(bucket, page_id)
    assert bucket.objects == before
