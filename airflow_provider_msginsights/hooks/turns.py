"""Turns: how many triggers of one triggerer may be on the network at a time."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

AT_A_TIME = 32
"""A thousand triggers that wake in the same minute then hold 32 network connections, and not a thousand."""

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class Turn:
    """One trigger's place among those of its event loop: taken to poll, left between polls and at the end."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._all = _turns.setdefault(loop, asyncio.Semaphore(AT_A_TIME))
        self._is_taken = False

    async def take(self) -> None:
        """Wait until fewer than `AT_A_TIME` are at it."""
        await self._all.acquire()
        self._is_taken = True

    def leave(self) -> None:
        """Let the next one have its turn; does nothing when none was taken."""
        if self._is_taken:
            self._is_taken = False
            self._all.release()
