"""What a test can ask of the emulator and change in it: everything but starting and stopping it."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_msginsights.emulator.control.access_controls import AccessControls
from airflow_provider_msginsights.emulator.data.events import Event, EventKind
from airflow_provider_msginsights.emulator.data.pages import Page
from airflow_provider_msginsights.emulator.state.faults import Fault, FaultKind
from airflow_provider_msginsights.emulator.state.journal import Stats
from airflow_provider_msginsights.emulator.state.settings import Settings
from airflow_provider_msginsights.emulator.state.tokens import Token, page_token_value

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_REVOKED = 467
_OF_SINGLE_FAULTS = frozenset({"times", "rate", "skip", "page_id", "metric", "path", "method", "on"})
_PAGE_FIELDS = frozenset(field.name for field in fields(Page)) - {"page_id", "unreadable_metrics"}


class Controls(AccessControls):
    """Control of a running emulator; methods may be called from any thread."""

    def reset(self) -> None:
        """Back to the seeded state: added events, Pages and tokens, faults, clock, settings and counters are undone."""
        with self._state.lock:
            self._state.reset()

    def configure(self, **changes: Any) -> None:
        """Change settings until the next reset, for example `readiness_lag_hours=30`.

        Raises ValueError for a setting that does not exist or is fixed at the start.
        """
        with self._state.lock:
            self._state.configure(**changes)

    def current_settings(self) -> Settings:
        """Return the settings in force."""
        with self._state.lock:
            return self._state.settings

    def stats(self) -> Stats:
        """Counters and journal since the last reset."""
        with self._state.lock:
            return self._state.journal.stats()

    # Time

    def now(self) -> datetime:
        """Return the emulator's present moment, aware, in UTC."""
        return self._state.clock.moment()

    def set_clock(self, moment: datetime, *, ticking: bool = False) -> None:
        """Let time stand still at the moment, or go on from there."""
        with self._state.lock:
            self._state.clock.set(moment, ticking=ticking)

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move the clock on.

        Raises ValueError when it would leave the years that the clock knows.
        """
        with self._state.lock:
            try:
                self._state.clock.advance(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))
            except OverflowError:
                raise ValueError("The clock cannot be moved that far.") from None

    # Pages and events

    @property
    def page_ids(self) -> tuple[str, ...]:
        """Ids of all Pages, the seeded ones first."""
        with self._state.lock:
            return tuple(self._state.pages)

    def pages(self) -> tuple[Page, ...]:
        """All Pages."""
        with self._state.lock:
            return tuple(self._state.pages.values())

    def add_page(self, page_id: str, **attributes: Any) -> str:
        """Add a Page and return its token. It has no events unless `seeded=True`. Attributes are those of `Page`.

        Raises ValueError for a Page that exists or an attribute that does not.
        """
        _check_page_fields(attributes)
        page = Page(**{"page_id": str(page_id), "name": f"Page {page_id}", "seeded": False, **attributes})
        with self._state.lock:
            self._state.add_page(page)
        return page_token_value(page.page_id)

    def change_page(self, page_id: str, **attributes: Any) -> None:
        """Change attributes of a Page, for example `tasks=()`, `likes=12`, `owned=False`."""
        _check_page_fields(attributes)
        with self._state.lock:
            page = replace(self._page(page_id), **attributes)
            self._state.pages[page.page_id] = page
            self._state.store.follow_change(page)

    def add_events(self, events: Iterable[Event]) -> None:
        """Add messaging events of one's own; they count at once, from their `at` on.

        Raises ValueError when an event is of a Page that does not exist; then none is added.
        """
        listed = list(events)
        with self._state.lock:
            for page_id in {event.page_id for event in listed}:
                self._state.store.ensure_history(self._page(page_id), now_seconds=self._state.clock.now())
            self._state.store.add(listed)

    def events(
        self,
        page_id: str,
        *,
        since: datetime = _BEGINNING,
        until: datetime | None = None,
        kinds: Sequence[EventKind] = tuple(EventKind),
    ) -> list[Event]:
        """Events with `since <= at < until`, in order; by default all that have happened by now."""
        with self._state.lock:
            now = self._state.clock.now()
            self._state.store.ensure_history(self._page(page_id), now_seconds=now)
            last = int(now) + 1 if until is None else int(until.timestamp())
            return self._state.store.events(page_id, since=int(since.timestamp()), until=last, kinds=kinds)

    def store_size_bytes(self) -> int:
        """Size of the store's file, with the Pages whose history has been asked for so far."""
        with self._state.lock:
            return self._state.store.size_bytes()

    # Tokens

    def page_token(self, page_id: str) -> str:
        """Return the Page's token."""
        return page_token_value(page_id)

    def tokens(self) -> tuple[Token, ...]:
        """All tokens; their reprs hide the values."""
        with self._state.lock:
            return self._state.tokens.all()

    def add_token(self, token: Token) -> None:
        """Add a token, or replace the one of the same value."""
        with self._state.lock:
            self._state.tokens.put(token)

    def change_token(self, token: str, **changes: Any) -> None:
        """Change a token, for example `scopes=("read_insights",)` or `expires_at=1790000000`.

        Raises LookupError when there is no such token.
        """
        with self._state.lock:
            self._state.tokens.change(token, **changes)

    def expire_token(self, token: str) -> None:
        """Let the token have expired a minute ago: code 190, subcode 463."""
        self.change_token(token, expires_at=int(self._state.clock.now()) - 60)

    def revoke_token(self, token: str, *, subcode: int = _REVOKED) -> None:
        """Let the token be refused with code 190 and the subcode: 458, 459, 460, 464, 467, 492."""
        self.change_token(token, invalid_subcode=subcode)

    # Faults and limits

    def add_fault(self, fault: Fault | None = None, **attributes: Any) -> Fault:
        """Add a fault, ready-made or from the attributes of `Fault`; earlier ones strike first."""
        added = fault if fault is not None else Fault(**attributes)
        with self._state.lock:
            self._state.faults.add(added)
        return added

    def faults(self) -> tuple[Fault, ...]:
        """Return the faults that may still strike."""
        with self._state.lock:
            return self._state.faults.waiting()

    def clear_faults(self) -> None:
        """Take all faults away, and end the outage."""
        with self._state.lock:
            self._state.faults.clear()

    def start_outage(self, kind: FaultKind | str = FaultKind.UNAVAILABLE_503, **attributes: Any) -> None:
        """Answer every request alike until `end_outage`: by a kind of fault, with the attributes of `Fault`.

        Raises ValueError for an attribute that says when or where a fault strikes.
        """
        for name in _OF_SINGLE_FAULTS & attributes.keys():
            raise ValueError(f"Emulator: an outage has no '{name}'; it strikes every request.")
        outage = Fault(kind=FaultKind(kind), times=None, **attributes)
        with self._state.lock:
            self._state.faults.outage = outage

    def end_outage(self) -> None:
        """Answer as usual again, faults aside."""
        with self._state.lock:
            self._state.faults.outage = None

    def outage(self) -> Fault | None:
        """Return what every request is answered with, while there is an outage."""
        with self._state.lock:
            return self._state.faults.outage

    def set_throttled(self, page_id: str | None, *, minutes: float, code: int | None = None) -> None:
        """Refuse calls for so many minutes, which every refused call starts again.

        A Page is throttled with 80001 (or 80006; 32 for a user token), the app (`page_id=None`) with 4 (or 17, 613).
        Raises ValueError for a code that announces no limit.
        """
        with self._state.lock:
            now = self._state.clock.now()
            if page_id is None:
                self._state.limits.block_app(minutes=minutes, code=code or 4, now=now)
            else:
                self._state.limits.block_page(self._page(page_id), minutes=minutes, code=code or 80001, now=now)

    def set_allowance(self, page_id: str | None, *, calls: int) -> None:
        """Give a Page so many calls in 24 hours, or the app (`page_id=None`) so many in one hour."""
        with self._state.lock:
            if page_id is None:
                self._state.limits.set_app_allowance(calls_per_hour=calls)
            else:
                self._state.limits.set_page_allowance(self._page(page_id), calls_per_day=calls)


def _check_page_fields(attributes: dict[str, Any]) -> None:
    for name in attributes:
        if name not in _PAGE_FIELDS:
            raise ValueError(f"Emulator: a Page has no '{name}'. Attributes are: {', '.join(sorted(_PAGE_FIELDS))}.")
