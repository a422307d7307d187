"""Messaging events for tests that restate a day: alike, but for what a test says."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from airflow_provider_msginsights.emulator import Event, EventKind

if TYPE_CHECKING:
    from datetime import date


def late_conversation(day: date, *, page_id: str = "101", name: str = "late") -> list[Event]:
    """A conversation of that Pacific day that was found late: one new conversation more."""
    return [
        Event(
            page_id=page_id,
            kind=kind,
            at=_within(day),
            person_id=name,
            conversation_id=name,
            messaging_channel="messenger",
        )
        for kind in (EventKind.CONVERSATION_STARTED, EventKind.PERSON_ACTED)
    ]


def fleeting_message(day: date) -> Event:
    """A message of that Pacific day and of a campaign, ``fleeting``, that nothing else belongs to."""
    return Event(
        page_id="101",
        kind=EventKind.MARKETING_MESSAGE_SENT,
        at=_within(day),
        person_id="ann",
        message_id="fleeting",
        campaign_id="fleeting",
    )


def _within(day: date) -> datetime:
    """Noon or one o'clock there, whatever the season."""
    return datetime.combine(day, time(20), UTC)
