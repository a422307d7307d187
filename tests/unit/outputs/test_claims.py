"""One directory holds one kind of dataset, whoever else claims it meanwhile."""

from __future__ import annotations

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from upath import UPath

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.formats.by_name import format_named
from airflow_provider_msginsights.outputs.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROUNDS = 20
KINDS: list[dict[str, Any]] = [
    {"breakdowns": ("campaign_id",)},
    {"breakdowns": ("message_type",)},
    {"period": "week"},
    {"extra_columns": ("run_id",)},
]


def dataset_at(root: UPath, name: str = "jsonl", compression: str | None = None, **different: Any) -> Dataset[Any]:
    return Dataset(root=root, file_format=format_named(name, compression), **{"period": "day"} | different)


def files_below(root: UPath) -> list[str]:
    root.fs.invalidate_cache()
    return sorted(str(name).rsplit("/", 1)[-1] for name in root.fs.find(root.path))


def label_of(root: UPath) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(root.fs.cat_file(f"{root.path}/_dataset.json"))
    return found


def claimed_at_once(datasets: Sequence[Dataset[Any]]) -> list[ConfigurationError | None]:
    """Let all claim in the same instant; what each was told."""
    gate = threading.Barrier(len(datasets))

    def claim(dataset: Dataset[Any]) -> ConfigurationError | None:
        gate.wait()
        try:
            dataset.claim()
        except ConfigurationError as refusal:
            return refusal
        return None

    with ThreadPoolExecutor(len(datasets)) as pool:
        return list(pool.map(claim, datasets))


def test_of_several_kinds_that_claim_a_directory_at_once_one_gets_it(root: UPath) -> None:
    for number in range(ROUNDS if root.protocol == "file" else ROUNDS // 4):
        datasets = [dataset_at(root / str(number), **kind) for kind in KINDS]
        told = claimed_at_once(datasets)
        (winner,) = [dataset for dataset, refusal in zip(datasets, told, strict=True) if refusal is None]
        assert label_of(winner.root)["breakdowns"] == list(winner.breakdowns)
        assert label_of(winner.root)["period"] == winner.period
        assert all("One directory holds one kind" in str(refusal) for refusal in told if refusal is not None)
        assert files_below(winner.root) == ["_dataset.json"]
        winner.claim()


def test_tasks_of_one_kind_may_claim_at_once(root: UPath) -> None:
    parts = [dataset_at(root, part=str(part)) for part in range(8)]
    assert claimed_at_once(parts) == [None] * len(parts)
    assert files_below(root) == ["_dataset.json"]
    parts[0].claim()


@pytest.mark.parametrize(
    ("different", "path"),
    [
        ({"name": "csv"}, "day_csv"),
        ({"name": "parquet"}, "day_parquet"),
        ({"compression": "gzip"}, "day_jsonl_gz"),
        ({"period": "week"}, "week_jsonl"),
        ({"breakdowns": ("message_type", "campaign_id")}, "day_campaign_id_message_type_jsonl"),
        ({"extra_columns": ("run_id",)}, "day_jsonl_with_run_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_second_kind_in_a_directory_is_refused_and_a_path_proposed_that_it_may_have(
    root: UPath, different: dict[str, Any], path: str
) -> None:
    dataset_at(root).claim()
    before = label_of(root)
    with pytest.raises(ConfigurationError, match=rf"such as .*insights_{path} MSGI-dataset-mixed$") as refusal:
        dataset_at(root, **different).claim()
    assert label_of(root) == before
    assert files_below(root) == ["_dataset.json"]
    proposed = str(refusal.value).rpartition("such as ")[2]
    dataset_at(UPath(proposed, **root.storage_options), **different).claim()


def test_columns_of_another_version_are_refused_and_a_path_proposed(root: UPath) -> None:
    dataset_at(root).claim()
    newer = label_of(root) | {"schema_version": 99}
    root.fs.pipe_file(f"{root.path}/_dataset.json", json.dumps(newer).encode())
    with pytest.raises(
        ConfigurationError, match=rf"schema_version=99; .*insights_day_jsonl_v{SCHEMA_VERSION} MSGI-dataset-mixed$"
    ):
        dataset_at(root).claim()
    assert label_of(root) == newer


def test_a_load_without_extra_columns_is_refused_where_others_have_them(root: UPath) -> None:
    dataset_at(root, extra_columns=("run_id",)).claim()
    with pytest.raises(ConfigurationError, match=r"such as .*insights_day_jsonl_plain MSGI-dataset-mixed$"):
        dataset_at(root).claim()


def test_a_label_that_is_no_json_object_is_refused(root: UPath) -> None:
    label = root / "_dataset.json"
    if root.protocol == "file":
        label.fs.makedirs(root.path)
    label.fs.pipe_file(label.path, b"[]")
    with pytest.raises(ConfigurationError, match="not the JSON object"):
        dataset_at(root).claim()


def test_what_a_killed_claim_left_is_removed_by_a_later_one_but_not_what_may_be_in_use(tmp_path: Path) -> None:
    old, new = tmp_path / "._dataset.json.1.tmp", tmp_path / "._dataset.json.2.tmp"
    for left in (old, new):
        left.touch()
    an_hour_ago = time.time() - 3601
    os.utime(old, (an_hour_ago, an_hour_ago))
    dataset_at(UPath(tmp_path.as_uri())).claim()
    assert sorted(path.name for path in tmp_path.iterdir()) == [new.name, "_dataset.json"]


def test_a_file_system_without_hard_links_is_claimed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    root = UPath(tmp_path.as_uri())
    dataset_at(root).claim()
    assert files_below(root) == ["_dataset.json"]
    with pytest.raises(ConfigurationError, match="One directory holds one kind"):
        dataset_at(root, period="week").claim()


@pytest.mark.parametrize("part", ["", "a/b", "../0", ".hidden", "x" * 101, "a b"])
def test_a_part_that_cannot_stand_in_a_file_name_is_refused(tmp_path: Path, part: str) -> None:
    with pytest.raises(ConfigurationError, match=r"part=.* cannot stand in a file name"):
        dataset_at(UPath(tmp_path.as_uri()), part=part).claim()
    assert list(tmp_path.iterdir()) == []
