"""The part of the demo that runs inside its own Airflow: one DAG file, one ``dag.test()``, one report."""

from __future__ import annotations

import json
import runpy
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_provider_msginsights.insights.dates import pacific_date


def main(dag_file: str, output_path: str, report_file: str) -> int:
    """Run the DAG for the last finished Pacific day and write down how its tasks went."""
    dag = next(value for value in runpy.run_path(dag_file).values() if isinstance(value, DAG))
    for task in dag.tasks:
        task.retries = 0  # someone watches: show a failure now and not after minutes of retries
    dag_run = dag.test(logical_date=datetime.now(UTC), run_conf={"output_path": output_path})
    tasks = sorted(dag_run.get_task_instances(), key=lambda task: (task.start_date is None, task.start_date))
    report = {
        "state": str(dag_run.state),
        "pacific_date": pacific_date(dag_run.data_interval_start).isoformat(),
        "tasks": [_summary(task) for task in tasks],
    }
    Path(report_file).write_text(json.dumps(report, indent=2), encoding="utf-8")
    return 0 if report["state"] == "success" else 1


def _summary(task: Any) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "state": str(task.state),
        "started": f"{task.start_date:%H:%M:%S}" if task.start_date else "",
        "seconds": task.duration or 0.0,
    }


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
