"""Which stored rows a load changed: noted as partitions are written, kept in ``_changes/`` where people want it.

A file of changes is gzipped JSON Lines, a line a row that was stored before and says something else now: its key, the
old value, the new one (``null`` for a row that the API no longer lists, or had not listed before), whether the old one
was final, and when. Readers of the data never see it, as the name begins with ``_``.
"""

from __future__ import annotations

import gzip
import tempfile
import threading
from typing import IO, TYPE_CHECKING, Any, Self

import msgspec

from airflow_provider_msginsights.insights.coverage.answers import Restatement
from airflow_provider_msginsights.outputs.schema import BREAKDOWN_COLUMNS
from airflow_provider_msginsights.outputs.stores.opening import open_store
from airflow_provider_msginsights.outputs.values import (
    FIRST_BREAKDOWN,
    METRIC,
    OTHER,
    PACIFIC_DATE,
    PAGE_ID,
    PERIOD,
    RECORD_ID,
    VALUE,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from types import TracebackType

    from airflow_provider_msginsights.outputs.merging import Change
    from airflow_provider_msginsights.outputs.stores.store import StoragePath
    from airflow_provider_msginsights.outputs.values import Values

FOLDER = "_changes"
CHANGE_FIELDS = {
    "record_id": "the row's id",
    "page_id": "the Page",
    "metric": "the metric",
    "period": "the period",
    "pacific_date": "the day the row is about",
    "breakdowns": "dimensions and their values, where the row has any",
    "breakdowns_other": "dimensions that Meta does not document, as in the row",
    "old_value": "what was stored; null where the row is new in a unit that was stored before",
    "new_value": "what is stored now; null where the API no longer lists the row",
    "was_final": "whether the old row was final",
    "at": "when the load ran, with its zone",
}
"""What a line of such a file holds."""
_MOST_RESTATEMENTS = 10_000
"""More than a person reads; the file has them all."""


class ChangeLog:
    """Takes the changes of a load from any thread; use it in a ``with`` block.

    :param at: when the load ran, aware; every line says so.
    :param keep: whether a file of them is wanted.
    """

    def __init__(self, *, at: datetime, keep: bool) -> None:
        self._at, self._keep = at.isoformat(timespec="seconds"), keep
        self._lock = threading.Lock()
        self._scratch: IO[bytes] | None = None
        self.restatements: list[Restatement] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._scratch is not None:
            self._scratch.close()

    def add(self, changes: Sequence[Change]) -> None:
        """Note the changes of a partition that is stored."""
        if not changes:
            return
        lines = b"".join(msgspec.json.encode(self._line(change)) + b"\n" for change in changes) if self._keep else b""
        with self._lock:
            free = _MOST_RESTATEMENTS - len(self.restatements)
            self.restatements += [_restatement(change) for change in changes[:free]]
            if self._keep:
                if self._scratch is None:
                    self._scratch = tempfile.TemporaryFile(prefix="msginsights-")  # noqa: SIM115 - closed by __exit__
                self._scratch.write(gzip.compress(lines, compresslevel=6, mtime=0))

    def store(self, root: StoragePath, name: str) -> str | None:
        """Store the file of changes, when there are any and it is wanted.

        :param name: of the load: each has a file of its own.
        :return: the path, as a person writes it.
        """
        if self._scratch is None:
            return None
        store, place = open_store(root), changes_path(name)
        self._scratch.seek(0)
        store.write(place, self._scratch.read())
        return store.shown_path(place)

    def _line(self, change: Change) -> dict[str, Any]:
        row = change.new or change.old or ()
        breakdowns = {name: row[FIRST_BREAKDOWN + place] for place, name in enumerate(BREAKDOWN_COLUMNS)}
        return {
            "record_id": row[RECORD_ID],
            "page_id": row[PAGE_ID],
            "metric": row[METRIC],
            "period": row[PERIOD],
            "pacific_date": row[PACIFIC_DATE],
            "breakdowns": {name: value for name, value in breakdowns.items() if value is not None},
            "breakdowns_other": row[OTHER],
            "old_value": _value(change.old),
            "new_value": _value(change.new),
            "was_final": change.was_final,
            "at": self._at,
        }


def changes_path(name: str) -> str:
    """Return the path in the dataset of the file of changes of a load."""
    return f"{FOLDER}/{name}.jsonl.gz"


def _restatement(change: Change) -> Restatement:
    row = change.new or change.old or ()
    return Restatement(
        page_id=row[PAGE_ID],
        metric=row[METRIC],
        day=row[PACIFIC_DATE],
        old=_value(change.old),
        new=_value(change.new),
        was_final=change.was_final,
    )


def _value(row: Values | None) -> float | None:
    return None if row is None else row[VALUE]
