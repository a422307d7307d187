"""Pages are erased for good, and told to be only once nothing is left of them, however often the call is killed."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import pytest
from support.interleaving import Bucket
from support.killable_store import DAYS, KilledError, keep_changes_of, load_pages, place_in, rows_in

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage.findings.acknowledgements import Acknowledgements
from airflow_provider_msginsights.insights.coverage.findings.kinds import FindingKind
from airflow_provider_msginsights.insights.coverage.findings.rules import CoverageFinding
from airflow_provider_msginsights.insights.coverage.findings.state import FindingsState
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles, unpacked
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.maintenance.erasing import PageEraser

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
ROOT = "bucket/insights"


def made() -> Bucket:
    """Two parts: Pages 101 and 102 on the same days but one, 101 alone on that; 201 in another part."""
    bucket = Bucket()
    load_pages(bucket, ["101"], days=DAYS)
    load_pages(bucket, ["102"], days=DAYS[1:])
    load_pages(bucket, ["201"], part="b")
    keep_changes_of(bucket, "101", "102")
    findings = FindingsState()
    about = [("101",), ("102",), ("101", "102")]
    findings.update(
        [
            CoverageFinding(
                kind=kind, first_day=date(2026, 3, 8), what=f"Page {ids[0]} fell silent.", remedy="", page_ids=ids
            )
            for kind, ids in zip(FindingKind, about, strict=False)
        ],
        on=date(2026, 3, 21),
        run="run",
    )
    bucket.objects[f"{ROOT}/_coverage/findings-0.json.gz"] = findings.to_bytes()
    acks = Acknowledgements().with_ack(["101"], until=date(2026, 12, 31), reason="known")
    acks = acks.with_ack(["101", "102"], until=date(2026, 12, 31), reason="both")
    bucket.objects[f"{ROOT}/_coverage/acknowledged.json"] = acks.to_bytes()
    return bucket


def erase(bucket: Bucket, *page_ids: str, **killed: Any) -> dict[str, Any]:
    eraser = PageEraser(Dataset.at(place_in(bucket, **killed)), page_ids or ("101",))
    return eraser.run(eraser.plan(), at=AT, reason="asked for by the client")


def without_times(bucket: Bucket) -> dict[str, Any]:
    """Every file, the receipts without when they were completed; ledgers without the versions of files."""
    found: dict[str, Any] = dict(bucket.objects)
    for name, data in bucket.objects.items():
        if "/erasure-" in name:
            found[name] = json.loads(data) | {"completed_at": "then"}
        elif "/_coverage/part-" in name:
            found[name] = json.loads(unpacked(data))["pages"]
    return found


def test_nothing_of_an_erased_page_is_left_but_that_it_was_erased() -> None:
    bucket = made()
    before = rows_in(bucket)
    receipt = erase(bucket)
    assert rows_in(bucket) == {cell: files for cell, files in before.items() if cell[0] != "101"}
    names = {name.removeprefix(f"{ROOT}/") for name, data in bucket.objects.items() if b"101" in readable(name, data)}
    assert names == {"_coverage/pages.json", "_coverage/erasure-20261130T120000Z.json"}
    assert (receipt["rows"], receipt["files_rewritten"], receipt["files_removed"], receipt["cells"]) == (8, 3, 1, 8)
    assert receipt["mentions"] == {"acknowledgements": 2, "changes": 1, "findings": 2, "manifests": 1}
    pages = CoverageFiles(place_in(bucket)).pages()
    assert (pages["101"].erased_at, pages["101"].reason) == (AT, "asked for by the client")


def readable(name: str, data: bytes) -> bytes:
    """A file as text, its moments and sizes left out."""
    if name.endswith(".jsonl.gz"):
        return gzip.decompress(data)
    if name.endswith(".json.gz"):
        return json.dumps({key: held for key, held in json.loads(unpacked(data)).items() if key != "files"}).encode()
    return data


@pytest.mark.parametrize("dies", ["before it", "after it"])
def test_a_call_that_was_killed_at_any_put_is_finished_by_the_same_call(dies: str) -> None:
    undisturbed = made()
    expected = erase(undisturbed) | {"completed_at": "then"}
    others = {cell for cell in rows_in(made()) if cell[0] != "101"}
    for dies_at in count(1):
        bucket = made()
        try:
            erase(bucket, dies_at=dies_at, done=dies == "after it")
        except KilledError:
            assert rows_in(bucket).keys() >= others
            assert erase(bucket) | {"completed_at": "then"} == expected
            assert without_times(bucket) == without_times(undisturbed)
        else:
            break
    assert dies_at > 10


def test_the_dataset_is_read_and_nothing_put_by_a_plan() -> None:
    bucket = made()
    before = dict(bucket.objects)
    plan = PageEraser(Dataset.at(place_in(bucket)), ["101"]).plan()
    assert (plan.rows, len(plan.files), plan.is_done) == (8, 4, False)
    assert bucket.objects == before


def test_a_page_that_the_dataset_never_had_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="holds nothing of Page 999"):
        erase(made(), "999")


def test_what_was_erased_before_is_nothing_more_to_do() -> None:
    bucket = made()
    erase(bucket)
    assert PageEraser(Dataset.at(place_in(bucket)), ["101"]).plan().is_done


def test_a_page_that_only_rows_name_is_erased_too() -> None:
    bucket = made()
    for name in [name for name in bucket.objects if "/_coverage/" in name or "/_manifests/" in name]:
        del bucket.objects[name]
    assert erase(bucket)["rows"] == 8
    assert CoverageFiles(place_in(bucket)).pages()["101"].part == "0"


def test_a_damaged_file_is_named_before_anything_is_erased() -> None:
    bucket = made()
    (name,) = [name for name in bucket.objects if name.endswith("dt=2026-03-06/part-0.jsonl")]
    bucket.objects[name] = b"{"
    before = dict(bucket.objects)
    with pytest.raises(ConfigurationError, match=r"dt=2026-03-06/part-0\.jsonl cannot be read"):
        erase(bucket)
    assert bucket.objects == before


def test_the_ledger_knows_the_files_as_they_are_afterwards() -> None:
    bucket = made()
    erase(bucket)
    files = CoverageFiles(place_in(bucket))
    ledger = files.ledger("0").ledger
    assert ledger is not None
    listed = files.data_files("part-0.jsonl", None)
    assert {name: (mark.size_bytes, mark.tag) for name, mark in ledger.files.items()} == {
        name: (entry.size_bytes, files.tag_of(entry)) for name, entry in listed.items()
    }
