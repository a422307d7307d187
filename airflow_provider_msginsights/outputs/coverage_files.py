"""``_coverage/`` of a dataset: what is known of its cells, its Pages and its findings, each a small file.

``part-<part>.json.gz`` is the ledger of a part. A ledger that cannot be used is left as it is: rows are stored without
it, and it is built anew from rows and manifests when people say so.
"""

from __future__ import annotations

import gc
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import IO, TYPE_CHECKING, TypeVar

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage.findings.acknowledgements import Acknowledgements
from airflow_provider_msginsights.insights.coverage.findings.state import FindingsState
from airflow_provider_msginsights.insights.coverage.ledger_file import NewerLedgerError, ledger_text, read_ledger
from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
from airflow_provider_msginsights.outputs.stores.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from airflow_provider_msginsights.insights.coverage.ledger import Ledger
    from airflow_provider_msginsights.outputs.stores.store import Current, Entry, StoragePath, Store

ResultT = TypeVar("ResultT")

FOLDER = "_coverage"
PAGES = f"{FOLDER}/pages.json"
ACKNOWLEDGED = f"{FOLDER}/acknowledged.json"
DAY_PREFIX = "dt="
_LISTED_ALONE = 8
_LEDGER_START, _LEDGER_END = "part-", ".json.gz"
_MOST_BYTES = 256 * 2**20
"""A ledger of 10,000 Pages and two years takes a tenth of it; more is no ledger of ours."""


class UnusableLedgerError(ConfigurationError):
    """A ledger is damaged, or a newer version wrote it."""

    kind_id = "MSGI-ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLedger:
    """A part's ledger as stored.

    :param ledger: ``None`` where there is none, or none that can be used.
    :param problem: why it cannot be used and what helps, "" where nothing is wrong.
    :param data: the bytes it was read from.
    """

    part: str
    ledger: Ledger | None
    problem: str = ""
    data: bytes = b""


