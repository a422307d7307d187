"""HttpOperator, a mapped task for each request; as many at a time as Airflow lets a DAG run by default."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from airflow.providers.http.operators.http import HttpOperator

from peers.airflow_tasks import run_task
from peers.jobs import METRICS, USER_TOKEN, VERSION, write_answer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from airflow.sdk import BaseOperator
    from requests import Response

    from peers.jobs import Job

TASKS_AT_A_TIME = 16


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("apache-airflow-providers-http", "apache-airflow")}


def connect(job: Job) -> None:
    os.environ["AIRFLOW_CONN_GRAPH"] = json.dumps({"conn_type": "http", "host": job.base_url, "extra": {"timeout": 60}})


def get(endpoint: str, token: str, params: dict[str, str], **arguments: Any) -> HttpOperator:
    return HttpOperator(
        task_id="get",
        http_conn_id="graph",
        method="GET",
        endpoint=f"/{VERSION}/{endpoint}",
        headers={"Authorization": f"Bearer {token}"},
        data=params,
        **arguments,
    )


def page_tokens() -> dict[str, str]:
    """One task, which reads page after page."""

    def following(response: Response) -> dict[str, Any] | None:
        paging = response.json().get("paging", {})
        return {"data": {"after": paging["cursors"]["after"]}} if "next" in paging else None

    task = get(
        "me/accounts",
        USER_TOKEN,
        {"fields": "id,access_token", "limit": "100"},
        pagination_function=following,
        response_filter=lambda responses: [one for response in responses for one in response.json()["data"]],
    )
    return {one["id"]: one["access_token"] for one in run_task(task)}


def insights_params(since: str, until: str) -> dict[str, str]:
    return {"metric": ",".join(METRICS), "period": "day", "since": since, "until": until}


def keep(path: Path, page_id: str, responses: list[Response]) -> int:
    with path.open("w") as file:
        for response in responses:
            write_answer(file, page_id, response.json())
    return len(responses)


def run_all(tasks: Iterable[BaseOperator]) -> None:
    """All of them are tried, whatever becomes of one, as in a DAG."""
    with ThreadPoolExecutor(TASKS_AT_A_TIME) as threads:
        ends = [threads.submit(run_task, task) for task in tasks]
    errors = [error for end in ends if (error := end.exception()) is not None]
    if errors:
        raise errors[0]


def load(job: Job) -> None:
    connect(job)
    tokens = job.known_tokens or page_tokens()

    def task(page_id: str, since: str, until: str) -> HttpOperator:
        path = job.output / f"{page_id}-{since}.jsonl"
        return get(
            f"{page_id}/insights",
            tokens[page_id],
            insights_params(since, until),
            response_filter=lambda response: keep(path, page_id, [response]),
        )

    run_all(task(page_id, *days) for page_id in job.page_ids for days in job.ranges())
