"""The store of messaging events: one SQLite file, clustered by Page, kind and time.

The seeded history of a Page is written when the Page is first asked for, and continued as the clock moves on.
Events that a user added are remembered, so that a reset takes them away and keeps the seeded ones.
"""

from __future__ import annotations

import sqlite3
import tempfile
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_msginsights.emulator.data.events import (
    ATTRIBUTES,
    KIND_NUMBERS,
    KINDS_BY_NUMBER,
    MESSENGER,
    Event,
    EventKind,
    subject_field,
)
from airflow_provider_msginsights.emulator.data.generator import Attributes, PageHistory, SeededEvent
from airflow_provider_msginsights.emulator.pacific_days import ONE_DAY, pacific_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airflow_provider_msginsights.emulator.data.pages import Page

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
    """Return what makes an empty store, statement by statement."""
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


_WITHOUT_CHANNEL: Final = frozenset({EventKind.ORDER_CREATED, EventKind.ORDER_PAID})
_INSERT: Final = f"INSERT INTO events ({', '.join(EVENT_COLUMNS)}) VALUES ({', '.join('?' * len(EVENT_COLUMNS))})"
_MOST_DIGITS: Final = 18
_ATTRIBUTES_OF: Final = attrgetter(*ATTRIBUTES)
_NO_ATTRIBUTES: Final = Attributes(messaging_channel=None)
_Row = tuple[int | str | None, ...]


def stored_id(text: str) -> int | str:
    """Return an id as the store keeps it: an integer if it is spelled as one, and otherwise the very text."""
    spelled_as_integer = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS and str(int(text)) == text
    return int(text) if spelled_as_integer else text


class EventStore:
    """Events of all Pages. Not safe for threads by itself: the emulator holds one lock around every use."""

    def __init__(self, *, seed: int, folder: Path | None = None) -> None:
        self._seed = seed
        self._directory = tempfile.TemporaryDirectory(
            prefix="msginsights-emulator-", dir=folder, ignore_cleanup_errors=True
        )
        self.path = Path(self._directory.name) / "events.sqlite3"
        self._database = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
        # The file lives as long as the process: nothing is worth a flush to disk.
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "temp_store = MEMORY", "cache_size = -65536"):
            self._database.execute(f"PRAGMA {pragma}")
        for statement in statements():
            self._database.execute(statement)
        self._attribute_ids: dict[Attributes, int] = {}
        self._histories: dict[str, PageHistory] = {}
        self._made_until: dict[str, date] = {}
        self._next_number = 0
        self._windows: list[tuple[int, int]] = []
        self._added: list[_Row] = []

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
        first = self._next_number
        self._insert([self._row(page.page_id, number, event) for number, event in enumerate(events, start=first)])

    def add(self, events: Sequence[Event]) -> None:
        """Write a user's own events; all of them, or none when one cannot be stored."""
        sent = {
            (event.page_id, event.message_id): _own_attributes(event)
            for event in events
            if event.kind is EventKind.MARKETING_MESSAGE_SENT
        }
        rows: list[_Row] = []
        for event in events:
            attributes = _own_attributes(event)
            if event.kind is EventKind.MARKETING_MESSAGE_TAPPED:
                message = sent.get((event.page_id, event.message_id)) or self._attributes_of_message(event)
                attributes = _first_of_each(attributes, message)
            if attributes.messaging_channel is None and event.kind not in _WITHOUT_CHANNEL:
                attributes = attributes._replace(messaging_channel=MESSENGER)
            stored = SeededEvent(
                kind=KIND_NUMBERS[event.kind],
                at=int(event.at.timestamp()),
                person=stored_id(event.person_id),
                subject=None if event.subject_id is None else stored_id(event.subject_id),
                attributes=attributes,
                cents=None if event.amount is None else int((event.amount * 100).to_integral_value()),
            )
            rows.append(self._row(event.page_id, self._next_number + len(rows), stored))
        self._insert(rows)
        self._added.extend(rows)

    def remove_added(self) -> None:
        """Take the users' events away again; the seeded ones stay."""
        keys = [row[:4] for row in self._added]
        self._in_one_go("DELETE FROM events WHERE page_id = ? AND kind = ? AND at = ? AND number = ?", keys)
        self._added.clear()

    def keep_histories_of(self, pages: Mapping[str, Page]) -> None:
        """Take away the history of every Page that is not among these, or was another when its history was made."""
        for page_id, history in list(self._histories.items()):
            page = pages.get(page_id)
            if page is None or not history.is_of(page):
                self._database.execute("DELETE FROM events WHERE page_id = ?", (stored_id(page_id),))
                del self._histories[page_id], self._made_until[page_id]

    def follow_change(self, page: Page) -> None:
        """Take away the Page's seeded history if it would now be another, to be made anew; the users' events stay."""
        history = self._histories.get(page.page_id)
        if history is None or (page.seeded and history.is_of(page)):
            return
        stored = stored_id(page.page_id)
        self._database.execute("DELETE FROM events WHERE page_id = ?", (stored,))
        del self._histories[page.page_id], self._made_until[page.page_id]
        self._in_one_go(_INSERT, [row for row in self._added if row[0] == stored])

    def _row(self, page_id: str, number: int, event: SeededEvent) -> _Row:
        attributes = self._attribute_id(event.attributes)
        page = stored_id(page_id)
        return (page, event.kind, event.at, number, event.person, event.subject, attributes, event.cents)

    def _insert(self, rows: Sequence[_Row]) -> None:
        self._in_one_go(_INSERT, rows)
        self._next_number += len(rows)

    def _in_one_go(self, sql: str, rows: Sequence[_Row]) -> None:
        self._database.execute("BEGIN")
        try:
            self._database.executemany(sql, rows)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _attribute_id(self, attributes: Attributes) -> int:
        known = self._attribute_ids.get(attributes)
        if known is None:
            known = self._attribute_ids[attributes] = len(self._attribute_ids) + 1
            marks = ", ".join("?" * (len(ATTRIBUTES) + 1))
            self._database.execute(f"INSERT INTO attributes VALUES ({marks})", (known, *attributes))
        return known

    def _attributes_of_message(self, event: Event) -> Attributes:
        """Return the attributes of a message that was sent before; none of an unknown one."""
        found = self._database.execute(
            f"SELECT {', '.join(ATTRIBUTES)} FROM looked_up_marketing_message_sent "
            "WHERE page_id = ? AND message = ? LIMIT 1",
            (stored_id(event.page_id), stored_id(event.subject_id or "")),
        ).fetchone()
        return Attributes(*found) if found else _NO_ATTRIBUTES

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
            (stored_id(page_id), *marks, since, until),
        )
        return [_event(page_id, *row) for row in rows]

    def size_bytes(self) -> int:
        """Size of the database's file."""
        return self.path.stat().st_size


def _own_attributes(event: Event) -> Attributes:
    return Attributes(*_ATTRIBUTES_OF(event))


def _first_of_each(*choices: Attributes) -> Attributes:
    return Attributes(
        *(next((value for value in values if value is not None), None) for values in zip(*choices, strict=True))
    )


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
