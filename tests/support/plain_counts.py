"""The metrics counted again, in plain Python over raw events: what the SQL definitions are checked against.

Each function reads the documentation's sentence on its own; none of the emulator's code takes part. `known` are the
events known at the time of asking, `start` and `end` the window (start included, end not).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING

from airflow_provider_msginsights.emulator import Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DATA_BEGINS = datetime(2016, 10, 1, 7, tzinfo=UTC)
"""Midnight of 1 October 2016 in Pacific (daylight) time."""

Key = tuple[str, ...]
Counted = dict[Key, Fraction]


def _of(known: Iterable[Event], kind: EventKind, start: datetime, end: datetime) -> list[Event]:
    return [event for event in known if event.kind is kind and start <= event.at < end]


def _key(event: Event, breakdowns: Sequence[str]) -> Key:
    return tuple(getattr(event, name) or "unknown" for name in breakdowns)


def _total(number: int) -> Counted:
    return {(): Fraction(number)}


def blocked(known: Sequence[Event], start: datetime, end: datetime, _: Sequence[str]) -> Counted:
    return _total(len({event.conversation_id for event in _of(known, EventKind.BLOCKED, start, end)}))


def reported(known: Sequence[Event], start: datetime, end: datetime, _: Sequence[str]) -> Counted:
    return _total(len({event.conversation_id for event in _of(known, EventKind.REPORTED, start, end)}))


def new_conversations(known: Sequence[Event], start: datetime, end: datetime, _: Sequence[str]) -> Counted:
    first_act: dict[str, datetime] = {}
    for event in known:
        if event.kind is EventKind.PERSON_ACTED:
            first_act[event.person_id] = min(event.at, first_act.get(event.person_id, event.at))
    began = {
        event.conversation_id
        for event in _of(known, EventKind.PERSON_ACTED, start, end)
        if event.messaging_channel == "messenger" and event.at == first_act[event.person_id]
    }
    return _total(len(began))


def _connections(known: Sequence[Event], moment: datetime) -> set[str]:
    """The people whom the business can send messages to just before the moment."""
    first: dict[str, datetime] = {}
    blocking: dict[str, tuple[datetime, bool]] = {}
    reporters: set[str] = set()
    for event in known:
        if event.at >= moment:
            continue
        if event.kind is EventKind.PERSON_ACTED and event.messaging_channel == "messenger":
            first[event.person_id] = min(event.at, first.get(event.person_id, event.at))
        elif event.kind is EventKind.REPORTED:
            reporters.add(event.person_id)
        elif event.kind in {EventKind.BLOCKED, EventKind.UNBLOCKED}:
            # Whoever blocks and unblocks within the same second has unblocked.
            deed = (event.at, event.kind is EventKind.UNBLOCKED)
            blocking[event.person_id] = max(deed, blocking.get(event.person_id, deed))
    kept_out = reporters | {person for person, (_, unblocked) in blocking.items() if not unblocked}
    return {person for person, at in first.items() if at >= DATA_BEGINS} - kept_out


def connections(known: Sequence[Event], _start: datetime, end: datetime, _: Sequence[str]) -> Counted:
    return _total(len(_connections(known, end)))


def business_outcomes(known: Sequence[Event], start: datetime, end: datetime, _: Sequence[str]) -> Counted:
    buyers = {event.person_id for event in _of(known, EventKind.ORDER_CREATED, start, end)}
    return _total(len(buyers & _connections(known, end)))


def orders(known: Sequence[Event], start: datetime, end: datetime, _: Sequence[str]) -> Counted:
    return _total(len(_of(known, EventKind.ORDER_CREATED, start, end)))


def earnings(known: Sequence[Event], start: datetime, end: datetime, _: Sequence[str]) -> Counted:
    created = {event.order_id for event in known if event.kind is EventKind.ORDER_CREATED}
    paid = [event.amount for event in _of(known, EventKind.ORDER_PAID, start, end) if event.order_id in created]
    return {(): sum((Fraction(amount) for amount in paid if amount is not None), Fraction())}


def _counted_by(events: Iterable[Event], breakdowns: Sequence[str]) -> Counted:
    counts = Counter(_key(event, breakdowns) for event in events)
    if not breakdowns:
        return _total(counts[()])
    return {key: Fraction(count) for key, count in counts.items()}


def sent(known: Sequence[Event], start: datetime, end: datetime, breakdowns: Sequence[str]) -> Counted:
    return _counted_by(_of(known, EventKind.MARKETING_MESSAGE_SENT, start, end), breakdowns)


def engagement(known: Sequence[Event], start: datetime, end: datetime, breakdowns: Sequence[str]) -> Counted:
    return _counted_by(_of(known, EventKind.MARKETING_MESSAGE_TAPPED, start, end), breakdowns)


def read_ratio(known: Sequence[Event], start: datetime, end: datetime, breakdowns: Sequence[str]) -> Counted:
    read = {event.message_id for event in known if event.kind is EventKind.MARKETING_MESSAGE_READ}
    groups: dict[Key, list[bool]] = defaultdict(list)
    for event in _of(known, EventKind.MARKETING_MESSAGE_SENT, start, end):
        groups[_key(event, breakdowns)].append(event.message_id in read)
    if not groups and not breakdowns:
        return _total(0)
    ratios = {key: Fraction(sum(reads), len(reads)) for key, reads in groups.items()}
    return ratios if not breakdowns else {key: ratio for key, ratio in ratios.items() if ratio}


def tokens(known: Sequence[Event], start: datetime, end: datetime, breakdowns: Sequence[str]) -> Counted:
    balance: Counter[Key] = Counter()
    for event in _of(known, EventKind.OPTED_IN, start, end):
        balance[_key(event, breakdowns)] += 1
    for event in _of(known, EventKind.OPTED_OUT, start, end):
        balance[_key(event, breakdowns)] -= 1
    if not breakdowns:
        return _total(balance[()])
    return {key: Fraction(number) for key, number in balance.items() if number}


PLAIN_COUNTS: dict[str, Callable[[Sequence[Event], datetime, datetime, Sequence[str]], Counted]] = {
    "page_messages_blocked_conversations_unique": blocked,
    "page_messages_engagement": engagement,
    "page_messages_new_conversations_unique": new_conversations,
    "page_messages_order_count": orders,
    "page_messages_paid_order_earnings": earnings,
    "page_messages_read_ratio": read_ratio,
    "page_messages_reported_conversations_unique": reported,
    "page_messages_sent": sent,
    "page_messages_total_messaging_connections": connections,
    "page_messages_with_business_outcomes": business_outcomes,
    "recurring_notifications_tokens": tokens,
}
