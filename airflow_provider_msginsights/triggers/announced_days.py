"""The days a watcher has announced, kept in the state store of its assets."""

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
"""How long a watcher waits before it tries again to read a state store that failed."""

WINDOW_DAYS = 35
"""Days a poll looks at: a day that is missing five weeks after its end is given up, with a warning."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What to write once the events sent so far are stored."""

    accessors: tuple[Any, ...]
    key: str
    value: dict[str, Any]

    async def try_to_write(self) -> None:
        """Write it; if that fails, log it and leave it to the next receipt, which contains this one."""
        try:
            await self.write()
        except Exception as error:  # noqa: BLE001 - whatever a store's backend raises
            log.warning(
                "Airflow's asset state store could not be used (%s): the announced days were not saved. "
                "Saving is tried again with the next poll.",
                type(error).__name__,
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
    """Every day up to ``through``, and some later ones: a late day does not hold up the days after it."""

    accessors: tuple[Any, ...]
    key: str
    through: date
    later: set[date] = field(default_factory=set)

    @classmethod
    async def read(cls, store: Any, key: str, first_day: date) -> AnnouncedDays:
        """Return what was announced before; if nothing was, save that days from ``first_day`` on are pending."""
        # A trigger that serves two assets has two stores, and no public way to list them.
        accessors = (*store._by_name.values(), *store._by_uri.values())  # noqa: SLF001
        found = [await _read_days(accessor, key) for accessor in accessors]
        stored = [days for days in found if days is not None]
        if len(stored) < len(found) or not stored:
            announced = cls(accessors, key, first_day - ONE_DAY)
            if not stored:
                await announced.receipt().try_to_write()
            return announced
        through = min(days[0] for days in stored)
        later = set.intersection(*(days[1] for days in stored))
        return cls(accessors, key, through, later)

    def pending(self, window: DateRange) -> list[date]:
        """Return the days of the window not announced yet, the earliest first; older ones are given up."""
        if self.through < window.first_day - ONE_DAY:
            oldest, self.through = self.through + ONE_DAY, window.first_day - ONE_DAY
            log.warning("Pacific days %s to %s are given up, unless announced before.", oldest, self.through)
            self._advance()
        return [day for day in window if day > self.through and day not in self.later]

    def add(self, day: date) -> None:
        """Note that a day was announced."""
        self.later.add(day)
        self._advance()

    def receipt(self) -> Receipt:
        """Return this state, to be written."""
        value = {"through": self.through.isoformat(), "later": sorted(day.isoformat() for day in self.later)}
        return Receipt(self.accessors, self.key, value)

    def _advance(self) -> None:
        while (following := self.through + ONE_DAY) in self.later:
            self.later.discard(following)
            self.through = following
        self.later = {day for day in self.later if day > self.through}


async def _read_days(accessor: Any, key: str) -> tuple[date, set[date]] | None:
    """Return up to which day all were announced, and which later ones were; ``None`` when nothing is stored.

    Without the store's answer nobody knows what is pending: to go on would lose days or announce them twice.
    """
    while True:
        try:
            found = await _get(accessor, key)
        except Exception as error:  # noqa: BLE001 - whatever a store's backend raises
            log.warning(
                "Airflow's asset state store could not be used (%s); the watcher tries again in %s seconds.",
                type(error).__name__,
                RETRY_SECONDS,
            )
            await asyncio.sleep(RETRY_SECONDS)
            continue
        if not found:
            return None
        try:
            return date.fromisoformat(found["through"]), {date.fromisoformat(day) for day in found["later"]}
        except (KeyError, TypeError, ValueError):
            log.warning("The value of %s in Airflow's asset state store cannot be read and is ignored.", key)
            return None


async def _get(accessor: Any, key: str) -> Any:
    if hasattr(accessor, "aget"):
        return await accessor.aget(key)
    return await asyncio.to_thread(accessor.get, key)  # Airflow 3.3.0 and 3.3.1
