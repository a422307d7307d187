"""Costs that are measured apart: a deferred sensor in the triggerer, and Airflow's own work for a task."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from peers.environments import python_of, variables
from peers.jobs import Job
from peers.study import END_DAY

if TYPE_CHECKING:
    from pathlib import Path

    from peers.emulated import Emulated

Told = dict[str, Any]
TRIGGERS = 200
PAGES = 20


def measure_trigger_costs(emulated: Emulated, home: Path) -> list[Told]:
    """Processor time of a poll and memory of a waiting trigger, ours beside HttpSensor's."""
    told = []
    for name in ("ours", "http"):
        emulated.reset()
        emulated.be_quick()
        emulated.control("settings", {"readiness_lag_hours": 72})
        day = END_DAY - timedelta(days=1)
        arguments = ["-m", "peers.trigger_cost", name, emulated.base_url, str(TRIGGERS), day.isoformat()]
        told.append(_told_by(name, arguments, home))
    emulated.reset()  # so that what comes next finds days
    return told


def measure_task_costs(emulated: Emulated, home: Path, *, repeat: int) -> list[Told]:
    """``dag.test()`` of a day of 20 Pages: one task of ours, or a mapped HttpOperator task a Page; and of nothing."""
    told = []
    for _ in range(repeat):
        for name in ("nothing", "ours", "http"):
            shutil.rmtree(home, ignore_errors=True)
            emulated.reset()
            job = Job(
                base_url=emulated.base_url,
                pages=PAGES,
                first_day=date.fromordinal(END_DAY.toordinal() - 1),
                days=1,
                output=home / "output",
            )
            environment = "ours" if name == "ours" else "http"
            told.append(_told_by(environment, ["-m", "peers.task_cost", name, json.dumps(job.as_json())], home))
    return told


def _told_by(environment: str, arguments: list[str], home: Path) -> Told:
    home.mkdir(parents=True, exist_ok=True)
    argv = [str(python_of(environment)), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, env=variables(home), cwd=home, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments[:3])} failed:\n{done.stderr[-3000:]}")
    told: Told = json.loads(done.stdout.splitlines()[-1])
    return told
