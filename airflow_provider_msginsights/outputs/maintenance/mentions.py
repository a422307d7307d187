"""What names Pages beside rows and ledgers, and each of it without some of them: manifests, changes, findings, acks."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage.findings.acknowledgements import Acknowledgements
from airflow_provider_msginsights.insights.coverage.findings.state import FindingsState
from airflow_provider_msginsights.outputs.formats.json_values import json_object_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from airflow_provider_msginsights.outputs.stores.store import Current, Store

_NAMES_OF_RUNS = frozenset(
    {"run_id", "dag_id", "task_id", "path", "partition", "sha256", "manifest", "changes", "started", "finished"}
)
"""Fields of manifests that name runs, files and moments: digits in them are no Page's."""
ERASED = "(erased)"


@dataclass(frozen=True, slots=True)
class Mention:
    """A file that names Pages.

    :param kind: ``manifests``, ``changes``, ``findings`` or ``acknowledgements``.
    :param count: how many lines or entries of it are about them.
    :param without: makes of the file's bytes, as they are by then, those that do not name them; none where nothing is
        left.
    """

    kind: str
    name: str
    count: int
    without: Callable[[bytes], bytes]


def mentions(store: Store, page_ids: Collection[str], *, removed: Collection[str] = ()) -> Iterator[Mention]:
    """Give every file that names Pages.

    :param removed: data files that hold no other Page's rows: what manifests say of them goes too.
    :raises ConfigurationError: for a file of which nobody knows whether it names them.
    """
    pages = frozenset(page_ids)
    finders: tuple[tuple[str, str, _Finder], ...] = (
        ("_manifests", ".json", _Manifests(pages, frozenset(removed))),
        ("_manifests/latest", ".json", _Manifests(pages, frozenset(removed))),
        ("_changes", ".jsonl.gz", _Changes(pages)),
        ("_coverage", ".json.gz", _Findings(pages)),
        ("_coverage", ".json", _Acknowledgements(pages)),
    )
    for folder, ending, finder in finders:
        for file in sorted(store.list(folder)):
            name = f"{folder}/{file}"
            if not file.endswith(ending) or not finder.is_for(file) or (data := store.read(name)) is None:
                continue
            try:
                without, count = finder.without(data)
            except ValueError as damage:
                raise ConfigurationError(
                    f"{store.shown_path(name)} cannot be read ({damage}), so that nobody knows whether it names "
                    f"{', '.join(sorted(pages))}. Remove the file, and run the command again.",
                    error_id="MSGI-dataset-file",
                ) from None
            if count and without != data:
                yield Mention(finder.kind, name, count, lambda bytes_now, finder=finder: finder.without(bytes_now)[0])  # type: ignore[misc] # its own finder


def remove_mentions(store: Store, name: str, without: Callable[[bytes], bytes]) -> None:
    """Make a file one that does not name them, in what is stored by then; remove it where nothing is left."""

    def merge(current: Current, file: IO[bytes]) -> None:
        if current.data is not None:
            file.write(without(current.data))

    store.remove_leftovers(name)
    store.update(name, merge)


def remove_changes(store: Store, name: str, page_ids: Collection[str]) -> None:
    """Take the changes of Pages out of one file of changes."""
    finder = _Changes(frozenset(page_ids))
    remove_mentions(store, name, lambda data: finder.without(data)[0])


class _Finder:
    """Finds Pages in one kind of file."""

    kind = ""

    def __init__(self, pages: frozenset[str]) -> None:
        self.pages = pages

    def is_for(self, file: str) -> bool:
        del file
        return True

    def without(self, data: bytes) -> tuple[bytes, int]:
        """Return the file's bytes without the Pages, and how many entries were about them.

        :raises ValueError: when the bytes are something else.
        """
        raise NotImplementedError


class _Manifests(_Finder):
    kind = "manifests"

    def __init__(self, pages: frozenset[str], removed: frozenset[str] = frozenset()) -> None:
        super().__init__(pages)
        self._removed = removed

    def without(self, data: bytes) -> tuple[bytes, int]:
        if not any(word.encode() in data for word in (*self.pages, *self._removed)):
            return data, 0
        found = json_object_in(data)
        if found is None:
            raise ValueError("it is not a manifest")
        kept = without_pages(found, self.pages, removed_files=self._removed)
        if kept == found:
            return data, 0
        return json.dumps(kept, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n", 1


class _Changes(_Finder):
    kind = "changes"

    def without(self, data: bytes) -> tuple[bytes, int]:
        try:
            lines = gzip.decompress(data).splitlines(keepends=True)
            kept = [line for line in lines if str(json.loads(line)["page_id"]) not in self.pages]
        except (OSError, EOFError, zlib.error, LookupError, TypeError, RecursionError) as damage:
            raise ValueError(f"it is damaged: {type(damage).__name__}") from None
        return (gzip.compress(b"".join(kept), mtime=0) if kept else b""), len(lines) - len(kept)


class _Findings(_Finder):
    kind = "findings"

    def is_for(self, file: str) -> bool:
        return file.startswith("findings-")

    def without(self, data: bytes) -> tuple[bytes, int]:
        state = FindingsState.from_bytes(data)
        if state.newer is not None:
            raise ValueError(state.warning)
        about = [name for name, known in state.known.items() if self.pages & set(known.finding.page_ids)]
        for name in about:  # one about many is found anew by the next run, without them
            del state.known[name]
        return state.to_bytes(), len(about) or int(bool(state.warning))


class _Acknowledgements(_Finder):
    kind = "acknowledgements"

    def is_for(self, file: str) -> bool:
        return file == "acknowledged.json"

    def without(self, data: bytes) -> tuple[bytes, int]:
        acks = Acknowledgements.from_bytes(data).acks
        kept = [
            replace(ack, page_ids=tuple(page_id for page_id in ack.page_ids if page_id not in self.pages))
            for ack in acks
            if not ack.page_ids or not self.pages.issuperset(ack.page_ids)
        ]
        count = sum(not self.pages.isdisjoint(ack.page_ids) for ack in acks)
        return Acknowledgements(tuple(kept)).to_bytes(), count


def without_pages(value: Any, page_ids: frozenset[str], *, removed_files: frozenset[str] = frozenset()) -> Any:
    """Return JSON without what is about some Pages: their ids in lists and as keys, objects about them, their names.

    :param removed_files: data files, by their path in the dataset; objects with such a ``path`` go too.
    """
    names = re.compile(rf"(?<![0-9])(?:{'|'.join(map(re.escape, sorted(page_ids)))})(?![0-9])")

    def is_about(inner: Any) -> bool:
        if isinstance(inner, str):
            return inner in page_ids
        if not isinstance(inner, dict):
            return False
        path = inner.get("path")
        return inner.get("page_id") in page_ids or (
            isinstance(path, str) and any(path.endswith(f"/{name}") for name in removed_files)
        )

    def kept(inner: Any) -> Any:
        if isinstance(inner, dict):
            return {
                name: held if name in _NAMES_OF_RUNS else kept(held)
                for name, held in inner.items()
                if name not in page_ids and not (isinstance(held, dict) and is_about(held))
            }
        if isinstance(inner, list | tuple):
            return [kept(item) for item in inner if not is_about(item)]
        return names.sub(ERASED, inner) if isinstance(inner, str) else inner

    return kept(value)
