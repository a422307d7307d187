"""``execution_timeout`` over deferrals.

Airflow applies it to each process of a task and starts anew after a deferral; the time in the triggerer does not count.
So the first process fixes the moment at which the try is over, and passes it on.
"""

from __future__ import annotations

import contextlib
import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from airflow_provider_msginsights.airflow_names import AirflowTaskTimeout
from airflow_provider_msginsights.documentation import ending_with

BACKSTOP = timedelta(seconds=60)
"""How much later than the trigger itself Airflow ends a deferral, in case no triggerer is there to do so."""

TRIGGER_FAIL_REPR = "__fail__"
"""Airflow's name for the method of a task whose deferral failed."""

TRIGGER_TIMED_OUT = "Trigger timeout"
"""Airflow's name for the error of a deferral that it ended itself."""


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
        """Return after how long Airflow ends a deferral.

        :param otherwise: a limit of the caller's own; the shorter one counts.
        """
        if (left := self._left()) is None:
            return otherwise
        mine = max(left, timedelta(0)) + BACKSTOP
        return mine if otherwise is None else min(mine, otherwise)

    def enforce(self) -> None:
        """End a resumed task that is late, and shorten this process's timeout to the time that remains.

        :raises AirflowTaskTimeout: when no time remains.
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

    def end(self, detail: str = "") -> NoReturn:
        """Raise what Airflow raises for a task whose ``execution_timeout`` is over.

        :param detail: a sentence to add to the message.
        """
        bound = "" if self.timeout is None else f" of {self.timeout.total_seconds():g} seconds"
        text = f"execution_timeout{bound} is over; it includes the time in the triggerer.{detail and ' '}{detail}"
        raise AirflowTaskTimeout(ending_with(text, "MSGI-config-execution_timeout"))

    def _left(self) -> timedelta | None:
        return None if self.moment is None else self.moment - datetime.now(UTC)
