"""Tables, indexes and views of the event store.

The metrics read the views: one for each kind of event, named as the kind, with the kind's own word for what it is
about, and one named `looked_up_<kind>` where a question is asked about one person, message or order.
"""

from collections.abc import Iterator
from typing import Final

from airflow_provider_msginsights.emulator.data.events import ATTRIBUTES, KIND_NUMBERS, EventKind, subject_field

EVENT_COLUMNS: Final = ("page_id", "kind", "at", "number", "person", "subject", "attributes", "cents")

_SUBJECT_WORDS: Final = {
    "conversation_id": "conversation",
    "message_id": "message",
    "order_id": "order_number",
    None: "subject",
}
_LOOKED_UP_BY: Final = {
    EventKind.PERSON_ACTED: "person",
    EventKind.BLOCKED: "person",
    EventKind.UNBLOCKED: "person",
    EventKind.REPORTED: "person",
    EventKind.MARKETING_MESSAGE_SENT: "subject",
    EventKind.MARKETING_MESSAGE_READ: "subject",
    EventKind.ORDER_CREATED: "subject",
}


def statements() -> Iterator[str]:
    """What makes an empty store, statement by statement."""
    yield f"CREATE TABLE attributes (id INTEGER PRIMARY KEY, {', '.join(ATTRIBUTES)})"
    # Ids are declared without a type: seeded ones are integers, users' ones text, and none is turned into the other.
    yield """
        CREATE TABLE events (
            page_id NOT NULL, kind INTEGER NOT NULL, at INTEGER NOT NULL, number INTEGER NOT NULL,
            person NOT NULL, subject, attributes INTEGER NOT NULL, cents INTEGER,
            PRIMARY KEY (page_id, kind, at, number)
        ) WITHOUT ROWID
    """
    yield "CREATE TEMP TABLE windows (starts_at INTEGER NOT NULL, ends_at INTEGER NOT NULL)"
    for kind in EventKind:
        yield _view(kind, kind, "")
    for kind, column in _LOOKED_UP_BY.items():
        index = f"{kind}_by_{column}"
        # The attributes are in the index so that the event itself need not be read for its channel.
        where = f"WHERE kind = {KIND_NUMBERS[kind]}"
        yield f"CREATE INDEX {index} ON events (page_id, {column}, at, attributes) {where}"
        yield _view(f"looked_up_{kind}", kind, f"INDEXED BY {index}")


def _view(name: str, kind: EventKind, hint: str) -> str:
    subject = _SUBJECT_WORDS[subject_field(kind)]
    # CROSS JOIN keeps events the outer loop.
    return (
        f"CREATE VIEW {name} AS SELECT e.page_id, e.at, e.person, e.subject AS {subject}, e.cents, "
        f"{', '.join(f'a.{attribute}' for attribute in ATTRIBUTES)} FROM events AS e {hint} "
        f"CROSS JOIN attributes AS a WHERE e.kind = {KIND_NUMBERS[kind]} AND a.id = e.attributes"
    )
