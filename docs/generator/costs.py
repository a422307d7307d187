"""Figures of the documentation: what loads cost in requests, as measured, planned and counted by the emulator."""

from __future__ import annotations

import io
import json
import math
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
COMMANDS = Path(__file__).parents[1] / "guides" / "command-line.md"


SECONDS_A_POST = 5
"""A slow POST of 50 parts; the sizing guide reckons with the same."""


REASONS = """
1. **Few requests.** All {metrics} metrics of 20 Pages for a year are **{requests} HTTP requests** here and
   **{requests_elsewhere}** by `HttpOperator`, for the same rows.
2. **One fault spoils one thing.** When Meta retires one of the {metrics} metrics, a load of 20 Pages keeps **{kept} of
   {whole}** rows and names the metric; `HttpOperator` keeps {kept_elsewhere}.
3. **Nothing leaks.** After a mapped load by `HttpOperator` the Page tokens stand in Airflow's database; after a load of
   this provider **no token stands anywhere**: database, logs, XCom, files.
""".strip()


def reasons(results: dict[str, Any]) -> str:
    """Return the README's three reasons, with the figures of the benchmarks."""
    requests = {run["peer"]: run["http_requests"] for run in results["runs"] if run["workload"] == "year-20"}
    trouble = {(one["peer"], one["scenario"]): one for one in results["trouble"]}
    whole = trouble["ours", "none"]["rows"]
    kept = {peer: trouble[peer, "dead_metric"]["rows"] for peer in ("ours", "http_mapped")}
    shown = {one["what"] for one in results["tasks"] if one["token_in_database"]}
    if "ours" in shown or "http" not in shown or kept["http_mapped"]:
        raise ValueError("The README's reasons hold no more: read them again.")
    return REASONS.format(
        metrics=len(METRICS),
        requests=requests["ours"],
        requests_elsewhere=requests["http_mapped"],
        kept=kept["ours"],
        whole=whole,
        kept_elsewhere=kept["http_mapped"],
    )


def cost_of_400_pages(results: dict[str, Any]) -> str:
    """Return what 400 Pages cost: calls as planned, minutes at a slow API, files of rows."""
    measured = next(run for run in results["runs"] if (run["workload"], run["peer"]) == ("years-200", "ours"))
    seconds_a_row = measured["cpu_seconds"] / measured["rows"]
    rows = []
    for load, since, days in (
        ("each day, with `lookback_days=2`", "2026-11-27", 3),
        ("two years, once", "2024-11-30", 730),
    ):
        plan = _planned(f"plan --pages 400 --metrics all --since {since} --until 2026-11-30 --at 2026-11-30T12:00Z")
        waits = math.ceil(plan["posts"] / 4) + plan["http_requests"] - plan["posts"]
        minutes = (waits * SECONDS_A_POST + plan["rows_at_most"] * seconds_a_row) / 60
        took = "under 1" if minutes < 1 else f"about {math.ceil(minutes)}"
        calls = f"{plan['graph_calls']:,} in {plan['http_requests']} HTTP requests"
        rows.append((load, calls, took, f"{days}", f"{plan['rows_at_most']:,}"))
    return table(("Load", "Graph calls", "Minutes", "Files of rows", "Rows, at most"), rows, numbers=4)


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
    """Return the figures of the documentation's first example of ``msginsights plan``."""
    (command,) = re.findall(r"^msginsights (plan --pages .+)$", COMMANDS.read_text(), re.MULTILINE)
    run = _planned(command)
    return (
        f"The first: {run['graph_calls']:,} Graph calls in {run['http_requests']} HTTP requests, "
        f"{run['calls_a_page']} calls for each Page, up to {run['rows_at_most']:,} rows."
    )


def _planned(command: str) -> dict[str, Any]:
    printed = io.StringIO()
    with redirect_stdout(printed):
        msginsights([*shlex.split(command), "--json"])
    (run,) = json.loads(printed.getvalue())["runs"]
    planned: dict[str, Any] = run
    return planned
