"""Waiting for what other processes do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def wait_until(
    condition: Callable[[], bool], *, timeout_seconds: float, told: Callable[[], str], every_seconds: float = 0.5
) -> None:
    """Wait until something holds; otherwise fail, telling what is known."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"Did not happen within {timeout_seconds:g} seconds.\n{told()}")
        time.sleep(every_seconds)
