"""The store of messaging events: one SQLite file, clustered by Page, kind and time.

The seeded history of a Page is written when the Page is first asked for, and continued as the clock moves on.
Events that a user added are remembered, so that a reset takes them away and keeps the seeded ones.
"""

import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from airflow_provider_msginsights.emulator.events import (
    ATTRIBUTES,
    KIND_NUMBERS,
    KINDS_BY_NUMBER,
    MESSENGER,
    Event,
    EventKind,
    subject_field,
)
from airflow_provider_msginsights.emulator.generator import Attributes, PageHistory, SeededEvent
from airflow_provider_msginsights.emulator.pacific import ONE_DAY, pacific_date
from airflow_provider_msginsights.emulator.profiles import Page

_SUBJECT_VIEWS: Final = {
    "conversation": (
        EventKind.CONVERSATION_STARTED,
        EventKind.PERSON_ACTED,
        EventKind.BLOCKED,
        EventKind.UNBLOCKED,
        EventKind.REPORTED,
    ),
    "message": (
        EventKind.MARKETING_MESSAGE_SENT,
        EventKind.MARKETING_MESSAGE_READ,
        EventKind.MARKETING_MESSAGE_TAPPED,
    ),
    "order_number": (EventKind.ORDER_CREATED, EventKind.ORDER_PAID),
    "subject": (EventKind.OPTED_IN, EventKind.OPTED_OUT),
}
# Questions asked about one person, message or order: each has an index, and a view that insists on it. The
# attributes are in it so that the event itself need not be looked up for its channel.
_LOOKED_UP: Final = {
    EventKind.PERSON_ACTED: "person",
    EventKind.BLOCKED: "person",
    EventKind.UNBLOCKED: "person",
    EventKind.REPORTED: "person",
    EventKind.MARKETING_MESSAGE_READ: "subject",
    EventKind.ORDER_CREATED: "subject",
}


def _indexes() -> Iterable[str]:
    for kind, column in _LOOKED_UP.items():
        where = f"WHERE kind = {KIND_NUMBERS[kind]}"
        yield f"CREATE INDEX {kind}_by_{column} ON events (page_id, {column}, at, attributes) {where};"


# Integer columns hold an opaque text id as text: SQLite's column types are a preference.
_TABLES: Final = f"""
    CREATE TABLE attributes (id INTEGER PRIMARY KEY, {", ".join(f"{name} TEXT" for name in ATTRIBUTES)});
    CREATE TABLE events (
        page_id INTEGER NOT NULL, kind INTEGER NOT NULL, at INTEGER NOT NULL, number INTEGER NOT NULL,
        person INTEGER NOT NULL, subject INTEGER, attributes INTEGER NOT NULL, cents INTEGER,
        PRIMARY KEY (page_id, kind, at, number)
    ) WITHOUT ROWID;
    {" ".join(_indexes())}
    CREATE TEMP TABLE windows (starts_at INTEGER NOT NULL, ends_at INTEGER NOT NULL);
"""
_WITHOUT_CHANNEL: Final = frozenset({EventKind.ORDER_CREATED, EventKind.ORDER_PAID})
_COLUMNS: Final = "page_id, kind, at, number, person, subject, attributes, cents"


def _views() -> Iterable[str]:
    """One view for each kind, with the kind's own word for its subject; `..._by_...` where a question looks it up."""
    for subject, kinds in _SUBJECT_VIEWS.items():
        for kind in kinds:
            yield _view(kind, kind, subject, "")
            if kind in _LOOKED_UP:
                index = f"{kind}_by_{_LOOKED_UP[kind]}"
                yield _view(f"looked_up_{kind}", kind, subject, f"INDEXED BY {index}")


def _view(name: str, kind: EventKind, subject: str, hint: str) -> str:
    # CROSS JOIN keeps events the outer loop.
    return (
        f"CREATE VIEW {name} AS SELECT e.page_id, e.at, e.person, e.subject AS {subject}, e.cents, "
        f"{', '.join(f'a.{attribute}' for attribute in ATTRIBUTES)} FROM events AS e {hint} "
        f"CROSS JOIN attributes AS a WHERE e.kind = {KIND_NUMBERS[kind]} AND a.id = e.attributes"
    )


