"""Reads what the emulator refused something with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests


def code(answer: requests.Response) -> tuple[int, int | None]:
    """Give code and subcode."""
    assert answer.status_code >= 400, answer.text
    error = answer.json()["error"]
    return error["code"], error.get("error_subcode")
