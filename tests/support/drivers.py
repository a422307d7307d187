"""Both drivers behind one call, so that one body of scenarios holds for both."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_msginsights.transports.blocking import BlockingTransport
from airflow_provider_msginsights.transports.nonblocking import NonblockingTransport
from airflow_provider_msginsights.transports.settings import from_connection_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.insights.protocol import Flow
    from airflow_provider_msginsights.insights.records import InsightsRecord, Records
    from airflow_provider_msginsights.transports.credentials import Credentials

T = TypeVar("T")


@dataclass
class Driver:
    """Runs flows against a host; its clock moves only when a flow waits, so no test sleeps.

    :param extra: the connection's extra.
    """

    kind: str
    host: str = ""
    password: str = "user-token"
    extra: dict[str, object] = field(default_factory=dict)
    read_again: Callable[[], Credentials] | None = None
    records: list[InsightsRecord] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    now: float = 5000.0

    def run(self, flow: Flow[T]) -> T:
        settings, credentials = from_connection_parts(host=self.host, password=self.password, extra=self.extra)
        if self.kind == "blocking":
            with BlockingTransport(
                settings, credentials, read_again=self.read_again, clock=lambda: self.now, sleep=self._sleep
            ) as transport:
                records = transport.records(flow)
                while True:
                    try:
                        self.records.append(next(records))
                    except StopIteration as stop:
                        result: T = stop.value
                        return result

        async def run() -> T:
            async def read_again() -> Credentials:
                assert self.read_again is not None
                return self.read_again()

            async def asleep(seconds: float) -> None:
                self._sleep(seconds)

            async def take(records: Records) -> None:
                self.records += records

            async with NonblockingTransport(
                settings,
                credentials,
                read_again=read_again if self.read_again else None,
                clock=lambda: self.now,
                sleep=asleep,
            ) as transport:
                return await transport.run(flow, take)

        return asyncio.run(run())

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
