"""Figures -> ``results.json``, the documentation's tables and the plots."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peers.environments import BENCHMARKS, CACHE, REPOSITORY, variables
from peers.tables import tables_of, with_tables

if TYPE_CHECKING:
    from collections.abc import Iterable

Told = dict[str, Any]

RESULTS = BENCHMARKS / "results"
PAGE = REPOSITORY / "docs" / "project" / "benchmarks.md"
IMAGES = REPOSITORY / "docs" / "images"
_MEDIANS = ("wall_seconds", "cpu_seconds", "peak_mb", "growth_mb")
_SAME = ("http_requests", "graph_calls", "max_concurrent_requests", "rows", "expected")
_WORST = ("missing", "doubled", "wrong")


def summary(runs: Iterable[Told]) -> list[Told]:
    """One entry a peer and workload: medians of the costs, the worst of what may go wrong."""
    grouped: dict[tuple[str, str], list[Told]] = {}
    for run in runs:
        grouped.setdefault((run["workload"], run["peer"]), []).append(run)
    return [
        {
            "workload": workload,
            "peer": peer,
            "runs": len(group),
            **{name: round(statistics.median(run[name] for run in group), 3) for name in _MEDIANS},
            "wall_seconds_all": [round(run["wall_seconds"], 3) for run in group],
            **{name: statistics.median_high(run[name] for run in group) for name in _SAME},
            **{name: max(run[name] for run in group) for name in _WORST},
            "stopped": any(run["stopped"] for run in group),
            "errors": sorted({run["error"] for run in group if run.get("error")}),
            "token_in_output": any(run["token_in_output"] for run in group),
            "token_in_files": any(run["token_in_files"] for run in group),
        }
        for (workload, peer), group in grouped.items()
    ]


def machine() -> Told:
    """Where and when this was measured."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": os.cpu_count(),
        "processor": names[0].partition(":")[2].strip() if names else platform.machine(),
        "memory_gb": round(int(memory.split()[1]) / 1e6),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
    }


def write_results(measured: Told, folder: Path | None) -> None:
    """Put what was measured in the place of what was measured of the same before."""
    file = (folder or RESULTS) / "results.json"
    before: Told = json.loads(file.read_text()) if file.exists() else {}
    new = {(run["workload"], run["peer"]) for run in measured["runs"]}
    kept = [run for run in before.get("runs", ()) if (run["workload"], run["peer"]) not in new]
    versions = before.get("versions", {}) | measured["versions"]
    told = before | measured | {"runs": [*kept, *measured["runs"]], "versions": dict(sorted(versions.items()))}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")


def write_tables(folder: Path | None) -> None:
    """The tables between their marks in the documentation; elsewhere into a file beside the figures."""
    told = json.loads(((folder or RESULTS) / "results.json").read_text())
    if folder is None:
        PAGE.write_text(with_tables(PAGE.read_text(), told))
    else:
        (folder / "tables.md").write_text("\n\n".join(f"## {name}\n\n{text}" for name, text in tables_of(told).items()))


def draw(python: Path, folder: Path | None) -> None:
    """The plots, by a process that has matplotlib."""
    argv = [str(python), "-m", "peers.plots", str(folder or RESULTS), str(folder or IMAGES)]
    subprocess.run(argv, check=True, env=variables(CACHE), cwd=BENCHMARKS)
