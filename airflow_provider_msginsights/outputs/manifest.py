"""What a run did, as JSON beside the data: ``_manifests/<name>.json``, and the latest of each part.

Readers of the data never see these: pyarrow, DuckDB, Spark and Hive pass over names that begin with ``_``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.outputs.formats.json_values import iso_text, json_object_in
from airflow_provider_msginsights.outputs.stores.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_msginsights.outputs.stores.store import StoragePath

_FOLDER = "_manifests"
_LONGEST_NAME = 200
_AS_IT_IS = (str, int, float)
_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9_.+=-]")


def manifest_name(*, dag_id: str, task_id: str, run_id: str, map_index: int = -1) -> str:
    """Name a run's manifest: the same for every try, another for every run, task and map index."""
    exact = run_path(dag_id=dag_id, task_id=task_id, run_id=run_id, map_index=map_index)
    name = _NOT_IN_FILE_NAMES.sub("-", exact)[:_LONGEST_NAME]
    return f"{name}.{hashlib.sha256(exact.encode()).hexdigest()[:8]}"


def run_path(*, dag_id: str, task_id: str, run_id: str, map_index: int = -1) -> str:
    """Return a run's names as one text from which they can be read: what a ledger says of who wrote a file."""
    return "/".join([dag_id, task_id, run_id, *([str(map_index)] if map_index >= 0 else [])])


def write_manifest(
    root: StoragePath, name: str, fields: Mapping[str, Any], *, part: str = "0", is_latest: bool = True
) -> str:
    """Write a run's manifest, replacing that of an earlier try, and note it as the latest of the part.

    :param is_latest: false for what is no load: the next load compares its Pages with those of the latest one.
    :param fields: anything JSON has, and dates, times, sets, tuples and mappings, which become text, lists, objects.
    :return: the path, as a person writes it.
    """
    store = open_store(root)
    # Indented by msgspec, as json would do it: json's own way of indenting takes ten times as long.
    compact = json.dumps(_ready(fields), ensure_ascii=False, allow_nan=False)
    data = msgspec.json.format(compact, indent=2).encode() + b"\n"
    for file_name in (f"{name}.json", *([_latest(part)] if is_latest else [])):
        store.remove_leftovers(f"{_FOLDER}/{file_name}")
        store.write(f"{_FOLDER}/{file_name}", data)
    return store.shown_path(f"{_FOLDER}/{name}.json")


def read_manifest(
    root: StoragePath, name: str, *, check: Callable[[dict[str, Any]], object] | None = None
) -> dict[str, Any] | None:
    """Read a run's manifest, or give None when there is none.

    :param check: does with the fields what the caller is about to do; a manifest with which that fails is damaged.
    :raises ConfigurationError: when the file is not a manifest.
    """
    return _read(root, f"{_FOLDER}/{name}.json", check)


def latest_manifest(root: StoragePath, *, part: str = "0") -> dict[str, Any] | None:
    """Read the manifest that was written last for a part, or give None when there is none.

    :raises ConfigurationError: when the file is not a manifest; where it names a run and Pages, they are text.
    """
    return _read(root, f"{_FOLDER}/{_latest(part)}", _check_names)


def _latest(part: str) -> str:
    return f"latest/part-{part}.json"


def _read(root: StoragePath, name: str, check: Callable[[dict[str, Any]], object] | None) -> dict[str, Any] | None:
    store = open_store(root)
    if (data := store.read(name)) is None:
        return None
    found = json_object_in(data)
    with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError, RecursionError):
        if found is not None:
            if check is not None:
                check(found)
            return found
    raise ConfigurationError(
        f"{store.shown_path(name)} is not the JSON object a manifest is, or damaged. Remove the file: it describes "
        "an earlier load, and the next load writes it anew.",
        error_id="MSGI-dataset-file",
    )


def _check_names(fields: dict[str, Any]) -> None:
    names = [fields.get("run_id", ""), *fields.get("page_ids", [])]
    if not isinstance(fields.get("page_ids", []), list) or not all(isinstance(name, str) for name in names):
        raise TypeError


def _ready(value: Any) -> Any:
    if value is None or isinstance(value, _AS_IT_IS):
        return value
    if hasattr(value, "items"):
        return {str(iso_text(name)): _ready(inner) for name, inner in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(_ready, value))
    if isinstance(value, list | tuple):
        return [_ready(inner) for inner in value]
    return iso_text(value)
