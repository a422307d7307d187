"""Finds secrets in anything a run leaves behind: as they are, and in every encoding that a log or a URL might use."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import html
import json
import logging
import pickle
import re
import time
import traceback
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

PACKAGE = "airflow_provider_msginsights"
_LEAST_LENGTH = 8
_ESCAPES = (
    (b"\\u00", re.compile(rb"\\+u00([2-7][0-9a-fA-F])"), 16),
    (b"\\x", re.compile(rb"\\+x([2-7][0-9a-fA-F])"), 16),
    (b"%", re.compile(rb"%([2-7][0-9a-fA-F])"), 16),
    (b"&#x", re.compile(rb"&#x0*([2-7][0-9a-fA-F]);"), 16),
    (b"&#", re.compile(rb"&#0*(3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6]);"), 10),
)


@dataclass(frozen=True)
class Secrets:
    """Secrets by name; no form of any of them may be found anywhere.

    :param app_secret: signs tokens; the proofs of every token, plain and timed, are secrets too.
    """

    values: dict[str, str]
    app_secret: str | None = None
    since_seconds: int = field(default_factory=lambda: int(time.time()) - 2)

    def found_in(self, text: str | bytes) -> set[str]:
        """The names of the secrets that the text holds, each with the form it was found in."""
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        return _found(data, self.spelled())

    def spelled(self) -> dict[str, bytes]:
        """Every form of every secret; a proof is hexadecimal, which nothing but base64 spells otherwise."""
        known = {f"{name} ({form})": spelled for name, value in self.values.items() for form, spelled in _forms(value)}
        proofs = {
            f"{name} ({form})": spelled
            for name, value in self._proofs().items()
            for form, spelled in _forms(value)
            if form == "as it is" or form.startswith("base64")
        }
        return known | proofs

    def _proofs(self) -> dict[str, str]:
        if self.app_secret is None:
            return {}
        stamps = ("", *(f"|{second}" for second in range(self.since_seconds, int(time.time()) + 2)))
        return {
            f"proof of {name}{stamp}": hmac.new(
                self.app_secret.encode(), f"{value}{stamp}".encode(), hashlib.sha256
            ).hexdigest()
            for name, value in self.values.items()
            for stamp in stamps
        }


def _found(data: bytes, spelled: dict[str, bytes]) -> set[str]:
    texts = {data.lower(), _unescaped(data).lower()}
    return {name for name, form in spelled.items() if any(form.lower() in text for text in texts)}


def _character(base: int, match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], base)])


def _unescaped(data: bytes) -> bytes:
    """Undo the escapes that may stand for any single character, one within another too."""
    while True:
        before = data
        for sign, escape, base in _ESCAPES:
            if sign in data:
                data = escape.sub(partial(_character, base), data)
        data = data.replace(b"\\/", b"/")
        if data == before:
            return data


def _forms(value: str) -> Iterator[tuple[str, bytes]]:
    raw = value.encode()
    yield "as it is", raw
    yield "percent-encoded", quote(value, safe="").encode()
    yield "form-encoded", quote_plus(value).encode()
    yield "twice percent-encoded", quote(quote(value, safe=""), safe="").encode()
    yield "in JSON", json.dumps(value)[1:-1].encode()
    yield "in JSON in JSON", json.dumps(json.dumps(value)[1:-1])[1:-1].encode()
    yield "in HTML", html.escape(value).encode()
    yield "hexadecimal", raw.hex().encode()
    for shift in range(3):
        # Inside a longer text base64 depends on where it starts; the characters it shares with neighbours are cut.
        encoded = base64.b64encode(b"\0" * shift + raw)
        inner = encoded[(4 if shift else 0) : len(encoded) - 4]
        if len(inner) >= _LEAST_LENGTH:
            yield f"base64, {shift} bytes in", inner
            yield f"base64 for URLs, {shift} bytes in", inner.translate(bytes.maketrans(b"+/", b"-_"))


class Watch:
    """Collects what a piece of work shows the world, by channel."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._seen: list[tuple[str, str | bytes]] = []

    def see(self, channel: str, shown: Any) -> None:
        """Note something shown: text, bytes, or any object by its JSON and its repr."""
        if isinstance(shown, str | bytes):
            self._seen.append((channel, shown))
            return
        with contextlib.suppress(TypeError, ValueError):
            self._seen.append((channel, json.dumps(shown)))
        self._seen.append((channel, repr(shown)))

    def see_error(self, error: BaseException) -> None:
        """Note everything an exception can tell: its words, attributes, pickle, causes, and the locals on its way."""
        self.see("traceback", "".join(traceback.format_exception(error)))
        for one in _with_causes(error):
            self.see("exception", f"{one} {one!r} {one.args!r} {vars(one)!r}")
            with contextlib.suppress(Exception):
                self.see("pickled exception", pickle.dumps(one))
            for frame, _ in traceback.walk_tb(one.__traceback__):
                if PACKAGE in frame.f_code.co_filename:
                    for name, value in frame.f_locals.items():
                        self.see(f"local {name} of {frame.f_code.co_qualname}", repr(value))

    def see_files(self, root: Path, *, channel: str = "file") -> None:
        """Note the name and content of every file below a folder."""
        for path in root.rglob("*"):
            self.see(f"{channel} name", str(path))
            if path.is_file():
                self.see(f"{channel} {path.name}", path.read_bytes())

    def leaks(self) -> list[str]:
        """What was found, as ``channel: secret (form)``; nothing when the promise is kept."""
        spelled = self._secrets.spelled()
        by_channel: dict[str, bytearray] = {}
        for channel, shown in self._seen:
            data = shown.encode("utf-8", "surrogateescape") if isinstance(shown, str) else shown
            by_channel.setdefault(channel, bytearray()).extend(b"\n" + data)
        return sorted(
            f"{channel}: {name}" for channel, data in by_channel.items() for name in _found(bytes(data), spelled)
        )

    def saw(self, channel: str) -> int:
        """How many things were seen in a channel: a check that has seen nothing shows nothing."""
        return sum(seen.startswith(channel) for seen, _ in self._seen)

    @contextlib.contextmanager
    def everything_logged(self, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
        """Turn on all the logging there is, that of every HTTP library included, and see all of it and the console."""
        root = logging.getLogger()
        names = ("requests", "urllib3", "httpx", "httpcore", "asyncio", "airflow", PACKAGE)
        loggers = [root, *map(logging.getLogger, names)]
        before = [(logger, logger.level, logger.disabled) for logger in loggers]
        handler = _Collector(self)
        debug_level = HTTPConnection.debuglevel
        capfd.readouterr()
        root.addHandler(handler)
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
            logger.disabled = False
        HTTPConnection.debuglevel = 1  # the recipe for debugging requests: http.client prints headers and bodies
        try:
            yield
        finally:
            HTTPConnection.debuglevel = debug_level
            root.removeHandler(handler)
            for logger, level, disabled in before:
                logger.setLevel(level)
                logger.disabled = disabled
            printed = capfd.readouterr()
            self.see("console", printed.out)
            self.see("console", printed.err)


class _Collector(logging.Handler):
    def __init__(self, watch: Watch) -> None:
        super().__init__(logging.DEBUG)
        self._watch = watch
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._watch.see("log", f"{self.format(record)} {record.args!r}")


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
