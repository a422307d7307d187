"""A directory of partitions by Pacific day, in which an answer replaces its own rows and no others.

Rules:
- one directory holds one grain (period and breakdowns), one format, one set of columns, as ``_dataset.json`` says;
- the partition is ``dt=<Pacific date>``, for ``total_over_range`` ``range=<first>_<last>``; the file ``part-<part>``;
- a part has one writer; a Page belongs to one part of a partition;
- the unit of replacement is (page, metric, range): a non-empty answer replaces it whole, no answer leaves it alone;
- equal rows give equal bytes, and equal bytes are not written again.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.outputs.formats import json_object_in
from airflow_provider_msginsights.outputs.schema import SCHEMA_VERSION, check_extra_columns, columns_with
from airflow_provider_msginsights.outputs.storage import StoragePath, Store
from airflow_provider_msginsights.outputs.stored import StoredFile
from airflow_provider_msginsights.outputs.writer import DatasetWriter

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from airflow_provider_msginsights.outputs.formats import Format
    from airflow_provider_msginsights.outputs.schema import Column

__all__ = ["Dataset", "StoredFile"]

PathT = TypeVar("PathT", bound=StoragePath)

LABEL = "_dataset.json"
_LEFTOVER_SECONDS = 3600
"""No claim takes so long; what is older was left by a process that was killed."""
_MOST_SHOWN = 20
_LONGEST_SHOWN = 200
_PART_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=+-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset(Generic[PathT]):
    """A dataset at ``root``, written as part ``part``.

    :param root: the directory, on any store fsspec knows.
    :param file_format: see `formats.format_named`.
    :param period: the period of all rows.
    :param breakdowns: the breakdowns of all rows; their order does not matter.
    :param part: whose file this is within each partition; two writers at once need two parts.
    :param extra_columns: names of the columns that rows have beyond ours.
    """

    root: PathT
    file_format: Format
    period: str
    breakdowns: tuple[str, ...] = ()
    part: str = "0"
    extra_columns: Collection[str] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of every file."""
        return columns_with(self.extra_columns)

    @property
    def file_name(self) -> str:
        """The name of this part's file in each partition."""
        return f"part-{self.part}.{self.file_format.extension}"

    def claim(self) -> None:
        """Note in ``_dataset.json`` what the directory holds, or refuse a directory that holds something else.

        :raises ConfigurationError: when the directory belongs to another grain, format or schema, when the part or an
            extra column has no usable name, and when the package for that kind of store is not installed.
        """
        if not _PART_NAME.fullmatch(self.part):
            raise ConfigurationError(
                f"part={self.part!r} cannot stand in a file name: use up to 100 letters, digits and _ . = + - and "
                "start with a letter or digit."
            )
        check_extra_columns(self.extra_columns)
        mine = self._label()
        store = Store.at(self.root)
        store.remove_leftovers(LABEL, unchanged_for_seconds=_LEFTOVER_SECONDS)
        found = store.read(LABEL)
        if found is None:
            found = store.create(LABEL, json.dumps(mine, indent=2).encode() + b"\n")
        if (theirs := _label_of(found, store.shown_path(LABEL))) != mine:
            raise ConfigurationError(
                f"{store.shown_path(LABEL)} says that the directory holds {_described(theirs)}; this load writes "
                f"{_described(mine)}. One directory holds one kind: give this load another output_path, such as "
                f"{store.shown}_{self._suffix(theirs)}"
            )

    def writer(self, *, concurrency: int = 16) -> DatasetWriter:
        """Give a writer of this part, to be used in a ``with`` block.

        :param concurrency: how many partitions are written at a time.
        """
        return DatasetWriter(self, Store.at(self.root), concurrency=concurrency)

    def partition_of(self, range_start: date, pacific_date: date) -> str:
        """Name the partition of rows that cover these first and last Pacific days."""
        if self.period == "total_over_range":
            return f"range={range_start.isoformat()}_{pacific_date.isoformat()}"
        return f"dt={pacific_date.isoformat()}"

    def _label(self) -> dict[str, object]:
        return {
            "schema_version": SCHEMA_VERSION,
            "format": self.file_format.extension,
            "period": self.period,
            "breakdowns": sorted(self.breakdowns),
            "extra_columns": sorted(self.extra_columns),
        }

    def _suffix(self, theirs: dict[str, object]) -> str:
        """What tells this load's directory from theirs, for a name beside it."""
        words = [self.period, *sorted(self.breakdowns), self.file_format.extension.replace(".", "_")]
        if theirs.get("extra_columns") != sorted(self.extra_columns):
            words += ["with", *sorted(self.extra_columns)] if self.extra_columns else ["plain"]
        if theirs.get("schema_version") != SCHEMA_VERSION:
            words.append(f"v{SCHEMA_VERSION}")
        return "_".join(words)


def _label_of(data: bytes, shown_path: str) -> dict[str, object]:
    found = json_object_in(data)
    if found is None:
        raise ConfigurationError(
            f"{shown_path} is not the JSON object that labels a dataset, so nothing was stored beside it. Restore the "
            "file from a copy; or, if no data lies beside it, remove it; or choose another output_path."
        )
    label: dict[str, object] = {"extra_columns": []}
    return label | found


def _described(label: dict[str, object]) -> str:
    return ", ".join(f"{name}={_shown(label[name])}" for name in sorted(label)[:_MOST_SHOWN])


def _shown(value: object) -> str:
    """Give a value of a label in few words: a damaged one may hold anything, of any size and depth."""
    is_flat_list = isinstance(value, list) and all(isinstance(inner, str) for inner in value[:_MOST_SHOWN])
    text = str(value) if is_flat_list or isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
