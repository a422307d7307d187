"""Figures of the README: what loads cost in requests, as measured, planned and counted by the emulator."""

from __future__ import annotations

import io
import json
import re
import shlex
from contextlib import redirect_stdout
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from reference import table

from airflow_provider_msginsights.cli import main as msginsights
from airflow_provider_msginsights.emulator import GraphEmulator
from airflow_provider_msginsights.insights.availability.check import CANARY_METRIC
from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.transports.blocking import BlockingTransport
from airflow_provider_msginsights.transports.settings import from_connection_parts

YEAR = [date(2025, 1, 1), date(2026, 1, 1)]
QUARTERS = [date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1), date(2026, 1, 1)]
EVERY_DAY = [YEAR[0] + timedelta(days=number) for number in range(366)]
README = Path(__file__).parents[1] / "README.md"


def headline(results: dict[str, Any]) -> str:
    """Return the README's headline from the results of the benchmarks."""
    requests = {run["peer"]: run["http_requests"] for run in results["runs"] if run["workload"] == "year-20"}
    return (
        f"All {len(METRICS)} metrics of 20 Pages for a year are **{requests['ours']} HTTP requests** here and "
        f"**{requests['http_mapped']}** by `HttpOperator`, for the same rows ([measured](#numbers), beside what else "
        "one would pick)."
    )


def backfill() -> str:
    """Return what each way to load a year of 20 Pages costs: planned by the query and counted by the emulator."""
    ways = [
        ("one task", YEAR, None),
        ("four mapped tasks, one a quarter", QUARTERS, 1),
        ("a run for each day (`airflow backfill create`, `catchup=True`)", EVERY_DAY, 1),
    ]
    with GraphEmulator(pages=20) as emulator:
        rows = [(way, *(f"{cost:,}" for cost in _costs(cuts, emulator, measured))) for way, cuts, measured in ways]
    return table(("How", "Task runs", "Requests for metrics", "Graph calls", "HTTP requests"), rows, numbers=4)


def _costs(cuts: list[date], emulator: GraphEmulator, measured: int | None) -> tuple[int, ...]:
    """Count task runs, planned requests, Graph calls and HTTP requests of loading between each two cuts.

    Planned is for all metrics. Run is a load of one, which takes the same requests and a tenth of the time.

    :param measured: run only so many of the tasks, which are all alike, and multiply.
    """
    every, queries = (
        [InsightsQuery.create(page_ids=emulator.page_ids, metrics=metrics, days=days) for days in _ranges(cuts)]
        for metrics in ("all", CANARY_METRIC)
    )
    emulator.reset()
    run = queries[:measured]
    parts = from_connection_parts(host=emulator.base_url, password=emulator.system_user_token)
    loaded = 0
    for query in run:
        with BlockingTransport(*parts) as transport:
            loaded += sum(1 for _ in transport.records(fetch_insights(query, exchange_first=True)))
    expected = len(emulator.page_ids) * sum(len(query.days) for query in run)
    planned = sum(len(query.requests()) for query in every)
    if loaded != expected or planned != sum(len(query.requests()) for query in queries):
        raise ValueError(f"Loaded were {loaded} of {expected} rows, or one metric takes other requests than all do.")
    stats = emulator.stats()
    factor = len(queries) // len(run)
    return len(queries), planned, stats["graph_calls"] * factor, stats["http_requests"] * factor


def _ranges(cuts: list[date]) -> list[DateRange]:
    return [DateRange(first, end) for first, end in pairwise(cuts)]


def planned_year() -> str:
    """Return the figures of the README's first example of ``msginsights plan``."""
    (command,) = re.findall(r"^msginsights (plan --pages .+)$", README.read_text(), re.MULTILINE)
    printed = io.StringIO()
    with redirect_stdout(printed):
        msginsights([*shlex.split(command), "--json"])
    (run,) = json.loads(printed.getvalue())["runs"]
    return (
        f"The first: {run['graph_calls']:,} Graph calls in {run['http_requests']} HTTP requests, "
        f"{run['calls_a_page']} calls for each Page, up to {run['rows_at_most']:,} rows."
    )
