"""Whole files on any fsspec store: read one past every cache, replace one in a single step."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, Self, cast

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
    def __truediv__(self, name: str) -> Self: ...


def read_bytes_or_none(path: StoragePath) -> bytes | None:
    """Read the whole file as it is stored now, or give None when there is none."""
    path.fs.invalidate_cache()
    try:
        return cast("bytes", path.fs.cat_file(path.path))
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def replacing(path: StoragePath) -> Iterator[IO[bytes]]:
    """Give a local file to write to; when the block ends well it becomes ``path`` in one step.

    A reader sees the old file or the new one, never a part of one: on a local disk by ``os.replace``
    within the directory, elsewhere by one upload. When the block raises, nothing changes.
    """
    local = path.protocol in _LOCAL_PROTOCOLS
    if local:
        Path(path.path).parent.mkdir(parents=True, exist_ok=True)
    folder = str(Path(path.path).parent) if local else None
    handle, spool_name = tempfile.mkstemp(prefix=".msginsights-", suffix=".tmp", dir=folder)
    try:
        with os.fdopen(handle, "wb") as spool:
            yield spool
        if local:
            Path(spool_name).chmod(0o666 & ~_umask())
            Path(spool_name).replace(path.path)
        else:
            path.fs.put_file(spool_name, path.path)
    finally:
        Path(spool_name).unlink(missing_ok=True)


def _umask() -> int:
    """Read the process's file mode mask; Python can only read it by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
