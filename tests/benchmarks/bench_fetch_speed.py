"""How fast a load is beside a bare batch client, and how many requests it takes.

    uv run python tests/benchmarks/bench_fetch_speed.py [--peers]

Each run is a process of its own against the same server (100 ms a request, 5 ms a batch part), the clients in turn,
several times; medians are compared. Every row is made and let go, and ours are once compared with the truth. CPU is
the process's own beyond its imports. Both begin with the list of Page tokens, as the API demands and the operator
does. ``--peers`` adds the libraries a user would pick; they are spared it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

from bench_fetch_clients import CLIENTS
from bench_fetch_server import running, stats, value_of

ROUNDS = 7
COMPARED = ("ours", "bare")
METRICS = 11


class Case(NamedTuple):
    pages: int
    days: int
    most_wall: float
    most_cpu: float


CASES = (
    Case(20, 365, most_wall=1.3, most_cpu=2),
    Case(200, 3, most_wall=1.3, most_cpu=float("inf")),
    Case(200, 730, most_wall=1.15, most_cpu=2),
)


def measure(client: str, url: str, pages: int, days: int) -> None:
    """In a process of its own: a small load for the imports, then the one that counts."""
    taken(client, url, 1, 1)
    wall, cpu = time.perf_counter(), time.process_time()
    rows = taken(client, url, pages, days)
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "rows": rows}))


def taken(client: str, url: str, pages: int, days: int) -> int:
    """How many rows there were, each of which was made."""
    return sum(1 for rows in CLIENTS[client](url, pages, days) for _ in rows)


def check_ours(url: str, pages: int, days: int) -> None:
    """Every row has its own value, and none comes twice."""
    rows = [one for rows in CLIENTS["ours"](url, pages, days) for one in rows]
    assert len({(one.page_id, one.metric, one.pacific_date) for one in rows}) == len(rows), "a row came twice"
    wrong = [one for one in rows if one.value != value_of(one.page_id, one.metric, one.pacific_date.toordinal())]
    assert not wrong, wrong[0]


def compare(url: str, case: Case, clients: list[str]) -> bool:
    """Print the medians of one case; whether ours keeps within its bounds."""
    check_ours(url, case.pages, case.days)
    stats(url)
    runs: dict[str, list[dict[str, float]]] = {client: [] for client in clients}
    calls = {}
    for turn in range(ROUNDS + 1):
        for client in clients if turn == 0 else COMPARED:  # the first round fills the server's cache
            argv = [sys.executable, __file__, "--measure", client, url, str(case.pages), str(case.days)]
            done = subprocess.run(argv, check=True, capture_output=True, text=True)
            calls[client] = stats(url)
            if turn or client not in COMPARED:
                runs[client].append(json.loads(done.stdout))
    median = {
        client: {key: statistics.median(one[key] for one in told) for key in ("rows", "wall", "cpu")}
        for client, told in runs.items()
    }
    print(f"\n{case.pages} Pages x {case.days} days, median of {ROUNDS} runs (others: one run)")
    for client, told in median.items():
        counted = ", ".join(f"{count} {name}" for name, count in calls[client].items())
        print(f"  {client:20} {told['rows']:6.0f} rows {told['wall']:8.3f} s wall {told['cpu']:7.3f} s CPU   {counted}")
    wall, cpu = (median["ours"][key] / median["bare"][key] for key in ("wall", "cpu"))
    print(f"  ours / bare: wall {wall:.2f} (at most {case.most_wall}), CPU {cpu:.2f} (at most {case.most_cpu})")
    complete = all(told["rows"] == case.pages * case.days * METRICS for told in median.values())
    return complete and wall <= case.most_wall and cpu <= case.most_cpu


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", nargs=4, metavar=("CLIENT", "URL", "PAGES", "DAYS"))
    parser.add_argument("--peers", action="store_true")
    told = parser.parse_args()
    if told.measure:
        client, url, pages, days = told.measure
        measure(client, url, int(pages), int(days))
        return 0
    clients = list(CLIENTS) if told.peers else list(COMPARED)
    with running() as url:
        kept = [compare(url, case, clients) for case in CASES]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
