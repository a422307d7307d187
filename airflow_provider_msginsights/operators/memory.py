"""What a task remembers from try to try: which part of its load is still to be read.

Airflow keeps it from 3.3 on, in ``context["task_state_store"]``. Before, a retry reads everything again, which costs
calls and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.operators.work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT_FOR = timedelta(hours=24)
"""Later, a task that is cleared wants the days as they are then, and not what one try happened to leave."""

_KEY = "msginsights_work_left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A place for the work left of one load.

    :param store: Airflow's store of the task, or ``None`` where there is none.
    :param fingerprint: of the load's parameters: what was kept for others is not taken up.
    :param log: where it is told when the store cannot be used.
    """

    store: Any
    fingerprint: str
    log: Any

    @classmethod
    def of(cls, context: Mapping[str, Any], parameters: Mapping[str, Any], log: Any) -> Memory:
        """Give the memory of the task in whose context we run."""
        text = json.dumps(parameters, sort_keys=True, default=str)
        return cls(
            store=context.get("task_state_store"), fingerprint=hashlib.sha256(text.encode()).hexdigest(), log=log
        )

    def recall(self) -> Work | None:
        """Give what an earlier try left, if it was lately and for the same parameters."""
        found = self._ask("get", _KEY) if self.store is not None else None
        if not isinstance(found, dict) or found.get("fingerprint") != self.fingerprint:
            return None
        if datetime.now(UTC) - datetime.fromisoformat(found["kept_at"]) > KEPT_FOR:
            return None
        return Work.from_dict(found["work"])

    def keep(self, work: Work) -> None:
        """Have the next try read only this."""
        if self.store is not None:
            kept = {
                "fingerprint": self.fingerprint,
                "kept_at": datetime.now(UTC).isoformat(),
                "work": work.as_dict(),
            }
            self._ask("set", _KEY, kept, retention=KEPT_FOR)

    def forget(self) -> None:
        """Have the next run of the task read everything."""
        if self.store is not None:
            self._ask("delete", _KEY)

    def _ask(self, what: str, *arguments: Any, **options: Any) -> Any:
        """Use the store; without it a load is slower and as right, so its trouble fails no task."""
        try:
            return getattr(self.store, what)(*arguments, **options)
        except Exception as trouble:  # noqa: BLE001 - whatever a store's backend raises
            self.log.warning("Airflow's task state store could not be used (%s).", type(trouble).__name__)
            return None
