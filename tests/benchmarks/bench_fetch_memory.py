"""How much memory a long backfill takes, streamed: it must not grow with the number of days.

    uv run python tests/benchmarks/bench_fetch_memory.py

Each size runs in a process of its own: 200 Pages over 3 months, then over 2 years (1.6 million records), every record
looked at and let go. Reported is the peak resident memory above what the process had after its imports and one small
request.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from datetime import date, timedelta

from bench_fetch_server import running

MEGABYTE = 1024  # ru_maxrss counts kilobytes
SIZES = {"3 months": 91, "2 years": 730}
PAGES = 200
FIRST_DAY = date(2024, 11, 1)
METRICS = 11
LIMIT_MEGABYTES = 100
NOISE_MEGABYTES = 10  # which replies happen to be held at the same moment


def stream(url: str, pages: int, days: int) -> int:
    from airflow_provider_msginsights.insights.date_ranges import DateRange
    from airflow_provider_msginsights.insights.flows import fetch_insights
    from airflow_provider_msginsights.insights.query import InsightsQuery
    from airflow_provider_msginsights.transports.blocking import BlockingTransport
    from airflow_provider_msginsights.transports.settings import from_connection_parts

    query = InsightsQuery.create(
        page_ids=[str(101 + n) for n in range(pages)],
        metrics="all",
        days=DateRange(FIRST_DAY, FIRST_DAY + timedelta(days)),
    )
    settings, credentials = from_connection_parts(host=url, password="user-token")
    with BlockingTransport(settings, credentials) as transport:
        return sum(1 for _ in transport.records(fetch_insights(query, policy=settings.retry_policy)))


def measure(url: str, days: int) -> None:
    stream(url, 1, 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    records = stream(url, PAGES, days)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"records": records, "megabytes": peak / MEGABYTE, "seconds": time.perf_counter() - started}))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", nargs=2, metavar=("URL", "DAYS"))
    told = parser.parse_args()
    if told.measure:
        measure(told.measure[0], int(told.measure[1]))
        return 0
    peaks = {}
    with running() as url:
        for name, days in SIZES.items():
            argv = [sys.executable, __file__, "--measure", url, str(days)]
            runs = [
                json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout) for _ in range(3)
            ]
            assert all(run["records"] == PAGES * days * METRICS for run in runs), runs
            peaks[name] = statistics.median(run["megabytes"] for run in runs)
            seconds = statistics.median(run["seconds"] for run in runs)
            print(
                f"{name:9}: {PAGES * days * METRICS} records in {seconds:.1f} s, {peaks[name]:.1f} MB above the imports"
            )
    return (
        0 if max(peaks.values()) <= LIMIT_MEGABYTES and peaks["2 years"] <= peaks["3 months"] + NOISE_MEGABYTES else 1
    )


if __name__ == "__main__":
    sys.exit(main())
