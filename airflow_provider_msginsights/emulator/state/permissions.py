"""Permissions that are lost for a while: for requests made on certain days, and not for the data of these days."""

from dataclasses import dataclass
from datetime import date

from airflow_provider_msginsights.emulator.documentation import SCOPES


@dataclass(frozen=True, slots=True, kw_only=True)
class LostPermission:
    """A permission that no token has from `first_day` to `last_day`, both included, Pacific; None leaves that end open.

    With `page_id` it is missing for that Page alone.
    """

    scope: str
    page_id: str | None = None
    first_day: date | None = None
    last_day: date | None = None

    def __post_init__(self) -> None:
        """Refuse what could never be lost.

        Raises ValueError saying what is wrong.
        """
        if self.scope not in SCOPES:
            raise ValueError(f"Emulator: there is no permission '{self.scope}'. Permissions are: {', '.join(SCOPES)}.")
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise ValueError("Emulator: 'first_day' must not be later than 'last_day'.")

    def decides(self, scope: str, page_id: str | None, today: date) -> bool:
        """Return True when this is about the permission today, for the Page or, without one, for all."""
        has_begun = self.first_day is None or self.first_day <= today
        is_over = self.last_day is not None and self.last_day < today
        return self.scope == scope and has_begun and not is_over and self.page_id in {None, page_id}


class Permissions:
    """Which permissions are lost. What was said last goes first."""

    def __init__(self) -> None:
        self._said: list[tuple[LostPermission, bool]] = []

    def lose(self, lost: LostPermission) -> None:
        """Let a permission be missing."""
        self._said.append((lost, True))

    def restore(self, scope: str, page_id: str | None) -> None:
        """Let a permission be there again, for all days: for one Page, or, without one, for all."""
        self._said.append((LostPermission(scope=scope, page_id=page_id), False))

    def remaining(self, scopes: tuple[str, ...], *, page_id: str | None, today: date) -> tuple[str, ...]:
        """Those of the scopes that are not lost today: of one Page, or, without one, those not lost for all."""
        return tuple(scope for scope in scopes if not self._is_lost(scope, page_id, today))

    def _is_lost(self, scope: str, page_id: str | None, today: date) -> bool:
        return next((lost for one, lost in reversed(self._said) if one.decides(scope, page_id, today)), False)
