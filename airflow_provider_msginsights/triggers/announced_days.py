"""A watcher's memory: the days it has told of, kept in the state store of its assets."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.dates import ONE_DAY

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.dates import DateRange

log = logging.getLogger(__name__)

RETRY_SECONDS = 30
"""How long a watcher waits for a state store that does not answer before it asks again."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What to write once the events told so far are stored."""

    accessors: tuple[Any, ...]
    key: str
    value: dict[str, Any]

    async def try_to_write(self) -> None:
        """Write it; where that fails, say so and leave it to the next one, which has all of it too."""
        try:
            await self.write()
        except Exception as trouble:  # noqa: BLE001 - whatever a store's backend raises
            log.warning(
                "Airflow's asset state store could not be used (%s): the days told of are not kept; this is tried "
                "again with the next poll.",
                type(trouble).__name__,
            )

    async def write(self) -> None:
        """Write it to every asset the watcher serves."""
        for accessor in self.accessors:
            if hasattr(accessor, "aset"):
                await accessor.aset(self.key, self.value)
            else:  # Airflow 3.3.0 and 3.3.1
                await asyncio.to_thread(accessor.set, self.key, self.value)


@dataclass(slots=True)
class AnnouncedDays:
    """Every day up to ``through``, and some later ones: a day that is late does not hold up those after it."""

    accessors: tuple[Any, ...]
    key: str
    through: date
    later: set[date] = field(default_factory=set)

    @classmethod
    async def read(cls, store: Any, key: str, first_day: date) -> AnnouncedDays:
        """Give what was told before; when nothing was, note at once that days from ``first_day`` on are owed."""
        # A trigger that serves two assets has two stores, and no public way to list them.
        accessors = (*store._by_name.values(), *store._by_uri.values())  # noqa: SLF001
        found = [await _kept(accessor, key) for accessor in accessors]
        kept = [one for one in found if one is not None]
        if len(kept) < len(found) or not kept:
            told = cls(accessors, key, first_day - ONE_DAY)
            if not kept:
                await told.receipt().try_to_write()
            return told
        through = min(one[0] for one in kept)
        later = set.intersection(*(one[1] for one in kept))
        return cls(accessors, key, through, later)

    def pending(self, window: DateRange) -> list[date]:
        """The days of the window not told of yet, the earliest first; older ones are given up."""
        if self.through < window.first_day - ONE_DAY:
            oldest, self.through = self.through + ONE_DAY, window.first_day - ONE_DAY
            log.warning("Pacific days %s to %s are given up, unless told of before.", oldest, self.through)
            self._advance()
        return [day for day in window if day > self.through and day not in self.later]

    def add(self, day: date) -> None:
        """Note that a day was told of."""
        self.later.add(day)
        self._advance()

    def receipt(self) -> Receipt:
        """Give this state, to be written."""
        value = {"through": self.through.isoformat(), "later": sorted(day.isoformat() for day in self.later)}
        return Receipt(self.accessors, self.key, value)

    def _advance(self) -> None:
        while (following := self.through + ONE_DAY) in self.later:
            self.later.discard(following)
            self.through = following
        self.later = {day for day in self.later if day > self.through}


async def _kept(accessor: Any, key: str) -> tuple[date, set[date]] | None:
    """Give up to which day was told, and which later ones were; ``None`` when nothing is kept.

    Without an answer of the store nobody knows what is owed: to go on would lose days or tell of them twice.
    """
    while True:
        try:
            found = await _get(accessor, key)
        except Exception as trouble:  # noqa: BLE001 - whatever a store's backend raises
            log.warning(
                "Airflow's asset state store could not be used (%s); the watcher asks it again in %s seconds.",
                type(trouble).__name__,
                RETRY_SECONDS,
            )
            await asyncio.sleep(RETRY_SECONDS)
            continue
        if not found:
            return None
        try:
            return date.fromisoformat(found["through"]), {date.fromisoformat(day) for day in found["later"]}
        except (KeyError, TypeError, ValueError):
            log.warning("What Airflow's asset state store holds under %s cannot be read; it is passed over.", key)
            return None


async def _get(accessor: Any, key: str) -> Any:
    if hasattr(accessor, "aget"):
        return await accessor.aget(key)
    return await asyncio.to_thread(accessor.get, key)  # Airflow 3.3.0 and 3.3.1
