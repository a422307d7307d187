"""The data files of a dataset, of every part: which Pages have rows in them, and rows taken out of them."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage.ledger import FileMark
from airflow_provider_msginsights.outputs.checked_rows import checked_rows
from airflow_provider_msginsights.outputs.merging import in_order
from airflow_provider_msginsights.outputs.stores.opening import open_store
from airflow_provider_msginsights.outputs.values import PAGE_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from airflow_provider_msginsights.insights.coverage.ledger import Ledger
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.stores.store import Current, Entry, Spooled, Store
    from airflow_provider_msginsights.outputs.values import Values

READ_AT_ONCE = 8
_PARTITIONS = ("dt=", "range=")
_START = "part-"
_LEFTOVER_START, _LEFTOVER_END = f".{_START}", ".tmp"


class DataFile(NamedTuple):
    """A part's file in a partition, as listed."""

    partition: str
    part: str
    entry: Entry
    name: str
    """The file's path in the dataset."""


@dataclass(slots=True)
class DataFiles:
    """The data files of a dataset.

    :param dataset: as labelled; its part does not matter.
    """

    dataset: Dataset[Any]
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = open_store(self.dataset.root, conditional=self.dataset.conditional_writes)

    def listed(self) -> list[DataFile]:
        """List the files of all parts, in the order of their partitions."""
        ending = f".{self.dataset.file_format.extension}"
        return [
            DataFile(partition, file.removeprefix(_START).removesuffix(ending), entry, path)
            for path, entry in sorted(self._all().items())
            for partition, _, file in (path.partition("/"),)
            if file.startswith(_START) and file.endswith(ending)
        ]

    def remove_leftovers(self) -> None:
        """Remove what killed writers left beside the files: it has rows too."""
        for path in self._all():
            partition, _, file = path.partition("/")
            if file.startswith(_LEFTOVER_START) and file.endswith(_LEFTOVER_END):
                target = file.removeprefix(".").removesuffix(_LEFTOVER_END).rpartition(".")[0]
                self.store.remove_leftovers(f"{partition}/{target}")

    def name_of(self, partition: str, part: str) -> str:
        """Return the path of a part's file in a partition."""
        return f"{partition}/{_START}{part}.{self.dataset.file_format.extension}"

    def rows_by_page(self, files: Sequence[DataFile]) -> Iterator[tuple[DataFile, Counter[str]]]:
        """Give each file with the number of rows of each Page in it; one that is gone by now has none.

        :raises ConfigurationError: for a file that cannot be read.
        """
        columns = self.dataset.columns[PAGE_ID : PAGE_ID + 1]

        def count(file: DataFile) -> tuple[DataFile, Counter[str]]:
            data = self.store.read(file.name, size_bytes=file.entry.size_bytes)
            if data is None:
                return file, Counter()
            try:
                found = checked_rows(self.dataset.file_format.read(data, columns), columns)
                return file, Counter(page_id for (page_id,) in found)
            except ValueError as error:
                raise self.unreadable(file.name, error) from None

        with ThreadPoolExecutor(READ_AT_ONCE, thread_name_prefix="msginsights-dataset") as pool:
            yield from pool.map(count, files)

    def rows(self, name: str, data: bytes) -> list[Values]:
        """Return the rows of a file, in the order of their keys.

        :raises ConfigurationError: when the file cannot be read.
        """
        columns = self.dataset.columns
        try:
            return list(in_order(checked_rows(self.dataset.file_format.read(data, columns), columns)))
        except ValueError as error:
            raise self.unreadable(name, error) from None

    def write(self, rows: Sequence[Values], file: IO[bytes]) -> None:
        """Write the rows of a file; nothing at all where there is none, so that an update removes the file."""
        if rows:
            self.dataset.file_format.write(rows, self.dataset.columns, file)

    def remove_rows(
        self, name: str, page_ids: Collection[str], *, expected: Sequence[Values] | None = None
    ) -> tuple[Spooled, int]:
        """Take the rows of Pages out of a file; remove the file where no row is left.

        :param expected: what must be taken out; when it is something else by now, nothing is, and -1 returned.
        :return: what became of the file, and how many rows were taken out.
        """

        def merge(current: Current, file: IO[bytes]) -> int:
            if current.data is None:
                return 0 if not expected else -1
            rows = self.rows(name, current.data)
            taken = [row for row in rows if row[PAGE_ID] in page_ids]
            if not taken or (expected is not None and taken != expected):
                file.write(current.data)
                return -1 if expected else 0
            self.write([row for row in rows if row[PAGE_ID] not in page_ids], file)
            return len(taken)

        return self.store.update(name, merge)

    def unreadable(self, name: str, error: ValueError) -> ConfigurationError:
        """Return the error that names a file whose bytes cannot be read."""
        return ConfigurationError(
            f"{self.store.shown_path(name)} cannot be read as {self.dataset.file_format.extension} ({error}), so that "
            "nobody knows whose rows it holds. Restore the file from a copy, or remove it, and run the command again.",
            error_id="MSGI-dataset-file",
        )

    def _all(self) -> dict[str, Entry]:
        return {path: entry for prefix in _PARTITIONS for path, entry in self.store.list_below(prefix).items()}


@dataclass(slots=True)
class RewrittenFiles:
    """The files of a part that were rewritten, so that its ledger knows them as they are now.

    :param rewritten: partition -> the file as listed before, ``None`` for none, and its size in bytes since.
    """

    rewritten: dict[str, tuple[Entry | None, int]] = field(default_factory=dict)

    def note(self, partition: str, before: Entry | None, spooled: Spooled) -> None:
        """Note a file that was put or removed."""
        if spooled.changed:
            self.rewritten[partition] = (before, spooled.size_bytes)

    def marker(self, files: Sequence[DataFile], part: str, tag_of: Callable[[Entry], str], run: str) -> Marker:
        """Return what enters the files as they are listed now into the part's ledger."""
        listed = {file.partition: file.entry for file in files if file.part == part}
        return Marker(self.rewritten, listed, tag_of, run)


@dataclass(frozen=True, slots=True)
class Marker:
    """Enters rewritten files into a ledger; one that another writer was at too is left for the next run to read.

    :param rewritten: as `RewrittenFiles` has it.
    :param listed: partition -> the file as it is listed now.
    """

    rewritten: dict[str, tuple[Entry | None, int]]
    listed: dict[str, Entry]
    tag_of: Callable[[Entry], str]
    run: str

    def enter(self, ledger: Ledger) -> None:
        """Change the marks of a ledger."""
        for partition, (before, size_bytes) in self.rewritten.items():
            known, now = ledger.files.get(partition), self.listed.get(partition)
            was_known = (
                known is None
                if before is None
                else known is not None and (known.size_bytes, known.tag) == (before.size_bytes, self.tag_of(before))
            )
            if not was_known:
                continue
            if now is None and not size_bytes:
                ledger.files.pop(partition, None)
            elif now is not None and now.size_bytes == size_bytes:
                run, restated = (known.run, known.restated) if known is not None else (self.run, False)
                ledger.files[partition] = FileMark(now.size_bytes, self.tag_of(now), run, restated)
