"""This provider beside what a user would pick instead: one command makes every environment, runs and tells.

    uv run python tests/benchmarks/bench_peers.py

See README.md in this folder.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peers.crew import Crew
from peers.emulated import Emulated
from peers.environments import CACHE, PEERS, python_of
from peers.jobs import Job
from peers.parsing import measure_imports
from peers.results import draw, machine, summary, write_results, write_tables
from peers.single_costs import measure_task_costs, measure_trigger_costs
from peers.study import END_DAY, GROWING_PEERS, GROWTH, WORKLOADS, Study, peers_named
from peers.trouble import run_trouble
from peers.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable

Told = dict[str, Any]
SECTIONS = ("workloads", "growth", "trouble", "imports", "triggers", "tasks")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", nargs="*", default=[one.name for one in WORKLOADS], help="all by default")
    parser.add_argument("--peers", nargs="*", default=[one.name for one in PEERS], help="all by default")
    parser.add_argument("--sections", nargs="*", default=list(SECTIONS), choices=SECTIONS, help="all by default")
    parser.add_argument("--repeat", type=int, default=5, help="runs a median is taken of")
    parser.add_argument("--once-above-seconds", type=float, default=45, help="what takes longer runs once")
    parser.add_argument("--most-seconds", type=float, default=150, help="what takes longer is stopped, and marked")
    parser.add_argument("--latency-ms", type=float, default=50, help="of every request")
    parser.add_argument("--batch-part-ms", type=float, default=3, help="of every part of a batch, beside it")
    parser.add_argument("--work", type=Path, default=CACHE / "work", help="where runs are kept until the study is done")
    parser.add_argument("--results", type=Path, help="where figures and plots go; the repository's by default")
    parser.add_argument("--fresh", action="store_true", help="forget what a stopped study measured")
    parser.add_argument("--tables-only", action="store_true", help="write tables and plots from the figures there are")
    return parser.parse_args()


def say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


def kept(file: Path, measure: Callable[[], list[Told]]) -> list[Told]:
    """What an earlier, stopped study measured, or else what is measured now."""
    if not file.exists():
        file.write_text(json.dumps(measure()))
    told: list[Told] = json.loads(file.read_text())
    return told


def sections_of(told: argparse.Namespace) -> dict[str, Any]:
    """Measure what was asked for; each section is kept as soon as it is done."""
    peers, work = peers_named(told.peers), told.work
    workloads = [one for one in WORKLOADS if one.name in told.workloads]
    done: dict[str, Any] = {}
    most_pages = max([20, *(one.pages for one in workloads), *([100] if "growth" in told.sections else [])])
    most_days = max([1, *(one.days for one in workloads), *([730] if "growth" in told.sections else [])])
    with ExitStack() as stack:
        emulated = stack.enter_context(
            Emulated(pages=most_pages, day=END_DAY, latency_ms=told.latency_ms, batch_part_ms=told.batch_part_ms)
        )
        first_day = date.fromordinal(END_DAY.toordinal() - most_days)
        largest = Job(
            base_url=emulated.base_url, pages=most_pages, first_day=first_day, days=most_days, output=work / "truth"
        )
        say(f"the emulator counts {most_pages} Pages x {most_days} days x 11 metrics")
        truth = Truth(emulated, largest)
        yesterday = date.fromordinal(END_DAY.toordinal() - 1)
        warm_up = Job(base_url=emulated.base_url, pages=1, first_day=yesterday, days=1, output=work / "warm-up")
        crew = stack.enter_context(Crew(work, warm_up))
        study = Study(
            emulated=emulated,
            crew=crew,
            truth=truth,
            work=work,
            repeat=told.repeat,
            once_above_seconds=told.once_above_seconds,
            most_seconds=told.most_seconds,
            say=say,
        )
        study.remember()
        single: dict[str, Callable[[], list[Told]]] = {
            "imports": lambda: measure_imports(work / "imports", repeat=told.repeat),
            "triggers": lambda: measure_trigger_costs(emulated, work / "triggers"),
            "tasks": lambda: measure_task_costs(emulated, work / "tasks", repeat=min(told.repeat, 3)),
            "trouble": lambda: run_trouble(study, peers),
        }
        for name, measure in single.items():
            if name in told.sections:
                done[name] = kept(work / f"{name}.json", measure)
                say(name)
        if "workloads" in told.sections:
            for workload in workloads:
                study.compare(workload, peers, repeat=told.repeat)
        if "growth" in told.sections:
            for workload in GROWTH:
                study.compare(workload, [peer for peer in peers if peer.name in GROWING_PEERS], repeat=1)
        versions: dict[str, str] = {}
        for peer in peers:
            versions |= crew.member(peer).ready["versions"]
        done["versions"] = dict(sorted(versions.items()))
        done["runs"] = summary(study.runs)
        done["settings"] = {
            "latency_ms": told.latency_ms,
            "batch_part_ms": told.batch_part_ms,
            "repeat": told.repeat,
            "once_above_seconds": told.once_above_seconds,
            "most_seconds": told.most_seconds,
        }
        done["machine"] = machine()
    return done


def main() -> int:
    told = arguments()
    if not told.tables_only:
        if told.fresh:
            shutil.rmtree(told.work, ignore_errors=True)
        told.work.mkdir(parents=True, exist_ok=True)
        settings = {"latency_ms": told.latency_ms, "batch_part_ms": told.batch_part_ms}
        mark = told.work / "settings.json"
        if mark.exists() and json.loads(mark.read_text()) != settings:
            say(f"{mark} belongs to a study with other latencies; finish that one, or start anew with --fresh")
            return 2
        mark.write_text(json.dumps(settings))
        write_results(sections_of(told), told.results)
        shutil.rmtree(told.work, ignore_errors=True)
    write_tables(told.results)
    draw(python_of("plots"), told.results)
    return 0


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the emulator and the peers end too
    sys.exit(main())
