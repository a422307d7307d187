"""Keeps the HTTP libraries from logging this package's calls: their lines repeat headers and phrases of replies."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGGERS = (
    "httpx",
    *(f"httpcore.{name}" for name in ("connection", "http11", "http2", "proxy", "socks")),
    *(f"urllib3.{name}" for name in ("connection", "connectionpool", "poolmanager", "response", "util.retry")),
)
_is_our_call: ContextVar[bool] = ContextVar("msginsights_call", default=False)


@contextmanager
def unlogged() -> Iterator[None]:
    """Drop what HTTP libraries log in this thread or task meanwhile; other users of them log as before."""
    _install()
    token = _is_our_call.set(True)
    try:
        yield
    finally:
        _is_our_call.reset(token)


@cache
def _install() -> None:
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_passes)


def _passes(_: logging.LogRecord) -> bool:
    return not _is_our_call.get()
