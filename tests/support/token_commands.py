"""Runs ``msginsights token`` in this process: secrets on standard input, a browser that is a script."""

from __future__ import annotations

import io
import json
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from airflow_provider_msginsights.emulator import GraphEmulator

LOOKS_AROUND = """
import os, subprocess, sys
from pathlib import Path
parent = Path("/proc") / str(os.getppid())
seen = [b"\\n".join(word.encode() for word in sys.argv), repr(dict(os.environ)).encode()]
seen += [(parent / name).read_bytes() for name in ("cmdline", "environ")]
seen += [subprocess.run(["ps", "eww", "-p", f"{os.getppid()},{os.getpid()}"], capture_output=True).stdout]
Path(sys.argv[1]).write_bytes(b"\\n".join(seen))
print("read", sys.stdin.read())
sys.exit(int(sys.argv[2]))
"""
"""A command for ``--save-with``: writes down all it can see of itself and of who started it, and repeats its input."""

FOUR = ["pages_messaging", "pages_read_engagement", "pages_show_list", "read_insights"]


@dataclass(frozen=True)
class Told:
    """How a command ended and what it said."""

    exit_code: int
    out: str
    err: str


class Commands:
    """``msginsights token …`` against the emulator."""

    def __init__(
        self, emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        self._emulator, self._monkeypatch, self._capfd = emulator, monkeypatch, capfd

    def create(self, *options: str, given: str = "") -> Told:
        return self.run("create", "--host", self._emulator.base_url, *options, given=given)

    def log_in(self, *options: str, answer: str = "allow", **boxes: list[str]) -> Told:
        """Log in by a browser that ticks these boxes, all four permissions unless others are named."""
        from support.dialog_browser import environment

        for name, value in environment(answer, **({"scope": FOUR} | boxes)).items():
            self._monkeypatch.setenv(name, value)
        return self.create("--login", "--port", "0", "--app-id", "1", *options, given="app-secret\n")

    def run(self, *options: str, given: str = "") -> Told:
        return self.any("token", *options, given=given)

    def any(self, *words: str, given: str = "") -> Told:
        """Run any command."""
        stdin = io.TextIOWrapper(io.BytesIO(given.encode()))
        self._capfd.readouterr()
        with self._monkeypatch.context() as patched:
            patched.setattr(sys, "stdin", stdin)
            try:
                code = main(words)
            except SystemExit as stopped:  # the parser's
                code = int(stopped.code or 0)
        printed = self._capfd.readouterr()
        return Told(code, printed.out, printed.err)


def connections_in(file: Path) -> dict[str, dict[str, Any]]:
    """The connections of an environment file by their ids, as a shell reads it."""
    found = {}
    for line in file.read_text().splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        if name.startswith("AIRFLOW_CONN_"):
            (text,) = shlex.split(value)
            found[name.removeprefix("AIRFLOW_CONN_").lower()] = json.loads(text)
    return found
