"""The emulator the peers are measured on: a clock that stands still, and each day's figure counted only once.

    python -m peers.server --pages 200 --day 2026-11-20 --latency-ms 60 --batch-part-ms 3

The emulator counts every answer anew from its events, 13 ms of one core for 11 metrics of 89 days. With all clients on
the same machine that would hide what they cost themselves. As the clock stands still and no event is added, a day's
row never changes: it is kept once counted. Requests, tokens, limits, faults, errors and counters stay the emulator's.
"""

from __future__ import annotations

import argparse
import gc
import signal
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.emulator import GraphEmulator
from airflow_provider_msginsights.emulator.graph import insights as insights_edge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_msginsights.emulator.data.pages import Page
    from airflow_provider_msginsights.emulator.state.state import State
    from airflow_provider_msginsights.emulator.time_ranges import Window

NOON = time(12, tzinfo=UTC)
Rows = list[dict[str, Any]]


def remembering(count: Callable[..., Rows]) -> Callable[..., Rows]:
    """Keep the rows of single days by Page and metric; anything else is counted."""
    kept: dict[tuple[str, str], dict[Window, dict[str, Any]]] = {}

    def rows(
        state: State,
        page: Page,
        metric: str,
        period: str,
        breakdowns: Sequence[str],
        spans: Sequence[Window],
        **form: Any,
    ) -> Rows:
        if period != "day" or breakdowns:
            return count(state, page, metric, period, breakdowns, spans, **form)
        known = kept.setdefault((page.page_id, metric), {})
        try:
            return [known[span] for span in spans]
        except KeyError:
            counted = count(state, page, metric, period, breakdowns, spans, **form)
            if len(counted) == len(spans):
                known.update(zip(spans, counted, strict=True))
            return counted

    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, required=True)
    parser.add_argument("--day", type=date.fromisoformat, required=True, help="the day on which it is noon, in UTC")
    parser.add_argument("--latency-ms", type=float, required=True)
    parser.add_argument("--batch-part-ms", type=float, required=True)
    told = parser.parse_args()
    insights_edge._rows = remembering(insights_edge._rows)  # noqa: SLF001 - see the module's docstring
    with GraphEmulator(
        pages=told.pages,
        clock=datetime.combine(told.day, NOON),
        latency_ms=told.latency_ms,
        batch_part_ms=told.batch_part_ms,
    ) as emulator:
        gc.freeze()
        print(emulator.base_url, flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
