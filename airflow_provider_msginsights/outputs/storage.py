"""Whole files on any fsspec store: read one past every cache, replace one in a single step."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, cast
from uuid import uuid4

from airflow_provider_msginsights.outputs.storage_providers import naming_the_missing_provider

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCAL_PROTOCOLS = frozenset({"", "file", "local"})
_CREATE_TRIES = 3


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

    def compare_with(self, stored: bytes | None) -> None:
        """Measure the file as written, and note whether it differs from what is stored."""
        self.file.flush()
        self.size_bytes = self.file.seek(0, os.SEEK_END)
        self.file.seek(0)
        self.sha256 = hashlib.file_digest(self.file, "sha256").hexdigest()  # type: ignore[arg-type] # a real file
        self.file.seek(0)
        self.changed = (
            stored is None or len(stored) != self.size_bytes or hashlib.sha256(stored).hexdigest() != self.sha256
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Files below one directory of a store, by their path relative to it; any thread may use it."""

    fs: Any
    base: str
    shown: str

    @staticmethod
    def at(root: StoragePath) -> Store:
        """Reach the store of a path.

        :raises ConfigurationError: when the package for that kind of store is not installed.
        """
        with naming_the_missing_provider(str(root)):
            fs = root.fs
        kind = LocalStore if root.protocol in _LOCAL_PROTOCOLS else Store
        return kind(fs=fs, base=root.path.rstrip("/"), shown=str(root).rstrip("/"))

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

        A reader sees the old file or the new one, never a part of one. When the block raises, or the bytes are those
        already ``stored``, nothing is put.
        """
        with tempfile.TemporaryFile(prefix="msginsights-") as file:
            spooled = Spooled(file=file)
            yield spooled
            spooled.compare_with(stored)
            if spooled.changed:
                self.fs.pipe_file(self._path(name), file.read())

    def write(self, name: str, data: bytes) -> None:
        """Replace the file by these bytes."""
        with self.replacing(name) as spooled:
            spooled.file.write(data)

    def create(self, name: str, data: bytes) -> bytes:
        """Store the file unless there is one, and give what is stored, by whomever.

        Of several callers at once only one makes the file where the store can do that (local disks, S3, others that
        fsspec's ``mode="create"`` knows). Elsewhere the last one does; reading back tells the earlier ones.
        """
        path = self._path(name)
        for _ in range(_CREATE_TRIES):
            try:
                self.fs.pipe_file(path, data, mode="create")
            except Exception:  # noqa: BLE001 - there is a file, one is being made, or the store cannot do this
                if (found := self.read(name)) is not None:
                    return found
            else:
                break
        else:
            self.fs.pipe_file(path, data)
        return self.read(name) or b""

    def remove_leftovers(self, name: str, *, unchanged_for_seconds: float = 0) -> None:
        """Remove what killed processes left of making this file: nothing, on a store whose puts are whole.

        :param unchanged_for_seconds: how old that must be; only a file's one writer may leave it out.
        """

    def _path(self, name: str) -> str:
        return f"{self.base}/{name}" if name else self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStore(Store):
    """A directory of this machine: files are made under a hidden name beside their own, and renamed when whole."""

    @contextlib.contextmanager
    def replacing(self, name: str, *, stored: bytes | None = None) -> Iterator[Spooled]:
        """Give a file to write to that becomes ``name`` by ``os.replace``, as `Store.replacing` says."""
        with self._new_file(name) as (new_path, file):
            spooled = Spooled(file=file)
            yield spooled
            spooled.compare_with(stored)
            if spooled.changed:
                os.fsync(file.fileno())
                new_path.replace(self._path(name))

    def create(self, name: str, data: bytes) -> bytes:
        """Store the file by a hard link, which fails when there is one; see `Store.create`."""
        with self._new_file(name) as (new_path, file):
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            try:
                Path(self._path(name)).hardlink_to(new_path)
            except OSError:  # there is a file by now, or the file system knows no hard links
                if self.read(name) is None:
                    new_path.replace(self._path(name))
        return self.read(name) or b""

    def remove_leftovers(self, name: str, *, unchanged_for_seconds: float = 0) -> None:
        """Remove what killed processes left of making this file."""
        path = Path(self._path(name))
        latest = time.time() - unchanged_for_seconds
        with contextlib.suppress(FileNotFoundError):
            for sibling in list(path.parent.iterdir()):
                if sibling.name.startswith(f".{path.name}.") and sibling.name.endswith(".tmp"):
                    with contextlib.suppress(FileNotFoundError):
                        if sibling.stat().st_mtime <= latest:
                            sibling.unlink()

    @contextlib.contextmanager
    def _new_file(self, name: str) -> Iterator[tuple[Path, IO[bytes]]]:
        """Open a file beside the target; its name is gone when the block ends."""
        target = Path(self._path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        new_path = target.with_name(f".{target.name}.{uuid4().hex}.tmp")
        try:
            # Made by open and not by tempfile, so that the file gets the permissions any new file gets.
            with new_path.open("xb+") as file:
                yield new_path, file
        finally:
            new_path.unlink(missing_ok=True)
