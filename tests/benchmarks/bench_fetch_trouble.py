"""What trouble costs: limits, a dead metric, an expired token, one Page blocked among a hundred.

    uv run python tests/benchmarks/bench_fetch_trouble.py

Each scenario runs on the server that waits 100 ms a request and 5 ms a batch part, beside the same load without
trouble.
"""

from __future__ import annotations

import sys
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING

from bench_fetch_server import BLOCKED_PAGE, DEAD_METRIC, running, stats

from airflow_provider_msginsights.exceptions import AuthenticationError
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.transports.blocking import BlockingTransport
from airflow_provider_msginsights.transports.settings import from_connection_parts

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.flows import FetchOutcome

FIRST_DAY = date(2025, 3, 1)
METRICS = 11
ROUND_TRIP_SECONDS = 0.1 + 25 * 0.005


class Load:
    """One load, with everything it brought and cost."""

    def __init__(self, scenario: str, pages: int, days: int) -> None:
        self.outcome: FetchOutcome | None = None
        self.error: AuthenticationError | None = None
        query = InsightsQuery.create(
            page_ids=[str(101 + n) for n in range(pages)],
            metrics="all",
            days=DateRange(FIRST_DAY, FIRST_DAY + timedelta(days)),
        )
        keys: list[tuple[str, str, date]] = []
        with running(scenario) as url:
            settings, credentials = from_connection_parts(host=url, password="user-token")
            started = time.perf_counter()
            with BlockingTransport(settings, credentials) as transport:
                records = transport.records(fetch_insights(query, policy=RetryPolicy(throttle_seconds=0.2)))
                try:
                    while True:
                        one = next(records)
                        keys.append((one.page_id, one.metric, one.pacific_date))
                except StopIteration as stop:
                    self.outcome = stop.value
                except AuthenticationError as error:
                    self.error = error
            self.seconds = time.perf_counter() - started
            self.stats = stats(url)
        self.rows = len(keys)
        assert len(set(keys)) == self.rows, "a row came twice"


def limited_twice() -> tuple[bool, str]:
    load = Load("limited twice", pages=1, days=30)
    return load.stats["calls"] == 3 and load.rows == 30 * METRICS, f"{load.rows} rows, {load.stats}"


def expired() -> tuple[bool, str]:
    load = Load("expired", pages=20, days=365)
    return load.stats["calls"] == 1 and load.error is not None, f"{load.stats}; {load.error}"


def dead_metric() -> tuple[bool, str]:
    healthy, load = Load("", pages=20, days=365), Load("dead metric", pages=20, days=365)
    extra = (load.seconds - healthy.seconds) / ROUND_TRIP_SECONDS
    named = sorted(load.outcome.unavailable_metrics) if load.outcome else []
    holds = load.rows == 20 * 365 * (METRICS - 1) and extra <= 2 and named == [DEAD_METRIC]
    return holds, f"{load.rows} rows, {extra:.1f} round trips more, {load.stats} for {healthy.stats}; named {named}"


def blocked_page() -> tuple[bool, str]:
    healthy, load = Load("", pages=100, days=3), Load("blocked page", pages=100, days=3)
    paused = load.outcome.paused if load.outcome else ()
    handed_back = [(one.part.page_id, round(one.retry_after_seconds)) for one in paused]
    holds = load.rows == 99 * 3 * METRICS and handed_back == [(BLOCKED_PAGE, 900)]
    told = f"{load.rows} rows in {load.seconds:.2f} s, {healthy.seconds:.2f} s without; handed back {handed_back}"
    return holds and load.seconds < 1.3 * healthy.seconds, told


SCENARIOS = {
    "two refusals with 80001, then success": limited_twice,
    "expired token, 100 requests": expired,
    "one dead metric of 11, 100 requests": dead_metric,
    "one Page of 100 blocked for 15 minutes": blocked_page,
}


def main() -> int:
    results = []
    for name, scenario in SCENARIOS.items():
        holds, told = scenario()
        results.append(holds)
        print(f"{'ok  ' if holds else 'FAIL'} {name}: {told}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
