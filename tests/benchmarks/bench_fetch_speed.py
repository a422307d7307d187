"""How fast a load is beside a bare batch client, and how many requests it takes.

    uv run python tests/benchmarks/bench_fetch_speed.py [--peers]

Both sides run in processes of their own against the same server (100 ms a request, 5 ms a batch part), in turn,
several times; the medians are compared. The bare client posts batches of 50 from 4 threads, parses the JSON and keeps
the rows as tuples: no retries, no checks, no records. CPU is the process's own beyond its imports.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from bench_fetch_server import running, stats, value_of

CASES = {"20 Pages x 365 days": (20, 365), "200 Pages x 3 days": (200, 3)}
ROUNDS = 7
FIRST_DAY = date(2025, 3, 1)


def slices(pages: int, days: int) -> tuple[list[str], list[tuple[date, date]], tuple[str, ...]]:
    from airflow_provider_msginsights.insights.catalog import METRICS

    end = FIRST_DAY + timedelta(days)
    starts = [FIRST_DAY + timedelta(n) for n in range(0, days, 89)]
    return (
        [str(101 + n) for n in range(pages)],
        [(one, min(one + timedelta(89), end)) for one in starts],
        tuple(METRICS),
    )


def bare(url: str, pages: int, days: int) -> list[Any]:
    import threading

    import requests

    from airflow_provider_msginsights.insights.date_ranges import pacific_midnight

    page_ids, ranges, metrics = slices(pages, days)
    urls = [
        f"{page_id}/insights?"
        + urlencode(
            {
                "metric": ",".join(metrics),
                "period": "day",
                "since": int(pacific_midnight(since).timestamp()),
                "until": int(pacific_midnight(until).timestamp()),
                "access_token": "user-token",
            }
        )
        for since, until in ranges
        for page_id in page_ids
    ]
    batches = [urls[n : n + 50] for n in range(0, len(urls), 50)]
    local = threading.local()

    def post(parts: list[str]) -> list[tuple[str, str, str, int]]:
        session = getattr(local, "session", None) or requests.Session()
        local.session = session
        form = {
            "access_token": "user-token",
            "batch": json.dumps([{"method": "GET", "relative_url": part} for part in parts]),
        }
        answers = session.post(f"{url}/v26.0/", data=form, timeout=60).json()
        return [
            (part, entry["name"], row["end_time"], row["value"])
            for part, answer in zip(parts, answers, strict=True)
            for entry in json.loads(answer["body"])["data"]
            for row in entry["values"]
        ]

    with ThreadPoolExecutor(4) as threads:
        return [row for rows in threads.map(post, batches) for row in rows]


def ours(url: str, pages: int, days: int) -> list[Any]:
    from airflow_provider_msginsights.insights.date_ranges import DateRange
    from airflow_provider_msginsights.insights.flows import fetch_insights
    from airflow_provider_msginsights.insights.query import InsightsQuery
    from airflow_provider_msginsights.transports.blocking import BlockingTransport
    from airflow_provider_msginsights.transports.settings import from_connection_parts

    page_ids, _, metrics = slices(pages, days)
    query = InsightsQuery.create(
        page_ids=page_ids, metrics=metrics, days=DateRange(FIRST_DAY, FIRST_DAY + timedelta(days))
    )
    settings, credentials = from_connection_parts(host=url, password="user-token")
    with BlockingTransport(settings, credentials) as transport:
        return list(transport.records(fetch_insights(query, policy=settings.retry_policy)))


CLIENTS = {"bare": bare, "ours": ours}


def measure(client: str, url: str, pages: int, days: int) -> None:
    """In a process of its own: one warm-up for imports, then the run that counts."""
    run = CLIENTS[client]
    run(url, 1, 1)
    wall, cpu = time.perf_counter(), time.process_time()
    rows = run(url, pages, days)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if client == "ours":
        assert len({(one.page_id, one.metric, one.pacific_date) for one in rows}) == len(rows), "a row came twice"
        wrong = [one for one in rows if one.value != value_of(one.page_id, one.metric, one.pacific_date.toordinal())]
        assert not wrong, wrong[0]
    print(json.dumps({"rows": len(rows), "wall": wall, "cpu": cpu}))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", nargs=4, metavar=("CLIENT", "URL", "PAGES", "DAYS"))
    told = parser.parse_args()
    if told.measure:
        client, url, pages, days = told.measure
        measure(client, url, int(pages), int(days))
        return 0
    with running() as url:
        return max(compare(url, name, *case) for name, case in CASES.items())


def compare(url: str, name: str, pages: int, days: int) -> int:
    figures: dict[str, list[dict[str, float]]] = {client: [] for client in CLIENTS}
    calls = {}
    for turn in range(ROUNDS + 1):
        for client in CLIENTS:
            argv = [sys.executable, __file__, "--measure", client, url, str(pages), str(days)]
            done = subprocess.run(argv, check=True, capture_output=True, text=True)
            calls[client] = stats(url)
            if turn:  # the first round fills the server's cache
                figures[client].append(json.loads(done.stdout))
    medians = {
        client: {key: statistics.median(one[key] for one in runs) for key in ("rows", "wall", "cpu")}
        for client, runs in figures.items()
    }
    wall, cpu = (medians["ours"][key] / medians["bare"][key] for key in ("wall", "cpu"))
    print(f"\n{name}: {medians['ours']['rows']:.0f} rows (median of {ROUNDS})")
    for client in CLIENTS:
        print(
            f"  {client:5}: {medians[client]['wall']:.3f} s wall, {medians[client]['cpu']:.3f} s CPU, {calls[client]}"
        )
    print(f"  ours / bare: wall {wall:.2f} (at most 1.3), CPU {cpu:.2f} (at most 2)")
    complete = medians["ours"]["rows"] == medians["bare"]["rows"] == pages * days * 11
    return 0 if complete and wall <= 1.3 and cpu <= 2 else 1


if __name__ == "__main__":
    sys.exit(main())
