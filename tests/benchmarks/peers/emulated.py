"""The emulator in a process of its own, and its control plane."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self
from urllib.request import Request, urlopen

from peers.environments import BENCHMARKS

if TYPE_CHECKING:
    from datetime import date
    from types import TracebackType

Told = dict[str, Any]


class Emulated:
    """Runs while the ``with`` block does."""

    def __init__(self, *, pages: int, day: date, latency_ms: float, batch_part_ms: float) -> None:
        self.latency_ms, self.batch_part_ms = latency_ms, batch_part_ms
        options = {"--pages": pages, "--day": day, "--latency-ms": latency_ms, "--batch-part-ms": batch_part_ms}
        told = [text for name, value in options.items() for text in (name, str(value))]
        self._argv = [sys.executable, "-m", "peers.server", *told]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._argv, cwd=BENCHMARKS, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    def control(self, name: str, body: Told | None = None) -> Told:
        """POST with a body, GET without."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.base_url}/_emulator/{name}", data=data, headers={"Content-Type": "application/json"})
        with urlopen(request, timeout=120) as answer:
            told: Told = json.load(answer)
            return told

    def reset(self) -> None:
        self.control("reset", {})

    def be_quick(self) -> None:
        """Answer at once, until the next reset."""
        self.control("settings", {"latency_ms": 0, "batch_part_ms": 0})

    def counts(self) -> dict[str, int]:
        told = self.control("stats")
        return {name: told[name] for name in ("http_requests", "graph_calls", "errors", "max_concurrent_requests")}
