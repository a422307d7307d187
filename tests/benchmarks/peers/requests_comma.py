"""A competent script with requests: all metrics in one call, one session, token in a header, waits for a limit."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import requests

from peers.jobs import ATTEMPTS, LIMIT_CODES, METRICS, USER_TOKEN, WAIT_SECONDS, write_answer

if TYPE_CHECKING:
    from peers.jobs import Job


def versions() -> dict[str, str]:
    return {"requests": version("requests")}


def get(session: requests.Session, url: str, token: str, **params: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    for _ in range(ATTEMPTS - 1):
        answer = session.get(url, params=params, headers=headers, timeout=60)
        if answer.ok or answer.json().get("error", {}).get("code") not in LIMIT_CODES:
            break
        time.sleep(WAIT_SECONDS)
    else:
        answer = session.get(url, params=params, headers=headers, timeout=60)
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def page_tokens(session: requests.Session, job: Job) -> dict[str, str]:
    tokens: dict[str, str] = {}
    after: dict[str, str] = {}
    while True:
        told = get(session, f"{job.root}/me/accounts", USER_TOKEN, fields="id,access_token", limit="100", **after)
        tokens |= {one["id"]: one["access_token"] for one in told["data"]}
        if "next" not in told.get("paging", {}):
            return tokens
        after = {"after": told["paging"]["cursors"]["after"]}


def load(job: Job) -> None:
    with requests.Session() as session, (job.output / "insights.jsonl").open("w") as file:
        tokens = job.known_tokens or page_tokens(session, job)
        for page_id in job.page_ids:
            for since, until in job.ranges():
                answer = get(
                    session,
                    f"{job.root}/{page_id}/insights",
                    tokens[page_id],
                    metric=",".join(METRICS),
                    period="day",
                    since=since,
                    until=until,
                )
                write_answer(file, page_id, answer)
