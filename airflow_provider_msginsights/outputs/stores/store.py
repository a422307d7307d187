"""Whole files on any fsspec store: read past every cache, replaced in a single step, merged beside other writers."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, cast

from airflow_provider_msginsights.exceptions import StorageError, WriteConflictError
from airflow_provider_msginsights.outputs.stores.errors import (
    ListedButNotFoundError,
    ReplacedMeanwhileError,
    as_our_errors,
)
from airflow_provider_msginsights.outputs.stores.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ResultT = TypeVar("ResultT")

_FIRST_SECONDS, _LONGEST_SECONDS = 0.05, 5.0
_LOOKS_FOR_LISTED = 3


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

    :param file: to write to; complete when the merge that was given it ends.
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


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a listing.

    :param version: what the store calls this version of the file; another one after every replacement. ``None`` where
        the listing has none.
    """

    size_bytes: int
    version: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """What a merge starts from.

    :param folder: the files beside it and the file itself, by name.
    :param data: the bytes of the file, or ``None`` when there is none.
    """

    folder: Mapping[str, Entry]
    data: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Files below one directory of a store, by their path relative to it; any thread may use it.

    This class knows no condition for replacing a file: of two writers of one file the later one wins. It makes new
    files by fsspec's ``mode="create"``. Stores with conditions derive from it and replace `_entry_of`, `_put_if` and
    `probe_conditions`.

    :param fs: the fsspec file system.
    :param base: the directory within it.
    :param shown: the directory, as a person writes it.
    :param conditional: false where conditions are known not to be honoured, so that none is sent.
    """

    has_conditions: ClassVar[bool | None] = False
    """Whether stores of this kind honour conditions; ``None`` where only trying tells (`probe_conditions`)."""

    is_remote: ClassVar[bool] = True
    """Whether a file is mostly waited for: then many are to be under way at a time, and few at a time be made."""

    fs: Any
    base: str
    shown: str
    conditional: bool = field(default=True)

    def shown_path(self, name: str) -> str:
        """Return the file's whole path, as a person writes it."""
        return f"{self.shown}/{name}" if name else self.shown

    # Reading

    def list(self, folder: str = "") -> dict[str, Entry]:
        """List what is in a folder now, by name; nothing when there is no such folder."""
        path = self._path(folder)
        with as_our_errors(self.shown_path(folder), "list"):
            self.fs.invalidate_cache(path)
            try:
                found = self.fs.ls(path, detail=True)
            except FileNotFoundError:
                return {}
            return self._entries_of(path, found)

    def list_below(self, prefix: str) -> dict[str, Entry]:
        """List the files in all folders whose names begin with a prefix, by ``<folder>/<name>``."""
        return {
            f"{folder}/{name}": entry
            for folder in self.list()
            if folder.startswith(prefix)
            for name, entry in self.list(folder).items()
        }

    def tag_of(self, entry: Entry) -> str:
        """Return a file's version as text, "" where the store has none."""
        return "" if entry.version is None else str(entry.version)

    def _found_below(self, prefix: str) -> dict[str, Entry]:
        """List below a prefix by one listing of the bucket, a thousand objects a request."""
        with as_our_errors(self.shown_path(f"{prefix}*"), "list"):
            self.fs.invalidate_cache(self.base)
            try:
                found = self.fs.find(self.base, prefix=prefix, detail=True)
            except FileNotFoundError:
                return {}
            names = {str(path).strip("/").removeprefix(f"{self.base.strip('/')}/"): found[path] for path in found}
            return {name: self._entry_of(names[name]) for name in names if name.count("/") == 1}

    def _entries_of(self, path: str, found: Iterable[Mapping[str, Any]]) -> dict[str, Entry]:
        """Return what a listing says of a folder, by the names in it."""
        del path
        return {str(entry["name"]).rstrip("/").rpartition("/")[2]: self._entry_of(entry) for entry in found}

    def read(self, name: str, *, size_bytes: int = 0) -> bytes | None:
        """Read the whole file as it is stored now, or give None when there is none.

        :param size_bytes: as a listing says, for files that may be large.
        """
        path = self._path(name)
        with as_our_errors(self.shown_path(name), "read"):
            self.fs.invalidate_cache(path)
            try:
                return self._read(path, size_bytes)
            except FileNotFoundError:
                return None

    def read_listed(self, name: str, entry: Entry) -> bytes:
        """Read a file that a listing shows as this entry.

        :raises ListedButNotFoundError: when there is none; within a merge, `update` then looks again.
        """
        if (data := self.read(name, size_bytes=entry.size_bytes)) is None:
            raise ListedButNotFoundError(self.shown_path(name))
        return data

    # Writing

    def write(self, name: str, data: bytes) -> None:
        """Replace the file by these bytes, whatever is there."""
        with as_our_errors(self.shown_path(name), "write"):
            self.fs.pipe_file(self._path(name), data)

    def create(self, name: str, data: bytes) -> bytes:
        """Store the file unless there is one, and give what is stored, by whomever.

        Of several callers at once only one makes the file where the store can do that. Elsewhere the last one does;
        reading back tells the earlier ones.

        :raises StorageError: when the store says that there is a file, and has none to read.
        """
        with as_our_errors(self.shown_path(name), "write"), contextlib.suppress(ReplacedMeanwhileError):
            self._put_if(name, data, None)
        return self._read_made(name)

    def update(
        self,
        name: str,
        merge: Callable[[Current, IO[bytes]], ResultT],
        *,
        listing: Mapping[str, Entry] | None = None,
        patience: Patience | None = None,
    ) -> tuple[Spooled, ResultT]:
        """Replace a file by what a merge makes of it, so that nothing another writer stores meanwhile is lost.

        A merge that writes nothing at all has the file removed, again only if it still is the version that was read.

        The new bytes are put only if the file still is the version that was merged; otherwise it is read and merged
        again. A reader sees the old file or the new one, never a part of one. When ``merge`` raises, or the bytes are
        those already stored, nothing is put.

        :param merge: write the whole new file; may be called several times, each time from what is stored then.
        :param listing: of the file's folder, made just before, for the first try.
        :param patience: for how long to try.
        :raises WriteConflictError: when other writers were first for that long.
        :raises StorageError: when a file that is listed cannot be found, and for other trouble that may pass.
        :raises ConfigurationError: when the store refuses.
        """
        patience = patience or Patience()
        looks = 0
        for number in patience.tries(first_seconds=_FIRST_SECONDS, longest_seconds=_LONGEST_SECONDS):
            try:
                return self._update_once(name, merge, listing if number == 0 else None, patience)
            except ReplacedMeanwhileError:
                continue
            except ListedButNotFoundError as lost:
                if (looks := looks + 1) == _LOOKS_FOR_LISTED:
                    raise self._listed_but_not_found(str(lost)) from None
        raise WriteConflictError(
            f"{self.shown_path(name)} was replaced by other writers again and again for {patience.seconds:.0f} "
            "seconds, each time before the rows of this task could be added; theirs are kept. Retry the task; give "
            "tasks that run at once a part each (part=…), and the DAG max_active_runs=1."
        )

    def remove_leftovers(self, name: str, *, unchanged_for_seconds: float = 0) -> None:
        """Remove what killed processes left of making this file: nothing, on a store whose puts are whole."""

    # What kinds of stores differ in

    def probe_conditions(self, name: str, data: bytes) -> bool:
        """Return whether the store honours conditions, by puts that must be refused.

        :param name: a file to try it on, of which ``data`` are the bytes; where conditions are ignored, they stay so.
        """
        del name, data
        return bool(self.has_conditions)

    def _entry_of(self, listed: Mapping[str, Any]) -> Entry:
        """Read an entry of fsspec's listing, or the answer to its ``info``."""
        return Entry(listed.get("size") or 0)

    @property
    def removes_conditionally(self) -> bool:
        """Whether a file is removed only if it still is the version that was read."""
        return False

    def _remove_if(self, name: str, entry: Entry) -> None:
        """Remove the file if it still is this version; a file that is gone is none.

        :raises ReplacedMeanwhileError: when it is another version.
        """
        del entry
        with contextlib.suppress(FileNotFoundError):
            self.fs.rm_file(self._path(name))

    def _read(self, path: str, size_bytes: int) -> bytes:
        del size_bytes
        return cast("bytes", self.fs.cat_file(path))

    def _put_if(self, name: str, data: bytes, entry: Entry | None) -> None:
        """Put the file if it still is this version, or if there still is none.

        :raises ReplacedMeanwhileError: otherwise.
        """
        path = self._path(name)
        if entry is not None:
            self.fs.pipe_file(path, data)
            return
        try:
            self.fs.pipe_file(path, data, mode="create")
        except FileExistsError:
            raise ReplacedMeanwhileError from None
        except (TypeError, ValueError, NotImplementedError):  # this store does not know mode="create"
            if self.fs.exists(path):
                raise ReplacedMeanwhileError from None
            self.fs.pipe_file(path, data)

    # Its own

    def _update_once(
        self,
        name: str,
        merge: Callable[[Current, IO[bytes]], ResultT],
        listing: Mapping[str, Entry] | None,
        patience: Patience,
    ) -> tuple[Spooled, ResultT]:
        del patience
        folder, _, base_name = name.rpartition("/")
        is_first, listing = listing is not None, self.list(folder) if listing is None else listing
        entry = listing.get(base_name)
        if entry is None and not is_first:
            entry = self._look_at(name)  # a listing may lag behind, or leave out what it must not show
        data = None if entry is None else self.read_listed(name, entry)
        with as_our_errors(self.shown_path(name), "write", of=OSError), _scratch_file() as file:
            spooled = Spooled(file=file)
            result = merge(Current(folder=listing, data=data), file)
            spooled.compare_with(data)
            if spooled.changed and spooled.size_bytes:
                self._put_or_recognize(name, file.read(), entry)
            elif spooled.changed and entry is not None:
                with as_our_errors(self.shown_path(name), "remove"):
                    self._remove_if(name, entry)
        return spooled, result

    def _put_or_recognize(self, name: str, data: bytes, entry: Entry | None) -> None:
        """Put the file as `_put_if` does; a put that was refused because its first attempt went well is none."""
        try:
            with as_our_errors(self.shown_path(name), "write"):
                self._put_if(name, data, entry)
        except ReplacedMeanwhileError:
            if self.read(name) != data:
                raise

    def _look_at(self, name: str) -> Entry | None:
        path = self._path(name)
        with as_our_errors(self.shown_path(name), "read"):
            self.fs.invalidate_cache(path)
            try:
                found = self.fs.info(path)
            except FileNotFoundError:
                return None
        return None if found.get("type") == "directory" else self._entry_of(found)

    def _read_made(self, name: str) -> bytes:
        """Read a file of which the store said that it is there."""
        if (found := self.read(name)) is None:
            raise self._listed_but_not_found(self.shown_path(name))
        return found

    def _listed_but_not_found(self, shown_path: str) -> StorageError:
        return StorageError(
            f"{shown_path} is listed but cannot be found: a link that leads nowhere, or a store that lags behind. "
            "Nothing was replaced. Retry the task; if it stays so, restore the file, or remove its name."
        )

    def _path(self, name: str) -> str:
        return f"{self.base}/{name}" if name else self.base


def _scratch_file() -> Any:
    return tempfile.TemporaryFile(prefix="msginsights-")
