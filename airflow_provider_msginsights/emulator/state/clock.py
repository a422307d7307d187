"""The emulator's clock: the real one, a moved one, or one that stands still."""

import time
from datetime import UTC, datetime, timedelta

_YEARS = range(2005, 2100)


class Clock:
    """Unix seconds as the emulator sees them."""

    def __init__(self, moment: datetime | None = None) -> None:
        self._start = moment
        self._frozen_at: float | None = None
        self._ahead_seconds = 0.0
        self.reset()

    def now(self) -> float:
        """Unix seconds."""
        if self._frozen_at is not None:
            return self._frozen_at
        return time.time() + self._ahead_seconds

    def moment(self) -> datetime:
        """Return the same, aware, in UTC."""
        return datetime.fromtimestamp(self.now(), UTC)

    def set(self, moment: datetime, *, ticking: bool = False) -> None:
        """Stand still at the moment, or go on from it."""
        if moment.tzinfo is None:
            raise ValueError("The clock needs a moment with a time zone.")
        if moment.year not in _YEARS:
            raise ValueError(f"The clock goes from {_YEARS[0]} to {_YEARS[-1]}.")
        seconds = moment.timestamp()
        self._frozen_at = None if ticking else seconds
        self._ahead_seconds = seconds - time.time() if ticking else 0.0

    def advance(self, by: timedelta) -> None:
        """Move on; a clock that stood still stands still again afterwards."""
        self.set(self.moment() + by, ticking=self.is_ticking())

    def is_ticking(self) -> bool:
        """Return False while the clock stands still."""
        return self._frozen_at is None

    def reset(self) -> None:
        """Back to how the emulator was started."""
        self._frozen_at, self._ahead_seconds = None, 0.0
        if self._start is not None:
            self.set(self._start)
