"""Looks for secrets where none may be: in every log, and in everything the metadata database and the broker hold."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from system.cluster import Cluster


def secrets_of(cluster: Cluster) -> list[str]:
    """List what all Page tokens have in common, the connection's token, the app's secret, and proofs made of both."""
    emulator = cluster.emulator
    tokens = [emulator.system_user_token, *map(emulator.page_token, emulator.page_ids[:20])]
    proofs = [hmac.new(emulator.app_secret.encode(), token.encode(), hashlib.sha256).hexdigest() for token in tokens]
    return [emulator.page_token(""), emulator.system_user_token, emulator.app_secret, *proofs]


def spellings(secret: str) -> Iterator[bytes]:
    """Give the forms in which a secret could hide: as it is, in a URL, as JSON, hexadecimal, base64 at any offset."""
    raw = secret.encode()
    yield from {raw, quote(secret, safe="").encode(), quote_plus(secret).encode(), json.dumps(secret)[1:-1].encode()}
    yield raw.hex().encode()
    for offset in range(3):
        # Of the encoded text, only what no neighbouring byte has a part in.
        encoded = base64.b64encode(b"\0" * offset + raw)
        certain = encoded[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]
        yield from {certain, certain.replace(b"+", b"-").replace(b"/", b"_")}


def places(cluster: Cluster) -> Iterator[tuple[str, bytes]]:
    """Give the content of every log file, of the database and of the broker, by name."""
    for folder in ("components", "logs"):
        for file in sorted((cluster.folder / folder).rglob("*")):
            if file.is_file():
                yield str(file.relative_to(cluster.folder)), file.read_bytes()
    yield "database", cluster.postgres.dump()
    yield "broker", cluster.redis.dump()


def leaks(places: Iterable[tuple[str, bytes]], secrets: Iterable[str]) -> list[tuple[str, bytes]]:
    """Name each place that holds a secret, with the text around it."""
    wanted = [spelling for secret in secrets for spelling in spellings(secret)]
    found = []
    for name, content in places:
        at = next((at for spelling in wanted if (at := content.find(spelling)) >= 0), None)
        if at is not None:
            found.append((name, content[max(0, at - 60) : at + 60]))
    return found
