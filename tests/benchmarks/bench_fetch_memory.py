"""How much memory a long backfill takes, streamed: it must not grow with the number of days.

    uv run python tests/benchmarks/bench_fetch_memory.py

200 Pages over 3 months, then over 2 years (1.6 million records), every record looked at and let go, each load in a
process of its own. Two figures a load, each the median of three runs: the peak of resident memory above what the
process had after its imports and one small load, which the allocator's habits blur by a few megabytes; and the peak
that Python itself allocated.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
import tracemalloc
from datetime import date, timedelta

from bench_fetch_server import running

KILOBYTES, BYTES = 1024, 2**20  # in a megabyte
SIZES = {"3 months": 91, "2 years": 730}
PAGES, METRICS, RUNS = 200, 11, 3
FIRST_DAY = date(2024, 11, 1)
MOST_MEGABYTES = 100
MOST_GROWTH = 1.05


def stream(url: str, pages: int, days: int) -> int:
    from airflow_provider_msginsights.insights.dates import DateRange
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


def measure(what: str, url: str, days: int) -> None:
    stream(url, 1, 1)
    if what == "allocated":
        tracemalloc.start()
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    records = stream(url, PAGES, days)
    seconds = time.perf_counter() - started
    resident = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / KILOBYTES
    peak = tracemalloc.get_traced_memory()[1] / BYTES if what == "allocated" else resident
    assert records == PAGES * days * METRICS, records
    print(json.dumps({"megabytes": peak, "seconds": seconds}))


def median(what: str, url: str, days: int, figure: str) -> float:
    argv = [sys.executable, __file__, "--measure", what, url, str(days)]
    runs: list[dict[str, float]] = [
        json.loads(subprocess.run(argv, check=True, capture_output=True).stdout) for _ in range(RUNS)
    ]
    return statistics.median(run[figure] for run in runs)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "URL", "DAYS"))
    told = parser.parse_args()
    if told.measure:
        what, url, days = told.measure
        measure(what, url, int(days))
        return 0
    resident, allocated = {}, {}
    with running() as url:
        for name, days in SIZES.items():
            resident[name] = median("resident", url, days, "megabytes")
            allocated[name] = median("allocated", url, days, "megabytes")
            count = PAGES * days * METRICS
            print(f"{name:9}: {count} records, {resident[name]:.1f} MB resident, {allocated[name]:.2f} MB allocated")
    growth = allocated["2 years"] / allocated["3 months"]
    print(f"2 years / 3 months: {growth:.3f} allocated (at most {MOST_GROWTH}); at most {MOST_MEGABYTES} MB resident")
    return 0 if max(resident.values()) <= MOST_MEGABYTES and growth <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
