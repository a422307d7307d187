"""The hook: an Airflow connection in, Messaging Insights out.

Flows and transports are imported where they are used: DAG files import this module at every parse and need neither.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.sdk import BaseHook

from airflow_provider_msginsights.exceptions import ConfigurationError, RateLimitError
from airflow_provider_msginsights.insights.parameters.numbers import (
    parse_retry_bounds,
)
from airflow_provider_msginsights.insights.parameters.parse import (
    ALL_PAGE_IDS,
    parse_api_version,
    parse_conn_id,
    parse_page_ids,
)
from airflow_provider_msginsights.insights.wording import plural

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence

    from airflow_provider_msginsights.hooks.connection import ConnectionReader, ConnectionValues
    from airflow_provider_msginsights.insights.availability.polling import Availability, Found
    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.fetch.page_tokens import PageInfo
    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.protocol import Flow
    from airflow_provider_msginsights.insights.query import InsightsQuery, Slice
    from airflow_provider_msginsights.insights.records import InsightsRecord
    from airflow_provider_msginsights.insights.token.page_facts import PageFacts
    from airflow_provider_msginsights.insights.token.report import TokenReport
    from airflow_provider_msginsights.transports.blocking import BlockingTransport
    from airflow_provider_msginsights.transports.nonblocking import NonblockingTransport
    from airflow_provider_msginsights.transports.settings import TransportSettings


T = TypeVar("T")


class MessagingInsightsHook(BaseHook):
    """Talk to Meta's Messaging Insights API with the token of an Airflow connection.

    The connection is read when it is first needed, never when the hook is made, and again when the API refuses
    its token. The token stays in the transport: no method returns it, logs it or puts it into an error.

    :param msginsights_conn_id: the Airflow connection of type ``msginsights``.
    :param api_version: Graph API version such as ``v26.0``; the connection's, or this provider's, when left out.
    :param retry_bounds: limits of retries that differ from the connection's, by the names they have there, such
        as ``{"max_attempts": 2}``.
    """

    conn_name_attr = "msginsights_conn_id"
    default_conn_name = "msginsights_default"
    conn_type = "msginsights"
    hook_name = "Meta Messaging Insights"

    def __init__(
        self,
        msginsights_conn_id: str = default_conn_name,
        *,
        api_version: str | None = None,
        retry_bounds: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.msginsights_conn_id = msginsights_conn_id
        self.api_version = api_version
        self.retry_bounds = retry_bounds
        self._tokens_work = False

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the connection form's labels for Airflow 3.1; newer ones read them from the provider's metadata."""
        from airflow_provider_msginsights.get_provider_info import get_provider_info

        (connection_type,) = get_provider_info()["connection-types"]
        return {name.replace("-", "_"): value for name, value in connection_type["ui-field-behaviour"].items()}

    @property
    def _reader(self) -> ConnectionReader:
        from airflow_provider_msginsights.hooks.connection import ConnectionReader

        return ConnectionReader(
            conn_id=parse_conn_id("msginsights_conn_id", self.msginsights_conn_id),
            api_version=parse_api_version(self.api_version),
            retry_bounds=parse_retry_bounds(self.retry_bounds),
        )

    @cached_property
    def _connection_values(self) -> ConnectionValues:
        return self._reader.read()

    @property
    def settings(self) -> TransportSettings:
        """The connection's settings without its secrets: the address, the version, the limits of retries.

        :raises ConfigurationError: when a field of the connection is wrong, naming it.
        """
        return self._connection_values[0]

    @cached_property
    def _poll_transport(self) -> BlockingTransport:
        """The transport of all polls: it keeps the Page tokens, and no network connection between two polls."""
        return self.get_conn()

    def get_conn(self) -> BlockingTransport:
        """Return a transport with the connection's token; use it in a ``with`` statement.

        :raises ConfigurationError: when a field of the connection is wrong, naming it.
        """
        from airflow_provider_msginsights.transports.blocking import BlockingTransport

        settings, credentials = self._connection_values
        return BlockingTransport(settings, credentials, read_again=self._reader.credentials)

    async def aget_conn(self) -> NonblockingTransport:
        """Return a transport for the running event loop; use it in an ``async with`` statement.

        :raises ConfigurationError: when a field of the connection is wrong, naming it.
        """
        from airflow_provider_msginsights.transports.nonblocking import NonblockingTransport

        reader = self._reader
        self._connection_values = settings, credentials = await reader.aread()
        return NonblockingTransport(settings, credentials, read_again=reader.acredentials)

    def get_records(
        self, query: InsightsQuery, *, allow_partial: bool = False
    ) -> Generator[InsightsRecord, None, FetchOutcome]:
        """Yield the query's records as they arrive.

        Make the query with ``InsightsQuery.create``, and its days from dates or a preset with ``asked_days``, both in
        ``insights.query``. What could not be read is raised after the last record; nothing is missed silently.

        :param allow_partial: return the outcome instead, which holds the result of each slice.
        :raises ConfigurationError: the API has none of the days, or not all days of a total.
        :raises AuthenticationError: the token is refused.
        :raises RateLimitError: a limit asks for a longer wait than the connection allows.
        :raises MessagingInsightsError: any other error of the run, a Page or a metric that was named.
        """
        query = self._possible(query, datetime.now(UTC))
        with self.get_conn() as transport:
            outcome = yield from transport.records(self.fetch_flow(query))
        return outcome if allow_partial else _complete(outcome)

    async def aget_records(self, query: InsightsQuery) -> AsyncGenerator[InsightsRecord]:
        """Yield the same records without blocking the event loop; raise what ``get_records`` raises."""
        from airflow_provider_msginsights.insights.records import Records
        from airflow_provider_msginsights.transports.nonblocking import iterate

        query = self._possible(query, datetime.now(UTC))
        async with (
            await self.aget_conn() as transport,
            contextlib.aclosing(iterate(transport, self.fetch_flow(query))) as results,
        ):
            async for result in results:
                if isinstance(result, Records):
                    for record in result:
                        yield record
                else:
                    _complete(result)

    def list_pages(self) -> tuple[PageInfo, ...]:
        """Return every Page the token can act for; it must be a user or system-user token.

        :raises MessagingInsightsError: the API's error.
        """
        from airflow_provider_msginsights.insights.flows import list_pages

        return self._run(list_pages)

    async def alist_pages(self) -> tuple[PageInfo, ...]:
        """Return the same Pages without blocking the event loop."""
        from airflow_provider_msginsights.insights.flows import list_pages

        return await self._arun(list_pages)

    def inspect_token(self, *, page_ids: object = None) -> TokenReport:
        """Return a report on the connection's token: its kind, its permissions, when it ends, and what to fix.

        A token that the API refuses has a report too. The connection is read again first.

        :param page_ids: the Pages to check, in the form that loads take, ``"all"`` included; the connection's default
            Pages when left out.
        :raises ConfigurationError: when a field of the connection is wrong, naming it.
        :raises MessagingInsightsError: no answer, a limit, or an address or version the API does not know.
        """
        from airflow_provider_msginsights.hooks.token_check import inspect

        pages = _pages_to_check(page_ids)
        return inspect(*self._reader.read(), page_ids=pages)

    async def ainspect_token(self, *, page_ids: object = None) -> TokenReport:
        """Return the same report as ``inspect_token``, without blocking the event loop."""
        from airflow_provider_msginsights.hooks.token_check import ainspect

        pages = _pages_to_check(page_ids)
        return await ainspect(*await self._reader.aread(), page_ids=pages)

    def read_page_facts(self, page_id: str) -> PageFacts:
        """Return how many people follow a Page, and whether it is published.

        :raises MessagingInsightsError: the API's error.
        """
        from airflow_provider_msginsights.insights.token.page_facts import read_page_facts

        return self._run(lambda policy: read_page_facts(page_id, policy))

    def probe_metrics(self, query: InsightsQuery) -> FetchOutcome:
        """Request every metric of the query by itself; the outcome says which have rows, are empty or are refused.

        :raises MessagingInsightsError: an error that concerns every Page.
        """
        from airflow_provider_msginsights.insights.flows import probe_metrics

        return self._run(lambda policy: probe_metrics(query, policy=policy))

    async def aprobe_metrics(self, query: InsightsQuery) -> FetchOutcome:
        """Return the same as ``probe_metrics``, without blocking the event loop."""
        from airflow_provider_msginsights.insights.flows import probe_metrics

        return await self._arun(lambda policy: probe_metrics(query, policy=policy))

    def test_connection(self) -> tuple[bool, str]:
        """Return whether loads can use the connection, and a report on its token.

        For the Test button, ``airflow connections test`` and Airflow 3.3's test on a worker. It never raises.
        """
        from airflow_provider_msginsights.hooks.token_check import connection_test

        return connection_test(self._reader.read)

    def warn_of_token_end(self) -> None:
        """Log a warning when the token or its access to data ends within the connection's ``token_warning_days``.

        It makes one call to the API, as the app itself: without app id and secret it makes none, because only with them
        an answer is certain. It never fails, and waits for no more than ten seconds.
        """
        from airflow_provider_msginsights.hooks.token_check import endings

        for ending in endings(*self._connection_values):
            self.log.warning("Connection %s: %s", self.msginsights_conn_id, ending)

    def resolve_page_ids(self, page_ids: object) -> tuple[str, ...]:
        """Return the ids of the Pages that are named, or the connection's default ones, or all it can analyze.

        :param page_ids: Page ids, ``"all"`` or ``None``, in any form that loads take.
        :raises ConfigurationError: if the value is not valid, or if it is ``"all"`` and the token can analyze no Page.
        """
        parsed = parse_page_ids(page_ids)
        if parsed != ALL_PAGE_IDS:
            return parsed or self._connection_values[0].default_page_ids
        found = tuple(page.page_id for page in self.list_pages() if page.may_analyze is not False)
        if not found:
            raise ConfigurationError(
                f"page_ids='all': the token of connection {self.msginsights_conn_id!r} cannot analyze any Page. Give "
                "its user the ANALYZE task and the token pages_show_list, or use a user or system-user token.",
                parameter="page_ids",
            )
        return found

    def retry_policy(self) -> RetryPolicy:
        """Return the connection's limits of retries."""
        return self._connection_values[0].retry_policy

    def fetch_flow(self, query: InsightsQuery, *, slices: Sequence[Slice] | None = None) -> Flow[FetchOutcome]:
        """Return the flow that reads every record of the query, or of some slices of it, for a transport to run."""
        from airflow_provider_msginsights.insights.flows import fetch_insights

        return fetch_insights(query, policy=self.retry_policy(), slices=slices, exchange_first=True)

    def probe_availability(self, query: InsightsQuery, *, now: datetime) -> Availability:
        """Return whether every day of the query has a row, for every Page and metric, that had ended by ``now``.

        :raises MessagingInsightsError: an error of a Page, or of a metric that was named.
        """
        from airflow_provider_msginsights.insights.flows import probe_availability

        possible = self._possible(query, now, may_come=True)
        return _checked(self._run(lambda policy: probe_availability(possible, now=now, policy=policy)))

    async def aprobe_availability(self, query: InsightsQuery, *, now: datetime) -> Availability:
        """Return the same as ``probe_availability``, without blocking the event loop."""
        from airflow_provider_msginsights.insights.flows import probe_availability

        possible = self._possible(query, now, may_come=True)
        return _checked(await self._arun(lambda policy: probe_availability(possible, now=now, policy=policy)))

    def check_availability(self, query: InsightsQuery, *, ranges: tuple[DateRange, ...], now: datetime) -> Availability:
        """Return which of these days are available by ``now``; errors of single Pages and metrics are in the outcome.

        The hook keeps its Page tokens: each later poll of up to 50 Pages is one HTTP request.

        :param ranges: the days to look for; ranges near each other share a request.
        :raises MessagingInsightsError: an error that concerns every Page.
        """
        from airflow_provider_msginsights.insights.flows import probe_availability

        flow = probe_availability(
            query, now=now, policy=self.retry_policy(), ranges=ranges, at_once=self._tokens_work, exchange_first=True
        )
        self._tokens_work = False
        with self._poll_transport as transport:
            found = transport.run(flow)
        self._tokens_work = not found.outcome.errors
        return found

    async def apoll_availability(
        self,
        query: InsightsQuery,
        *,
        ranges: Callable[[], tuple[DateRange, ...]],
        clock: Callable[[], datetime],
        next_poll: Callable[[Found], float | None],
    ) -> None:
        """Poll for these days until ``next_poll`` returns ``None`` for the seconds to wait.

        The connection is read again before each poll; polls of one event loop that begin within a second share a
        reading, and all share its network connections, which are closed soon after the last poll. Only some are under
        way at a time.

        :param ranges: returns the days to look for, at each poll.
        :param clock: returns the present moment, aware.
        :param next_poll: takes what a poll found, an error included; what it raises ends the polling.
        :raises MessagingInsightsError: what is wrong with the connection.
        """
        from airflow_provider_msginsights.hooks.polling import poll

        await poll(query, read=self._reader.aread_shared, ranges=ranges, clock=clock, next_poll=next_poll)

    def _possible(self, query: InsightsQuery, now: datetime, *, may_come: bool = False) -> InsightsQuery:
        """Return the query without the days that the API cannot have; log a warning that names them."""
        from airflow_provider_msginsights.insights.catalog import TOTAL_OVER_RANGE
        from airflow_provider_msginsights.insights.history import possible_days

        is_total = query.period == TOTAL_OVER_RANGE
        possible = possible_days((query.days,), now, is_total=is_total, may_come=may_come)
        if possible.warning:
            self.log.warning(possible.warning)
        return replace(query, days=possible.ranges[0])

    def _run(self, flow_for: Callable[[RetryPolicy], Flow[T]]) -> T:
        with self.get_conn() as transport:
            return transport.run(flow_for(self.retry_policy()))

    async def _arun(self, flow_for: Callable[[RetryPolicy], Flow[T]]) -> T:
        async with await self.aget_conn() as transport:
            return await transport.run(flow_for(self.retry_policy()))


def _pages_to_check(page_ids: object) -> tuple[str, ...] | None:
    pages = parse_page_ids(page_ids)
    return (ALL_PAGE_IDS,) if pages == ALL_PAGE_IDS else pages


def _complete(outcome: FetchOutcome) -> FetchOutcome:
    """Return a complete outcome; raise what left one incomplete."""
    for error in outcome.errors:
        raise error
    if outcome.resume_after_seconds is not None:
        raise RateLimitError(
            f"{plural(len(outcome.paused), 'request')} must wait for Meta's rate limit.",
            retry_after_seconds=outcome.resume_after_seconds,
        )
    return outcome


def _checked(availability: Availability) -> Availability:
    """Return what was found; raise an error that waiting would only hide."""
    for error in availability.outcome.errors:
        raise error
    return availability
