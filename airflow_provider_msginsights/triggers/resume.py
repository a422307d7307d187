"""A trigger that holds what a throttled load has still to do, until Meta's limit is over."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class MessagingInsightsResumeTrigger(BaseTrigger):
    """Fire at a moment, and hand back the state it was given.

    The state travels in the event, because ``dag.test()`` of Airflow up to 3.3.2 drops the arguments of ``defer()``.

    :param moment: when to fire, ISO text with an offset.
    :param state: what the task needs to go on: plain JSON, small, and without any secret.
    """

    def __init__(self, *, moment: str, state: dict[str, Any]) -> None:
        super().__init__()
        self.moment = moment
        self.state = state

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what rebuilds this trigger elsewhere."""
        path = "airflow_provider_msginsights.triggers.resume.MessagingInsightsResumeTrigger"
        return path, {"moment": self.moment, "state": self.state}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep until the moment, then fire once."""
        seconds = (datetime.fromisoformat(self.moment) - datetime.now(UTC)).total_seconds()
        await asyncio.sleep(max(0.0, seconds))
        yield TriggerEvent({"status": "resume", "state": self.state})
