"""Reading a query: with care, or all at once where the tokens are known to work.

A run normally begins with one request on trial, because whatever refuses that one would refuse all the others too. A
caller that polls has had its trial in an earlier poll, and this saves it one HTTP request in each of the next ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import ResponseFormatError
from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome, Paused
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.fetch.run import FetchRun
from airflow_provider_msginsights.insights.graph.error_table import Problem, Remedy
from airflow_provider_msginsights.insights.graph.record_parser import RecordParser
from airflow_provider_msginsights.insights.graph.replies import read_reply
from airflow_provider_msginsights.insights.protocol import Emit, Receive, Reply, Send, tap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_msginsights.insights.protocol import Flow
    from airflow_provider_msginsights.insights.query import InsightsQuery, Slice


_DEFAULT_POLICY = RetryPolicy()


def fetch_insights(
    query: InsightsQuery,
    *,
    policy: RetryPolicy = _DEFAULT_POLICY,
    slices: Iterable[Slice] | None = None,
    exchange_first: bool = False,
) -> Flow[FetchOutcome]:
    """Emit every record the API has for the query, and return what became of each of its slices.

    An error of one Page is reported in the outcome and keeps no other Page from being read.

    :param slices: only these slices of the query, such as those an earlier run left paused.
    :param exchange_first: with several Pages begin with the list of their tokens. Each Page wants its own (Pages API
        error table, 190/2069032), so this spares a call that can only be refused; a single Page's may be the
        connection's.
    :raises MessagingInsightsError: what concerns the whole run (an expired token, say), if nothing was answered before;
        otherwise it is the outcome's ``stopped_by``.
    """
    asked = query.slices() if slices is None else slices
    return FetchRun(query, asked, policy, exchange_first=exchange_first).run()


def probe_metrics(query: InsightsQuery, *, policy: RetryPolicy = _DEFAULT_POLICY) -> Flow[FetchOutcome]:
    """Ask for every metric of the query alone; the outcome says which are answered, empty or refused.

    :raises MessagingInsightsError: as `fetch_insights` does.
    """
    alone = [part.of((metric,)) for part in query.slices() for metric in query.metrics]
    reading = fetch_insights(query, policy=policy, slices=alone)
    return (yield from tap(reading, lambda *_: None, passes_on=False))


def fetch_eagerly(query: InsightsQuery, *, policy: RetryPolicy, slices: Iterable[Slice]) -> Flow[FetchOutcome]:
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
