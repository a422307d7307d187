"""One reading of a connection for all triggers that poll in the same second.

Each reading goes through the triggerer's supervisor, which looks all its triggers up in the database whenever it hears
something: a thousand triggers that each read for themselves keep it busier than their polls keep the triggerer.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from airflow_provider_msginsights.hooks.connection import Parts

SHARED_SECONDS = 1.0
"""How old a shared reading may be; it is forgotten then, so no secret outlives its use."""


class _Reading:
    """The last reading of one connection, for as long as it may be shared."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._begun = 0.0
        self._read: Parts | ConfigurationError | Exception | None = None

    async def begun_since(
        self, moment: float, read: Callable[[], Awaitable[Parts | ConfigurationError]]
    ) -> Parts | ConfigurationError | Exception:
        loop = asyncio.get_running_loop()
        async with self._lock:
            if self._read is None or self._begun < moment:
                self._read, begun = None, loop.time()
                try:
                    self._read = await read()
                except Exception as error:  # noqa: BLE001 - a secrets backend may raise anything; it is raised by each
                    self._read = error
                self._begun = begun
                loop.call_later(SHARED_SECONDS, self._forget, begun)
            return self._read

    def _forget(self, begun: float) -> None:
        if begun == self._begun:
            self._read = None


_readings: WeakKeyDictionary[asyncio.AbstractEventLoop, defaultdict[Hashable, _Reading]] = WeakKeyDictionary()


async def shared_reading(
    key: Hashable, read: Callable[[], Awaitable[Parts | ConfigurationError]], *, since: float
) -> Parts | ConfigurationError:
    """Give what was read for this key within the last second in this event loop, or read it now.

    :param since: the reading must have begun at this moment of the loop's clock or later.
    :raises Exception: what reading raised.
    """
    loop = asyncio.get_running_loop()
    of_key = _readings.setdefault(loop, defaultdict(_Reading))[key]
    found = await of_key.begun_since(max(since, loop.time() - SHARED_SECONDS), read)
    if isinstance(found, Exception) and not isinstance(found, ConfigurationError):
        raise found
    return found
