"""Rate limits: calls counted for each Page and for the app, usage headers, throttling.

Graph API guide "Rate limiting": Page and system-user tokens on Pages fall under the Business Use Case limits, 4,800
calls times engaged users in 24 hours; user and app tokens under the platform limit, 200 calls times users in one
hour. Calls made while throttled still count. Headers come once enough calls have been made.
"""

import json
from collections import deque
from dataclasses import dataclass, field
from math import ceil

from airflow_provider_msginsights.emulator.data.pages import Page
from airflow_provider_msginsights.emulator.error_table import table_error
from airflow_provider_msginsights.emulator.state.tokens import Token, TokenKind

_CALLS_PER_ENGAGED_USER = 4_800
_PAGE_WINDOW_SECONDS = 24 * 3_600
_APP_WINDOW_SECONDS = 3_600
_MINUTE_SECONDS = 60
_LONGEST_BLOCK_MINUTES = 1_000_000
LIMIT_CODES = frozenset({4, 17, 32, 341, 368, 613, 80001, 80006})
_USE_CASES = {80001: "pages", 80006: "messenger"}


@dataclass(slots=True)
class _Allowance:
    """Calls within a sliding window, and a block that a test set.

    `seconds` holds [second, calls made in it], so that long load tests stay small; `used_calls` is their sum.
    """

    calls: int
    window_seconds: int
    seconds: deque[list[int]] = field(default_factory=deque)
    used_calls: int = 0
    blocked_until: float = 0.0
    block_seconds: float = 0.0
    block_code: int | None = None

    def count(self, now: float) -> None:
        if self.seconds and self.seconds[-1][0] == int(now):
            self.seconds[-1][1] += 1
        else:
            self.seconds.append([int(now), 1])
        self.used_calls += 1
        if self.is_blocked_by_test(now):
            # A call made while blocked starts the waiting time again.
            self.blocked_until = now + self.block_seconds

    def used(self, now: float) -> int:
        while self.seconds and self.seconds[0][0] <= now - self.window_seconds:
            self.used_calls -= self.seconds.popleft()[1]
        return self.used_calls

    def percent(self, now: float) -> int:
        percent = self.used(now) * 100 // max(1, self.calls)
        return max(100, percent) if self.is_blocked_by_test(now) else percent

    def is_blocked_by_test(self, now: float) -> bool:
        return self.block_code is not None and now < self.blocked_until

    def is_blocked(self, now: float) -> bool:
        return self.is_blocked_by_test(now) or self.used(now) > self.calls

    def code(self, now: float) -> int:
        """Return the business limit that is reached: that of a test's block, else that of Pages."""
        return self.block_code if self.block_code is not None and now < self.blocked_until else 80001

    def regain_minutes(self, now: float) -> int:
        """Minutes until calls are answered again; 0 when they are."""
        wait = self.blocked_until - now if self.is_blocked_by_test(now) else 0.0
        surplus = self.used(now) - self.calls
        for second, made in self.seconds:
            if surplus <= 0:
                break
            surplus -= made
            wait = max(wait, second + self.window_seconds - now)
        return ceil(wait / _MINUTE_SECONDS)


class Limits:
    """The allowances of all Pages and of the app."""

    def __init__(self, *, app_calls_per_hour: int) -> None:
        self._app = _Allowance(app_calls_per_hour, _APP_WINDOW_SECONDS)
        self._pages: dict[str, _Allowance] = {}
        self._allowed_by_tests: set[str] = set()

    def _page(self, page: Page) -> _Allowance:
        calls = page.engaged_users * _CALLS_PER_ENGAGED_USER
        allowance = self._pages.setdefault(page.page_id, _Allowance(calls, _PAGE_WINDOW_SECONDS))
        if page.page_id not in self._allowed_by_tests:
            allowance.calls = calls
        return allowance

    def set_page_allowance(self, page: Page, *, calls_per_day: int) -> None:
        """Give a Page another number of calls in 24 hours."""
        self._page(page).calls = _not_negative(calls_per_day)
        self._allowed_by_tests.add(page.page_id)

    def set_app_allowance(self, *, calls_per_hour: int) -> None:
        """Give the app another number of calls in one hour."""
        self._app.calls = _not_negative(calls_per_hour)

    def block_page(self, page: Page, *, minutes: float, code: int, now: float) -> None:
        """Throttle a Page from now on; every call meanwhile starts the minutes again."""
        _block(self._page(page), minutes, code, now)

    def block_app(self, *, minutes: float, code: int, now: float) -> None:
        """Throttle the app, or its user, from now on."""
        _block(self._app, minutes, code, now)

    def count(self, page: Page | None, token: Token | None, now: float) -> None:
        """Count a call, and refuse it when the allowance that it falls under is used up.

        Raises GraphError: 80001 or 80006 for a Page's business limit, 32 for a Page reached with a user token, 4 or
        17 for the platform limit.
        """
        self._app.count(now)
        if page is not None:
            allowance = self._page(page)
            allowance.count(now)
            if allowance.is_blocked(now):
                raise table_error(allowance.code(now) if _is_business(token) else 32)
            if _is_business(token):
                return
        if self._app.is_blocked(now):
            raise table_error(self._app.block_code or 4)

    def headers(self, page: Page | None, now: float, *, from_percent: int) -> dict[str, str]:
        """Return the usage headers for an answer; empty while fewer calls than that share have been made."""
        headers: dict[str, str] = {}
        app_percent = self._app.percent(now)
        if app_percent >= from_percent:
            headers["x-app-usage"] = _json(
                {"call_count": app_percent, "total_time": app_percent // 2, "total_cputime": app_percent // 3}
            )
        if page is None:
            return headers
        allowance = self._page(page)
        percent = allowance.percent(now)
        if percent >= from_percent:
            usage = {
                "type": _USE_CASES.get(allowance.code(now), "pages"),
                "call_count": percent,
                "total_cputime": percent // 3,
                "total_time": percent // 2,
                "estimated_time_to_regain_access": allowance.regain_minutes(now),
            }
            headers["x-business-use-case-usage"] = _json({page.page_id: [usage]})
        return headers


def _not_negative(calls: int) -> int:
    if calls < 0:
        raise ValueError("Limits: 'calls' must not be negative.")
    return calls


def _block(allowance: _Allowance, minutes: float, code: int, now: float) -> None:
    if not 0 <= minutes <= _LONGEST_BLOCK_MINUTES:
        raise ValueError(f"Limits: 'minutes' must lie between 0 and {_LONGEST_BLOCK_MINUTES}.")
    if code not in LIMIT_CODES:
        raise ValueError(f"Limits: 'code' must be one of {', '.join(map(str, sorted(LIMIT_CODES)))}.")
    allowance.block_seconds = minutes * _MINUTE_SECONDS
    allowance.blocked_until = now + allowance.block_seconds
    allowance.block_code = code


def _is_business(token: Token | None) -> bool:
    return token is not None and token.kind in {TokenKind.PAGE, TokenKind.SYSTEM_USER}


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
