"""Azure Blob Storage and Data Lake Storage: a blob is replaced if its ETag still is the one that was listed.

Conditions of uploads: https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_msginsights.exceptions import StorageError
from airflow_provider_msginsights.outputs.stores.errors import ReplacedMeanwhileError, as_our_errors, codes_of
from airflow_provider_msginsights.outputs.stores.store import Entry, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_REFUSED = frozenset({"BlobAlreadyExists", "ConditionNotMet", "InvalidBlockList", "TargetConditionNotMet"})
"""Large blobs are sent in blocks, and another writer's blob takes those away that are not yet part of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureStore(Store):
    """Blobs below a prefix of a container."""

    has_conditions: ClassVar[bool | None] = True

    def _entries_of(self, path: str, found: Iterable[Mapping[str, Any]]) -> dict[str, Entry]:
        """Return a folder's own entries: adlfs lists its siblings too whose names begin with the folder's."""
        names = {str(entry["name"]).strip("/"): entry for entry in found}
        return {
            name.removeprefix(f"{path}/"): self._entry_of(entry)
            for name, entry in names.items()
            if name.rpartition("/")[0] == path
        }

    def write(self, name: str, data: bytes) -> None:
        """Replace the blob by these bytes, whatever is there."""
        with as_our_errors(self.shown_path(name), "write"):
            self.fs.pipe_file(self._path(name), data, overwrite=True)

    def _look_at(self, name: str) -> Entry | None:
        with as_our_errors(self.shown_path(name), "read"):
            try:
                # Without refresh adlfs answers from its listing of the folder, which invalidate_cache leaves alone.
                found = self.fs.info(self._path(name), refresh=True)
            except FileNotFoundError:
                return None
        return None if found.get("type") == "directory" else self._entry_of(found)

    def list_below(self, prefix: str) -> dict[str, Entry]:
        """List the files in all folders whose names begin with a prefix; see `Store.list_below`."""
        return self._found_below(prefix)

    def _entry_of(self, listed: Mapping[str, Any]) -> Entry:
        return Entry(listed.get("size") or 0, listed.get("etag") or None)

    def _put_if(self, name: str, data: bytes, entry: Entry | None) -> None:
        from azure.core import MatchConditions

        condition: dict[str, Any] = {"overwrite": False}
        if entry is not None:
            if entry.version is None:
                raise StorageError(f"The store names no version of {self.shown_path(name)}; nothing was replaced.")
            condition = {
                "overwrite": True,
                "etag": str(entry.version),
                "match_condition": MatchConditions.IfNotModified,
            }
        try:
            self.fs.pipe_file(self._path(name), data, **condition)
        except FileExistsError as error:
            # adlfs makes it of every conflict, also of those that no other writer made.
            conflict = error.__context__
            if isinstance(conflict, Exception) and not codes_of(conflict) & _REFUSED:
                raise conflict from None
            raise ReplacedMeanwhileError from None
        except Exception as error:
            if codes_of(error) & _REFUSED:
                raise ReplacedMeanwhileError from None
            raise

    @property
    def removes_conditionally(self) -> bool:
        """Whether the ETag that is removed is named."""
        return True

    def _remove_if(self, name: str, entry: Entry) -> None:
        """Remove the blob by Azure's own client: adlfs knows no condition for it."""
        from azure.core import MatchConditions
        from fsspec.asyn import sync

        if entry.version is None:
            raise StorageError(f"The store names no version of {self.shown_path(name)}; nothing was removed.")
        container, _, blob = self._path(name).partition("/")

        async def remove() -> None:
            async with self.fs.service_client.get_container_client(container) as client:
                await client.delete_blob(blob, etag=str(entry.version), match_condition=MatchConditions.IfNotModified)

        try:
            sync(self.fs.loop, remove)
        except Exception as error:
            codes = codes_of(error)
            if codes & _REFUSED:
                raise ReplacedMeanwhileError from None
            if "BlobNotFound" not in codes:
                raise
        self.fs.invalidate_cache(self._path(name))
