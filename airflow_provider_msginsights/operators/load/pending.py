"""What a load still has to read, and how that is saved for the next try."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_msginsights import __version__
from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.query import Slice
from airflow_provider_msginsights.outputs.formats.json_values import iso_text
from airflow_provider_msginsights.outputs.stores.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.outputs.stores.store import StoragePath


Remaining: TypeAlias = tuple[Slice, ...] | None
"""The slices of a range that are still to be read; ``None`` for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLoad:
    """The Pages and ranges of a load, and what remains to be read of them.

    :param remaining: one entry for each range.
    :param rows_so_far: rows that earlier processes of the same load read.
    :param waited_seconds: how long the task was deferred before it continues with this.
    """

    page_ids: tuple[str, ...]
    ranges: tuple[DateRange, ...]
    remaining: tuple[Remaining, ...]
    rows_so_far: int = 0
    waited_seconds: float = 0.0

    @classmethod
    def full(cls, page_ids: Sequence[str], ranges: tuple[DateRange, ...]) -> PendingLoad:
        """Return a load of which nothing has been read."""
        return cls(page_ids=tuple(page_ids), ranges=ranges, remaining=(None,) * len(ranges))

    @property
    def is_continued(self) -> bool:
        """Whether an earlier process or try stored some of it."""
        return any(remaining is not None for remaining in self.remaining)

    def of_pages(self, page_ids: Sequence[str]) -> PendingLoad:
        """Return what remains for these of its Pages."""
        wanted = frozenset(page_ids)
        remaining = tuple(
            None if slices is None else tuple(piece for piece in slices if piece.page_id in wanted)
            for slices in self.remaining
        )
        return replace(self, page_ids=tuple(page_ids), remaining=remaining)

    def unread_by(self, outcomes: Sequence[FetchOutcome]) -> PendingLoad:
        """Return what the outcomes have no answer to, because of a limit or an error."""
        return PendingLoad(
            page_ids=self.page_ids,
            ranges=self.ranges,
            remaining=tuple((*(paused.part for paused in outcome.paused), *outcome.unanswered) for outcome in outcomes),
            rows_so_far=self.rows_so_far + sum(outcome.counts["records"] for outcome in outcomes),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON, small enough for a trigger; ``from_dict`` reads it back.

        Slices of the same metrics and days stand together, with their Pages as places in ``page_ids``: a load of 200
        Pages and two years, none of which has been read, takes about 16 KB. The keys never change: triggers and state
        stores of earlier versions hold them.
        """
        return {
            "page_ids": list(self.page_ids),
            "ranges": [_days_as_text(days) for days in self.ranges],
            "rests": [None if slices is None else self._grouped(slices) for slices in self.remaining],
            "rows_so_far": self.rows_so_far,
            "waited_seconds": self.waited_seconds,
        }

    def _grouped(self, slices: Iterable[Slice]) -> list[dict[str, Any]]:
        places = {page_id: place for place, page_id in enumerate(self.page_ids)}
        groups: dict[tuple[tuple[str, ...], DateRange], list[int]] = {}
        for piece in slices:
            groups.setdefault((piece.metrics, piece.days), []).append(places[piece.page_id])
        return [
            {"metrics": list(metrics), "days": _days_as_text(days), "pages": pages}
            for (metrics, days), pages in groups.items()
        ]

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> PendingLoad:
        """Rebuild what ``to_dict`` returned, also in an earlier version."""
        page_ids = tuple(saved["page_ids"])
        return cls(
            page_ids=page_ids,
            ranges=tuple(_days_of(text) for text in saved["ranges"]),
            remaining=tuple(
                None
                if groups is None
                else tuple(
                    Slice(page_ids[place], tuple(group["metrics"]), _days_of(group["days"]))
                    for group in groups
                    for place in group["pages"]
                )
                for groups in saved["rests"]
            ),
            rows_so_far=saved["rows_so_far"],
            waited_seconds=saved["waited_seconds"],
        )


def _days_as_text(days: DateRange) -> list[str]:
    return [days.first_day.isoformat(), days.end_day.isoformat()]


def _days_of(text: Iterable[str]) -> DateRange:
    first, end = map(date.fromisoformat, text)
    return DateRange(first, end)


KEPT_FOR = timedelta(hours=24)
"""A task that is cleared later reads everything anew: the API may restate days."""

_KEY = "msginsights_work_left"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedLoad:
    """What an earlier try left to read.

    :param stored: what that try had stored by then, as the fingerprint of its manifest.
    """

    pending: PendingLoad
    stored: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadCheckpoint:
    """Saves what a try leaves unread in Airflow's task state store, for the next try of the same load.

    :param store: Airflow's store of the task, or ``None`` where there is none (before Airflow 3.3).
    :param fingerprint: of the load's parameters; what was saved for other parameters is not used.
    :param log: where a warning goes when the store cannot be used.
    """

    store: Any
    fingerprint: str
    log: Any

    @classmethod
    def of(cls, context: Mapping[str, Any], parameters: Mapping[str, Any], log: Any) -> LoadCheckpoint:
        """Return the checkpoint of the task that has this context.

        :param parameters: what two tries must have in common; the version of this provider is added.
        """
        return cls(
            store=context.get("task_state_store"),
            fingerprint=fingerprint_of({**parameters, "version": __version__}),
            log=log,
        )

    def read(self) -> SavedLoad | None:
        """Return what an earlier try left, if it was saved within `KEPT_FOR` and for the same parameters."""
        found = self._use_store("get", _KEY) if self.store is not None else None
        if found is None or (isinstance(found, dict) and found.get("fingerprint") != self.fingerprint):
            return None
        try:
            age = datetime.now(UTC) - datetime.fromisoformat(found["kept_at"])
            saved = SavedLoad(pending=PendingLoad.from_dict(found["work"]), stored=found["stored"])
        except (AttributeError, ConfigurationError, IndexError, KeyError, TypeError, ValueError) as error:
            self.log.warning(
                "The checkpoint of an earlier try in Airflow's task state store cannot be read (%s); everything is "
                "loaded again.",
                type(error).__name__,
            )
            return None
        return saved if age <= KEPT_FOR else None

    def save(self, pending: PendingLoad, *, stored: str) -> None:
        """Let the next try read only what is pending.

        :param stored: the fingerprint of the manifest of what this try has stored.
        """
        if self.store is not None:
            saved = {
                "fingerprint": self.fingerprint,
                "kept_at": datetime.now(UTC).isoformat(),
                "stored": stored,
                "work": pending.to_dict(),
            }
            self._use_store("set", _KEY, saved, retention=KEPT_FOR)

    def clear(self) -> None:
        """Let the next try read everything."""
        if self.store is not None:
            self._use_store("delete", _KEY)

    def _use_store(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call the store; its errors are warnings, as a load without it is slower and just as complete."""
        try:
            return getattr(self.store, method)(*arguments, **options)
        except Exception as error:  # noqa: BLE001 - whatever a store's backend raises
            self.log.warning("Airflow's task state store could not be used (%s).", type(error).__name__)
            return None


def manifest_fingerprint(manifest: Mapping[str, Any]) -> str:
    """Return a hash of when a manifest's load ended and which files it stored.

    A manifest that was read back has the same one. A later try of the run writes another: what was unread before may
    have been read since.
    """
    files = sorted((file["path"], file["sha256"]) for file in manifest["files"])
    return fingerprint_of({"finished": iso_text(manifest["finished"]), "files": files})


def first_changed_file(root: StoragePath, files: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the path of the first file whose bytes differ from the manifest's hash; ``None`` when none does.

    :param files: the manifest's entries of files.
    """
    store = open_store(root)
    for file in files:
        path = str(file["path"])
        data = store.read(f"{file['partition']}/{path.rpartition('/')[2]}")
        if data is None or hashlib.sha256(data).hexdigest() != file["sha256"]:
            return path
    return None


def fingerprint_of(facts: Mapping[str, Any]) -> str:
    """Return a hash of some facts."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
