"""Bodies of replies, read and decompressed piece by piece up to the longest one accepted."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from airflow_provider_msginsights.transports.wire import HttpAnswer, Lost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.transports.settings import TransportSettings

ENCODING = "gzip"
"""The only compression requested and understood: it grows step by step, so that it can be bounded."""

_GZIP = zlib.MAX_WBITS | 16
_STEP_BYTES = 2**20
_REDIRECTS = range(300, 400)


class BodyReader:
    """Collects one answer, whatever its status and encoding.

    :param settings: tell the longest body, compressed or not.
    :param status: a redirect's body is not read at all.
    :param headers: of the answer.
    """

    def __init__(self, settings: TransportSettings, status: int, headers: Mapping[str, str]) -> None:
        self._limit = settings.max_response_bytes
        self._status = status
        self._headers = {name.lower(): value for name, value in headers.items()}
        self._body = bytearray()
        self._came = 0
        encoding = self._headers.get("content-encoding", "").strip().lower()
        self._is_known = encoding in ("", "identity", ENCODING, f"x-{ENCODING}")
        self._unzip = zlib.decompressobj(_GZIP) if self._is_known and encoding.endswith(ENCODING) else None
        self._is_broken = False

    @property
    def wants_more(self) -> bool:
        """Whether anything that follows can matter."""
        is_short = max(self._came, len(self._body)) <= self._limit
        return is_short and self._is_known and not self._is_broken and self._status not in _REDIRECTS

    def takes(self, piece: bytes) -> bool:
        """Add a piece as it came; return whether more is wanted."""
        self._came += len(piece)
        if self._unzip is None:
            self._body += piece
            return self.wants_more
        try:
            while piece and self.wants_more:
                if self._unzip.eof:  # another member may follow, and what is none is left out, as gzip itself does
                    if not piece.startswith(b"\x1f\x8b"):
                        break
                    self._unzip = zlib.decompressobj(_GZIP)
                self._body += self._unzip.decompress(piece, min(_STEP_BYTES, self._limit + 1 - len(self._body)))
                piece = self._unzip.unused_data or self._unzip.unconsumed_tail
        except zlib.error:
            self._is_broken = True
        return self.wants_more

    def answer(self) -> HttpAnswer | Lost:
        """Return the whole answer, or why there is none."""
        if self._status in _REDIRECTS:
            return HttpAnswer(status=self._status, headers=self._headers, content=b"")
        if not self._is_known:
            return Lost("The reply is compressed in a way that was not requested: check the connection's proxy.")
        if max(self._came, len(self._body)) > self._limit:
            return Lost(f"The reply is longer than {self._limit} bytes.", too_large=True)
        if self._is_broken or (self._unzip is not None and self._came and not self._unzip.eof):
            return Lost("The Graph API could not be reached: the answer was compressed wrongly.")
        return HttpAnswer(status=self._status, headers=self._headers, content=self._body)
