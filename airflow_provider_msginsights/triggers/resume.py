"""A trigger that holds the remaining work of a throttled load until Meta's limit ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class MessagingInsightsResumeTrigger(BaseTrigger):
    """Fire at a moment, and return the state it was given.

    The state travels in the event, because ``dag.test()`` of Airflow up to 3.3.2 drops the arguments of ``defer()``.

    :param moment: when to fire, ISO text with an offset.
    :param state: what the task needs to go on: plain JSON, small, and without any secret.
    :param deadline: when the task's ``execution_timeout`` ends, ISO text with an offset: if that is earlier, the
        event is ``{"status": "timed_out", "moment"}``. It is part of the other event too.
    """

    def __init__(self, *, moment: str, state: dict[str, Any], deadline: str | None = None) -> None:
        super().__init__()
        self.moment = moment
        self.state = state
        self.deadline = deadline

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what rebuilds this trigger elsewhere."""
        path = "airflow_provider_msginsights.triggers.resume.MessagingInsightsResumeTrigger"
        return path, {"moment": self.moment, "state": self.state, "deadline": self.deadline}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep until the moment, or until the deadline, then fire once."""
        moment, deadline = datetime.fromisoformat(self.moment), self.deadline and datetime.fromisoformat(self.deadline)
        first = min(moment, deadline) if deadline else moment
        await asyncio.sleep(max(0.0, (first - datetime.now(UTC)).total_seconds()))
        if first < moment:
            yield TriggerEvent({"status": "timed_out", "moment": self.moment})
        else:
            yield TriggerEvent({"status": "resume", "state": self.state, "deadline": self.deadline})
