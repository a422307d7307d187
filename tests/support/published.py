"""What tasks publish of a dataset's coverage, and the stores that take it."""

from __future__ import annotations

import base64
import gzip
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.operators.load.publishing import PREFIX, Publication

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Asset


class AssetStore(dict[str, Any]):
    """The state store of an asset; all values are JSON, as in Airflow's."""

    def __init__(self, *, broken: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.broken = broken
        self.calls: list[tuple[str, str]] = []

    def _call(self, name: str, key: str) -> None:
        self.calls.append((name, key))
        if name in self.broken:
            raise OSError(name)

    def get(self, key: str, default: Any = None) -> Any:
        self._call("get", key)
        return super().get(key, default)

    def set(self, key: str, value: Any) -> None:
        self._call("set", key)
        self[key] = json.loads(json.dumps(value))

    def delete(self, key: str) -> None:
        self._call("delete", key)
        self.pop(key, None)

    def writes(self) -> list[tuple[str, str]]:
        return [call for call in self.calls if call[0] != "get"]


def store_context(outlets: Mapping[Asset, AssetStore]) -> dict[str, Any]:
    """As much of a task's context as publishing uses."""
    by_name = {asset.name: store for asset, store in outlets.items()}
    accessors = type("Accessors", (), {"__getitem__": lambda _, asset: by_name[asset.name]})()
    return {"task": SimpleNamespace(outlets=list(outlets)), "asset_state_store": accessors}


def report_in(store: Mapping[str, Any]) -> dict[str, Any]:
    """The one report that a store holds, put together as the page does."""
    heads = [key for key in store if key.count("/") == 2]
    assert len(heads) == 1, heads
    pieces = [store[heads[0]], *(store[f"{heads[0]}/{number}"] for number in range(1, store[heads[0]]["pieces"]))]
    assert {piece["digest"] for piece in pieces} == {pieces[0]["digest"]}
    assert len(store) == len(pieces)
    return dict(json.loads(gzip.decompress(base64.b64decode("".join(piece["data"] for piece in pieces)))))


def published(report: Mapping[str, Any], *, dataset: str = "0123456789abcdef", part: str = "0") -> dict[str, Any]:
    """Key -> value, as a task stores a report."""
    about = {"period": "day", "breakdowns": [], "publish": "values"}
    values = Publication(about, json.dumps(report).encode()).values(1)
    return {
        f"{PREFIX}/{dataset}/{part}" + (f"/{number}" if number else ""): value for number, value in enumerate(values)
    }


def as_referred(values: Mapping[str, Any], *, inline: bool) -> dict[str, Any]:
    """What Airflow's REST API has of them where workers have a state backend of their own: references.

    :param inline: whether the values are small enough for the backend to leave them in the reference.
    """
    return {
        key: {"__airflow_state_ref__": json.dumps(value) if inline else f"s3://state/{key}"}
        for key, value in values.items()
    }
