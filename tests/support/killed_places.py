"""Where a load that may be killed writes: a folder here; `store_places` has buckets. No thread is started."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

Version = Any
"""Anything that is another once the file was replaced."""


class Place(Protocol):
    """A dataset's directory; names of files are relative to it."""

    parameters: dict[str, Any]
    shown: str
    """How the manifest names it."""

    def fill(self, old: Path) -> None:
        """Make it a copy of this folder."""

    def versions(self) -> dict[str, Version]:
        """Every file there is."""

    def read(self, name: str) -> bytes:
        """One file's bytes."""


def data_files(place: Place) -> dict[str, bytes]:
    """What a reader of the dataset sees: every file that is not hidden."""
    return {name: place.read(name) for name in place.versions() if is_data(name)}


def is_data(name: str) -> bool:
    return name.startswith("dt=") and not name.rpartition("/")[2].startswith((".", "_"))


class Folder:
    """On the local disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shown = path.as_uri()
        self.parameters: dict[str, Any] = {"output_path": self.shown}

    def fill(self, old: Path) -> None:
        shutil.copytree(old, self.path)

    def versions(self) -> dict[str, Version]:
        found = {}
        for path in self.path.glob("**/*"):
            try:
                status = path.stat()
            except FileNotFoundError:  # renamed just now
                continue
            if path.is_file():
                found[str(path.relative_to(self.path))] = (status.st_ino, status.st_mtime_ns)
        return found

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()
