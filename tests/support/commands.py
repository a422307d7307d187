"""Runs `msginsights` as a user does: a process of its own, an Airflow home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.emulator import GraphEmulator


@dataclass(frozen=True)
class Done:
    """What a command printed and how it ended."""

    exit_code: int
    out: str
    errors: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document that is the whole of stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document


def run_command(*arguments: str, environment: Mapping[str, str] | None = None) -> Done:
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "airflow_provider_msginsights.cli", *arguments],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def connection(emulator: GraphEmulator, token: str, *, login: str = "101", **extra: object) -> dict[str, str]:
    """The environment that holds the connection ``msginsights_default`` to the emulator."""
    parts = {"conn_type": "msginsights", "host": emulator.base_url, "login": login, "password": token, "extra": extra}
    return {"AIRFLOW_CONN_MSGINSIGHTS_DEFAULT": json.dumps(parts)}
