"""Where a load that may be killed writes: a folder, or a prefix of a bucket; looked at without starting a thread."""

from __future__ import annotations

import re
import shutil
import urllib.request
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

SIGNATURE = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
"""Whose request it is; moto checks no more."""

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


class Prefix:
    """In a bucket of moto's S3."""

    def __init__(self, endpoint: str, bucket: str, prefix: str) -> None:
        self._bucket = f"{endpoint}/{bucket}"
        self._prefix = prefix
        self.shown = f"s3://warehouse@{bucket}/{prefix}"
        self.parameters: dict[str, Any] = {"output_path": f"s3://{bucket}/{prefix}", "output_conn_id": "warehouse"}

    def fill(self, old: Path) -> None:
        self._call("PUT", self._bucket)
        for path in old.rglob("*"):
            if path.is_file():
                self._call("PUT", self._address(str(path.relative_to(old))), path.read_bytes())

    def versions(self) -> dict[str, Version]:
        listing = self._call("GET", f"{self._bucket}?list-type=2&prefix={self._prefix}/").decode()
        found = re.findall(r"<Key>(.*?)</Key>.*?<ETag>(.*?)</ETag>", listing, flags=re.DOTALL)
        return {key.removeprefix(f"{self._prefix}/"): etag for key, etag in found}

    def read(self, name: str) -> bytes:
        return self._call("GET", self._address(name))

    def _address(self, name: str) -> str:
        return f"{self._bucket}/{self._prefix}/{quote(name)}"

    @staticmethod
    def _call(method: str, url: str, data: bytes | None = None) -> bytes:
        headers = {"Authorization": SIGNATURE, "Content-Type": "application/octet-stream"}  # else taken for a form
        request = urllib.request.Request(url, data=data, method=method, headers=headers)  # noqa: S310 - the test's own server
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - the test's own server
            body: bytes = answer.read()
        return body
