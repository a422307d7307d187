"""A lock on a directory of this machine, which the kernel frees when its holder dies."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import WriteConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_msginsights.outputs.stores.patience import Patience

_FIRST_SECONDS, _LONGEST_SECONDS = 0.001, 0.05
_NO_LOCKS = frozenset(
    {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EBADF, errno.EPERM}
)
"""What file systems without locks answer; some network file systems refuse them for directories alone."""


@contextlib.contextmanager
def locked_directory(path: Path, patience: Patience) -> Iterator[bool]:
    """Hold the directory, which must exist, until the block ends; give whether the file system knows locks.

    Threads of one process exclude each other as processes do.

    :raises WriteConflictError: when another writer holds it for longer than ``patience`` allows.
    """
    for _ in patience.tries(first_seconds=_FIRST_SECONDS, longest_seconds=_LONGEST_SECONDS):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            held = try_lock(descriptor)
            if held is False or (held and not _is_at(descriptor, path)):
                continue
            try:
                yield held is True
            finally:
                _unlock(descriptor)
            return
        finally:
            os.close(descriptor)
    raise WriteConflictError(
        f"{path} was in use by other writers for {patience.seconds:.0f} seconds, so nothing was stored there. Retry "
        "the task; give tasks that run at once a part each (part=…), and the DAG max_active_runs=1."
    )


def knows_locks(path: Path) -> bool:
    """Return whether a directory of this file system can be locked; somebody may hold it meanwhile."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        is_locked = try_lock(descriptor)
        if is_locked:
            _unlock(descriptor)
        return is_locked is not None
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool | None:
    """Take the exclusive lock of an open file or directory, without waiting.

    :return: whether that went well; ``None`` where the file system knows no locks.
    """
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        raise
    return True


def _unlock(descriptor: int) -> None:
    """Free the lock for everybody, also where a child process inherited the descriptor."""
    import fcntl

    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether the open directory still is the one at the path, and not one that was removed meanwhile."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (now.st_ino, now.st_dev) == (mine.st_ino, mine.st_dev)
