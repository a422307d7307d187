"""What a sensor remembers from one poke to the next: in its process, or where Airflow keeps it between two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Memory:
    """How many polls in a row failed, until when Meta's limits forbid the next, and what the last did not find.

    :param context: Airflow's context; from Airflow 3.3 on it has a store for the task's state.
    :param own: kept by the sensor itself, for pokes of one process.
    :param is_rescheduled: whether each poke runs in a process of its own.
    """

    def __init__(self, context: Mapping[str, Any], own: dict[str, Any], *, is_rescheduled: bool) -> None:
        self._own = own
        self._store = context.get("task_state_store") if is_rescheduled else None
        self._key = f"msginsights_polls_of_try_{getattr(context.get('ti'), 'try_number', 1)}"
        if self._store is not None:
            own.update(self._store.get(self._key) or {})

    @property
    def failed_polls(self) -> int:
        """Polls in a row that failed for a passing reason."""
        return int(self._own.get("failed_polls", 0))

    @property
    def not_before(self) -> datetime | None:
        """When the next poll may be made, where a limit says so."""
        moment = self._own.get("not_before")
        return datetime.fromisoformat(moment) if moment else None

    @property
    def missing(self) -> str | None:
        """What the last poll did not find, in words."""
        return self._own.get("missing")

    def keep(self, *, failed_polls: int, pause_seconds: float | None, missing: str) -> None:
        """Remember what a poll met; writes only what changed."""
        not_before = (datetime.now(UTC) + timedelta(seconds=pause_seconds)).isoformat() if pause_seconds else None
        kept = {"failed_polls": failed_polls, "not_before": not_before, "missing": missing}
        is_news = kept != self._own
        self._own.update(kept)
        if self._store is not None and is_news:
            self._store.set(self._key, kept)
