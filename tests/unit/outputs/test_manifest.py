"""Manifests lie beside the data, one for each run and map index, whatever the store."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.outputs.manifest import latest_manifest, manifest_name, read_manifest, write_manifest

if TYPE_CHECKING:
    from upath import UPath

RUN: dict[str, Any] = {"dag_id": "insights", "task_id": "load", "run_id": "scheduled__2026-03-08T00:00:00+00:00"}


def test_a_run_s_manifest_has_one_name_for_all_tries_and_no_other_run_has_it() -> None:
    names = [
        manifest_name(**RUN),
        manifest_name(**RUN, map_index=0),
        manifest_name(**RUN, map_index=1),
        manifest_name(**RUN | {"run_id": "scheduled__2026-03-08T00-00-00+00-00"}),
        manifest_name(**RUN | {"run_id": "x" * 500}),
        manifest_name(**RUN | {"run_id": "x" * 501}),
        manifest_name(**RUN | {"run_id": "../../etc/passwd"}),
    ]
    assert len(set(names)) == len(names)
    assert manifest_name(**RUN) == names[0]
    assert all(re.fullmatch(r"[A-Za-z0-9_.+=-]{1,210}", name) for name in names)


def test_a_manifest_is_read_back_as_json_and_a_later_try_replaces_it(root: UPath) -> None:
    assert read_manifest(root, "run") is None
    assert latest_manifest(root) is None
    write_manifest(root, "run", {"day": date(2026, 3, 8), "at": datetime(2026, 3, 9, tzinfo=UTC), "pages": {"2", "1"}})
    path = write_manifest(root, "run", {"day": date(2026, 3, 9), "metrics": ("a",), "by": {date(2026, 3, 8): 1}})
    assert path == f"{str(root).rstrip('/')}/_manifests/run.json"
    expected = {"day": "2026-03-09", "metrics": ["a"], "by": {"2026-03-08": 1}}
    assert read_manifest(root, "run") == latest_manifest(root) == expected
    assert latest_manifest(root, part="other") is None


def test_a_manifest_that_is_none_is_named(root: UPath) -> None:
    write_manifest(root, "run", {})
    root.fs.pipe_file(f"{root.path}/_manifests/run.json", b"[1]")
    with pytest.raises(ConfigurationError, match=r"_manifests/run.json is not the JSON object a manifest is"):
        read_manifest(root, "run")
