"""Messaging events: what happens between a Page and people, and all that the metrics are computed from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from airflow_provider_msginsights.emulator.time_ranges import parse_moment

_MOST_MONEY = 1_000_000_000_000
MESSENGER = "messenger"
INSTAGRAM = "instagram"

ATTRIBUTES = (
    "campaign_id",
    "engagement_source",
    "message_type",
    "messaging_channel",
    "recurring_notifications_entry_point",
    "recurring_notifications_frequency",
    "recurring_notifications_topic",
    "currency",
)


class EventKind(StrEnum):
    """What happened. A conversation becomes visible to the Page only once the person acts in it."""

    CONVERSATION_STARTED = "conversation_started"
    PERSON_ACTED = "person_acted"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    REPORTED = "reported"
    MARKETING_MESSAGE_SENT = "marketing_message_sent"
    MARKETING_MESSAGE_READ = "marketing_message_read"
    MARKETING_MESSAGE_TAPPED = "marketing_message_tapped"
    ORDER_CREATED = "order_created"
    ORDER_PAID = "order_paid"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"


KIND_NUMBERS: dict[EventKind, int] = {kind: number for number, kind in enumerate(EventKind, start=1)}
KINDS_BY_NUMBER: dict[int, EventKind] = {number: kind for kind, number in KIND_NUMBERS.items()}

_CONVERSATION_KINDS = frozenset(
    {
        EventKind.CONVERSATION_STARTED,
        EventKind.PERSON_ACTED,
        EventKind.BLOCKED,
        EventKind.UNBLOCKED,
        EventKind.REPORTED,
    }
)
_MESSAGE_KINDS = frozenset(
    {
        EventKind.MARKETING_MESSAGE_SENT,
        EventKind.MARKETING_MESSAGE_READ,
        EventKind.MARKETING_MESSAGE_TAPPED,
    }
)
_ORDER_KINDS = frozenset({EventKind.ORDER_CREATED, EventKind.ORDER_PAID})


def subject_field(kind: EventKind) -> str | None:
    """Return the field that says what an event of this kind is about: conversation, message, order, or nothing."""
    if kind in _CONVERSATION_KINDS:
        return "conversation_id"
    if kind in _MESSAGE_KINDS:
        return "message_id"
    if kind in _ORDER_KINDS:
        return "order_id"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One messaging event of one Page. Ids are opaque text.

    :param page_id: the Page.
    :param kind: what happened.
    :param at: when, aware; the store keeps whole seconds.
    :param person_id: who did it.
    :param conversation_id: by default the person's own thread with the Page.
    :param message_id: the message that is read or tapped.
    :param order_id: the order that is created or paid.
    :param amount: of an order that is paid, in units of the currency, with two decimals.
    :param currency: of the amount.
    :param campaign_id: of a message; a tap without attributes of its own takes those of the message.
    :param engagement_source: the button that was tapped.
    :param message_type: of a message.
    :param messaging_channel: `messenger` by default, for all but orders.
    :param recurring_notifications_entry_point: of an opt-in.
    :param recurring_notifications_frequency: of an opt-in.
    :param recurring_notifications_topic: of an opt-in or a message.
    """

    page_id: str
    kind: EventKind
    at: datetime
    person_id: str
    conversation_id: str | None = None
    message_id: str | None = None
    order_id: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    campaign_id: str | None = None
    engagement_source: str | None = None
    message_type: str | None = None
    messaging_channel: str | None = None
    recurring_notifications_entry_point: str | None = None
    recurring_notifications_frequency: str | None = None
    recurring_notifications_topic: str | None = None

    def __post_init__(self) -> None:
        """Refuse an event that no metric could be computed from.

        Raises ValueError naming the field.
        """
        if self.at.tzinfo is None:
            raise ValueError("Event: 'at' needs a time zone, as in 2026-03-08T10:00:00-08:00.")
        for name in ("page_id", "person_id"):
            if not getattr(self, name):
                raise ValueError(f"Event: '{name}' is missing.")
        field = subject_field(self.kind)
        if field == "conversation_id" and self.conversation_id is None:
            object.__setattr__(self, "conversation_id", self.person_id)
        elif field is not None and not getattr(self, field):
            raise ValueError(f"Event: '{field}' is missing; '{self.kind}' is about one.")
        if self.kind is EventKind.ORDER_PAID and self.amount is None:
            raise ValueError("Event: 'amount' is missing; 'order_paid' brings money.")

    @property
    def subject_id(self) -> str | None:
        """The conversation, message or order that the event is about."""
        field = subject_field(self.kind)
        return getattr(self, field) if field else None

    def as_json(self) -> dict[str, Any]:
        """Return the event as the control plane writes it: set fields only, `at` as ISO text in UTC."""
        fields = {name: value for name, value in asdict(self).items() if value is not None}
        return fields | {
            "kind": str(self.kind),
            "at": self.at.astimezone(UTC).isoformat(),
            **({"amount": float(self.amount)} if self.amount is not None else {}),
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any], *, now_seconds: float) -> "Event":
        """Return the event that the control plane was given.

        Raises ValueError naming the field that is wrong.
        """
        known = set(cls.__slots__)
        unknown = sorted(set(fields) - known)
        if unknown:
            raise ValueError(f"Event: unknown field '{unknown[0]}'. Fields are: {', '.join(sorted(known))}.")
        values: dict[str, Any] = {
            name: str(value)
            for name, value in fields.items()
            if value is not None and name not in {"kind", "at", "amount"}
        }
        try:
            kind = EventKind(fields.get("kind", ""))
        except ValueError:
            raise ValueError(f"Event: 'kind' must be one of {', '.join(EventKind)}.") from None
        seconds = parse_moment(str(fields.get("at", "")), now_seconds=now_seconds)
        if seconds is None:
            raise ValueError("Event: 'at' must be ISO time (Pacific if it names no zone) or unix seconds.")
        return cls(
            **{"page_id": "", "person_id": "", **values},
            kind=kind,
            at=datetime.fromtimestamp(seconds, UTC),
            amount=_amount(fields.get("amount")),
        )


def _amount(value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("Event: 'amount' must be a number.") from None
    if not amount.is_finite() or abs(amount) > _MOST_MONEY:
        raise ValueError(f"Event: 'amount' must lie between -{_MOST_MONEY} and {_MOST_MONEY}.")
    return amount
