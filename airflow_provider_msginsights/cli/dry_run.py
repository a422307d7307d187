"""A load without a network: what it would send.

The flow of a real load is driven here by answers made up on the spot, so what is counted is what it really does: its
requests, its batches, its first request on trial, its exchange of tokens. Nothing is computed twice.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.insights.graph import batch
from airflow_provider_msginsights.insights.graph.paging import PAGES_A_CALL
from airflow_provider_msginsights.insights.protocol import Receive, Reply, Response, Send

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.protocol import Answer, Request
    from airflow_provider_msginsights.insights.query import InsightsQuery
    from airflow_provider_msginsights.transports.settings import TransportSettings

_EMPTY: dict[str, Any] = {"data": []}
_NEEDS_PAGE_TOKEN = {"error": {"message": "A Page token is needed", "code": 190, "error_subcode": 2069032}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What a load sends, if nothing goes wrong.

    :param graph_calls: calls as Meta counts them: each part of a batch is one.
    :param http_requests: HTTP requests they travel in, ``posts`` among them.
    :param calls_by_page: Page -> how many of the calls are for it; the rest lists Pages to exchange tokens.
    """

    graph_calls: int
    http_requests: int
    posts: int
    calls_by_page: Counter[str]


def dry_run(query: InsightsQuery, *, settings: TransportSettings, with_page_token: bool, signed: bool) -> Traffic:
    """Run the load of a query against made-up answers.

    :param with_page_token: the connection holds the Page's own token, so none has to be exchanged.
    :param signed: calls carry an ``appsecret_proof``, and so every one of them is a POST.
    """
    flow = fetch_insights(query, policy=settings.retry_policy, exchange_first=not with_page_token)
    stage = _Stage(query.page_ids, is_page_token=with_page_token)
    inbox: deque[Reply] = deque()
    http_requests = posts = 0
    answer: Answer = None
    while True:
        try:
            step = flow.send(answer)
        except StopIteration:
            break
        answer = None
        if isinstance(step, Send):
            limit = min(step.batch_limit, settings.batch_size)
            groups = batch.pack(step.requests, limit=limit)
            http_requests += len(groups)
            posts += sum(signed or len(group) > 1 for group in groups)
            inbox.extend(stage.reply(request) for request in step.requests)
        elif isinstance(step, Receive) and inbox:
            answer = inbox.popleft()
    return Traffic(
        graph_calls=stage.calls.total(),
        http_requests=http_requests,
        posts=posts,
        calls_by_page=Counter({page: count for page, count in stage.calls.items() if page is not None}),
    )


class _Stage:
    """Answers like an API that has nothing to tell, and counts."""

    def __init__(self, page_ids: tuple[str, ...], *, is_page_token: bool) -> None:
        self.calls: Counter[str | None] = Counter()
        self._page_ids = page_ids
        self._pages = frozenset(page_ids)
        self._has_page_tokens = is_page_token

    def reply(self, request: Request) -> Reply:
        subject = request.path.split("/")[1]
        self.calls[subject if subject in self._pages else None] += 1
        body = self._body(request)
        status = 400 if "error" in body else 200
        return Reply(request=request, at_seconds=0.0, response=Response(status=status, body=json.dumps(body)))

    def _body(self, request: Request) -> dict[str, Any]:
        if request.yields_tokens:
            self._has_page_tokens = True
            return self._accounts(request) if request.path == "/me/accounts" else _page(request.path[1:])
        return _EMPTY if self._has_page_tokens else _NEEDS_PAGE_TOKEN

    def _accounts(self, request: Request) -> dict[str, Any]:
        start = int(dict(request.params).get("after", "0"))
        end = start + PAGES_A_CALL
        more = {"paging": {"cursors": {"after": str(end)}, "next": "more"}} if end < len(self._page_ids) else {}
        return {"data": [_page(page_id) for page_id in self._page_ids[start:end]], **more}


def _page(page_id: str) -> dict[str, str]:
    return {"id": page_id, "access_token": "made up"}
