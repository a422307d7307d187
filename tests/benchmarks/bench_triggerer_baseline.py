"""A trigger that asks nobody: what a triggerer costs by itself. It lies in the benchmarked Airflow's config folder."""

from __future__ import annotations

import asyncio
from random import uniform
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseOperator
from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class IdleTrigger(BaseTrigger):
    """Wake every so many seconds, read the connection and log a line, as a trigger that polls does; or never wake."""

    def __init__(self, *, number: int, interval: float | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.number = number
        self.interval = interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.IdleTrigger", {"number": self.number, "interval": self.interval}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        if self.interval is None:
            await asyncio.Event().wait()
        else:
            await asyncio.sleep(uniform(0, self.interval))  # noqa: S311 - spreads load, guards nothing
        while self.interval is not None:
            await BaseHook.aget_connection("graph")
            self.log.info("Not there yet: number %s", self.number)
            await asyncio.sleep(self.interval)
        yield TriggerEvent(None)  # type: ignore[no-untyped-call]


class IdleSensor(BaseOperator):
    """Defer to an `IdleTrigger`."""

    def __init__(self, *, number: int, interval: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.number = number
        self.interval = interval

    def execute(self, context: Any) -> None:
        del context
        self.defer(trigger=IdleTrigger(number=self.number, interval=self.interval), method_name="resume")

    def resume(self, context: Any, event: Any) -> None:
        """Be named as the method to go on with."""
