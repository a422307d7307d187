"""How long a writer tries again because another one was first."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFLICT_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Bounds on trying again, for one file or for all of a load.

    :param seconds: for how long one file is tried again.
    :param stopped: ends every wait at once, for a task that is being ended.
    """

    seconds: float = CONFLICT_SECONDS
    stopped: threading.Event = field(default_factory=threading.Event)

    def tries(self, *, first_seconds: float, longest_seconds: float) -> Iterator[int]:
        """Count tries from 0, waiting before each but the first; end when the time is over or the load is stopped.

        Waits grow from ``first_seconds`` to ``longest_seconds``, each between half and one and a half of that, so
        that two writers do not meet again and again.
        """
        end = time.monotonic() + self.seconds
        yield (number := 0)
        wait = first_seconds
        while (left := end - time.monotonic()) > 0:
            if self.stopped.wait(min(left, wait * random.uniform(0.5, 1.5))):  # noqa: S311 - no secret
                return
            wait = min(2 * wait, longest_seconds)
            yield (number := number + 1)
