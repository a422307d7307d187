"""What a sensor keeps from one poke to the next: in its process, or in Airflow's task state store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_msginsights.insights.availability.check import PollState


class PollCheckpoint:
    """How many polls in a row failed, until when Meta's limits forbid the next one, and what the last one missed.

    A store that cannot be used, or holds something else, never fails a poke: the sensor starts anew and logs a warning.

    :param context: Airflow's context; from Airflow 3.3 on it has a store for the task's state.
    :param kept: the same values, kept by the sensor itself for pokes of one process.
    :param is_rescheduled: whether each poke runs in a process of its own.
    :param log: where a warning goes when the store cannot be used.
    """

    def __init__(self, context: Mapping[str, Any], kept: dict[str, Any], *, is_rescheduled: bool, log: Any) -> None:
        self._kept, self._log = kept, log
        self._store = context.get("task_state_store") if is_rescheduled else None
        self._key = f"msginsights_polls_of_try_{getattr(context.get('ti'), 'try_number', 1)}"
        if self._store is not None:
            kept.update(self._checked(self._call_store("get", self._key)))

    @property
    def failed_polls(self) -> int:
        """Polls in a row that failed for a temporary reason."""
        return int(self._kept.get("failed_polls", 0))

    @property
    def not_before(self) -> datetime | None:
        """When the next poll may be made, where a limit says so."""
        moment = self._kept.get("not_before")
        return datetime.fromisoformat(moment) if moment else None

    @property
    def missing(self) -> str | None:
        """What the last poll did not find, as text."""
        return self._kept.get("missing")

    def save(self, state: PollState) -> None:
        """Keep what a poll changed."""
        seconds = state.retry_after_seconds
        not_before = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat() if seconds else None
        values = {"failed_polls": state.failed_polls, "not_before": not_before, "missing": state.missing}
        has_changed = values != self._kept
        self._kept.update(values)
        if self._store is not None and has_changed:
            self._call_store("set", self._key, values)

    def _call_store(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._store, method)(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever a store's backend raises
            self._log.warning("Airflow's task state store could not be used (%s).", type(error).__name__)
            return None

    def _checked(self, found: Any) -> dict[str, Any]:
        """Return what the store holds, if it is what `save` writes."""
        if found is None or found == {}:
            return {}
        if isinstance(found, dict) and _is_checkpoint(**{name: found.get(name) for name in _NAMES}):
            return {name: found.get(name) for name in _NAMES}
        self._log.warning("The last poke's state in Airflow's task state store cannot be read and is ignored.")
        return {}


_NAMES = ("failed_polls", "not_before", "missing")


def _is_checkpoint(*, failed_polls: Any, not_before: Any, missing: Any) -> bool:
    if not isinstance(failed_polls, int) or isinstance(failed_polls, bool) or failed_polls < 0:
        return False
    try:
        aware = not_before is None or datetime.fromisoformat(not_before).utcoffset() is not None
    except (TypeError, ValueError):
        return False
    return aware and (missing is None or isinstance(missing, str))
