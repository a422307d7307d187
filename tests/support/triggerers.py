"""A triggerer in the test's own process: Airflow's shared streams over an asset state store in memory."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from airflow.sdk import Asset
from airflow.sdk.execution_time import comms
from airflow.sdk.execution_time.context import AssetStateStoreAccessors
from airflow.triggers.shared_stream import SharedStreamManager

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from airflow_provider_msginsights.triggers.new_day import MessagingInsightsNewDayTrigger


@dataclass
class StateStore:
    """The supervisor's side of the asset state store."""

    values: dict[tuple[str, str], Any] = field(default_factory=dict)

    async def asend(self, message: Any) -> Any:
        if isinstance(message, comms.SetAssetStateStoreByName):
            self.values[message.name, message.key] = message.value
            return comms.OKResponse(ok=True)
        assert isinstance(message, comms.GetAssetStateStoreByName)
        value = self.values.get((message.name, message.key))
        return None if value is None else comms.AssetStateStoreResult(value=value)

    def send(self, message: Any) -> Any:
        """Airflow 3.3.0 and 3.3.1 ask from a thread."""
        return asyncio.run(self.asend(message))

    @property
    def through(self) -> dict[str, str]:
        return {name: value["through"] for (name, _), value in self.values.items()}


@dataclass
class Triggerer:
    """Runs watchers as Airflow's triggerer does; ``stores_events=False`` is a database that is down."""

    stores_events: bool = True
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._streams = SharedStreamManager(
            log=structlog.get_logger(), max_subscriber_queue=64, ack_timeout=60, cohort_grace_period=0
        )

    def start(self, *watched: tuple[str, MessagingInsightsNewDayTrigger]) -> None:
        for asset, trigger in watched:
            number = len(self._tasks) + 1
            self._tasks[number] = asyncio.create_task(self._watch(number, asset, trigger))

    async def _watch(self, number: int, asset: str, trigger: MessagingInsightsNewDayTrigger) -> None:
        trigger.asset_state_store = AssetStateStoreAccessors(inlets=[Asset(asset)])
        key = trigger.shared_stream_key()
        stream = self._streams.subscribe(trigger_id=number, trigger=trigger, key=key)
        try:
            async for event in trigger.filter_shared_stream(stream):
                bound = self._streams.bind_pending_event(trigger_id=number, key=key)
                if self.stores_events and bound is not None:
                    self.events.append((asset, event.payload))
                    self._streams.confirm_persisted([bound])
        finally:
            await self._streams.unsubscribe(number, key)

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        ended = await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended

    def days(self, asset: str = "page") -> list[str]:
        return [payload["day"] for name, payload in self.events if name == asset]


@asynccontextmanager
async def running(*watched: tuple[str, MessagingInsightsNewDayTrigger], **how: Any) -> AsyncIterator[Triggerer]:
    triggerer = Triggerer(**how)
    triggerer.start(*watched)
    try:
        yield triggerer
    finally:
        await triggerer.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - other threads count
            await asyncio.sleep(0.01)
