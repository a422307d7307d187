"""The calls of S3 that a first load makes, over HTTP, in a process of its own; each takes a while longer than it must.

What a benchmark of puts measures should be the puts: this server keeps objects in a dictionary and takes a small share
of the processor that moto's would take from the writer beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

CALL_SECONDS = 0.05
BUCKET = "insights"
_LISTING = (
    '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>{bucket}</Name>'
    "<IsTruncated>false</IsTruncated><KeyCount>{count}</KeyCount>{objects}</ListBucketResult>"
)
_OBJECT = "<Contents><Key>{key}</Key><Size>{size}</Size></Contents>"


@contextmanager
def running() -> Iterator[str]:
    """The server's address, while it runs."""
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


class Objects:
    """What the store holds; answers PUT, GET and HEAD of an object, and the listing of a bucket."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, bytes, str]:
        """The status, body and ETag."""
        url = urlsplit(target)
        bucket, _, key = url.path.lstrip("/").partition("/")
        if method == "PUT":
            self.stored[f"{bucket}/{key}"] = body
            return 200, b"", hashlib.md5(body).hexdigest()  # noqa: S324 - as S3's ETag is made
        if not key:
            prefix = f"{bucket}/{parse_qs(url.query).get('prefix', [''])[0]}"
            found = {name: data for name, data in self.stored.items() if name.startswith(prefix)}
            objects = "".join(
                _OBJECT.format(key=name.partition("/")[2], size=len(data)) for name, data in sorted(found.items())
            )
            return 200, _LISTING.format(bucket=bucket, count=len(found), objects=objects).encode(), "listing"
        data = self.stored.get(f"{bucket}/{key}")
        return (404, b"", "none") if data is None else (200, data, "object")

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests until it is closed."""
        while head := await _head_of(reader):
            method, target = head.split(" ", 2)[:2]
            headers = {
                name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n")[1:])
            }
            if "expect" in headers:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            await asyncio.sleep(CALL_SECONDS)
            status, answer, etag = self.answer(method, target, body)
            lines = (f"HTTP/1.1 {status} .", f'ETag: "{etag}"', f"Content-Length: {len(answer)}", "", "")
            writer.write("\r\n".join(lines).encode() + (b"" if method == "HEAD" else answer))
            await writer.drain()
        writer.close()


async def _head_of(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return ""


async def serve() -> None:
    server = await asyncio.start_server(Objects().converse, "127.0.0.1", 0, limit=2**20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--serve", action="store_true", required=True)
    parser.parse_args()
    asyncio.run(serve())
