"""What writing a backfill costs beside one plain pyarrow write of the same rows, and how well puts overlap.

    uv run python tests/benchmarks/bench_write_speed.py

First the rows of 200 Pages x 2 years x 11 metrics (1.6 million) go to Parquet on the local disk, by partitions of a
day. The plain write holds all of them and hands them to `pyarrow.dataset.write_dataset` at once. Each load is a process
of its own; its figure is its CPU less that of making the numbers, the median of three runs.

Then 730 partitions go to an object store in which every call takes 50 ms, and once more with one put after another.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_write_rows import rows
from bench_write_server import BUCKET, CALL_SECONDS, running

from airflow_provider_msginsights.outputs.writer import DatasetWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.outputs.stores.store import StoragePath

PAGES, DAYS, METRICS, RUNS = 200, 730, 11, 3
MOST_CPU, MOST_WALL = 2, 0.25


def make(root: Path, pages: int, days: int) -> None:
    """Make the numbers and let them go: what both writers have to pay."""
    del root
    deque(rows(pages, days), maxlen=0)


def ours(root: Path, pages: int, days: int) -> None:
    from upath import UPath

    with _dataset(UPath(root.as_uri())).writer() as writer:
        for series in rows(pages, days):
            writer.add(series)
        writer.finish()


def plain(root: Path, pages: int, days: int) -> None:
    import pyarrow as pa
    import pyarrow.dataset as pd

    from airflow_provider_msginsights.outputs.formats.parquet import arrow_schema
    from airflow_provider_msginsights.outputs.schema import COLUMNS

    schema = arrow_schema(COLUMNS)
    columns = zip(*chain.from_iterable(rows(pages, days)), strict=True)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    table = pa.table(arrays, schema=schema)
    partitioning = pd.partitioning(pa.schema([("dt", pa.date32())]), flavor="hive")
    pd.write_dataset(
        table.append_column("dt", table["pacific_date"]),
        root,
        format="parquet",
        partitioning=partitioning,
        file_options=pd.ParquetFileFormat().make_write_options(compression="zstd"),
    )


WRITERS: dict[str, Callable[[Path, int, int], None]] = {"rows": make, "ours": ours, "plain": plain}


def _dataset(root: StoragePath) -> Any:
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.formats.by_name import format_named

    return Dataset(root=root, file_format=format_named("parquet"), period="day")


def measure(writer: str) -> None:
    """In a process of its own: a small load for the imports, then the one that counts."""
    with tempfile.TemporaryDirectory() as folder:
        WRITERS[writer](Path(folder) / "small", 1, 2)
        cpu = time.process_time()
        WRITERS[writer](Path(folder) / "large", PAGES, DAYS)
        cpu = time.process_time() - cpu
        files = list((Path(folder) / "large").rglob("*.parquet"))
        assert writer == "rows" or (len(files) == DAYS and _rows_in(files) == PAGES * DAYS * METRICS)
    print(json.dumps(cpu))


def _rows_in(files: list[Path]) -> int:
    import pyarrow.parquet as pq

    return sum(pq.ParquetFile(file).metadata.num_rows for file in files)


def compare_cpu() -> bool:
    runs: dict[str, list[float]] = {writer: [] for writer in WRITERS}
    for _ in range(RUNS):
        for writer, figures in runs.items():
            argv = [sys.executable, __file__, "--measure", writer]
            figures.append(json.loads(subprocess.run(argv, check=True, capture_output=True).stdout))
    base = statistics.median(runs.pop("rows"))
    cpu = {writer: statistics.median(figures) - base for writer, figures in runs.items()}
    print(f"{PAGES * DAYS * METRICS} rows in {DAYS} files, without making the numbers ({base:.1f} s CPU)")
    for writer, seconds in cpu.items():
        print(f"  {writer:6} {seconds:6.1f} s CPU")
    ratio = cpu["ours"] / cpu["plain"]
    print(f"  ours / plain: {ratio:.2f} (at most {MOST_CPU})")
    return ratio <= MOST_CPU


def wall(url: str, name: str, concurrency: int) -> float:
    """The seconds a load of few rows takes into so many partitions of the slow store."""
    from upath import UPath

    client = {"endpoint_url": url, "region_name": "eu-central-1"}
    root = UPath(f"s3://{BUCKET}/{name}", key="testing", secret="testing", client_kwargs=client)
    root.fs.ls(f"{BUCKET}", refresh=True)  # opens the client and the first connection
    started = time.perf_counter()
    with DatasetWriter(_dataset(root), concurrency=concurrency) as writer:
        for some in rows(1, DAYS):
            writer.add(some)
        stored = writer.finish()
    seconds = time.perf_counter() - started
    assert sum(file.changed for file in stored.files) == DAYS
    return seconds


def compare_wall() -> bool:
    with running() as url:
        overlapping = statistics.median(wall(url, f"overlapping-{run}", 16) for run in range(RUNS))
        one_by_one = wall(url, "one-by-one", 1)
    ratio = overlapping / one_by_one
    print(f"{DAYS} files to S3, {CALL_SECONDS * 1000:.0f} ms a call")
    print(f"  overlapping {overlapping:.1f} s, one put after another {one_by_one:.1f} s")
    print(f"  ratio: {ratio:.2f} (at most {MOST_WALL})")
    return ratio <= MOST_WALL


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", choices=WRITERS)
    told = parser.parse_args()
    if told.measure:
        measure(told.measure)
        return 0
    kept = [compare_wall(), compare_cpu()]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
