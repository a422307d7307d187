"""How long two years of 200 Pages take on a distributed Airflow, with one Celery worker and with two.

    uv run --group system python tests/benchmarks/bench_workers.py [--batch-part-ms 200]

Eight mapped tasks of 25 Pages, two at a time on a worker. The emulator holds each POST back by so many milliseconds for
each of its parts, as an API far away would; everything else happens on this machine and shares its processors.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from fsspec.implementations.local import LocalFileSystem
from support.bytecode import share_bytecode
from system.cluster import running_cluster
from system.datasets import (
    STABLE_METRICS,
    assert_no_request_was_answered_twice,
    assert_same_facts,
    facts_of_emulator,
    facts_stored,
)

if TYPE_CHECKING:
    from collections import Counter

    from system.cluster import Cluster
    from system.datasets import Fact

FIRST_DAY, END_DAY = date(2024, 11, 1), date(2026, 11, 1)
PAGES_OF_A_GROUP = 25


def measure(cluster: Cluster, workers: int, batch_part_ms: float, expected: Counter[Fact]) -> None:
    """Load everything once, check it, and print how long it took."""
    emulator = cluster.emulator
    emulator.reset()
    emulator.configure(batch_part_ms=batch_part_ms)
    page_ids = emulator.page_ids
    folder = cluster.folder / f"with_{workers}"
    conf = {
        "groups": [page_ids[start : start + PAGES_OF_A_GROUP] for start in range(0, len(page_ids), PAGES_OF_A_GROUP)],
        "since": FIRST_DAY.isoformat(),
        "until": END_DAY.isoformat(),
        "output_path": folder.as_uri(),
    }
    started = time.monotonic()
    run_id = cluster.api.trigger("mapped", conf)
    assert cluster.api.wait_for_run("mapped", run_id, timeout_seconds=1800) == "success"
    seconds = time.monotonic() - started
    stats = emulator.stats()
    assert_no_request_was_answered_twice(emulator)
    assert_same_facts(facts_stored(LocalFileSystem(), str(folder)), expected)
    print(
        f"{workers} worker(s): {seconds:.0f} s, {stats['graph_calls']} calls in {stats['http_requests']} requests",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-part-ms", type=float, default=200)
    arguments = parser.parse_args()
    share_bytecode()
    folder = Path(tempfile.mkdtemp(prefix="msginsights-cluster-"))
    dag_file = Path(__file__).parents[1] / "system" / "cluster_dags.py"
    try:
        with running_cluster(folder, dag_file, pages=200) as cluster:
            emulator = cluster.emulator
            expected = facts_of_emulator(emulator, emulator.page_ids, STABLE_METRICS, FIRST_DAY, END_DAY)
            cluster.components["worker-2"].stop()
            measure(cluster, 1, arguments.batch_part_ms, expected)
            cluster.revive()
            cluster.wait_until_healthy()
            measure(cluster, 2, arguments.batch_part_ms, expected)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
