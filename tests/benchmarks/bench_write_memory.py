"""How much memory a backfill takes on its way into Parquet files: a bounded share, however many rows there are.

    uv run python tests/benchmarks/bench_write_memory.py

200 Pages x 2 years x 11 metrics (1.6 million rows) go into 730 partitions on the local disk, and then once more, merged
with what is stored. Each load is a process of its own; its figure is the peak of resident memory above what the process
had after its imports and one small load.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_write_rows import rows

from airflow_provider_msginsights.outputs.writer import DatasetWriter

if TYPE_CHECKING:
    from airflow_provider_msginsights.outputs.write_result import WriteResult

PAGES, DAYS, METRICS = 200, 730, 11
MOST_MEGABYTES = 150


def load(root: Path, pages: int, days: int) -> WriteResult:
    from upath import UPath

    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.formats.by_name import format_named

    dataset: Dataset[Any] = Dataset(root=UPath(root.as_uri()), file_format=format_named("parquet"), period="day")
    with DatasetWriter(dataset) as writer:
        for some in rows(pages, days):
            writer.add(some)
        return writer.finish()


def peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as elsewhere:
        load(Path(elsewhere), 1, 2)
    before, started = peak_kilobytes(), time.perf_counter()
    stored = load(folder, PAGES, DAYS)
    assert (len(stored.files), stored.rows) == (DAYS, PAGES * DAYS * METRICS)
    figures = {"megabytes": (peak_kilobytes() - before) / 1024, "seconds": time.perf_counter() - started}
    print(json.dumps(figures | {"rows_added": stored.rows_added}))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", type=Path)
    told = parser.parse_args()
    if told.measure:
        measure(told.measure)
        return 0
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("first load", "second load"):
            argv = [sys.executable, __file__, "--measure", folder]
            figures = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
            peaks.append(figures["megabytes"])
            print(f"{name:11}: {figures['rows_added']} rows added, {peaks[-1]:.1f} MB above the imports")
    print(f"at most {MOST_MEGABYTES} MB")
    return 0 if max(peaks) <= MOST_MEGABYTES else 1


if __name__ == "__main__":
    sys.exit(main())
