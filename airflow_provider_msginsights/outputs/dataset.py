"""A directory of partitions by Pacific day, in which an answer replaces its own rows and no others.

Rules:
- one directory holds one grain (period and breakdowns), one format, one set of columns, as ``_dataset.json`` says;
- the partition is ``dt=<Pacific date>``, for ``total_over_range`` ``range=<first>_<last>``; the file ``part-<part>``;
- several writers may write a part at once where the store replaces a file only if it is the version that was read;
  elsewhere a part has one writer; a Page belongs to one part of a partition;
- the unit of replacement is (page, metric, range): a non-empty answer replaces it whole, no answer leaves it alone;
- equal rows give equal bytes, and equal bytes are not written again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Generic, Self, TypeVar

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.catalog import PERIODS
from airflow_provider_msginsights.insights.parameters.parse import parse_part
from airflow_provider_msginsights.outputs.formats.by_name import format_named, format_of_extension
from airflow_provider_msginsights.outputs.formats.json_values import json_object_in
from airflow_provider_msginsights.outputs.schema import SCHEMA_VERSION, check_extra_columns, columns_with
from airflow_provider_msginsights.outputs.stores.opening import open_store
from airflow_provider_msginsights.outputs.stores.store import StoragePath
from airflow_provider_msginsights.outputs.write_result import StoredFile

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from airflow_provider_msginsights.outputs.formats.protocol import Format
    from airflow_provider_msginsights.outputs.schema import Column
    from airflow_provider_msginsights.outputs.stores.store import Current, Store

__all__ = ["Dataset", "StoredFile"]

PathT = TypeVar("PathT", bound=StoragePath)

LABEL = "_dataset.json"
_CONDITIONAL = "conditional_writes"
LABEL_FIELDS = {
    "schema_version": "the version of the columns",
    "format": "the ending of data files, such as `jsonl` or `csv.gz`",
    "period": "the period of all rows",
    "breakdowns": "the dimensions that rows are divided by",
    "extra_columns": "the columns that loads add",
    _CONDITIONAL: "whether the storage replaces a file only if it still is the version that was merged; remove it when "
    "the dataset is copied to other storage",
}
"""What the label holds."""
_LEFTOVER_SECONDS = 3600
"""No claim takes so long; what is older was left by a process that was killed."""
_MOST_SHOWN = 20
_LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset(Generic[PathT]):
    """A dataset at ``root``, written as part ``part``.

    :param root: the directory, on any store fsspec knows.
    :param file_format: see `formats.format_named`.
    :param period: the period of all rows.
    :param breakdowns: the breakdowns of all rows; their order does not matter.
    :param part: whose file this is within each partition.
    :param extra_columns: names of the columns that rows have beyond ours.
    :param conditional_writes: whether the store replaces a file only if nobody else did meanwhile; `claim` tells.
    """

    root: PathT
    file_format: Format
    period: str
    breakdowns: tuple[str, ...] = ()
    part: str = "0"
    extra_columns: Collection[str] = ()
    conditional_writes: bool = True

    @classmethod
    def at(cls, root: PathT) -> Dataset[PathT]:
        """Return the dataset that a directory holds, as its label describes it; nothing is written.

        :raises ConfigurationError: for a directory that holds none, or one that this version cannot read.
        :raises StorageError: when the store fails in passing.
        """
        store = open_store(root)
        if (found := store.read(LABEL)) is None:
            raise ConfigurationError(
                f"{store.shown} is not a dataset: it has no {LABEL}. Name the output_path of a load, and its "
                "connection if it has one; a dataset begins with its first load.",
                error_id="MSGI-dataset-none",
            )
        label = _label_of(found, store.shown_path(LABEL))
        noted = label.get(_CONDITIONAL)
        if store.has_conditions is not None:
            noted = store.probe_conditions(LABEL, found)  # takes no request
        dataset = cls(
            root=root,
            file_format=format_of_extension(str(label.get("format"))) or format_named("jsonl"),
            period=str(label.get("period")),
            breakdowns=_names_in(label, "breakdowns"),
            extra_columns=_names_in(label, "extra_columns"),
            conditional_writes=noted is True,
        )
        theirs = {name: value for name, value in label.items() if name != _CONDITIONAL}
        if dataset._label() != theirs or dataset.period not in PERIODS:
            raise ConfigurationError(
                f"{store.shown_path(LABEL)} says that the directory holds {_described(label)}, which this version of "
                "the package does not know: upgrade it here, or restore the file from a copy.",
                error_id="MSGI-dataset-label",
            )
        return dataset

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of every file."""
        return columns_with(self.extra_columns)

    @property
    def file_name(self) -> str:
        """The name of this part's file in each partition."""
        return f"part-{self.part}.{self.file_format.extension}"

    def claim(self) -> Self:
        """Note in ``_dataset.json`` what the directory holds, or refuse a directory that holds something else.

        Whether the store honours conditions is noted there too, and tried once where the note is missing.

        :return: the dataset, with ``conditional_writes`` as noted.
        :raises ConfigurationError: when the directory belongs to another grain, format or schema, when the part or an
            extra column has no usable name, when the store refuses, and when its package is not installed.
        :raises StorageError: when the store fails in passing.
        """
        if parse_part(self.part) != self.part:  # an empty one would be read as the part of tasks that name none
            raise ConfigurationError(
                f"part={self.part!r} cannot stand in a file name. Leave it out, or name it.", parameter="part"
            )
        check_extra_columns(self.extra_columns)
        store = open_store(self.root)
        store.remove_leftovers(LABEL, unchanged_for_seconds=_LEFTOVER_SECONDS)
        if (found := store.read(LABEL)) is None:
            known = {} if store.has_conditions is None else {_CONDITIONAL: store.probe_conditions(LABEL, b"")}
            found = store.create(LABEL, _as_json(self._label() | known))
        self._check(found, store)
        noted = _label_of(found, store.shown_path(LABEL)).get(_CONDITIONAL)
        if store.has_conditions is not None:
            noted = store.probe_conditions(LABEL, found)  # takes no request, and the label may come from elsewhere
        elif not isinstance(noted, bool):
            noted = self._note_conditions(store, found)
        return replace(self, conditional_writes=noted)

    def _check(self, found: bytes, store: Store) -> None:
        mine, theirs = self._label(), _label_of(found, store.shown_path(LABEL))
        if {name: value for name, value in theirs.items() if name != _CONDITIONAL} != mine:
            raise ConfigurationError(
                f"{store.shown_path(LABEL)} says that the directory holds {_described(theirs)}; this load writes "
                f"{_described(mine)}. One directory holds one kind: give this load another output_path, such as "
                f"{store.shown}_{self._suffix(theirs)}",
                error_id="MSGI-dataset-mixed",
            )

    def _note_conditions(self, store: Store, found: bytes) -> bool:
        """Try whether the store honours conditions, and add the answer to the label."""
        answer = store.probe_conditions(LABEL, found)

        def merge(current: Current, file: IO[bytes]) -> None:
            data = found if current.data is None else current.data
            self._check(data, store)
            file.write(_as_json(json.loads(data) | {_CONDITIONAL: answer}))

        replace(store, conditional=answer).update(LABEL, merge)
        return answer

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
        """Return what tells this load's directory from theirs, for a name beside it."""
        words = [self.period, *sorted(self.breakdowns), self.file_format.extension.replace(".", "_")]
        if theirs.get("extra_columns") != sorted(self.extra_columns):
            words += ["with", *sorted(self.extra_columns)] if self.extra_columns else ["plain"]
        if theirs.get("schema_version") != SCHEMA_VERSION:
            words.append(f"v{SCHEMA_VERSION}")
        return "_".join(words)


def _names_in(label: dict[str, object], name: str) -> tuple[str, ...]:
    names = label.get(name)
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _label_of(data: bytes, shown_path: str) -> dict[str, object]:
    found = json_object_in(data)
    if found is None:
        raise ConfigurationError(
            f"{shown_path} is not the JSON object that labels a dataset, so nothing was stored beside it. Restore the "
            "file from a copy; or, if no data lies beside it, remove it; or choose another output_path.",
            error_id="MSGI-dataset-label",
        )
    label: dict[str, object] = {"extra_columns": []}
    return label | found


def _described(label: dict[str, object]) -> str:
    return ", ".join(f"{name}={_shown(label[name])}" for name in sorted(label.keys() - {_CONDITIONAL})[:_MOST_SHOWN])


def _shown(value: object) -> str:
    """Return a value of a label in few words: a damaged one may hold anything, of any size and depth."""
    is_flat_list = isinstance(value, list) and all(isinstance(inner, str) for inner in value[:_MOST_SHOWN])
    text = str(value) if is_flat_list or isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _as_json(label: dict[str, object]) -> bytes:
    return json.dumps(label, indent=2).encode() + b"\n"
