"""What a sensor remembers from one poke to the next: in its process, or where Airflow keeps it between two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Memory:
    """How many polls in a row failed, until when Meta's limits forbid the next, and what the last did not find.

    A store that does not answer, or holds something else, costs no poke: the sensor remembers nothing, and says so.

    :param context: Airflow's context; from Airflow 3.3 on it has a store for the task's state.
    :param own: kept by the sensor itself, for pokes of one process.
    :param is_rescheduled: whether each poke runs in a process of its own.
    :param log: where it is told when the store cannot be used.
    """

    def __init__(self, context: Mapping[str, Any], own: dict[str, Any], *, is_rescheduled: bool, log: Any) -> None:
        self._own, self._log = own, log
        self._store = context.get("task_state_store") if is_rescheduled else None
        self._key = f"msginsights_polls_of_try_{getattr(context.get('ti'), 'try_number', 1)}"
        if self._store is not None:
            own.update(self._read(self._ask("get", self._key)))

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
            self._ask("set", self._key, kept)

    def _ask(self, what: str, *arguments: Any) -> Any:
        try:
            return getattr(self._store, what)(*arguments)
        except Exception as trouble:  # noqa: BLE001 - whatever a store's backend raises
            self._log.warning("Airflow's task state store could not be used (%s).", type(trouble).__name__)
            return None

    def _read(self, found: Any) -> dict[str, Any]:
        """Give what the store holds, if it is what `keep` writes."""
        if found is None or found == {}:
            return {}
        if isinstance(found, dict) and _is_kept(**{name: found.get(name) for name in _NAMES}):
            return {name: found.get(name) for name in _NAMES}
        self._log.warning("What Airflow's task state store holds of the last poke cannot be read; it is passed over.")
        return {}


_NAMES = ("failed_polls", "not_before", "missing")


def _is_kept(*, failed_polls: Any, not_before: Any, missing: Any) -> bool:
    if not isinstance(failed_polls, int) or isinstance(failed_polls, bool) or failed_polls < 0:
        return False
    try:
        aware = not_before is None or datetime.fromisoformat(not_before).utcoffset() is not None
    except (TypeError, ValueError):
        return False
    return aware and (missing is None or isinstance(missing, str))
