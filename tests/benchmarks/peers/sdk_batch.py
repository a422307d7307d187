"""facebook-business, Meta's SDK: its batches of 50, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from facebook_business.adobjects.page import Page

from peers.jobs import write_answer
from peers.sdk_plain import api_with, insights_params, page_tokens, versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from facebook_business.api import FacebookResponse

    from peers.jobs import Job

__all__ = ["load", "versions"]

BATCH = 50


def load(job: Job) -> None:
    tokens, api = job.known_tokens or page_tokens(job), api_with(job, job.token)
    failures: list[Any] = []
    asked = [(page_id, days) for page_id in job.page_ids for days in job.ranges()]
    with (job.output / "insights.jsonl").open("w") as file:

        def keep(page_id: str) -> Callable[[FacebookResponse], None]:
            return lambda response: write_answer(file, page_id, response.json())

        for start in range(0, len(asked), BATCH):
            batch = api.new_batch()
            for page_id, days in asked[start : start + BATCH]:
                Page(page_id, api=api).get_insights(
                    params={**insights_params(*days), "access_token": tokens[page_id]},
                    batch=batch,
                    success=keep(page_id),
                    failure=lambda response: failures.append(response.error()),
                )
            while batch:
                batch = batch.execute()
    if failures:
        raise failures[0]
