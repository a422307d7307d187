"""A script with requests as found in the wild: one metric a call, the token among the parameters, no retries."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import requests

from peers.jobs import METRICS, USER_TOKEN, write_answer

if TYPE_CHECKING:
    from peers.jobs import Job


def versions() -> dict[str, str]:
    return {"requests": version("requests")}


def page_tokens(session: requests.Session, job: Job) -> dict[str, str]:
    tokens: dict[str, str] = {}
    url = f"{job.root}/me/accounts"
    params = {"fields": "id,access_token", "limit": "100", "access_token": USER_TOKEN}
    while url:
        answer = session.get(url, params=params, timeout=60)
        answer.raise_for_status()
        told = answer.json()
        tokens |= {one["id"]: one["access_token"] for one in told["data"]}
        url, params = told.get("paging", {}).get("next", ""), {}
    return tokens


def load(job: Job) -> None:
    with requests.Session() as session, (job.output / "insights.jsonl").open("w") as file:
        tokens = job.known_tokens or page_tokens(session, job)
        for page_id in job.page_ids:
            for metric in METRICS:
                for since, until in job.ranges():
                    params = {
                        "metric": metric,
                        "period": "day",
                        "since": since,
                        "until": until,
                        "access_token": tokens[page_id],
                    }
                    answer = session.get(f"{job.root}/{page_id}/insights", params=params, timeout=60)
                    answer.raise_for_status()
                    write_answer(file, page_id, answer.json())
