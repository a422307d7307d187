"""What a load left in a dataset."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One data file after a load: where it is, what it holds, and whether this load changed it."""

    partition: str
    path: str
    rows: int
    size_bytes: int
    sha256: str
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """All data files that a load had rows for, and what it did to their rows.

    :param files: by partition.
    :param days: the Pacific days (of a longer period the last day) that had rows, in order.
    :param rows_added: rows whose key was not stored.
    :param rows_changed: rows whose key was stored with another value.
    :param rows_unchanged: rows stored with the same value; their finality and extra columns may be new.
    :param rows_removed: stored rows that the new answer to their unit no longer has.
    :param restated_days: Pacific days of stored units that now say something else.
    :param restated_final_days: those of them that had been stored as final.
    """

    files: tuple[StoredFile, ...] = ()
    days: tuple[date, ...] = ()
    rows_added: int = 0
    rows_changed: int = 0
    rows_unchanged: int = 0
    rows_removed: int = 0
    restated_days: tuple[date, ...] = ()
    restated_final_days: tuple[date, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows the load had, after repeated ones."""
        return self.rows_added + self.rows_changed + self.rows_unchanged

    def as_fields(self) -> dict[str, Any]:
        """Return all of it as JSON, for a manifest."""
        said = _fields_of(self) | {"rows": self.rows, "files": [_fields_of(file) for file in self.files]}
        for name in ("days", "restated_days", "restated_final_days"):
            said[name] = [day.isoformat() for day in said[name]]
        return said


def _fields_of(said: StoredFile | WriteResult) -> dict[str, Any]:
    """Return the fields by name; `dataclasses.asdict` would copy every value in depth."""
    return {field.name: getattr(said, field.name) for field in fields(said)}
