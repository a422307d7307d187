"""Google Cloud Storage: an object is replaced if its generation still is the one that was listed.

Conditions of uploads: https://cloud.google.com/storage/docs/request-preconditions
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote
from uuid import uuid4

from airflow_provider_msginsights.exceptions import StorageError
from airflow_provider_msginsights.outputs.stores.errors import ReplacedMeanwhileError, as_our_errors
from airflow_provider_msginsights.outputs.stores.store import Entry, Store

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_OBJECT = "0"
"""The generation that stands for "there is no such object"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GcsStore(Store):
    """Objects below a prefix of a bucket of Google Cloud Storage."""

    has_conditions: ClassVar[bool | None] = True

    def write(self, name: str, data: bytes) -> None:
        """Replace the object by these bytes, whatever is there."""
        with as_our_errors(self.shown_path(name), "write"):
            self._upload(name, data)

    def list_below(self, prefix: str) -> dict[str, Entry]:
        """List the files in all folders whose names begin with a prefix; see `Store.list_below`."""
        return self._found_below(prefix)

    def _entry_of(self, listed: Mapping[str, Any]) -> Entry:
        return Entry(listed.get("size") or 0, listed.get("generation") or None)

    def _put_if(self, name: str, data: bytes, entry: Entry | None) -> None:
        if entry is not None and entry.version is None:
            raise StorageError(f"The store names no version of {self.shown_path(name)}; nothing was replaced.")
        try:
            self._upload(name, data, ifGenerationMatch=_NO_OBJECT if entry is None else str(entry.version))
        except FileExistsError:  # gcsfs makes it of every 412
            raise ReplacedMeanwhileError from None

    @property
    def removes_conditionally(self) -> bool:
        """Whether the generation that is removed is named."""
        return True

    def _remove_if(self, name: str, entry: Entry) -> None:
        if entry.version is None:
            raise StorageError(f"The store names no version of {self.shown_path(name)}; nothing was removed.")
        bucket, _, key = self._path(name).partition("/")
        try:
            self.fs.call("DELETE", "b/{}/o/{}", bucket, key, ifGenerationMatch=str(entry.version))
        except FileNotFoundError:
            pass
        except FileExistsError:  # gcsfs makes it of every 412
            raise ReplacedMeanwhileError from None
        self.fs.invalidate_cache(self._path(name))

    def _upload(self, name: str, data: bytes, **conditions: str) -> None:
        """Put the object by one request, whatever its size: gcsfs itself knows no condition but "create".

        The boundary is new each time: with gcsfs's, which never changes, data could end its own upload.
        """
        bucket, _, key = self._path(name).partition("/")
        boundary = uuid4().hex
        opening = (
            f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{json.dumps({'name': key})}\r\n"
            f"--{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n"
        )
        self.fs.call(
            "POST",
            f"{self.fs.base.replace('/storage/v1/', '/upload/storage/v1/')}b/{quote(bucket, safe='')}/o",
            uploadType="multipart",
            headers={"Content-Type": f'multipart/related; boundary="{boundary}"'},
            data=opening.encode() + data + f"\r\n--{boundary}--".encode(),
            **conditions,
        )
        self.fs.invalidate_cache(self._path(name))
