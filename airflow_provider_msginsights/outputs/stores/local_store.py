"""A directory of this machine: merges hold a lock on the file's directory, and files are renamed when whole."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from airflow_provider_msginsights.outputs.stores.directory_lock import knows_locks, locked_directory, try_lock
from airflow_provider_msginsights.outputs.stores.errors import ReplacedMeanwhileError, as_our_errors
from airflow_provider_msginsights.outputs.stores.patience import Patience
from airflow_provider_msginsights.outputs.stores.store import Current, Entry, Spooled, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_msginsights.outputs.stores.store import ResultT

_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_ABANDONED_SECONDS = 3600
"""Nothing is written for so long; without locks, what is older was left by a process that was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStore(Store):
    """A directory of this machine: files are made under a hidden name beside their own, and renamed when whole.

    Every writer locks the hidden file it makes, and the kernel frees the lock when the writer dies: a hidden file
    without a lock belongs to nobody. On file systems that several machines share, a directory's lock may hold on one
    machine only; new files are safe there all the same, as they are made by a hard link.
    """

    has_conditions: ClassVar[bool | None] = True
    is_remote: ClassVar[bool] = False

    # Python hands itself from thread to thread at each call of the system, of which a file takes dozens: threads that
    # make files side by side would spend half of their time on that. They take turns, but for the waiting.
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def probe_conditions(self, name: str, data: bytes) -> bool:
        """Return whether directories can be locked here."""
        del data
        directory = Path(self._path(name)).parent
        with as_our_errors(str(directory), "write"):
            directory.mkdir(parents=True, exist_ok=True)
            return knows_locks(directory)

    @property
    def removes_conditionally(self) -> bool:
        """Whether directories can be locked here, as `probe_conditions` found."""
        return self.conditional

    def _remove_if(self, name: str, entry: Entry) -> None:
        target = Path(self._path(name))
        if os.path.lexists(target) and _entry_of(target) != entry:
            raise ReplacedMeanwhileError
        target.unlink(missing_ok=True)

    def list(self, folder: str = "") -> dict[str, Entry]:
        """List what is in a folder now; see `Store.list`."""
        with as_our_errors(self.shown_path(folder), "list"):
            try:
                with os.scandir(self._path(folder)) as entries:
                    return {entry.name: _entry_of(entry) for entry in entries}
            except FileNotFoundError:
                return {}

    def tag_of(self, entry: Entry) -> str:
        """Return the file's time of modification in nanoseconds: copies with their times kept have it too."""
        return "" if entry.version is None else str(entry.version[1])

    def read(self, name: str, *, size_bytes: int = 0) -> bytes | None:
        """Read the whole file, or give None when there is none; see `Store.read`.

        :raises StorageError: for a link that leads nowhere.
        """
        del size_bytes
        path = Path(self._path(name))
        with as_our_errors(self.shown_path(name), "read"):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                if not path.is_symlink():
                    return None
        raise self._listed_but_not_found(self.shown_path(name))

    def write(self, name: str, data: bytes) -> None:
        """Replace the file by these bytes, whatever is there."""
        with as_our_errors(self.shown_path(name), "write"), self._file_in_new_directory(name) as (new_path, file):
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            new_path.replace(self._path(name))

    def create(self, name: str, data: bytes) -> bytes:
        """Store the file by a hard link, which fails when there is one; see `Store.create`."""
        with as_our_errors(self.shown_path(name), "write"), self._file_in_new_directory(name) as (new_path, file):
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            target = Path(self._path(name))
            with locked_directory(target.parent, Patience()), contextlib.suppress(ReplacedMeanwhileError):
                _rename(new_path, target, None)
        return self._read_made(name)

    def remove_leftovers(self, name: str, *, unchanged_for_seconds: float = 0) -> None:
        """Remove the hidden files that killed processes left of making this file, and those of no live one."""
        path = Path(self._path(name))
        with contextlib.suppress(OSError):  # what is wrong with the directory shows when it is used
            for sibling in list(path.parent.iterdir()):
                if sibling.name.startswith(f".{path.name}.") and sibling.name.endswith(".tmp"):
                    with contextlib.suppress(OSError):  # gone by now, or another user's
                        _remove_if_abandoned(sibling, unchanged_for_seconds)

    def _update_once(
        self,
        name: str,
        merge: Callable[[Current, IO[bytes]], ResultT],
        listing: Mapping[str, Entry] | None,
        patience: Patience,
    ) -> tuple[Spooled, ResultT]:
        del listing  # it may have changed before the lock was held
        folder, _, base_name = name.rpartition("/")
        directory = Path(self._path(folder))
        with as_our_errors(self.shown_path(name), "write", of=OSError):
            directory.mkdir(parents=True, exist_ok=True)
            with locked_directory(directory, patience), self._turn:
                found = self.list(folder)
                if any(_is_made_for(base_name, sibling) for sibling in found):
                    self.remove_leftovers(name)
                entry = found.get(base_name)
                data = None if entry is None else self.read_listed(name, entry)
                with self._new_file(name) as (new_path, file):
                    spooled = Spooled(file=file)
                    result = merge(Current(folder=found, data=data), file)
                    spooled.compare_with(data)
                    if spooled.changed and spooled.size_bytes:
                        self._flush(file)
                        _rename(new_path, directory / base_name, entry)
                    elif spooled.changed and entry is not None:
                        self._remove_if(name, entry)
        return spooled, result

    def _flush(self, file: IO[bytes]) -> None:
        """Wait until the disk has the file; meanwhile it is another thread's turn."""
        self._turn.release()
        try:
            os.fsync(file.fileno())
        finally:
            self._turn.acquire()

    @contextlib.contextmanager
    def _file_in_new_directory(self, name: str) -> Iterator[tuple[Path, IO[bytes]]]:
        Path(self._path(name)).parent.mkdir(parents=True, exist_ok=True)
        with self._new_file(name) as made:
            yield made

    @contextlib.contextmanager
    def _new_file(self, name: str) -> Iterator[tuple[Path, IO[bytes]]]:
        """Open a file beside the target that nobody takes for a leftover; its name is gone when the block ends.

        The directory exists, unless somebody removes it.
        """
        folder, _, base_name = self._path(name).rpartition("/")
        while True:
            new_path = Path(f"{folder}/.{base_name}.{uuid4().hex}.tmp")
            # Made by open and not by tempfile, so that the file gets the permissions any new file gets.
            with new_path.open("xb+") as file:
                try:
                    # Another writer may have taken it for a leftover before it was locked.
                    if try_lock(file.fileno()) is not False and os.fstat(file.fileno()).st_nlink > 0:
                        yield new_path, file
                        return
                finally:
                    new_path.unlink(missing_ok=True)


