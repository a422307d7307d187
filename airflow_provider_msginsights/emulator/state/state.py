"""All that the emulator knows: Pages, tokens, events, clock, limits, faults, journal. One lock guards it."""

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from airflow_provider_msginsights.emulator import documentation
from airflow_provider_msginsights.emulator.data.event_store import EventStore
from airflow_provider_msginsights.emulator.data.pages import Page, seeded_page
from airflow_provider_msginsights.emulator.error_table import table_error
from airflow_provider_msginsights.emulator.errors import GraphError
from airflow_provider_msginsights.emulator.pacific_days import pacific_date, years_before
from airflow_provider_msginsights.emulator.state.clock import Clock
from airflow_provider_msginsights.emulator.state.faults import Faults
from airflow_provider_msginsights.emulator.state.journal import Journal, JournalEntry
from airflow_provider_msginsights.emulator.state.login import Logins
from airflow_provider_msginsights.emulator.state.permissions import Permissions
from airflow_provider_msginsights.emulator.state.rate_limits import Limits
from airflow_provider_msginsights.emulator.state.settings import CHANGEABLE_SETTINGS, Settings
from airflow_provider_msginsights.emulator.state.switches import Switches
from airflow_provider_msginsights.emulator.state.tokens import Token, TokenKind, TokenRegistry, page_token_value

_UNPUBLISHED_HISTORY_DAYS = 5
_NO_ROLE = 492
_DATA_ACCESS_SECONDS = 90 * 86_400


