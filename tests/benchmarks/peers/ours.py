"""This package's operator."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from typing import TYPE_CHECKING

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from peers.airflow_tasks import run_task
from peers.jobs import METRICS, VERSION, WAIT_SECONDS

if TYPE_CHECKING:
    from peers.jobs import Job


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("airflow-provider-msginsights", "apache-airflow")}


def load(job: Job) -> None:
    extra = {"api_version": VERSION, "throttle_seconds": WAIT_SECONDS}
    os.environ["AIRFLOW_CONN_MSGINSIGHTS_DEFAULT"] = json.dumps(
        {"conn_type": "msginsights", "host": job.base_url, "password": job.token, "extra": extra}
    )
    run_task(
        MessagingInsightsOperator(
            task_id="load",
            page_ids=job.page_ids,
            metrics=METRICS,
            since=job.first_day.isoformat(),
            until=job.end_day.isoformat(),
            output_path=f"file://{job.output}",
        )
    )
