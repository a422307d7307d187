"""One peer, in its own environment: imports it once, then forks for each job and tells what the job cost.

    python -m peers.worker requests_comma

Jobs come as JSON lines on standard input, figures go out as JSON lines. A forked child does one job and ends, so its
time, processor seconds and memory are the job's alone: Airflow runs its tasks in the same manner. What the peer imports
only while it works is found by one job that does not count, and imported before the others too.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import platform
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peers.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Callable

Told = dict[str, Any]


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def child(load: Callable[[Job], None], job: Job, log: Path, figures: Path) -> None:
    """Do the job with its output in the log; never returns."""
    code = 1
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    told: Told = {"start_mb": resident_mb()}
    started = time.perf_counter()
    try:
        load(job)
        code = 0
    except BaseException as error:  # noqa: BLE001 - whatever a peer raises is its result
        traceback.print_exc()
        told["error"] = f"{type(error).__name__}: {error}"
    told["wall_seconds"] = time.perf_counter() - started
    told["modules"] = sorted(sys.modules)
    figures.write_text(json.dumps(told))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(load: Callable[[Job], None], told: Told) -> Told:
    """Fork for a job; its figures, ``stopped`` when it took longer than it may."""
    job, log, most_seconds = Job.from_json(told["job"]), Path(told["log"]), told["most_seconds"]
    job.output.mkdir(parents=True, exist_ok=True)
    figures = log.with_suffix(".json")
    figures.unlink(missing_ok=True)
    base_mb, started = resident_mb(), time.perf_counter()
    pid = os.fork()
    if pid == 0:
        child(load, job, log, figures)
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, most_seconds)
    _, status, used = os.wait4(pid, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    measured: Told = {"wall_seconds": time.perf_counter() - started, "start_mb": base_mb}
    if figures.exists():
        measured |= json.loads(figures.read_text())
        figures.unlink()
    elif not stopped:
        measured["error"] = f"The process ended with status {status}."
    growth_mb = max(0.0, used.ru_maxrss * 1024 / 1e6 - measured["start_mb"])
    return measured | {
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "growth_mb": growth_mb,
        "peak_mb": base_mb + growth_mb,
        "stopped": stopped,
    }


def main() -> None:
    name = sys.argv[1]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a peer prints at import is no answer
    started = time.perf_counter()
    peer = importlib.import_module(f"peers.{name}")
    ready = {"import_seconds": time.perf_counter() - started, "import_mb": resident_mb()}
    answers.write(json.dumps(ready | {"versions": peer.versions(), "python": platform.python_version()}) + "\n")
    for line in sys.stdin:
        told = json.loads(line)
        measured = run(peer.load, told)
        modules = measured.pop("modules", [])
        if told.get("is_warm_up"):
            for module in modules:
                with contextlib.suppress(Exception):  # a module may refuse to be imported by itself
                    importlib.import_module(module)
        answers.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
