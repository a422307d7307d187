"""A directory of partitions by Pacific day, in which an answer replaces its own rows and no others.

Rules:
- one directory holds one grain (period and breakdowns), one format, one schema version, as ``_dataset.json`` says;
- the partition is ``dt=<Pacific date>``, for ``total_over_range`` ``range=<first>_<last>``; the file ``part-<part>``;
- the unit of replacement is (page, metric, range): a non-empty answer replaces it whole, no answer leaves it alone;
- equal rows give equal bytes, and equal bytes are not written again.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.outputs.schema import SCHEMA_VERSION, Row, sort_key, unit_of
from airflow_provider_msginsights.outputs.storage import StoragePath, read_bytes_or_none, replacing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_msginsights.outputs.formats import Format

PathT = TypeVar("PathT", bound=StoragePath)


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
class Dataset(Generic[PathT]):
    """A dataset at ``root``, written as part ``part``."""

    root: PathT
    file_format: Format
    period: str
    breakdowns: tuple[str, ...] = ()
    part: str = "0"

    def claim(self) -> None:
        """Note in ``_dataset.json`` what the directory holds, or refuse a directory that holds something else.

        :raises ConfigurationError: when the directory belongs to another grain, format or schema version.
        """
        mine = {
            "schema_version": SCHEMA_VERSION,
            "format": self.file_format.extension,
            "period": self.period,
            "breakdowns": sorted(self.breakdowns),
        }
        label = self.root / "_dataset.json"
        found = read_bytes_or_none(label)
        if found is None:
            with replacing(label) as file:
                file.write(json.dumps(mine, indent=2).encode() + b"\n")
        elif (theirs := _label_of(found, label)) != mine:
            suggestion = "_".join((self.period, *sorted(self.breakdowns), self.file_format.extension))
            raise ConfigurationError(
                f"{label} says that the directory holds {_described(theirs)}; this load writes {_described(mine)}. "
                f"One directory holds one kind: give this load another output_path, such as {self.root / suggestion}"
            )

    def store(self, rows: Iterable[Row]) -> tuple[StoredFile, ...]:
        """Merge the rows into their partitions, one file at a time, and say what each file holds now."""
        partitions: dict[str, list[Row]] = {}
        for row in rows:
            partitions.setdefault(self.partition_of(row), []).append(row)
        return tuple(self._merge(name, partitions[name]) for name in sorted(partitions))

    def partition_of(self, row: Row) -> str:
        """Name the partition a row belongs to."""
        if self.period == "total_over_range":
            return f"range={row['range_start'].isoformat()}_{row['pacific_date'].isoformat()}"
        return f"dt={row['pacific_date'].isoformat()}"

    def _merge(self, partition: str, answered: list[Row]) -> StoredFile:
        path = self.root / partition / f"part-{self.part}.{self.file_format.extension}"
        old_bytes = read_bytes_or_none(path)
        replaced = {unit_of(row) for row in answered}
        kept = [row for row in self.file_format.read(old_bytes or b"") if unit_of(row) not in replaced]
        rows = sorted((*kept, *answered), key=sort_key)
        buffer = io.BytesIO()
        self.file_format.write(rows, buffer)
        new_bytes = buffer.getvalue()
        if new_bytes != old_bytes:
            with replacing(path) as file:
                file.write(new_bytes)
        return StoredFile(
            partition=partition,
            path=str(path),
            rows=len(rows),
            size_bytes=len(new_bytes),
            sha256=hashlib.sha256(new_bytes).hexdigest(),
            changed=new_bytes != old_bytes,
        )


def _label_of(data: bytes, label: StoragePath) -> dict[str, object]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConfigurationError(
            f"{label} is not the JSON object a dataset is labelled with; choose another output_path."
        )
    return found


def _described(label: dict[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in label.items())
