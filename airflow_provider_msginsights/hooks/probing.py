"""The same question asked again and again: what the first poll learned spares the later ones requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.flows import probe_availability

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.insights.fetch.outcome import Availability
    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.query import InsightsQuery
    from airflow_provider_msginsights.transports.blocking import BlockingTransport


class Prober:
    """Keeps the Page tokens from poll to poll, and no network connection between them.

    :param transport: its connection is read again when the API refuses the token.
    """

    def __init__(self, transport: BlockingTransport, policy: RetryPolicy) -> None:
        self._transport = transport
        self._policy = policy
        self._tokens_work = False

    def probe(self, query: InsightsQuery, *, ranges: tuple[DateRange, ...], now: datetime) -> Availability:
        """Tell what of these days is there by ``now``.

        :raises MessagingInsightsError: trouble that concerns every Page.
        """
        flow = probe_availability(
            query, now=now, policy=self._policy, ranges=ranges, at_once=self._tokens_work, exchange_first=True
        )
        self._tokens_work = False
        with self._transport:
            found = self._transport.run(flow)
        self._tokens_work = not found.outcome.errors
        return found
