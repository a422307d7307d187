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

from airflow_provider_msginsights import __version__
from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.operators.load.pending import Work
from airflow_provider_msginsights.outputs.formats import iso_text
from airflow_provider_msginsights.outputs.stores.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_msginsights.outputs.stores.store import StoragePath

KEPT_FOR = timedelta(hours=24)
"""Later, a task that is cleared wants the days as they are then, and not what one try happened to leave."""

_KEY = "msginsights_work_left"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWork:
    """What an earlier try left.

    :param stored: names what that try had stored by then: the fingerprint of its manifest.
    """

    work: Work
    stored: str


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
        """Give the memory of the task in whose context we run.

        :param parameters: what loads must have in common; the version of this provider is added to it.
        """
        return cls(
            store=context.get("task_state_store"),
            fingerprint=fingerprint_of({**parameters, "version": __version__}),
            log=log,
        )

    def recall(self) -> KeptWork | None:
        """Give what an earlier try left, if it was lately and for the same parameters."""
        found = self._ask("get", _KEY) if self.store is not None else None
        if found is None or (isinstance(found, dict) and found.get("fingerprint") != self.fingerprint):
            return None
        try:
            age = datetime.now(UTC) - datetime.fromisoformat(found["kept_at"])
            kept = KeptWork(work=Work.from_dict(found["work"]), stored=found["stored"])
        except (AttributeError, ConfigurationError, IndexError, KeyError, TypeError, ValueError) as trouble:
            self.log.warning(
                "What Airflow's task state store holds of an earlier try cannot be read (%s): everything is loaded.",
                type(trouble).__name__,
            )
            return None
        return kept if age <= KEPT_FOR else None

    def keep(self, work: Work, *, stored: str) -> None:
        """Have the next try read only this.

        :param stored: names what this try has stored.
        """
        if self.store is not None:
            kept = {
                "fingerprint": self.fingerprint,
                "kept_at": datetime.now(UTC).isoformat(),
                "stored": stored,
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


def manifest_fingerprint(manifest: Mapping[str, Any]) -> str:
    """Name a manifest by when its load ended and what it stored; one that was read gives the same as one in the making.

    A later try of the run writes another: what was left before it is not left any more.
    """
    files = sorted((file["path"], file["sha256"]) for file in manifest["files"])
    return fingerprint_of({"finished": iso_text(manifest["finished"]), "files": files})


def first_changed_file(root: StoragePath, files: Iterable[Mapping[str, Any]]) -> str | None:
    """Give the path of the first file whose bytes are not those a manifest tells; ``None`` when all are.

    :param files: the manifest's.
    """
    store = open_store(root)
    for file in files:
        path = str(file["path"])
        data = store.read(f"{file['partition']}/{path.rpartition('/')[2]}")
        if data is None or hashlib.sha256(data).hexdigest() != file["sha256"]:
            return path
    return None


def fingerprint_of(facts: Mapping[str, Any]) -> str:
    """Name facts, so that others of them have another name."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