class CoverageFiles:
    """The files of ``_coverage/``; each is replaced only if it still is the version that was changed.

    :param root: the dataset's directory.
    :param conditional: as the dataset's label says.
    """

    def __init__(self, root: StoragePath, *, conditional: bool = True) -> None:
        self._store: Store = open_store(root, conditional=conditional)

    def ledger(self, part: str) -> StoredLedger:
        """Read the ledger of a part."""
        name = _ledger_name(part)
        data = self._store.read(name)
        try:
            ledger = None if data is None else self._decoded(name, data)
            return StoredLedger(part=part, ledger=ledger, data=data or b"")
        except UnusableLedgerError as error:
            return StoredLedger(part=part, ledger=None, problem=str(error))

    def ledgers(self) -> dict[str, StoredLedger]:
        """Read the ledgers of all parts."""
        names = [name for name in self._store.list(FOLDER) if name.startswith(_LEDGER_START)]
        parts = [name.removeprefix(_LEDGER_START) for name in names if name.endswith(_LEDGER_END)]
        return {part: self.ledger(part) for part in sorted(name.removesuffix(_LEDGER_END) for name in parts)}

    def update_ledger(
        self,
        part: str,
        change: Callable[[Ledger], None],
        *,
        at_first: Callable[[], Ledger],
        known: StoredLedger | None = None,
    ) -> StoredLedger:
        """Change a part's ledger; when another writer was first, the change is made again in what that one stored.

        :param change: changes what it is given; may be called several times, each time with the ledger stored then.
        :param at_first: makes the ledger where there is none.
        :param known: the ledger as it was read before; where it still is the one stored, it is changed as it is.
        :return: the ledger as stored.
        :raises UnusableLedgerError: when there is one that cannot be used; it is left as it is.
        """
        name = _ledger_name(part)

        def merge(current: Current, file: IO[bytes]) -> StoredLedger:
            if known is not None and known.ledger is not None and known.data == current.data:
                ledger = known.ledger
            else:
                ledger = at_first() if current.data is None else self._decoded(name, current.data)
            change(ledger)
            with _without_collector():
                data = packed(ledger_text(ledger))
            file.write(data)
            return StoredLedger(part=part, ledger=ledger, data=data)

        _, stored = self._store.update(name, merge)
        return stored

    def replace_ledger(self, part: str, ledger: Ledger) -> None:
        """Store a ledger that was built anew, whatever is there."""
        self._store.write(_ledger_name(part), packed(ledger_text(ledger)))

    def remove_leftovers(self, part: str) -> None:
        """Remove what killed writers of a part's ledger left."""
        self._store.remove_leftovers(_ledger_name(part))

    def pages(self) -> PagesOfDataset:
        """Read the Pages of the dataset.

        :raises ConfigurationError: when people changed the file to something it cannot be; names line and cure.
        """
        return PagesOfDataset.from_bytes(self._store.read(PAGES))

    def update_pages(self, change: Callable[[PagesOfDataset], PagesOfDataset]) -> PagesOfDataset:
        """Change the Pages of the dataset; nothing is written where nothing changes.

        :param change: may be called several times, each time with the Pages stored then.
        :raises ConfigurationError: as `pages` does.
        """

        def merge(current: Current, file: IO[bytes]) -> PagesOfDataset:
            before = PagesOfDataset.from_bytes(current.data)
            after = change(before)
            file.write(current.data if after == before and current.data is not None else after.to_bytes())
            return after

        _, pages = self._store.update(PAGES, merge)
        return pages

    def findings(self, part: str) -> FindingsState:
        """Read the findings of a part."""
        return FindingsState.from_bytes(self._store.read(_findings_name(part)))

    def update_findings(self, part: str, change: Callable[[FindingsState], ResultT]) -> ResultT:
        """Change the findings of a part; when another writer was first, the change is made again in what that stored.

        :param change: changes what it is given; may be called several times.
        :return: what the change returned.
        """

        def merge(current: Current, file: IO[bytes]) -> ResultT:
            state = FindingsState.from_bytes(current.data)
            result = change(state)
            file.write(state.to_bytes())
            return result

        _, result = self._store.update(_findings_name(part), merge)
        return result

    def acknowledgements(self) -> Acknowledgements:
        """Read what people know of.

        :raises ConfigurationError: when people changed the file to something it cannot be; names line and cure.
        """
        return Acknowledgements.from_bytes(self._store.read(ACKNOWLEDGED))

    def update_acknowledgements(self, change: Callable[[Acknowledgements], Acknowledgements]) -> Acknowledgements:
        """Change what people know of; nothing is written where nothing changes.

        :raises ConfigurationError: as `acknowledgements` does.
        """

        def merge(current: Current, file: IO[bytes]) -> Acknowledgements:
            before = Acknowledgements.from_bytes(current.data)
            after = change(before)
            file.write(current.data if after == before and current.data is not None else after.to_bytes())
            return after

        _, acknowledgements = self._store.update(ACKNOWLEDGED, merge)
        return acknowledgements

    # The data files that a ledger is about

    def data_files(self, file_name: str, partitions: Collection[str] | None) -> dict[str, Entry]:
        """List the files of a part now, by partition.

        :param file_name: the part's file in each partition.
        :param partitions: the only ones to look into; ``None`` for all.
        """
        if partitions is not None and len(partitions) <= _LISTED_ALONE:
            listed = {f"{name}/{file}": entry for name in partitions for file, entry in self._store.list(name).items()}
        else:
            listed = self._store.list_below(DAY_PREFIX)
        found = {
            partition: entry
            for path, entry in listed.items()
            for partition, _, name in (path.partition("/"),)
            if name == file_name and _is_day(partition)
        }
        return found if partitions is None else {name: found[name] for name in partitions if name in found}

    def tag_of(self, entry: Entry) -> str:
        """Return the version of a listed file as text."""
        return self._store.tag_of(entry)

    def _decoded(self, name: str, data: bytes) -> Ledger:
        try:
            with _without_collector():
                return read_ledger(unpacked(data))
        except NewerLedgerError as error:
            raise UnusableLedgerError(
                f"{self._store.shown_path(name)} is left as it is. {error.message} Rows are stored all the same; "
                "upgrade this installation."
            ) from None
        except ValueError as error:
            raise UnusableLedgerError(
                f"{self._store.shown_path(name)} cannot be used: {error}. Rows are stored all the same. Build it anew "
                "from them: msginsights coverage PATH --rebuild"
            ) from None


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep Python's garbage collector from looking through a ledger that grows: none of its objects is in a cycle.

    It would look through all of Airflow's objects with them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _is_day(partition: str) -> bool:
    try:
        date.fromisoformat(partition.removeprefix(DAY_PREFIX))
    except ValueError:
        return False
    return partition.startswith(DAY_PREFIX)


def _ledger_name(part: str) -> str:
    return f"{FOLDER}/{_LEDGER_START}{part}{_LEDGER_END}"


def _findings_name(part: str) -> str:
    return f"{FOLDER}/findings-{part}.json.gz"


def packed(text: bytes) -> bytes:
    """Return text compressed; equal text gives equal bytes."""
    squeezer = zlib.compressobj(level=1, wbits=31)  # gzip, without a time
    return squeezer.compress(text) + squeezer.flush()


def unpacked(data: bytes) -> bytes:
    """Return compressed text.

    :raises ValueError: when the bytes are something else, or far more than any file of ours holds.
    """
    opener = zlib.decompressobj(wbits=31)
    try:
        text = opener.decompress(data, _MOST_BYTES)
    except zlib.error as damage:
        raise ValueError(f"it is damaged ({type(damage).__name__})") from None
    if not opener.eof or opener.unused_data:
        raise ValueError("it is cut off, or too long")
    return text
