"""What the README says a backfill costs: as planned by the query, and as the emulator counts it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from support.dag_runs import connection_to
from support.paths import README

from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.query import InsightsQuery

if TYPE_CHECKING:
    import pytest

    from airflow_provider_msginsights.emulator import GraphEmulator

YEAR = [date(2025, 1, 1), date(2026, 1, 1)]
QUARTERS = [date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1), date(2026, 1, 1)]
EVERY_DAY = [YEAR[0] + timedelta(days=number) for number in range(366)]
TABLE_ROW = re.compile(r"^\| [^|]+ \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", re.MULTILINE)


def rows_of_the_readme() -> list[tuple[int, ...]]:
    section = README.read_text().partition("\n## Backfill\n")[2].partition("\n## ")[0]
    return [tuple(int(cell.replace(",", "")) for cell in row) for row in TABLE_ROW.findall(section)]


def test_the_readme_tells_what_each_way_to_load_a_year_costs(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    assert rows_of_the_readme() == [
        cost(YEAR, emulator),
        cost(QUARTERS, emulator, measured=1),
        cost(EVERY_DAY, emulator, measured=1),
    ]


def cost(cuts: list[date], emulator: GraphEmulator, *, measured: int | None = None) -> tuple[int, ...]:
    """Task runs, planned requests, Graph calls and HTTP requests of loading between each two cuts.

    :param measured: run only so many of the tasks, which are all alike, and multiply.
    """
    hook = MessagingInsightsHook()
    queries = [
        InsightsQuery.create(page_ids=emulator.page_ids, metrics="all", days=DateRange(first, end))
        for first, end in pairwise(cuts)
    ]
    emulator.reset()
    run = queries[:measured]
    rows = sum(1 for query in run for _ in hook.get_records(query))
    assert rows == len(emulator.page_ids) * len(METRICS) * sum(len(query.days) for query in run)
    stats = emulator.stats()
    factor = len(queries) // len(run)
    planned = sum(len(query.requests()) for query in queries)
    return len(queries), planned, stats["graph_calls"] * factor, stats["http_requests"] * factor
