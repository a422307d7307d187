"""The same load by four clients: ours, a bare batch client, Meta's Python SDK, and python-facebook-api.

Each gives its rows in the groups they arrive in, so that whoever takes them can let them go.
"""

from __future__ import annotations

import json
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow_provider_msginsights.insights.catalog import METRICS
from airflow_provider_msginsights.insights.dates import DateRange, chunks
from airflow_provider_msginsights.transports.settings import TransportSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FIRST_DAY = date(2025, 3, 1)
TOKEN = "user-token"
BATCH, AT_A_TIME = 50, TransportSettings().concurrency
Params = dict[str, str]


def days_from_first(count: int) -> DateRange:
    return DateRange(FIRST_DAY, FIRST_DAY + timedelta(count))


def requests_for(pages: int, days: int) -> list[tuple[str, Params]]:
    """Page id and parameters of every request, cut as the API accepts them."""
    return [
        (
            str(101 + page),
            {
                "metric": ",".join(METRICS),
                "period": "day",
                "since": str(piece.since_seconds),
                "until": str(piece.until_seconds),
            },
        )
        for piece in chunks(days_from_first(days))
        for page in range(pages)
    ]


def ours(url: str, pages: int, days: int) -> Iterator[Iterable[Any]]:
    from airflow_provider_msginsights.insights.flows import fetch_insights
    from airflow_provider_msginsights.insights.query import InsightsQuery
    from airflow_provider_msginsights.transports.blocking import BlockingTransport
    from airflow_provider_msginsights.transports.settings import from_connection_parts

    page_ids = [str(101 + page) for page in range(pages)]
    query = InsightsQuery.create(page_ids=page_ids, metrics="all", days=days_from_first(days))
    settings, credentials = from_connection_parts(host=url, password=TOKEN)
    with BlockingTransport(settings, credentials) as transport:
        yield from transport.batches(fetch_insights(query, policy=settings.retry_policy, exchange_first=True))


def bare(url: str, pages: int, days: int) -> Iterator[Iterable[Any]]:
    """Batches of 50 from as many threads, JSON, rows as tuples: no retries, no checks, no records."""
    import requests

    local = threading.local()
    tokens = page_tokens(requests.Session(), url, pages)

    def post(asked: list[tuple[str, Params]]) -> list[tuple[str, str, str, int]]:
        session = local.session = getattr(local, "session", None) or requests.Session()
        parts = [
            {"method": "GET", "relative_url": f"{page}/insights?{urlencode({**params, 'access_token': tokens[page]})}"}
            for page, params in asked
        ]
        form = {"access_token": TOKEN, "batch": json.dumps(parts)}
        answers = session.post(f"{url}/v26.0/", data=form, timeout=60).json()
        return [
            (page, entry["name"], row["end_time"], row["value"])
            for (page, _), answer in zip(asked, answers, strict=True)
            for entry in json.loads(answer["body"])["data"]
            for row in entry["values"]
        ]

    asked = requests_for(pages, days)
    batches = [asked[n : n + BATCH] for n in range(0, len(asked), BATCH)]
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        yield from threads.map(post, batches)


def page_tokens(session: Any, url: str, pages: int) -> dict[str, str]:
    """Each Page's own token, which the API demands; the list of them comes a hundred at a time."""
    tokens: dict[str, str] = {}
    params = {"fields": "id,access_token", "limit": "100"}
    while len(tokens) < pages:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        document = session.get(f"{url}/v26.0/me/accounts", params=params, headers=headers, timeout=60).json()
        tokens |= {page["id"]: page["access_token"] for page in document["data"]}
        params["after"] = document["paging"]["cursors"]["after"]
    return tokens


def business_sdk(url: str, pages: int, days: int) -> Iterator[Iterable[Any]]:
    """facebook-business, with its own batches, one after the other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's modules warn when imported, and of lists of names
        from facebook_business.adobjects.page import Page
        from facebook_business.api import FacebookAdsApi
        from facebook_business.session import FacebookSession

        session = FacebookSession(access_token=TOKEN, timeout=60)
        session.GRAPH = url
        api = FacebookAdsApi(session, api_version="v26.0")
        rows: list[Any] = []

        def take(response: Any) -> None:
            rows.extend(row for entry in response.json()["data"] for row in entry["values"])

        asked = requests_for(pages, days)
        for start in range(0, len(asked), BATCH):
            batch = api.new_batch()
            for page, params in asked[start : start + BATCH]:
                named = {**params, "metric": params["metric"].split(",")}
                Page(page, api=api).get_insights(params=named, batch=batch, success=take)
            batch.execute()
            yield rows
            rows.clear()


def python_facebook(url: str, pages: int, days: int) -> Iterator[Iterable[Any]]:
    """python-facebook-api, one GET after the other: it has no batches."""
    from pyfacebook import GraphAPI

    api = GraphAPI(access_token=TOKEN, version="v24.0", base_url=f"{url}/", timeout=60)
    for page, params in requests_for(pages, days):
        entries = api.get_connection(page, "insights", **params)["data"]
        yield [row for entry in entries for row in entry["values"]]


CLIENTS = {"ours": ours, "bare": bare, "facebook-business": business_sdk, "python-facebook-api": python_facebook}
