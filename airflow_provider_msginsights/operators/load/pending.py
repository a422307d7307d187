"""What a load has to do, and what is left of it when it cannot be done in one go."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
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


Rest: TypeAlias = tuple[Slice, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The Pages and ranges of a load.

    :param rests: for each range what is still to be read of it; ``None`` stands for everything.
    :param rows_so_far: rows that earlier turns of the same load had.
    :param waited_seconds: for how long the task was to wait, without a worker slot, before it takes this up.
    """

    page_ids: tuple[str, ...]
    ranges: tuple[DateRange, ...]
    rests: tuple[Rest, ...]
    rows_so_far: int = 0
    waited_seconds: float = 0.0

    @classmethod
    def all_of(cls, page_ids: Sequence[str], ranges: tuple[DateRange, ...]) -> Work:
        """Everything there is to read of these Pages and ranges."""
        return cls(page_ids=tuple(page_ids), ranges=ranges, rests=(None,) * len(ranges))

    @property
    def is_continued(self) -> bool:
        """Whether an earlier turn stored a part of it."""
        return any(rest is not None for rest in self.rests)

    def unread_by(self, outcomes: Sequence[FetchOutcome]) -> Work:
        """What the outcomes have no answer to, because of a limit or an error."""
        return Work(
            page_ids=self.page_ids,
            ranges=self.ranges,
            rests=tuple((*(paused.part for paused in outcome.paused), *outcome.unanswered) for outcome in outcomes),
            rows_so_far=self.rows_so_far + sum(outcome.counts["records"] for outcome in outcomes),
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the work as plain JSON, small enough for a trigger; ``from_dict`` reads it back.

        Slices of the same metrics and days stand together, and Pages by their place in the list: a load of 200 Pages
        and two years, nothing of which is read, takes about 16 KB.
        """
        return {
            "page_ids": list(self.page_ids),
            "ranges": [_days_as_text(days) for days in self.ranges],
            "rests": [None if rest is None else self._grouped(rest) for rest in self.rests],
            "rows_so_far": self.rows_so_far,
            "waited_seconds": self.waited_seconds,
        }

    def _grouped(self, rest: Iterable[Slice]) -> list[dict[str, Any]]:
        places = {page_id: place for place, page_id in enumerate(self.page_ids)}
        groups: dict[tuple[tuple[str, ...], DateRange], list[int]] = {}
        for part in rest:
            groups.setdefault((part.metrics, part.days), []).append(places[part.page_id])
        return [
            {"metrics": list(metrics), "days": _days_as_text(days), "pages": pages}
            for (metrics, days), pages in groups.items()
        ]

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Work:
        """Read what ``as_dict`` told."""
        page_ids = tuple(told["page_ids"])
        return cls(
            page_ids=page_ids,
            ranges=tuple(_days_of(text) for text in told["ranges"]),
            rests=tuple(
                None
                if rest is None
                else tuple(
                    Slice(page_ids[place], tuple(group["metrics"]), _days_of(group["days"]))
                    for group in rest
                    for place in group["pages"]
                )
                for rest in told["rests"]
            ),
            rows_so_far=told["rows_so_far"],
            waited_seconds=told["waited_seconds"],
        )


def _days_as_text(days: DateRange) -> list[str]:
    return [days.first_day.isoformat(), days.end_day.isoformat()]


def _days_of(text: Iterable[str]) -> DateRange:
    first, end = map(date.fromisoformat, text)
    return DateRange(first, end)


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
