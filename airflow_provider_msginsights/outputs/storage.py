"""Whole files on any fsspec store: read one past every cache, replace one in a single step."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, Self, cast
from uuid import uuid4

from airflow_provider_msginsights.outputs.storage_providers import naming_the_missing_provider

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCAL_PROTOCOLS = frozenset({"", "file", "local"})


class StoragePath(Protocol):
    """What is used of ``universal_pathlib.UPath``, and so of Airflow's ``ObjectStoragePath``."""

    @property
    def protocol(self) -> str: ...  # noqa: D102 - described by the class
    @property
    def path(self) -> str: ...  # noqa: D102 - described by the class
    @property
    def fs(self) -> Any: ...  # noqa: D102 - described by the class


@dataclass(slots=True, kw_only=True)
class Spooled:
    """A local file on its way to the store, and what became of it.

    :param file: to write to; complete when the block of `Store.replacing` ends.
    :param changed: whether the store had other bytes, or none, and now has these.
    """

    file: IO[bytes]
    size_bytes: int = 0
    sha256: str = ""
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Files below one directory of a store, by their path relative to it; any thread may use it."""

    fs: Any
    base: str
    shown: str
    is_local: bool

    @classmethod
    def at(cls, root: StoragePath) -> Self:
        """Reach the store of a path.

        :raises ConfigurationError: when the package for that kind of store is not installed.
        """
        with naming_the_missing_provider(str(root)):
            fs = root.fs
        shown = str(root).rstrip("/")
        return cls(fs=fs, base=root.path.rstrip("/"), shown=shown, is_local=root.protocol in _LOCAL_PROTOCOLS)

    def shown_path(self, name: str) -> str:
        """Give the file's whole path, as a person writes it."""
        return f"{self.shown}/{name}"

    def sizes(self, folder: str = "") -> dict[str, int]:
        """List what is in a folder now: names, with sizes in bytes; nothing when there is no such folder."""
        path = self._path(folder)
        self.fs.invalidate_cache(path)
        try:
            found = self.fs.ls(path, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return {str(entry["name"]).rstrip("/").rpartition("/")[2]: entry.get("size") or 0 for entry in found}

    def read(self, name: str) -> bytes | None:
        """Read the whole file as it is stored now, or give None when there is none."""
        path = self._path(name)
        self.fs.invalidate_cache(path)
        try:
            return cast("bytes", self.fs.cat_file(path))
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def replacing(self, name: str, *, stored: bytes | None = None) -> Iterator[Spooled]:
        """Give a local file to write to; when the block ends well it becomes ``name`` in one step.

        A reader sees the old file or the new one, never a part of one: on a local disk by ``os.replace`` within the
        directory, elsewhere by one put. When the block raises, or the bytes are those already ``stored``, nothing is
        put.
        """
        spool_path = self._spool_path(name)
        try:
            # Made by open and not by tempfile, so that the file gets the permissions any new file gets.
            with spool_path.open("xb+") as file:
                spooled = Spooled(file=file)
                yield spooled
                _measure(spooled)
                spooled.changed = stored is None or not _is_same(spooled, stored)
                if self.is_local and spooled.changed:
                    os.fsync(file.fileno())
            if spooled.changed:
                self._put(spool_path, name)
        finally:
            spool_path.unlink(missing_ok=True)

    def write(self, name: str, data: bytes) -> None:
        """Replace the file by these bytes."""
        with self.replacing(name) as spooled:
            spooled.file.write(data)

    def remove_leftovers(self, name: str) -> None:
        """Remove what a killed process left of replacing this file; only its one writer may do so."""
        if not self.is_local:
            return
        path = Path(self._path(name))
        with contextlib.suppress(FileNotFoundError):
            for sibling in list(path.parent.iterdir()):
                if sibling.name.startswith(f".{path.name}.") and sibling.name.endswith(".tmp"):
                    sibling.unlink(missing_ok=True)

    def _path(self, name: str) -> str:
        return f"{self.base}/{name}" if name else self.base

    def _spool_path(self, name: str) -> Path:
        """Name a new file on the local disk: beside the target, where it can be renamed, if that is local too."""
        if not self.is_local:
            return Path(tempfile.gettempdir()) / f"msginsights-{uuid4().hex}.tmp"
        path = Path(self._path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.with_name(f".{path.name}.{uuid4().hex}.tmp")

    def _put(self, spool_path: Path, name: str) -> None:
        if self.is_local:
            spool_path.replace(self._path(name))
        else:
            self.fs.put_file(str(spool_path), self._path(name))


def _measure(spooled: Spooled) -> None:
    spooled.file.flush()
    spooled.size_bytes = spooled.file.seek(0, os.SEEK_END)
    spooled.file.seek(0)
    spooled.sha256 = hashlib.file_digest(spooled.file, "sha256").hexdigest()  # type: ignore[arg-type] # a real file


def _is_same(spooled: Spooled, stored: bytes) -> bool:
    return spooled.size_bytes == len(stored) and spooled.sha256 == hashlib.sha256(stored).hexdigest()
