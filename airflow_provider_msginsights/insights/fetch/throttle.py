"""What is closed, and until when: one Page, or the whole run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.graph.error_table import Problem
    from airflow_provider_msginsights.insights.graph.usage_headers import Usage


ALL_PAGES = None
"""The scope of what concerns every Page; any other scope is a Page id."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Until when nothing is sent, which refusal closed it, and whether that is too long to wait for."""

    until: float
    problem: Problem | None
    too_long: bool


class Throttle:
    """The gates of one run, on its clock.

    :param wait_bound_seconds: what is closed for longer is too long to wait for.
    """

    def __init__(self, wait_bound_seconds: float) -> None:
        self._wait_bound_seconds = wait_bound_seconds
        self._gates: dict[str | None, Gate] = {}
        self._last_opening = float("-inf")
        self._closed_seconds = 0.0

    def close(
        self,
        scope: str | None,
        now: float,
        seconds: float,
        problem: Problem | None = None,
        *,
        given_up: bool = False,
    ) -> None:
        """Close a scope from now on; a gate closed already opens no earlier for it.

        :param given_up: nobody waits for it, however short that would be.
        """
        until, too_long = now + seconds, given_up or seconds > self._wait_bound_seconds
        if until > self._last_opening:
            self._closed_seconds += until - max(now, self._last_opening)
            self._last_opening = until
        closed = self._gates.get(scope)
        if closed is None or until > closed.until or (too_long and not closed.too_long):
            self._gates[scope] = Gate(until, problem, too_long)

    def is_open(self, scope: str | None, now: float) -> bool:
        """Whether something may be sent to a scope now."""
        gate = self._gates.get(scope)
        return gate is None or gate.until <= now

    def openings(self) -> Iterator[float]:
        """When each gate opens, or has opened."""
        return (gate.until for gate in self._gates.values())

    def closed_seconds(self, now: float) -> float:
        """For how long until now at least one gate was closed."""
        return self._closed_seconds - max(0.0, self._last_opening - now)

    def closed(self, now: float) -> dict[str | None, float]:
        """For how many seconds more each closed scope stays so."""
        return {scope: gate.until - now for scope, gate in self._gates.items() if gate.until > now}

    def closed_too_long(self, now: float) -> Iterator[tuple[str | None, Gate]]:
        """Return the scopes nobody should wait for now."""
        return ((scope, gate) for scope, gate in self._gates.items() if gate.too_long and gate.until > now)


_FULL_PERCENT = 100.0


class Pacing:
    """What the replies of a run said of its allowances.

    ``window`` is how many requests may be under way; ``peak_usage_percent`` tells the most that was used, by Page and
    of the app.
    """

    def __init__(self, policy: RetryPolicy, throttle: Throttle) -> None:
        self._policy, self._throttle = policy, throttle
        self.window = policy.max_in_flight
        self.peak_usage_percent: dict[str | None, float] = {}

    def heed(
        self, usages: Iterable[Usage], page_id: str | None, pages: Collection[str | None], now: float
    ) -> set[str | None]:
        """Slow down before a limit, and stay away from a Page (or from everything, if the app's) at it.

        :param page_id: whose reply it was.
        :param pages: the Pages of the run: usage may be reported for one of them under its id.
        :return: what is at its limit.
        """
        full: set[str | None] = set()
        app_headroom = 1.0
        for usage in usages:
            scope = usage.object_id if usage.object_id in pages else page_id
            headroom = self._policy.headroom(usage.percent)
            if usage.of_app:
                scope, app_headroom = ALL_PAGES, min(app_headroom, headroom)
            elif scope is None:
                continue  # of a Page, on a reply to a request of none
            self.peak_usage_percent[scope] = max(usage.percent, self.peak_usage_percent.get(scope, 0.0))
            if usage.regain_seconds or usage.percent >= _FULL_PERCENT:
                full.add(scope)
                self._throttle.close(scope, now, usage.regain_seconds or self._policy.throttle_seconds)
            elif headroom < 1:
                self._throttle.close(scope, now, self._policy.max_pace_seconds * (1 - headroom))
        self.window = max(1, round(self._policy.max_in_flight * app_headroom))
        return full
