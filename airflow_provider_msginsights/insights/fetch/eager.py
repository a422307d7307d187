"""Everything in one go, for tokens that are known to work; what is refused is then asked with care.

A run normally begins with one request on trial, because whatever refuses that one would refuse all the others too. A
caller that polls has had its trial in an earlier poll, and this saves it one HTTP request in each of the next ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import ResponseFormatError
from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome, Paused
from airflow_provider_msginsights.insights.fetch.run import FetchRun
from airflow_provider_msginsights.insights.graph.error_table import Problem, Remedy
from airflow_provider_msginsights.insights.graph.record_parser import RecordParser
from airflow_provider_msginsights.insights.graph.replies import read_reply
from airflow_provider_msginsights.insights.protocol import Emit, Receive, Reply, Send

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.protocol import Flow
    from airflow_provider_msginsights.insights.query import InsightsQuery, Slice


def ask_at_once(query: InsightsQuery, *, policy: RetryPolicy, slices: Iterable[Slice]) -> Flow[FetchOutcome]:
    """Emit the records of these slices of the query as `fetch_insights` does, sending all requests together first.

    :raises MessagingInsightsError: as `fetch_insights` does.
    """
    parts = {query.request(part): part for part in slices}
    parser = RecordParser(query)
    answered: list[Slice] = []
    empty: list[Slice] = []
    refused: list[Slice] = []
    paused: list[Paused] = []
    left = policy.time_left(0.0)
    yield Send(tuple(parts), time_left={} if left is None else dict.fromkeys(parts, left))
    for _ in parts:
        reply = yield Receive()
        if not isinstance(reply, Reply):
            break
        part = parts[reply.request]
        judged = read_reply(reply)
        if isinstance(judged, Problem) and judged.remedy is Remedy.WAIT:
            wait = judged.error.retry_after_seconds or policy.throttle_wait_seconds(1)
            paused.append(Paused(part, wait, judged.error))
            continue
        try:
            parsed = None if isinstance(judged, Problem) else parser.parse(judged, part)
        except ResponseFormatError:
            parsed = None
        if parsed is None:
            refused.append(part)
            continue
        answered += [part.of(parsed.answered)] if parsed.answered else []
        empty += [rest] if (rest := part.without(parsed.answered)).metrics else []
        yield Emit(parsed.records)
    run = FetchRun(query, refused, policy, answered=(*answered, *empty))
    careful = (yield from run.run()) if refused else FetchOutcome(query=query)
    return replace(
        careful,
        answered=(*answered, *careful.answered),
        empty=(*empty, *careful.empty),
        paused=(*paused, *careful.paused),
    )