def _is_made_for(name: str, sibling: str) -> bool:
    """Return whether a file beside another is the hidden one that becomes it."""
    return sibling.startswith(f".{name}.") and sibling.endswith(".tmp")


def _remove_if_abandoned(path: Path, unchanged_for_seconds: float) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        is_free = try_lock(descriptor)
        if is_free is None:
            unchanged_for_seconds = max(unchanged_for_seconds, _ABANDONED_SECONDS)
        if is_free is not False and os.fstat(descriptor).st_mtime <= time.time() - unchanged_for_seconds:
            path.unlink()
    finally:
        os.close(descriptor)


def _rename(new_path: Path, target: Path, entry: Entry | None) -> None:
    """Give the file its name if what has it still is this version, or if nothing has it.

    :raises ReplacedMeanwhileError: otherwise.
    """
    if entry is not None:
        if _entry_of(target) != entry:
            raise ReplacedMeanwhileError
        new_path.replace(target)
        return
    try:
        os.link(new_path, target)
    except FileExistsError:
        raise ReplacedMeanwhileError from None
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if os.path.lexists(target):
            raise ReplacedMeanwhileError from None
        new_path.replace(target)


def _entry_of(path: Path | os.DirEntry[str]) -> Entry:
    """Measure a file; one that a link leads to nowhere has no version."""
    try:
        found: Any = path.stat()
    except FileNotFoundError:
        return Entry(0)
    return Entry(found.st_size, (found.st_ino, found.st_mtime_ns, found.st_size))
