"""Availability asked again and again in one flow, so that Page tokens and limits outlive the single poll."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import MessagingInsightsError
from airflow_provider_msginsights.insights.fetch.outcome import Availability
from airflow_provider_msginsights.insights.flows import probe_availability
from airflow_provider_msginsights.insights.graph.usage_headers import regain_seconds
from airflow_provider_msginsights.insights.protocol import Receive, Renew, Reply, Send, observed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.protocol import Answer, Flow, Step
    from airflow_provider_msginsights.insights.query import InsightsQuery

Found = Availability | MessagingInsightsError
"""What one poll brought: an answer, or the error that kept it from one."""


def poll_availability(
    query: InsightsQuery,
    *,
    policy: RetryPolicy,
    ranges: Callable[[], tuple[DateRange, ...]],
    clock: Callable[[], datetime],
    next_poll: Callable[[Found], float | None],
) -> Flow[None]:
    """Probe, rest, and probe again until the caller has enough.

    Between two polls the connection is read again, and no poll is made earlier than Meta's limits allow.

    :param ranges: the days to ask about, at each poll.
    :param clock: the present moment, aware.
    :param next_poll: takes what a poll found and gives the seconds until the next one, or ``None`` when done.
    :raises MessagingInsightsError: what ``next_poll`` raises.
    """
    tokens_work = False
    while True:
        line = _Line()
        probe = probe_availability(
            query, now=clock(), policy=policy, ranges=ranges(), at_once=tokens_work, exchange_first=True
        )
        found: Found
        try:
            found = yield from observed(probe, line.hear)
        except MessagingInsightsError as error:
            found = error
        yield from line.cleared()
        tokens_work = isinstance(found, Availability) and not found.outcome.errors
        seconds = next_poll(found)
        if seconds is None:
            return
        paused = found.outcome.resume_after_seconds if isinstance(found, Availability) else found.retry_after_seconds
        rest = Receive(max(seconds, line.stay_away_seconds, paused or 0.0))
        # What lives through the rest counts as old for the garbage collector: enough of it makes it look through all.
        del found, probe, line
        yield rest
        renewed = yield Renew()
        tokens_work = tokens_work and not renewed


class _Line:
    """Listens to a flow's replies: how many are still to come, and how long the server asks to stay away."""

    def __init__(self) -> None:
        self.stay_away_seconds = 0.0
        self._in_flight = 0

    def cleared(self) -> Flow[None]:
        """Wait for replies that nobody waits for any more: the next poll must not take them for its own."""
        while self._in_flight:
            self.hear(Receive(), (yield Receive()))

    def hear(self, step: Step, answer: Answer) -> None:
        """Note what was asked and what was answered."""
        if isinstance(step, Send):
            self._in_flight += len(step.requests)
        elif isinstance(answer, Reply):
            self._in_flight -= 1
            headers = answer.response.headers if answer.response else {}
            seconds = regain_seconds(headers, answer.request.page_id) or 0.0
            self.stay_away_seconds = max(self.stay_away_seconds, seconds)
