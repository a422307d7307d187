"""HttpOperator, one task for each Page, which reads range after range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peers.http_mapped import connect, get, insights_params, keep, page_tokens, run_all, versions

if TYPE_CHECKING:
    from airflow.providers.http.operators.http import HttpOperator
    from requests import Response

    from peers.jobs import Job

__all__ = ["load", "versions"]


def load(job: Job) -> None:
    connect(job)
    tokens = job.known_tokens or page_tokens()
    ranges = list(job.ranges())

    def task(page_id: str) -> HttpOperator:
        left = iter(ranges[1:])

        def following(response: Response) -> dict[str, Any] | None:
            del response
            days = next(left, None)
            return {"data": insights_params(*days)} if days else None

        return get(
            f"{page_id}/insights",
            tokens[page_id],
            insights_params(*ranges[0]),
            pagination_function=following,
            response_filter=lambda responses: keep(job.output / f"{page_id}.jsonl", page_id, responses),
        )

    run_all(task(page_id) for page_id in job.page_ids)
