"""What completeness costs: the ledger by itself, a daily load that keeps one, a fill beside a backfill.

    uv run python tests/benchmarks/bench_coverage.py [--only ledger|load|fill]

The API is a stand-in that costs what a network would (`bench_fetch_server`). Bounds, for a dataset without breakdowns:

- ledger: 200 Pages x 11 metrics x 2 years take at most 300 KB, 50 ms of processor time to read, update and write, and
  100 ms to find all gaps in; 1,000 Pages at most six times that;
- load: a daily load of 200 Pages makes not one call more, and takes at most 60 ms longer, than without a ledger;
- fill: 200 new Pages x 2 years take at most a tenth longer than as a backfill, and a daily load that starts in the
  middle of the fill ends at most five seconds later than alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="msginsights-bench-"))
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"

import bench_fetch_server

from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.answers import RunAnswers, SeriesRows
from airflow_provider_msginsights.insights.coverage.gaps import Horizon, Managed, missing, requests
from airflow_provider_msginsights.insights.coverage.ledger import FileMark, Ledger
from airflow_provider_msginsights.insights.dates import DateRange, pacific_date
from airflow_provider_msginsights.insights.query import Slice
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles

if TYPE_CHECKING:
    from collections.abc import Callable

DAYS, PAGES = 730, 200
TODAY = pacific_date(datetime.now(UTC))
FIRST = TODAY - timedelta(DAYS)
NAMES = [str(metric) for metric in METRICS]


# The ledger by itself


def a_ledger(pages: int) -> Ledger:
    """Two years, final but for the last two days, with a gap of nine days and 28 values each."""
    ledger, first = Ledger(), FIRST.toordinal()
    codes = cells.FINAL * 300 + cells.NEVER * 9 + cells.FINAL * (DAYS - 311) + cells.PROVISIONAL * 2
    for page in range(pages):
        for place, name in enumerate(NAMES):
            series = ledger.page(str(101 + page)).of(name)
            series.put(first, codes)
            series.remember(first, [page * 31 + place * 7 + day * 13 % 1000 for day in range(DAYS)])
    for day in range(DAYS):
        ledger.files[f"dt={date.fromordinal(first + day)}"] = FileMark(200_000 + day, str(day), "run", restated=False)
    return ledger


def a_run(pages: int) -> RunAnswers:
    """The answers of a daily load with a look-back of two days."""
    today = TODAY.toordinal()
    days = DateRange(date.fromordinal(today - 3), TODAY)
    rows: dict[tuple[str, str], SeriesRows] = {}
    for page in range(pages):
        for name in NAMES:
            found = rows[str(101 + page), name] = SeriesRows()
            found.add(today - 3, [1.0, 2.0, 3.0])
    read = tuple(Slice(str(101 + page), tuple(NAMES), days) for page in range(pages))
    return RunAnswers(on=today, ended_before=today, final_before=today - 2, read=read, rows=rows)


def cpu_ms(work: Callable[[], object], times: int = 7) -> float:
    seconds = []
    for _ in range(times):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return statistics.median(seconds) * 1000


def measure_ledger(pages: int) -> dict[str, float]:
    """Read, update and write the ledger on the local disk, and find all gaps in it."""
    from upath import UPath

    run = a_run(pages)
    horizon = Horizon(since=FIRST.toordinal(), oldest=0, ended_before=run.on, final_before=run.final_before)
    managed = {str(101 + page): Managed(first=FIRST.toordinal(), end=run.on) for page in range(pages)}
    with tempfile.TemporaryDirectory() as folder:
        files = CoverageFiles(UPath(Path(folder).as_uri()))
        files.replace_ledger("0", a_ledger(pages))
        size = (Path(folder) / "_coverage" / "part-0.json.gz").stat().st_size

        def update() -> None:
            stored = files.ledger("0")
            files.update_ledger("0", lambda ledger: ledger.apply(run), at_first=Ledger, known=stored)

        update_ms = cpu_ms(update)
        ledger = files.ledger("0").ledger
        assert ledger is not None

        def find() -> None:
            requests(missing(ledger, managed, NAMES, horizon), ledger, horizon)

        return {"kilobytes": size / 1000, "update_ms": update_ms, "gaps_ms": cpu_ms(find)}


# Loads and fills, each in a process of its own


def child(what: str, root: str, page_count: int, seconds: float = 0.0) -> None:
    """Run one task and print its seconds."""
    import airflow_provider_msginsights.operators.load.coverage as keeping
    from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator
    from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

    given: dict[str, Any] = {"task_id": what, "output_path": root, "metrics": "all"}
    given["page_ids"] = [str(101 + page) for page in range(page_count)]
    if what == "daily without ledger":
        keeping.has_coverage = lambda _: False  # type: ignore[attr-defined,assignment]
    days: dict[str, Any] = {"since": FIRST if what == "backfill" else TODAY - timedelta(1), "until": TODAY}
    if what == "fill":
        bounds: dict[str, Any] = {"max_graph_calls": 10**6, "max_seconds": 604_800, "below_percent": 100}
        task: Any = MessagingInsightsFillOperator(fill_since=FIRST, **bounds, **given | {"task_id": "fill"})
    else:
        task = MessagingInsightsOperator(**days, **given | {"task_id": what.replace(" ", "_")})
    time.sleep(seconds)
    started = time.perf_counter()
    task.execute({})
    print(time.perf_counter() - started)


def started(what: str, root: Path, pages: int, *, wait_seconds: float = 0.0) -> subprocess.Popen[str]:
    argv = [sys.executable, __file__, "--child", what, "--root", root.as_uri(), "--pages", str(pages)]
    argv += ["--wait-seconds", str(wait_seconds)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def seconds_of(process: subprocess.Popen[str]) -> float:
    told, _ = process.communicate()
    assert process.returncode == 0
    return float(told.splitlines()[-1])


def measure_load(url: str, root: Path, times: int) -> dict[str, float]:
    """Paired daily loads onto two years of files, with a ledger and without one."""
    with_ledger, without, calls = [], [], []
    for _ in range(times):
        bench_fetch_server.stats(url)
        with_ledger.append(seconds_of(started("daily", root, PAGES)))
        calls.append(bench_fetch_server.stats(url)["calls"])
        without.append(seconds_of(started("daily without ledger", root, PAGES)))
        calls.append(bench_fetch_server.stats(url)["calls"])
    more = statistics.median(one - other for one, other in zip(with_ledger, without, strict=True))
    return {"seconds": statistics.median(with_ledger), "more_ms": more * 1000, "calls": calls[0], "without": calls[1]}


def measure_fill(folder: Path) -> dict[str, float]:
    backfill = seconds_of(started("backfill", folder / "backfill", PAGES))
    fill = seconds_of(started("fill", folder / "fill", PAGES))
    shutil.rmtree(folder / "fill")
    filling = started("fill", folder / "fill", PAGES)
    beside = seconds_of(started("daily", folder / "fill", PAGES, wait_seconds=fill / 2))
    seconds_of(filling)
    alone = seconds_of(started("daily", folder / "fill", PAGES))
    return {"backfill": backfill, "fill": fill, "ratio": fill / backfill, "load_later_seconds": beside - alone}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=("ledger", "load", "fill"))
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--child")
    parser.add_argument("--root", default="")
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--wait-seconds", type=float, default=0.0)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child, asked.root, asked.pages, asked.wait_seconds)
        return 0
    held = True
    if asked.only in (None, "ledger"):
        small, large = measure_ledger(PAGES), measure_ledger(1000)
        print("ledger, 200 Pages", json.dumps(small), "1,000 Pages", json.dumps(large), flush=True)
        held &= small["kilobytes"] <= 300 and small["update_ms"] <= 50 and small["gaps_ms"] <= 100
        held &= all(large[name] <= 6 * small[name] for name in small)
    if asked.only in (None, "load", "fill"):
        with bench_fetch_server.running() as url, tempfile.TemporaryDirectory() as folder:
            connection = {"conn_type": "msginsights", "host": url, "password": "EAAtoken", "extra": {}}
            os.environ["AIRFLOW_CONN_MSGINSIGHTS_DEFAULT"] = json.dumps(connection)
            if asked.only != "load":
                found = measure_fill(Path(folder))
                print("fill", json.dumps(found), flush=True)
                held &= found["ratio"] <= 1.1 and found["load_later_seconds"] <= 5
            if asked.only != "fill":
                root = Path(folder) / "backfill"
                if not root.exists():
                    seconds_of(started("backfill", root, PAGES))
                found = measure_load(url, root, asked.times)
                print("load", json.dumps(found), flush=True)
                held &= found["more_ms"] <= 60 and found["calls"] == found["without"]
    print("bounds hold" if held else "BOUNDS EXCEEDED")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
