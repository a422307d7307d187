"""facebook-business, Meta's SDK: one call after the other."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from facebook_business.adobjects.page import Page
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from peers.jobs import METRICS, USER_TOKEN, VERSION, write_answer

if TYPE_CHECKING:
    from peers.jobs import Job


def versions() -> dict[str, str]:
    return {"facebook-business": version("facebook-business")}


def api_with(job: Job, token: str) -> FacebookAdsApi:
    session = FacebookSession(access_token=token, timeout=60)
    session.GRAPH = job.base_url
    return FacebookAdsApi(session, api_version=VERSION)


def page_tokens(job: Job) -> dict[str, str]:
    accounts = User("me", api=api_with(job, USER_TOKEN)).get_accounts(
        fields=["id", "access_token"], params={"limit": 100}
    )
    return {one["id"]: one["access_token"] for one in accounts}


def insights_params(since: str, until: str) -> dict[str, Any]:
    return {"metric": list(METRICS), "period": "day", "since": since, "until": until}


def load(job: Job) -> None:
    tokens = job.known_tokens or page_tokens(job)
    with (job.output / "insights.jsonl").open("w") as file:
        for page_id in job.page_ids:
            page = Page(page_id, api=api_with(job, tokens[page_id]))
            for days in job.ranges():
                write_answer(file, page_id, {"data": page.get_insights(params=insights_params(*days))})
