"""How fast the emulator starts and answers, and how large its store grows.

    uv run python tests/benchmarks/bench_emulator_speed.py [--pages 200]

The emulator runs in a process of its own; the client speaks plain HTTP over kept connections, so that its own cost
stays small. Every figure is printed with what it was measured on.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from airflow_provider_msginsights.emulator import GraphEmulator
from airflow_provider_msginsights.emulator.documentation import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator

RANGE = {"period": "day", "since": "2026-08-01", "until": "2026-10-29"}
"""89 days."""


@contextmanager
def emulator_process(pages: int) -> Iterator[tuple[str, float]]:
    """The address of an emulator in a process of its own, and the seconds until it said so."""
    code = (
        f"from airflow_provider_msginsights.emulator.command import run_emulator; run_emulator(port=0, pages={pages})"
    )
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    address = ""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().startswith("Address"):
            address = line.split()[-1]
        if line.startswith("curl "):
            break
    try:
        yield address, time.perf_counter() - started
    finally:
        process.terminate()
        process.communicate()


class Client:
    """One kept connection."""

    def __init__(self, address: str) -> None:
        target = urlsplit(address)
        self._connection = http.client.HTTPConnection(str(target.hostname), int(target.port or 0), timeout=600)
        self._connection.connect()

    def get(self, path: str, token: str = "page-token-101", **params: str) -> tuple[float, Any]:
        """Seconds, and the answer's JSON."""
        started = time.perf_counter()
        self._connection.request("GET", f"{path}?{urlencode(params)}", headers={"Authorization": f"Bearer {token}"})
        answer = self._connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - started
        assert answer.status == 200, body
        return seconds, json.loads(body)


def report(what: str, figure: str) -> None:
    sys.stdout.write(f"{what:<72} {figure:>16}\n")


def measure_start(rounds: int = 3) -> None:
    waits = []
    for _ in range(rounds):
        with emulator_process(20) as (address, until_printed):
            started = time.perf_counter()
            Client(address).get("/v26.0/101")
            waits.append(until_printed + time.perf_counter() - started)
    report(f"process start to first answer, 20 Pages (median of {rounds})", f"{statistics.median(waits):.2f} s")
    started = time.perf_counter()
    with GraphEmulator(pages=20):
        report("GraphEmulator entered within a test process, 20 Pages", f"{time.perf_counter() - started:.3f} s")


def measure_answers(address: str) -> None:
    client = Client(address)
    metrics = ",".join(METRICS)
    first, answer = client.get("/v26.0/101/insights", metric=metrics, **RANGE)
    rows = sum(len(entry["values"]) for entry in answer["data"])
    report(f"first request of a Page: makes its history, answers {rows} rows", f"{first * 1000:.0f} ms")
    warm = [client.get("/v26.0/101/insights", metric=metrics, **RANGE)[0] for _ in range(100)]
    report("11 metrics x 89 days, warm (median of 100)", f"{statistics.median(warm) * 1000:.1f} ms")
    report("11 metrics x 89 days, warm (95th percentile)", f"{statistics.quantiles(warm, n=20)[-1] * 1000:.1f} ms")
    total = [
        client.get("/v26.0/101/insights", metric=metrics, **(RANGE | {"period": "total_over_range"}))[0]
        for _ in range(50)
    ]
    report("11 metrics total_over_range over 89 days, warm (median of 50)", f"{statistics.median(total) * 1000:.1f} ms")
    small = {"metric": "page_messages_new_conversations_unique", "period": "day"}
    one = [client.get("/v26.0/101/insights", **small)[0] for _ in range(500)]
    report("one metric, 2 days, kept connection (median of 500)", f"{statistics.median(one) * 1000:.2f} ms")


def measure_throughput(address: str, clients: int, seconds: float = 5.0) -> None:
    counts = [0] * clients
    deadline = time.perf_counter() + seconds

    def work(number: int) -> None:
        client = Client(address)
        while time.perf_counter() < deadline:
            client.get("/v26.0/101/insights", metric="page_messages_new_conversations_unique", period="day")
            counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report(f"small requests, {clients} kept connection(s), {seconds:.0f} s", f"{sum(counts) / seconds:.0f} /s")


def measure_store(pages: int) -> None:
    with GraphEmulator(pages=pages) as emulator:
        started = time.perf_counter()
        for page_id in emulator.page_ids:
            emulator.events(page_id, since=emulator.now())
        seconds = time.perf_counter() - started
        report(f"history of {pages} Pages since {emulator.settings.first_day} made", f"{seconds:.1f} s")
        report(
            f"store of {pages} Pages since {emulator.settings.first_day}", f"{emulator.store_size_bytes() / 1e6:.0f} MB"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=200, help="Pages of the store to measure (default: 200)")
    arguments = parser.parse_args()
    measure_start()
    with emulator_process(20) as (address, _):
        measure_answers(address)
        for clients in (1, 4):
            measure_throughput(address, clients)
    measure_store(arguments.pages)


if __name__ == "__main__":
    main()
