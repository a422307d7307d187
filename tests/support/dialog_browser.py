"""A browser for Facebook's dialog: presses a button there and goes where it is sent. Run by ``BROWSER``."""

from __future__ import annotations

import json
import os
import shlex
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

_ANSWER = "DIALOG_ANSWER"


def environment(answer: str, **boxes: list[str]) -> dict[str, str]:
    """What a process needs to open the dialog in this browser.

    :param answer: the button: ``allow`` or ``deny``; anything else closes the window without one.
    :param boxes: ticked ones, ``scope`` and ``page``.
    """
    command = shlex.join([sys.executable, str(Path(__file__).resolve())])
    return {"BROWSER": f"{command} %s", _ANSWER: json.dumps({"answer": answer, **boxes}), "NO_PROXY": "*"}


def press(address: str, form: dict[str, Any]) -> str:
    """The page on which the browser ends up."""
    data = urllib.parse.urlencode(form, doseq=True).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _KeepsErrors())
    with opener.open(urllib.request.Request(address, data=data), timeout=20) as page:  # noqa: S310 - our own emulator
        text: str = page.read().decode()
    return text


class _KeepsErrors(urllib.request.HTTPErrorProcessor):
    def http_response(self, request: Any, response: Any) -> Any:
        """Follow redirects, and take an error page as a page."""
        if response.status in {301, 302, 303}:
            return super().http_response(request, response)
        return response


if __name__ == "__main__":
    chosen = json.loads(os.environ[_ANSWER])
    if chosen["answer"] in {"allow", "deny"}:
        press(sys.argv[1], chosen)
