"""``execution_timeout`` over deferrals.

Airflow bounds each process of a task by it and starts anew after a deferral; what a task waits in the triggerer it
bounds not at all. So the first process fixes the moment at which the try is over, and hands it on.
"""

from __future__ import annotations

import contextlib
import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from airflow_provider_msginsights.airflow_names import AirflowTaskTimeout

BACKSTOP = timedelta(seconds=60)
"""How much later than the trigger itself Airflow ends a deferral, in case no triggerer is there to do so."""

TRIGGER_FAIL_REPR = "__fail__"
"""Airflow's name for the method of a task whose deferral came to nothing."""

TRIGGER_TIMED_OUT = "Trigger timeout"
"""Airflow's word for a deferral that it ended itself."""


@dataclass(frozen=True, slots=True)
class ExecutionDeadline:
    """When a try is over, deferrals included.

    :param moment: aware; ``None`` for a task without ``execution_timeout``.
    :param timeout: the task's ``execution_timeout``.
    """

    moment: datetime | None
    timeout: timedelta | None

    @classmethod
    def from_now(cls, timeout: timedelta | None) -> ExecutionDeadline:
        """Return the deadline of a try that begins now."""
        return cls(None if timeout is None else datetime.now(UTC) + timeout, timeout)

    @classmethod
    def resumed(cls, text: object, timeout: timedelta | None) -> ExecutionDeadline:
        """Return the deadline that the try's first process fixed; one from now where an older version fixed none."""
        with contextlib.suppress(TypeError, ValueError):
            moment = datetime.fromisoformat(text)  # type: ignore[arg-type] # anything else is a TypeError
            if moment.utcoffset() is not None:
                return cls(moment, timeout)
        return cls.from_now(timeout)

    @property
    def text(self) -> str | None:
        """The moment as it travels in triggers and arguments."""
        return None if self.moment is None else self.moment.isoformat()

    def backstop(self, otherwise: timedelta | None = None) -> timedelta | None:
        """Return after how long Airflow shall end a deferral, unless it shall do so earlier anyway."""
        if (left := self._left()) is None:
            return otherwise
        mine = max(left, timedelta(0)) + BACKSTOP
        return mine if otherwise is None else min(mine, otherwise)

    def enforce(self) -> None:
        """End a resumed task that is late, and shorten the time Airflow gives this process to what is left.

        :raises AirflowTaskTimeout: when nothing is left.
        """
        if (left := self._left()) is None:
            return
        if left <= timedelta(0):
            self.end()
        with contextlib.suppress(AttributeError, ValueError):  # no such timers here
            armed, _ = signal.getitimer(signal.ITIMER_REAL)
            # A longer timer than Airflow sets is somebody else's.
            if self.timeout and left.total_seconds() < armed <= self.timeout.total_seconds():
                signal.setitimer(signal.ITIMER_REAL, left.total_seconds())

    def end(self, doing: str = "") -> NoReturn:
        """Raise what Airflow raises for a task whose ``execution_timeout`` is over."""
        bound = "" if self.timeout is None else f" of {self.timeout.total_seconds():g} seconds"
        raise AirflowTaskTimeout(
            f"execution_timeout{bound} is over; it counts the time in the triggerer too.{doing and ' '}{doing}"
        )

    def _left(self) -> timedelta | None:
        return None if self.moment is None else self.moment - datetime.now(UTC)
