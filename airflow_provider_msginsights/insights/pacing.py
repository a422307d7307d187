"""Usage headers -> how fast a run may go on: slower before a limit, not at all at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.fetch.throttle import WHOLE_RUN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.fetch.throttle import Gates
    from airflow_provider_msginsights.insights.graph.usage_headers import Usage

_FULL_PERCENT = 100.0


class Pacing:
    """What the replies of a run said of its allowances.

    ``window`` is how many requests may be under way; ``peak_usage_percent`` tells the most that was used, by Page and
    of the app.
    """

    def __init__(self, policy: RetryPolicy, gates: Gates) -> None:
        self._policy, self._gates = policy, gates
        self.window = policy.max_in_flight
        self.peak_usage_percent: dict[str | None, float] = {}

    def heed(
        self, usages: Iterable[Usage], page_id: str | None, pages: Collection[str | None], now: float
    ) -> set[str | None]:
        """Slow down before a limit, and stay away from a Page (or from everything, if the app's) at it.

        :param page_id: whose reply it was.
        :param pages: the Pages of the run: usage may be told of one of them under its id.
        :return: what is at its limit.
        """
        full: set[str | None] = set()
        app_headroom = 1.0
        for usage in usages:
            scope = usage.object_id if usage.object_id in pages else page_id
            headroom = self._policy.headroom(usage.percent)
            if usage.of_app:
                scope, app_headroom = WHOLE_RUN, min(app_headroom, headroom)
            elif scope is None:
                continue  # of a Page, on a reply to a request of none
            self.peak_usage_percent[scope] = max(usage.percent, self.peak_usage_percent.get(scope, 0.0))
            if usage.regain_seconds or usage.percent >= _FULL_PERCENT:
                full.add(scope)
                self._gates.close(scope, now, usage.regain_seconds or self._policy.throttle_seconds)
            elif headroom < 1:
                self._gates.close(scope, now, self._policy.max_pace_seconds * (1 - headroom))
        self.window = max(1, round(self._policy.max_in_flight * app_headroom))
        return full