class State:
    """The emulator's state. Whoever reads or changes it holds `lock`."""

    def __init__(
        self,
        settings: Settings,
        clock_start: datetime | None = None,
        on_call: Callable[[JournalEntry], None] | None = None,
        *,
        folder: Path | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.clock = Clock(clock_start)
        self.store = EventStore(seed=settings.seed, folder=folder)
        self.journal = Journal(on_call)
        self.faults = Faults(seed=settings.seed)
        self._start_settings = settings
        self._traces = random.Random()
        self._begin()

    def _begin(self) -> None:
        settings = self.settings = self._start_settings
        self.pages: dict[str, Page] = {}
        for number in range(settings.pages):
            page_id = str(documentation.FIRST_PAGE_ID + number)
            self.pages[page_id] = seeded_page(page_id, seed=settings.seed, first_day=settings.first_day)
        self.jitter = random.Random(settings.seed)
        self.limits = Limits(app_calls_per_hour=settings.app_calls_per_hour)
        self.retired = Switches[bool]()
        self.metric_first_days = Switches[date | None]()
        self.unshared = Switches[bool]()
        self.permissions = Permissions()
        self.logins = Logins()
        self.tokens = TokenRegistry(self._first_tokens())

    def _first_tokens(self) -> list[Token]:
        now = int(self.clock.now())
        user = Token(
            value=documentation.USER_TOKEN,
            kind=TokenKind.USER,
            user_id=documentation.USER_ID,
            issued_at=now,
            data_access_expires_at=now + _DATA_ACCESS_SECONDS,
        )
        system_user = Token(
            value=documentation.SYSTEM_USER_TOKEN,
            kind=TokenKind.SYSTEM_USER,
            user_id=documentation.SYSTEM_USER_ID,
            issued_at=now,
        )
        app = Token(
            value=f"{documentation.APP_ID}|{documentation.APP_SECRET}", kind=TokenKind.APP, scopes=(), issued_at=now
        )
        return [user, system_user, app, *(self.page_token(page_id, user) for page_id in self.pages)]

    def page_token(self, page_id: str, parent: Token) -> Token:
        """Return a Page token as made from the person's token."""
        return Token(
            value=page_token_value(page_id),
            kind=TokenKind.PAGE,
            page_id=page_id,
            user_id=parent.user_id,
            scopes=parent.scopes,
            issued_at=parent.issued_at,
            data_access_expires_at=parent.data_access_expires_at,
            parent=parent.value,
        )

    def page_token_of(self, token: Token, page: Page) -> str:
        """Return the Page's token as the API gives it for a person's; one of a login is made now and ends with it.

        Login guide "Get Long-Lived Tokens": from a long-lived token of a person the Page's has no end of its own.
        """
        if token.kind is TokenKind.PAGE:
            return token.value
        if token.page_ids is None:
            return page_token_value(page.page_id)
        made = replace(
            self.page_token(page.page_id, token),
            value=f"{token.value}-page-{page.page_id}",
            issued_at=int(self.clock.now()),
            expires_at=0 if token.is_long_lived else token.expires_at,
        )
        if self.tokens.get(made.value) is None:
            self.tokens.put(made)
        return made.value

    def reset(self) -> None:
        """Back to the seeded state; what users added, changed or broke is gone, counters are zero."""
        self.clock.reset()
        self.faults.clear()
        self.journal.reset()
        self.store.remove_added()
        self._begin()
        self.store.keep_histories_of(self.pages)

    def configure(self, **changes: Any) -> None:
        """Change settings until the next reset.

        Raises ValueError for a setting that does not exist or is fixed at the start.
        """
        for name in changes:
            if name not in CHANGEABLE_SETTINGS:
                raise ValueError(
                    f"Emulator: '{name}' cannot be changed. Settings are: {', '.join(CHANGEABLE_SETTINGS)}."
                )
        self.settings = replace(self.settings, **changes)

    def add_page(self, page: Page) -> None:
        """Add a Page, with a Page token from the user token; the fixed seeded ones may be replaced only in part."""
        if page.page_id in self.pages:
            raise ValueError(f"Emulator: Page {page.page_id} exists already; change it with 'change_page'.")
        self.pages[page.page_id] = page
        user = self.tokens.get(documentation.USER_TOKEN)
        if user is not None:
            self.tokens.put(self.page_token(page.page_id, user))

    def is_shared(self, page: Page, token: Token) -> bool:
        """Return True while the person behind the token has the Page, and if they gave it to the token."""
        if token.page_ids is not None and page.page_id not in token.page_ids:
            return False
        return not self.unshared.get(page.page_id, token.user_id, default=False)

    def scopes_of(self, token: Token, page: Page | None = None) -> tuple[str, ...]:
        """Return what the token may do now: with a Page or, without one, at all."""
        page_id = page.page_id if page is not None else token.page_id
        return self.permissions.remaining(token.scopes, page_id=page_id, today=pacific_date(self.clock.now()))

    def usable_token(self, value: str) -> Token:
        """Return the token, if it may be used now.

        Raises GraphError with code 190 and the subcode that says why not.
        """
        token = self.tokens.get(value)
        if token is None:
            raise table_error(190)
        problem = self.token_problem(token)
        if problem is not None:
            raise problem
        return token

    def token_problem(self, token: Token) -> GraphError | None:
        """Why the token is refused now, or None: of itself, or because its person no longer has the Page."""
        page = self.pages.get(token.page_id) if token.page_id else None
        if page is not None and not self.is_shared(page, token):
            return table_error(190, _NO_ROLE)
        return self.tokens.problem(token, now_seconds=self.clock.now())

    def known_until(self, page: Page) -> int:
        """Unix seconds of the last moment whose events have been processed."""
        lag = self.settings.readiness_lag_hours if page.readiness_lag_hours is None else page.readiness_lag_hours
        return int(self.clock.now() - lag * 3_600)

    def history_starts(self, page: Page) -> date:
        """First day that is still kept: two years back, five days for a Page that is not published."""
        today = pacific_date(self.clock.now())
        kept = years_before(today, self.settings.history_years)
        if not page.published:
            kept = date.fromordinal(today.toordinal() - _UNPUBLISHED_HISTORY_DAYS)
        return max(kept, page.first_day)

    def new_trace_id(self) -> str:
        """Return an `fbtrace_id`; random on purpose, nothing may depend on it."""
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
        return "A" + "".join(self._traces.choices(letters, k=22))
