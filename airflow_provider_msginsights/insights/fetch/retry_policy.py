"""RetryPolicy: how often to ask again, how long to wait, and when to give the wait back to the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.graph.usage_headers import LONGEST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

_FULL_PERCENT = 100.0
_LEAST_TRY_SECONDS = 0.5  # less would be no try


def _no_jitter() -> float:
    return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Bounds on asking again. Waits the server asks for win over our own.

    :param max_attempts: how often one request is sent at most.
    :param total_seconds: how long one request may take in all, its tries and the waits between them together; 0 for a
        single try that only the connection's own time-outs bound.
    :param base_seconds: first back-off; it doubles at each try, and a random share of it is waited (full jitter).
    :param max_delay_seconds: longest single back-off.
    :param throttle_seconds: first wait after a limit when the server names none; doubles. It is waited in full,
        because calls made while blocked lengthen the block (Graph API guide "Rate Limits").
    :param wait_bound_seconds: longest wait inside a flow; a longer one leaves it as paused requests.
    :param slow_above_percent: of an allowance: from here on requests are fewer and further apart.
    :param max_pace_seconds: pause between requests just before the limit.
    :param max_in_flight: most requests sent and not yet consumed; it bounds memory too. The default is four full POSTs.
    :param uniform: random numbers in [0, 1); the default takes the whole back-off.
    """

    max_attempts: int = 5
    total_seconds: float = 600.0
    base_seconds: float = 1.0
    max_delay_seconds: float = 60.0
    throttle_seconds: float = 30.0
    wait_bound_seconds: float = 120.0
    slow_above_percent: float = 80.0
    max_pace_seconds: float = 10.0
    max_in_flight: int = 200
    uniform: Callable[[], float] = _no_jitter

    def __post_init__(self) -> None:
        for name in ("max_attempts", "max_in_flight"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1, not {getattr(self, name)}.", parameter=name)
        for name in (
            "total_seconds",
            "base_seconds",
            "max_delay_seconds",
            "throttle_seconds",
            "wait_bound_seconds",
            "max_pace_seconds",
        ):
            if not 0 <= getattr(self, name) <= LONGEST_SECONDS:
                raise ConfigurationError(
                    f"{name} must lie between 0 and {LONGEST_SECONDS:.0f}, not {getattr(self, name)}.", parameter=name
                )
        if not 0 <= self.slow_above_percent < _FULL_PERCENT:
            raise ConfigurationError(
                f"slow_above_percent must lie in [0, 100), not {self.slow_above_percent}.",
                parameter="slow_above_percent",
            )

    def backoff_seconds(self, attempt: int) -> float:
        """Return the wait after the given attempt (from 1) failed: exponential, with full jitter."""
        return self.uniform() * min(self.max_delay_seconds, self.base_seconds * 2.0 ** min(attempt - 1, 60))

    def throttle_wait_seconds(self, attempt: int) -> float:
        """Return the wait after a limit for which the server named none."""
        wait = self.throttle_seconds * 2.0 ** min(attempt - 1, 60) * (1 + self.uniform() / 10)
        return min(wait, LONGEST_SECONDS)

    def allows(self, attempt: int, total_wait_seconds: float) -> bool:
        """Whether a request may be sent once more after so many attempts and so much waiting."""
        return attempt < self.max_attempts and total_wait_seconds <= self.total_seconds

    def time_left(self, spent_seconds: float) -> float | None:
        """How long the next try of a request may take that took so long already; ``None`` for as long as it likes."""
        if not self.total_seconds:
            return None
        return max(min(_LEAST_TRY_SECONDS, self.total_seconds), self.total_seconds - spent_seconds)

    def headroom(self, percent: float) -> float:
        """Return what is left of an allowance between the point where we slow down (1) and the limit (0)."""
        left = (_FULL_PERCENT - percent) / (_FULL_PERCENT - self.slow_above_percent)
        return min(1.0, max(0.0, left))