class EventStore:
    """Events of all Pages. Not safe for threads by itself: the emulator holds one lock around every use."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._directory = tempfile.TemporaryDirectory(prefix="msginsights-emulator-", ignore_cleanup_errors=True)
        self.path = Path(self._directory.name) / "events.sqlite3"
        self._database = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
        # The file lives as long as the process: nothing is worth a flush to disk.
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "temp_store = MEMORY", "cache_size = -65536"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(_TABLES)
        for view in _views():
            self._database.execute(view)
        self._attribute_ids: dict[Attributes, int] = {}
        self._histories: dict[str, PageHistory] = {}
        self._made_until: dict[str, date] = {}
        self._next_number = 0
        self._windows: list[tuple[int, int]] = []
        self._added: list[tuple[Any, int, int, int]] = []

    def close(self) -> None:
        """Close the database and delete its file."""
        self._database.close()
        self._directory.cleanup()

    # Writing

    def ensure_history(self, page: Page, *, now_seconds: float) -> None:
        """Write the Page's seeded events up to the day that the moment lies in."""
        today = pacific_date(now_seconds)
        if self._made_until.get(page.page_id, date.min) > today or not page.seeded:
            return
        history = self._histories.get(page.page_id)
        events: list[SeededEvent] = []
        if history is None:
            history = self._histories[page.page_id] = PageHistory(page, seed=self._seed)
            events.extend(history.before_first_day())
        while history.day <= today:
            events.extend(history.next_day())
        self._made_until[page.page_id] = max(history.day, today + ONE_DAY)
        events.sort(key=lambda event: (event.kind, event.at))
        self._insert(page.page_id, events)

    def add(self, events: Sequence[Event]) -> None:
        """Write a user's own events; all of them, or none when one cannot be stored."""
        for event in events:
            attributes = Attributes(**{name: getattr(event, name) for name in ATTRIBUTES})
            if attributes.messaging_channel is None and event.kind not in _WITHOUT_CHANNEL:
                attributes = attributes._replace(messaging_channel=MESSENGER)
            if event.kind is EventKind.MARKETING_MESSAGE_TAPPED:
                attributes = self._with_those_of_its_message(event, attributes)
            seeded = SeededEvent(
                kind=KIND_NUMBERS[event.kind],
                at=int(event.at.timestamp()),
                person=event.person_id,  # type: ignore[arg-type]  # users' ids are text, seeded ones integers
                subject=event.subject_id,  # type: ignore[arg-type]
                attributes=attributes,
                cents=None if event.amount is None else int((event.amount * 100).to_integral_value()),
            )
            self._added.append((event.page_id, seeded.kind, seeded.at, self._next_number))
            self._insert(event.page_id, [seeded])

    def remove_added(self) -> None:
        """Take the users' events away again; the seeded ones stay."""
        self._database.executemany(
            "DELETE FROM events WHERE page_id = ? AND kind = ? AND at = ? AND number = ?", self._added
        )
        self._added.clear()

    def forget_page(self, page_id: str) -> None:
        """Take away all that is known of a Page."""
        self._database.execute("DELETE FROM events WHERE page_id = ?", (page_id,))
        self._histories.pop(page_id, None)
        self._made_until.pop(page_id, None)

    def _insert(self, page_id: str, events: Sequence[SeededEvent]) -> None:
        numbers = range(self._next_number, self._next_number + len(events))
        self._next_number += len(events)
        rows = [
            (
                page_id,
                event.kind,
                event.at,
                number,
                event.person,
                event.subject,
                self._attribute_id(event.attributes),
                event.cents,
            )
            for number, event in zip(numbers, events, strict=True)
        ]
        self._database.execute("BEGIN")
        self._database.executemany(f"INSERT INTO events ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._database.execute("COMMIT")

    def _attribute_id(self, attributes: Attributes) -> int:
        known = self._attribute_ids.get(attributes)
        if known is None:
            known = self._attribute_ids[attributes] = len(self._attribute_ids) + 1
            marks = ", ".join("?" * (len(ATTRIBUTES) + 1))
            self._database.execute(f"INSERT INTO attributes VALUES ({marks})", (known, *attributes))
        return known

    def _with_those_of_its_message(self, event: Event, own: Attributes) -> Attributes:
        sent = self._database.execute(
            f"SELECT {', '.join(ATTRIBUTES)} FROM marketing_message_sent WHERE page_id = ? AND message = ? LIMIT 1",
            (event.page_id, event.message_id),
        ).fetchone()
        if sent is None:
            return own
        asked = Attributes(**{name: getattr(event, name) for name in ATTRIBUTES})
        return Attributes(*(mine if mine is not None else theirs for mine, theirs in zip(asked, sent, strict=True)))

    # Reading

    def select(self, sql: str, windows: Sequence[tuple[int, int]], parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Rows of a metric's definition over the windows (`starts_at`, `ends_at`)."""
        if windows != self._windows:
            self._database.execute("DELETE FROM windows")
            self._database.executemany("INSERT INTO windows VALUES (?, ?)", windows)
            self._windows = list(windows)
        return self._database.execute(sql, parameters).fetchall()

    def events(self, page_id: str, *, since: int, until: int, kinds: Iterable[EventKind] = EventKind) -> list[Event]:
        """Events of a Page with `since <= at < until`, in the order in which they happened."""
        marks = [KIND_NUMBERS[kind] for kind in kinds]
        rows = self._database.execute(
            f"SELECT e.kind, e.at, e.person, e.subject, e.cents, {', '.join(f'a.{name}' for name in ATTRIBUTES)} "
            "FROM events AS e CROSS JOIN attributes AS a WHERE a.id = e.attributes AND e.page_id = ? "
            f"AND e.kind IN ({', '.join('?' * len(marks))}) AND e.at >= ? AND e.at < ? ORDER BY e.at, e.number",
            (page_id, *marks, since, until),
        )
        return [_event(page_id, *row) for row in rows]

    def size_bytes(self) -> int:
        """Size of the database's file."""
        return self.path.stat().st_size


def _event(
    page_id: str, kind_number: int, at: int, person: Any, subject: Any, cents: int | None, *attributes: Any
) -> Event:
    kind = KINDS_BY_NUMBER[kind_number]
    field = subject_field(kind)
    return Event(
        page_id=page_id,
        kind=kind,
        at=datetime.fromtimestamp(at, UTC),
        person_id=str(person),
        amount=None if cents is None else Decimal(cents) / 100,
        **({field: str(subject)} if field else {}),
        **dict(zip(ATTRIBUTES, attributes, strict=True)),
    )
