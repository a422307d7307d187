"""Shapes of real replies, for people who cannot see them: what is asked, and how it is written down."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights import __version__
from airflow_provider_msginsights.cli.inspect.allowed_words import FIELD_NAMES
from airflow_provider_msginsights.cli.inspect.anonymize import Anonymiser
from airflow_provider_msginsights.insights.catalog import METRICS, PERIODS, STABLE_METRICS
from airflow_provider_msginsights.insights.protocol import Receive, Reply, Request, Send
from airflow_provider_msginsights.insights.query import InsightsQuery, Slice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.insights.protocol import Flow

_TOKEN_REQUESTS = (
    Request("/me", (("fields", "id,name"),)),
    Request("/debug_token", inspects_token=True),
    Request("/me/accounts", (("fields", "id,name,tasks"), ("limit", "5"))),
)
_NO_METRIC = "page_messages_no_such_metric"
"""Asked for to see a refusal."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What may be shown to anyone.

    :param unknown_fields: names of fields that are new to this package; they are not in the text.
    """

    text: str
    reply_count: int
    unknown_fields: tuple[str, ...]


def collect(page_id: str, days: DateRange) -> Flow[tuple[Reply, ...]]:
    """Ask what a load and a check ask, in every period and breakdown, and hand back the replies as they came."""
    exchange = Request(f"/{page_id}", (("fields", "id,access_token"),), None, yields_tokens=True)
    replies: list[Reply] = []
    for requests in ((*_TOKEN_REQUESTS, exchange), tuple(_insights(page_id, days))):
        yield Send(requests)
        heard: dict[Request, Reply] = {}
        for _ in requests:
            answer = yield Receive()
            if isinstance(answer, Reply):
                heard[answer.request] = answer
        replies += (heard[request] for request in requests if request in heard)
    return tuple(replies)


def _insights(page_id: str, days: DateRange) -> Iterator[Request]:
    """One request a metric, breakdown and period, so that one refused metric hides no other."""
    for metric in METRICS.values():
        yield _request(page_id, days, metric.name, "day")
        for breakdown in metric.breakdowns:
            yield _request(page_id, days, metric.name, "total_over_range", breakdown)
    for period in PERIODS:
        if period != "day":
            yield _request(page_id, days, STABLE_METRICS[0], period)
    known = _request(page_id, days, STABLE_METRICS[0], "day")
    refused = tuple((name, _NO_METRIC if name == "metric" else value) for name, value in known.params)
    yield Request(known.path, refused, page_id)


def _request(page_id: str, days: DateRange, metric: str, period: str, breakdown: str | None = None) -> Request:
    query = InsightsQuery.create(
        page_ids=page_id, metrics=metric, days=days, period=period, breakdowns=[breakdown] if breakdown else ()
    )
    return query.request(Slice(page_id, query.metrics, days))


def sample_of(replies: Sequence[Reply]) -> Sample:
    """Return the replies without anything that is anyone's."""
    anonymiser = Anonymiser()
    document = {"msginsights": __version__, "replies": [_told(reply, anonymiser) for reply in replies]}
    return Sample(json.dumps(document, indent=1) + "\n", len(replies), tuple(anonymiser.unknown_fields))


def _told(reply: Reply, anonymiser: Anonymiser) -> dict[str, Any]:
    asked = {
        "path": anonymiser.of(reply.request.path),
        **{name: anonymiser.of(value, name) for name, value in reply.request.params},
    }
    if reply.response is None:
        return {"asked": asked, "lost": True}
    response = reply.response
    return {
        "asked": asked,
        "status": anonymiser.of(response.status, "status"),
        "headers": dict(_headers(response.headers.items(), anonymiser)),
        "body": _body(response.body, anonymiser),
    }


def _headers(headers: Iterable[tuple[str, str]], anonymiser: Anonymiser) -> Iterator[tuple[str, str]]:
    """Those that say something about the API; all others are left out."""
    for name, value in headers:
        if name in FIELD_NAMES:
            yield name, anonymiser.of(value, name)


def _body(text: str, anonymiser: Anonymiser) -> Any:
    try:
        return anonymiser.of(json.loads(text))
    except (ValueError, RecursionError):
        return {"no_json": True, "is_empty": not text.strip(), "is_html": text.lstrip().startswith("<")}
