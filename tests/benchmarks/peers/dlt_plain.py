"""dlt's rest_api source into its filesystem destination."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import dlt
from dlt.destinations import filesystem
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator
from dlt.sources.rest_api import rest_api_source

from peers.jobs import ATTEMPTS, LIMIT_CODES, METRICS, USER_TOKEN, WAIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import Response

    from peers.jobs import Job


def versions() -> dict[str, str]:
    return {"dlt": version("dlt")}


def is_limit(response: Response | None, error: BaseException | None) -> bool:
    del error
    if response is None or response.status_code < 400:
        return False
    return response.json().get("error", {}).get("code") in LIMIT_CODES


def flat(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    page_id = entry["id"].partition("/")[0]
    for row in entry["values"]:
        yield {"page_id": page_id, "metric": entry["name"], "end_time": row["end_time"], "value": float(row["value"])}


def source_for(job: Job, *, parallelized: bool) -> Any:
    client = Client(
        retry_condition=is_limit,
        request_max_attempts=ATTEMPTS,
        request_backoff_factor=WAIT_SECONDS,
        request_max_retry_delay=WAIT_SECONDS,
    )

    def page_tokens() -> dict[str, str]:
        accounts = RESTClient(
            base_url=job.root, auth=BearerTokenAuth(USER_TOKEN), session=client.session, data_selector="data"
        ).paginate(
            "/me/accounts",
            params={"fields": "id,access_token", "limit": 100},
            paginator=JSONLinkPaginator(next_url_path="paging.next"),
        )
        return {one["id"]: one["access_token"] for page in accounts for one in page}

    def asks() -> Iterator[Any]:
        tokens = job.known_tokens or page_tokens()
        yield [
            {"page_id": page_id, "page_token": tokens[page_id], "since": since, "until": until}
            for page_id in job.page_ids
            for since, until in job.ranges()
        ]

    config: Any = {
        "client": {"base_url": f"{job.root}/", "session": client.session},
        "resources": [
            dlt.resource(asks, name="asks", selected=False),
            {
                "name": "insights",
                "primary_key": ["page_id", "metric", "end_time"],
                "endpoint": {
                    "path": "{resources.asks.page_id}/insights",
                    "headers": {"Authorization": "Bearer {resources.asks.page_token}"},
                    "params": {
                        "metric": ",".join(METRICS),
                        "period": "day",
                        "since": "{resources.asks.since}",
                        "until": "{resources.asks.until}",
                    },
                    "data_selector": "data",
                    "paginator": "single_page",
                },
                "processing_steps": [{"yield_map": flat}],
            },
        ],
    }
    return rest_api_source(config, parallelized=parallelized)


def load(job: Job, *, parallelized: bool = False) -> None:
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    pipeline = dlt.pipeline(
        "insights",
        destination=filesystem(bucket_url=str(job.output)),
        dataset_name="loaded",
        pipelines_dir=str(job.output / "pipelines"),
    )
    pipeline.run(source_for(job, parallelized=parallelized), loader_file_format="jsonl").raise_on_failed_jobs()
