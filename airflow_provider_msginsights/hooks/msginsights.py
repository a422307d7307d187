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
    ALL_PAGES,
    parse_api_version,
    parse_conn_id,
    parse_page_ids,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence

    from airflow_provider_msginsights.hooks.connection import ConnectionReader, Parts
    from airflow_provider_msginsights.insights.availability.polling import Availability, Found
    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.fetch.page_tokens import PageInfo
    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.protocol import Flow
    from airflow_provider_msginsights.insights.query import InsightsQuery, Slice
    from airflow_provider_msginsights.insights.records import InsightsRecord
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
    :param retry_bounds: bounds on asking again that differ from the connection's, by the names they have there, such
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
        """Give the connection form's labels to Airflow 3.1; newer ones read them from the provider's metadata."""
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
    def _parts(self) -> Parts:
        return self._reader.parts()

    @property
    def settings(self) -> TransportSettings:
        """What the connection says, without its secrets: the address, the version, how patiently to ask.

        :raises ConfigurationError: when a field of the connection is wrong, naming it.
        """
        return self._parts[0]

    @cached_property
    def _poll_transport(self) -> BlockingTransport:
        """The transport of all polls: it keeps the Page tokens, and no network connection between two polls."""
        return self.get_conn()

    def get_conn(self) -> BlockingTransport:
        """Give a transport that carries the connection's token; use it in a ``with`` statement.

        :raises ConfigurationError: when a field of the connection is wrong, naming it.
        """
        from airflow_provider_msginsights.transports.blocking import BlockingTransport

        settings, credentials = self._parts
        return BlockingTransport(settings, credentials, read_again=self._reader.credentials)

    async def aget_conn(self) -> NonblockingTransport:
        """Give a transport for the running event loop; use it in an ``async with`` statement.

        :raises ConfigurationError: when a field of the connection is wrong, naming it.
        """
        from airflow_provider_msginsights.transports.nonblocking import NonblockingTransport

        reader = self._reader
        self._parts = settings, credentials = await reader.aparts()
        return NonblockingTransport(settings, credentials, read_again=reader.acredentials)

    def get_records(
        self, query: InsightsQuery, *, allow_partial: bool = False
    ) -> Generator[InsightsRecord, None, FetchOutcome]:
        """Give the query's records as they arrive.

        Make the query with ``InsightsQuery.create``, and its days from dates or a preset with ``asked_days``, both in
        ``insights.query``. What could not be read is raised after the last record; nothing is missed silently.

        :param allow_partial: return the outcome instead, which tells what became of each part.
        :raises ConfigurationError: the API can have none of the days, or not all of a total's.
        :raises AuthenticationError: the token is refused.
        :raises RateLimitError: a limit asks for a longer wait than the connection allows.
        :raises MessagingInsightsError: any other trouble with the run, a Page or a metric that was named.
        """
        query = self._possible(query, datetime.now(UTC))
        with self.get_conn() as transport:
            outcome = yield from transport.records(self.fetch_flow(query))
        return outcome if allow_partial else _complete(outcome)

    async def aget_records(self, query: InsightsQuery) -> AsyncGenerator[InsightsRecord]:
        """Give the same records without blocking the event loop; raise what ``get_records`` raises."""
        from airflow_provider_msginsights.insights.records import Records
        from airflow_provider_msginsights.transports.nonblocking import iterate

        query = self._possible(query, datetime.now(UTC))
        async with (
            await self.aget_conn() as transport,
            contextlib.aclosing(iterate(transport, self.fetch_flow(query))) as parts,
        ):
            async for part in parts:
                if isinstance(part, Records):
                    for record in part:
                        yield record
                else:
                    _complete(part)

    def list_pages(self) -> tuple[PageInfo, ...]:
        """Give every Page the token can act for; it must be a user or system-user token.

        :raises MessagingInsightsError: what the API answered.
        """
        from airflow_provider_msginsights.insights.flows import list_pages

        return self._run(list_pages)

    async def alist_pages(self) -> tuple[PageInfo, ...]:
        """Give the same Pages without blocking the event loop."""
        from airflow_provider_msginsights.insights.flows import list_pages

        return await self._arun(list_pages)

    def inspect_token(self, *, page_ids: object = None) -> TokenReport:
        """Tell what the connection's token is and may do, and what helps where something is missing.

        A token that the API refuses gives a report too. The connection is read again first.

        :param page_ids: the Pages to look at, as loads name them: ``"all"`` too; the connection's default ones when
            left out.
        :raises ConfigurationError: when a field of the connection is wrong, naming it.
        :raises MessagingInsightsError: no answer, a limit, or an address or version the API does not know.
        """
        from airflow_provider_msginsights.hooks.token_check import inspect

        pages = _pages_to_look_at(page_ids)
        return inspect(*self._reader.parts(), page_ids=pages)

    async def ainspect_token(self, *, page_ids: object = None) -> TokenReport:
        """Tell the same as ``inspect_token``, without blocking the event loop."""
        from airflow_provider_msginsights.hooks.token_check import ainspect

        pages = _pages_to_look_at(page_ids)
        return await ainspect(*await self._reader.aparts(), page_ids=pages)

    def probe_metrics(self, query: InsightsQuery) -> FetchOutcome:
        """Ask for every metric of the query alone; the outcome says which have rows, are empty or are refused.

        :raises MessagingInsightsError: trouble that concerns every Page.
        """
        from airflow_provider_msginsights.insights.flows import probe_metrics

        return self._run(lambda policy: probe_metrics(query, policy=policy))

    async def aprobe_metrics(self, query: InsightsQuery) -> FetchOutcome:
        """Tell the same as ``probe_metrics``, without blocking the event loop."""
        from airflow_provider_msginsights.insights.flows import probe_metrics

        return await self._arun(lambda policy: probe_metrics(query, policy=policy))

    def test_connection(self) -> tuple[bool, str]:
        """Tell whether loads can work with the connection, and all a person needs to know of its token.

        For the Test button, ``airflow connections test`` and Airflow 3.3's test on a worker. It never raises.
        """
        from airflow_provider_msginsights.hooks.token_check import connection_test

        return connection_test(self._reader.parts)

    def warn_of_token_end(self) -> None:
        """Log a warning when the token or its access to data ends within the connection's ``token_warning_days``.

        It takes one call to the API, made as the app itself: without app id and secret nothing is asked, because only
        they are sure to get an answer. It never fails, and waits for no more than ten seconds.
        """
        from airflow_provider_msginsights.hooks.token_check import endings

        for ending in endings(*self._parts):
            self.log.warning("Connection %s: %s", self.msginsights_conn_id, ending)

    def resolve_page_ids(self, page_ids: object) -> tuple[str, ...]:
        """Return the ids of the Pages that are named, or the connection's default ones, or all it can analyze.

        :param page_ids: Page ids, ``"all"`` or ``None``, in any form that `parse_page_ids` reads.
        :raises ConfigurationError: if the value is not valid, or if it is ``"all"`` and the token can analyze no Page.
        """
        parsed = parse_page_ids(page_ids)
        if parsed != ALL_PAGES:
            return parsed or self._parts[0].default_page_ids
        found = tuple(page.page_id for page in self.list_pages() if page.may_analyze is not False)
        if not found:
            raise ConfigurationError(
                f"page_ids='all': the token of connection {self.msginsights_conn_id!r} cannot analyze any Page. Give "
                "its user the ANALYZE task and the token pages_show_list, or use a user or system-user token."
            )
        return found

    def retry_policy(self) -> RetryPolicy:
        """Give the bounds on asking again that the connection sets."""
        return self._parts[0].retry_policy

    def fetch_flow(self, query: InsightsQuery, *, slices: Sequence[Slice] | None = None) -> Flow[FetchOutcome]:
        """Give the work of reading every record of the query, or of some slices of it, for a transport to run."""
        from airflow_provider_msginsights.insights.flows import fetch_insights

        return fetch_insights(query, policy=self.retry_policy(), slices=slices, exchange_first=True)

    def probe_availability(self, query: InsightsQuery, *, now: datetime) -> Availability:
        """Tell whether every day of the query has a row, for every Page and metric, that had ended by ``now``.

        :raises MessagingInsightsError: what kept a Page or a metric named one by one from being looked at.
        """
        from airflow_provider_msginsights.insights.flows import probe_availability

        possible = self._possible(query, now, may_come=True)
        return _settled(self._run(lambda policy: probe_availability(possible, now=now, policy=policy)))

    async def aprobe_availability(self, query: InsightsQuery, *, now: datetime) -> Availability:
        """Tell the same as ``probe_availability``, without blocking the event loop."""
        from airflow_provider_msginsights.insights.flows import probe_availability

        possible = self._possible(query, now, may_come=True)
        return _settled(await self._arun(lambda policy: probe_availability(possible, now=now, policy=policy)))

    def check_availability(self, query: InsightsQuery, *, ranges: tuple[DateRange, ...], now: datetime) -> Availability:
        """Tell what of these days is there by ``now``; the trouble of single Pages and metrics is in the outcome.

        Asked again of the same hook, a poll of up to 50 Pages is one HTTP request.

        :param ranges: the days asked about; those near each other share a request.
        :raises MessagingInsightsError: trouble that concerns every Page.
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
        """Ask what is there, poll by poll, until ``next_poll`` gives ``None`` for the seconds to wait.

        The connection is read again before each poll; polls of one event loop that begin within a second share a
        reading, and all share its network connections, which are closed soon after the last poll. Only some are under
        way at a time.

        :param ranges: the days asked about, at each poll.
        :param clock: the present moment, aware.
        :param next_poll: takes what a poll found, an error included; what it raises ends the polling.
        :raises MessagingInsightsError: what is wrong with the connection.
        """
        from airflow_provider_msginsights.hooks.polling import poll

        await poll(query, read=self._reader.ashared, ranges=ranges, clock=clock, next_poll=next_poll)

    def _possible(self, query: InsightsQuery, now: datetime, *, may_come: bool = False) -> InsightsQuery:
        """Leave out of a query the days the API cannot have; one warning says so."""
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


def _pages_to_look_at(page_ids: object) -> tuple[str, ...] | None:
    pages = parse_page_ids(page_ids)
    return (ALL_PAGES,) if pages == ALL_PAGES else pages


def _complete(outcome: FetchOutcome) -> FetchOutcome:
    """Let no caller believe that it has everything when it has not."""
    for error in outcome.errors:
        raise error
    if outcome.resume_after_seconds is not None:
        raise RateLimitError(
            f"{len(outcome.paused)} requests have to wait for Meta's limit.",
            retry_after_seconds=outcome.resume_after_seconds,
        )
    return outcome


def _settled(availability: Availability) -> Availability:
    """Let an error through that waiting would only hide."""
    for error in availability.outcome.errors:
        raise error
    return availability
