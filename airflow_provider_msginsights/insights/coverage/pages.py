"""The Pages of a dataset: which part holds each, and from when until when it belongs to the dataset.

``_coverage/pages.json`` is owned by people. Loads only add Pages that it does not name yet; everything else is changed
by people, by hand or with ``msginsights dataset``. Each Page has a line of its own::

    {
      "version": 1,
      "pages": {
        "101": {"part": "0", "active_from": "2026-01-01", "active_until": "2026-09-30", "reason": "client left"},
        "102": {"part": "0", "entered_by": "scheduled__2026-11-30T08:00:00+00:00"}
      }
    }

``active_from`` and ``active_until`` are the first and the last Pacific day of the Page's time, both included; without
them it has no beginning, or no end. An erased Page stays named, so that no load brings it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage.gaps import Managed
from airflow_provider_msginsights.insights.coverage.hand_edited import EditedFile, printable
from airflow_provider_msginsights.insights.dates import LAST_DAY, parse_moment
from airflow_provider_msginsights.insights.parameters.parse import is_page_id, parse_part, parse_text
from airflow_provider_msginsights.insights.parameters.values import shown
from airflow_provider_msginsights.insights.wording import pages_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_msginsights.insights.coverage.hand_edited import Place

VERSION = 1
_NO_END = LAST_DAY.toordinal() + 1
_OPTIONAL = ("active_from", "active_until", "erased_at", "reason", "entered_by")


class PagesFileError(ConfigurationError):
    """``_coverage/pages.json`` was edited so that it cannot be read: a person must correct it."""

    kind_id = "MSGI-pages-file"


class PageState(StrEnum):
    """Whether a day of a Page belongs to the dataset, and if not, why."""

    ACTIVE = "active"
    NOT_YET = "not_yet"
    RETIRED = "retired"
    ERASED = "erased"
    UNKNOWN = "unknown"

    @property
    def is_managed(self) -> bool:
        """Whether the day belongs to the dataset."""
        return self is PageState.ACTIVE


@dataclass(frozen=True, slots=True)
class PageEntry:
    """A Page of a dataset.

    :param part: the part that holds its rows.
    :param active_from: the first Pacific day of its time; ``None`` for no beginning.
    :param active_until: the last Pacific day of its time; ``None`` for no end.
    :param erased_at: when its rows were erased, in UTC; its time is over, whatever the days say.
    :param reason: why it was retired or erased, in the words of who did it.
    :param entered_by: the run that entered it; empty for people.
    """

    part: str
    active_from: date | None = None
    active_until: date | None = None
    erased_at: datetime | None = None
    reason: str = ""
    entered_by: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PagesOfDataset(Mapping[str, PageEntry]):
    """Page id -> its entry. Never changed: each change returns another one, or the same where nothing changes."""

    entries: Mapping[str, PageEntry] = field(default_factory=dict)

    def __getitem__(self, page_id: str) -> PageEntry:
        return self.entries[page_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    # The file

    @classmethod
    def from_bytes(cls, data: bytes | None) -> PagesOfDataset:
        """Return the Pages that a file names; ``None`` stands for no file.

        :raises PagesFileError: for a file that people edited wrongly, with the line and what helps; for a newer one.
        """
        if data is None:
            return cls()
        pages = _FILE.read(data).members(("version", "pages"))["pages"]
        return cls({_page_id(page_id, place): _entry(place) for page_id, place in pages.entries()})

    def to_bytes(self) -> bytes:
        """Return the file: Pages sorted by id, a line each; equal Pages give equal bytes."""
        return _FILE.write("pages", {page_id: _fields(self.entries[page_id]) for page_id in sorted(self.entries)})

    # Changes

    def with_entered(
        self, page_ids: Iterable[str], *, part: str, run: str, active_from: date | None = None
    ) -> PagesOfDataset:
        """Return these and the Pages that are not named yet; an entry that there is never changes."""
        _check_bounds(active_from)
        entry = PageEntry(part=parse_part(part), active_from=active_from, entered_by=printable(run))
        new = {page_id: entry for page_id in page_ids if page_id not in self.entries}
        for page_id in new:
            if not is_page_id(page_id):
                raise ConfigurationError(
                    f"{shown(page_id)} is not a Page id: use 1 to 32 digits.", parameter="page_ids"
                )
        return PagesOfDataset({**self.entries, **new}) if new else self

    def begun(self, first_days: Mapping[str, date]) -> PagesOfDataset:
        """Return these with the first day of some Pages set; one that has a first day, or is not named, keeps it so."""
        changed = {
            page_id: replace(self.entries[page_id], active_from=first)
            for page_id, first in first_days.items()
            if page_id in self.entries and self.entries[page_id].active_from is None
        }
        return PagesOfDataset({**self.entries, **changed}) if changed else self

    def retired(self, page_ids: Iterable[str], *, on: date, reason: str) -> PagesOfDataset:
        """Return these with the time of some Pages ended.

        :param on: the last Pacific day that belongs to the dataset.
        :raises ConfigurationError: for Pages that are not named or were erased, and for a day before their first.
        """
        _check_bounds(on)
        reason = _reason(reason)

        def retire(page_id: str, entry: PageEntry) -> PageEntry:
            if entry.active_from is not None and entry.active_from > on:
                raise ConfigurationError(
                    f"Page {page_id} belongs to the dataset from {entry.active_from} on, so its time cannot end on "
                    f"{on}: use a later day, or remove its line from {_FILE.name}.",
                    error_id="MSGI-dataset-page",
                )
            return replace(entry, active_until=on, reason=reason)

        return self._changed(page_ids, retire)

    def erased(self, page_ids: Iterable[str], *, at: datetime, reason: str) -> PagesOfDataset:
        """Return these with some Pages erased; one that was erased before keeps when and why.

        :param at: the aware moment of the decision.
        :raises ConfigurationError: for Pages that are not named.
        """
        _check_bounds(at)
        reason, at = _reason(reason), at.astimezone(UTC).replace(microsecond=0)

        def erase(_: str, entry: PageEntry) -> PageEntry:
            return entry if entry.erased_at is not None else replace(entry, erased_at=at, reason=reason)

        return self._changed(page_ids, erase, also_erased=True)

    def moved(self, page_ids: Iterable[str], *, part: str) -> PagesOfDataset:
        """Return these with some Pages held by another part.

        :raises ConfigurationError: for Pages that are not named or were erased.
        """
        part = parse_part(part)
        return self._changed(page_ids, lambda _, entry: replace(entry, part=part))

    def _changed(
        self, page_ids: Iterable[str], change: Callable[[str, PageEntry], PageEntry], *, also_erased: bool = False
    ) -> PagesOfDataset:
        wanted = list(dict.fromkeys(page_ids))
        if unknown := [page_id for page_id in wanted if page_id not in self.entries]:
            raise ConfigurationError(
                f"{_FILE.name} does not name {pages_in_words([shown(one) for one in unknown])}: "
                "use the ids of Pages that the dataset holds.",
                error_id="MSGI-dataset-page",
            )
        gone = [page_id for page_id in wanted if self.entries[page_id].erased_at is not None]
        if gone and not also_erased:
            raise ConfigurationError(
                f"Erased before, so that nothing is left to change: {pages_in_words(gone)}.",
                error_id="MSGI-dataset-page",
            )
        changed = {**self.entries, **{page_id: change(page_id, self.entries[page_id]) for page_id in wanted}}
        return PagesOfDataset(changed) if changed != self.entries else self

    # The time of Pages

    def managed(self, part: str | None, *, default_first: int) -> dict[str, Managed]:
        """Return Page -> its time in the dataset, for the Pages that a part holds; erased ones are not in it.

        :param part: ``None`` for every part.
        :param default_first: ordinal of the first day of a Page without ``active_from``.
        """
        return {
            page_id: Managed(
                first=default_first if entry.active_from is None else entry.active_from.toordinal(),
                end=_NO_END if entry.active_until is None else entry.active_until.toordinal() + 1,
            )
            for page_id, entry in self.entries.items()
            if entry.erased_at is None and part in (None, entry.part)
        }

    def state_of(self, page_id: str, day: date) -> PageState:
        """Return whether a day of a Page belongs to the dataset (``.is_managed``), and if not, why."""
        if (entry := self.entries.get(page_id)) is None:
            return PageState.UNKNOWN
        if entry.erased_at is not None:
            return PageState.ERASED
        if entry.active_from is not None and day < entry.active_from:
            return PageState.NOT_YET
        if entry.active_until is not None and day > entry.active_until:
            return PageState.RETIRED
        return PageState.ACTIVE


_FILE = EditedFile("_coverage/pages.json", VERSION, PagesFileError)


def _reason(text: str) -> str:
    return parse_text("reason", text) if text else ""


def _check_bounds(when: date | None) -> None:
    """Refuse a day or moment that the file could not be read with."""
    if when is not None:
        parse_moment(when)


def _page_id(page_id: str, place: Place) -> str:
    if not is_page_id(page_id):
        raise place.refusal(f"{shown(page_id)} is not a Page id: use 1 to 32 digits in quotes.")
    return page_id


def _entry(place: Place) -> PageEntry:
    found = place.members(("part",), _OPTIONAL)
    days = {name: found[name].as_day() for name in ("active_from", "active_until") if name in found}
    texts = {name: found[name].as_text() for name in ("reason", "entered_by") if name in found}
    entry = PageEntry(
        part=_part(found["part"]),
        active_from=days.get("active_from"),
        active_until=days.get("active_until"),
        erased_at=found["erased_at"].as_moment() if "erased_at" in found else None,
        reason=texts.get("reason", ""),
        entered_by=texts.get("entered_by", ""),
    )
    if entry.active_from is not None and entry.active_until is not None and entry.active_from > entry.active_until:
        raise found["active_until"].refusal(
            f"active_until {entry.active_until} lies before active_from {entry.active_from}: "
            "they are the last and the first day of the Page's time. Correct one of them."
        )
    return entry


def _part(place: Place) -> str:
    text = place.as_text()
    try:
        part = parse_part(text)
    except ConfigurationError as error:
        raise place.refusal(error.message) from None
    if part != text:  # what a template may leave out must be written here
        raise place.refusal(f'"part": {shown(text)} names no part: use "0", unless the load has a part of its own.')
    return part


def _fields(entry: PageEntry) -> dict[str, Any]:
    """Return what a line says: only what is set."""
    values = {
        "part": entry.part,
        "active_from": entry.active_from and entry.active_from.isoformat(),
        "active_until": entry.active_until and entry.active_until.isoformat(),
        "erased_at": entry.erased_at and entry.erased_at.isoformat(),
        "reason": entry.reason,
        "entered_by": entry.entered_by,
    }
    return {name: value for name, value in values.items() if value}
