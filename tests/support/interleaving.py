"""An object store in memory with S3's conditions, whose requests run in an order that a test decides."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

PATIENCE_SECONDS = 30


@dataclass
class Bucket:
    """Objects by path, and how many puts were refused because another writer was first."""

    objects: dict[str, bytes] = field(default_factory=dict)
    refused: int = 0


class Turns:
    """Lets each request wait until it is its writer's turn; when the order is used up, every one runs at once."""

    def __init__(self, order: Iterable[str] = ()) -> None:
        self._order = list(order)
        self._ended: set[str] = set()
        self._changed = threading.Condition(threading.RLock())

    def __call__(self, writer: str) -> threading.Condition:
        """Wait for a turn of the writer's; to be held while the request runs."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._next() in (None, writer), PATIENCE_SECONDS)
            if self._order:
                self._order.pop(0)
            self._changed.notify_all()
            return self._changed

    def end(self, writer: str) -> None:
        """Leave out the turns of a writer that has ended."""
        with self._changed:
            self._ended.add(writer)
            self._changed.notify_all()

    def _next(self) -> str | None:
        while self._order and self._order[0] in self._ended:
            self._order.pop(0)
        return self._order[0] if self._order else None


class PutRefusedError(OSError):
    """As s3fs raises it, with the code that S3 gave."""

    def __init__(self, code: str) -> None:
        super().__init__(22, code)
        self.response = {"Error": {"Code": code}}


class ConditionalStore:
    """What is used of s3fs.

    :param lost_replies: numbers of puts, of those that went well, whose reply is lost, so that the same put follows.
    """

    def __init__(self, bucket: Bucket, turns: Turns, writer: str, *, lost_replies: Iterable[int] = ()) -> None:
        self._bucket, self._turns, self._writer = bucket, turns, writer
        self._lost_replies = set(lost_replies)
        self._puts = 0
        self.requests: Counter[str] = Counter()
        known = SimpleNamespace(input_shape=SimpleNamespace(members={"IfMatch": 1, "IfNoneMatch": 1}))
        model = SimpleNamespace(operation_model=lambda _: known)
        self.s3 = SimpleNamespace(meta=SimpleNamespace(service_model=model))

    def invalidate_cache(self, path: str) -> None:
        """There is none."""

    def ls(self, path: str, *, detail: bool) -> list[dict[str, Any]]:
        assert detail
        with self._turns(self._writer):
            self.requests["ls"] += 1
            below = f"{path}/"
            names = {below + name[len(below) :].partition("/")[0] for name in self._bucket.objects if below in name}
            if not names:
                raise FileNotFoundError(path)
            return [self._entry(name) for name in sorted(names)]

    def info(self, path: str) -> dict[str, Any]:
        with self._turns(self._writer):
            self.requests["info"] += 1
            if path not in self._bucket.objects:
                raise FileNotFoundError(path)
            return self._entry(path)

    def cat_file(self, path: str) -> bytes:
        with self._turns(self._writer):
            self.requests["cat"] += 1
            if path not in self._bucket.objects:
                raise FileNotFoundError(path)
            return self._bucket.objects[path]

    def pipe_file(self, path: str, value: bytes, *, chunksize: int, **condition: str) -> None:
        assert chunksize >= len(value)
        with self._turns(self._writer):
            self._put(path, value, condition)
            self._puts += 1
            if self._puts in self._lost_replies:
                self._put(path, value, condition)

    def _put(self, path: str, value: bytes, condition: dict[str, str]) -> None:
        self.requests["put"] += 1
        before = self._bucket.objects.get(path)
        if "IfNoneMatch" in condition and before is not None:
            self._bucket.refused += 1
            raise FileExistsError(path)
        if "IfMatch" in condition and (before is None or etag_of(before) != condition["IfMatch"]):
            self._bucket.refused += 1
            raise PutRefusedError("NoSuchKey" if before is None else "PreconditionFailed")
        self._bucket.objects[path] = value

    def _entry(self, name: str) -> dict[str, Any]:
        data = self._bucket.objects.get(name)
        if data is None:
            return {"name": name, "size": 0, "type": "directory"}
        return {"name": name, "size": len(data), "type": "file", "ETag": etag_of(data)}


def etag_of(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'  # noqa: S324 - as S3's ETag is made


@dataclass(frozen=True)
class Place:
    """A directory of such a store."""

    fs: Any
    path: str = "bucket/insights"
    protocol: str = "s3"

    def __str__(self) -> str:
        return f"s3://{self.path}"
