"""What can become of a sensor's wait: what the API is like, what is asked, and how it ends in every mode."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.availability.check import CANARY_METRIC

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.emulator import GraphEmulator

DEAD = "page_messages_reported_conversations_unique"
DAY = "2026-11-01"
ON_TIME = {"days": [DAY], "page_ids": ["101"]}
LATE = datetime(2026, 11, 2, 9, tzinfo=UTC)
NO_ROW = rf"Page 101 has no {CANARY_METRIC} for {DAY}"
TIMED_OUT = r"The days were not available within 0\.3 seconds\. Missing: "


def nothing(emulator: GraphEmulator) -> None:
    """Change nothing."""
    del emulator


def late(emulator: GraphEmulator) -> None:
    emulator.set_clock(LATE)
    emulator.configure(readiness_lag_hours=6)


def appears(emulator: GraphEmulator) -> None:
    emulator.advance(hours=6)


def late_and_one_metric_retired(emulator: GraphEmulator) -> None:
    late(emulator)
    emulator.retire_metric(DEAD)


def limited(emulator: GraphEmulator, *, seconds: float) -> None:
    emulator.add_fault(code=80001, headers={"Retry-After": str(seconds)}, times=None if seconds > 60 else 1)


def failing(**fault: Any) -> Callable[[GraphEmulator], None]:
    def prepare(emulator: GraphEmulator) -> None:
        emulator.add_fault(**fault)

    return prepare


def one_of_three_is_late_and_one_without_permission(emulator: GraphEmulator) -> None:
    late(emulator)
    emulator.change_page("102", tasks=())
    emulator.change_page("103", readiness_lag_hours=99)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What the API is like, what is asked, and how it ends.

    :param later: what changes once two calls were made.
    :param told: the whole message, as a regular expression.
    :param told_of_deferred: the message where Airflow puts its own in front of the deferred sensor's (its
        `resume_execution` does so under ``soft_fail`` and ``never_fail``); the sensor's own stands in the log.
    :param calls: Graph calls made in all, where polls do not depend on time.
    """

    name: str
    prepare: Callable[[GraphEmulator], None] = nothing
    later: Callable[[GraphEmulator], None] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    many_pages: bool = False
    state: str = "success"
    told: str = ""
    told_of_deferred: str | None = None
    value: dict[str, list[str]] | None = None
    calls: int | None = None


NEVER = {"timeout": 0.3}
TWO = {"page_ids": "101,102"}
ONCE = {"max_attempts": 1}
SCENARIOS = [
    Scenario(name="ready at once", value=ON_TIME, calls=1),
    Scenario(name="ready later", prepare=late, later=appears, value=ON_TIME),
    Scenario(
        name="a retired metric of a group is not waited for",
        prepare=late_and_one_metric_retired,
        later=appears,
        parameters={"metrics": "stable"},
        value=ON_TIME,
    ),
    Scenario(
        name="a retired metric that was named ends the wait",
        prepare=late_and_one_metric_retired,
        later=appears,
        parameters={"metrics": f"stable,{DEAD}"},
        state="failed",
        told=rf"The API refuses the metric {DEAD}.+ Connection: msginsights_default\.",
    ),
    Scenario(name="never ready", prepare=late, parameters=NEVER, state="failed", told=TIMED_OUT + NO_ROW),
    Scenario(
        name="not over before the timeout",
        parameters={**NEVER, "until": datetime.now(UTC) + timedelta(days=3)},
        state="failed",
        told=TIMED_OUT + r"Pacific day \S+ ends at .+; no request is made before",
        calls=0,
    ),
    Scenario(
        name="not final before the timeout",
        parameters={**NEVER, "wait_for": "final", "final_after_hours": 24 * 400},
        state="failed",
        told=TIMED_OUT + rf"Pacific day {DAY} is final at .+; no request is made before",
        calls=0,
    ),
    Scenario(name="throttled for a while", prepare=lambda one: limited(one, seconds=0.3), value=ON_TIME, calls=2),
    Scenario(
        name="throttled beyond the timeout",
        prepare=lambda one: limited(one, seconds=3600),
        parameters=NEVER,
        state="failed",
        told=TIMED_OUT + NO_ROW + "; 1 request waiting for Meta's rate limit",
        calls=1,
    ),
    Scenario(
        name="expired token",
        prepare=lambda one: one.expire_token(one.page_token("101")),
        state="failed",
        told=r"Error validating access token: .+ The token has expired\. .+ Connection: msginsights_default\.",
        calls=1,
    ),
    Scenario(
        name="token expires while waiting",
        prepare=late,
        later=lambda one: one.expire_token(one.page_token("101")),
        state="failed",
        told=r"Error validating access token: .+ The token has expired\. .+ Connection: msginsights_default\.",
    ),
    Scenario(
        name="missing permission",
        prepare=lambda one: one.change_token(one.page_token("101"), scopes=("read_insights",)),
        state="failed",
        told=r".+ The app needs .+ HTTP 403, code \d+\) Connection: msginsights_default\.",
        calls=1,
    ),
    Scenario(
        name="a 403 that is not the Graph API's",
        prepare=failing(kind="reply", http_status=403, body="<html>No.</html>", times=None),
        state="failed",
        told=r"The server answered HTTP 403 .+: check the connection's host and proxy\. \(HTTP 403\) Connection: .+",
        calls=1,
    ),
    Scenario(
        name="server errors that pass",
        prepare=failing(code=2, times=4),
        parameters={"retry_bounds": ONCE},
        value=ON_TIME,
        calls=5,
    ),
    Scenario(
        name="server errors that stay",
        prepare=failing(code=2, times=None),
        parameters={"max_failed_polls": 3, "retry_bounds": {"max_attempts": 2, "base_seconds": 0}},
        state="retried",
        told=r".+ The API is down for now\. \(Page 101, HTTP \d+, code 2\)",
        calls=6,
    ),
    Scenario(
        name="server errors until the timeout",
        prepare=failing(code=2, times=None),
        parameters={**NEVER, "max_failed_polls": 1000, "retry_bounds": ONCE},
        state="failed",
        told=TIMED_OUT + r".+ The API is down for now\. \(Page 101, HTTP \d+, code 2\)",
    ),
    Scenario(
        name="dead metric",
        prepare=lambda one: one.retire_metric(DEAD),
        parameters={"metrics": [CANARY_METRIC, DEAD]},
        state="failed",
        told=rf".*{DEAD}.* Connection: msginsights_default\.",
    ),
    Scenario(
        name="dead metric of a group",
        prepare=lambda one: one.retire_metric(DEAD),
        parameters={"metrics": "stable"},
        value=ON_TIME,
    ),
    Scenario(
        name="silent Page left out",
        prepare=lambda one: one.change_page("102", likes=12),
        parameters=TWO,
        many_pages=True,
        value={**ON_TIME, "silent_page_ids": ["102"]},
    ),
    Scenario(
        name="silent Page refused",
        prepare=lambda one: one.change_page("102", likes=12),
        parameters={**TWO, "on_silent_page": "fail"},
        many_pages=True,
        state="retried",
        told=r"Page 102: no row of any metric in the last seven days .+ Use on_silent_page='ignore' .+",
    ),
    Scenario(
        name="silent Page waited for",
        prepare=lambda one: one.change_page("102", likes=12),
        parameters={**TWO, **NEVER, "on_silent_page": "wait"},
        many_pages=True,
        state="failed",
        told=TIMED_OUT + rf"Page 102 has no {CANARY_METRIC} for {DAY}",
    ),
    Scenario(
        name="enough Pages, one of them without permission and one late",
        prepare=one_of_three_is_late_and_one_without_permission,
        later=appears,
        parameters={"page_ids": "101,102,103", "min_ready_pages": 1},
        many_pages=True,
        value={**ON_TIME, "late_page_ids": ["102", "103"], "failed_page_ids": ["102"]},
    ),
    Scenario(
        name="too few Pages can be read",
        prepare=lambda one: one.change_page("102", tasks=()),
        parameters=TWO,
        many_pages=True,
        state="failed",
        told=r".+Page 102.* Connection: msginsights_default\.",
    ),
    Scenario(
        name="wrong bound",
        parameters={"retry_bounds": {"attempts": 2}},
        state="failed",
        told=r"Unknown name in retry_bounds 'attempts'\. Did you mean 'max_attempts'\? .+",
        calls=0,
    ),
    Scenario(
        name="soft_fail at the timeout",
        prepare=late,
        parameters={**NEVER, "soft_fail": True},
        state="skipped",
        told=TIMED_OUT + NO_ROW,
        told_of_deferred=r"Skipping due to soft_fail is set to True\.",
    ),
    Scenario(
        name="soft_fail does not hide an expired token",
        prepare=lambda one: one.expire_token(one.page_token("101")),
        parameters={"soft_fail": True},
        state="retried",
        told=r"Error validating access token: .+ The token has expired\. .+",
        calls=1,
    ),
    Scenario(
        name="soft_fail does not hide a token that expires while waiting",
        prepare=late,
        later=lambda one: one.expire_token(one.page_token("101")),
        parameters={"soft_fail": True},
        state="retried",
        told=r"Error validating access token: .+ The token has expired\. .+",
    ),
    Scenario(
        name="never_fail at the timeout",
        prepare=late,
        parameters={**NEVER, "never_fail": True},
        state="skipped",
        told=TIMED_OUT + NO_ROW,
        told_of_deferred=r"Skipping due to never_fail is set to True\.",
    ),
    Scenario(
        name="never_fail hides everything, because that is what it says",
        prepare=late,
        later=lambda one: one.expire_token(one.page_token("101")),
        parameters={"never_fail": True},
        state="skipped",
        told=r"Skipping due to never_fail is set to True\.",
    ),
    Scenario(
        name="silent_fail passes over any number of server errors",
        prepare=failing(code=2, times=5),
        parameters={"silent_fail": True, "max_failed_polls": 2, "retry_bounds": ONCE},
        value=ON_TIME,
        calls=6,
    ),
    Scenario(
        name="silent_fail until the timeout",
        prepare=failing(code=2, times=None),
        parameters={**NEVER, "silent_fail": True, "max_failed_polls": 2, "retry_bounds": ONCE},
        state="failed",
        told=TIMED_OUT + r".+ The API is down for now\. \(Page 101, HTTP \d+, code 2\)",
    ),
    Scenario(
        name="silent_fail does not hide an expired token",
        prepare=lambda one: one.expire_token(one.page_token("101")),
        parameters={"silent_fail": True},
        state="failed",
        told=r"Error validating access token: .+ The token has expired\. .+ Connection: msginsights_default\.",
        calls=1,
    ),
    Scenario(
        name="silent_fail with soft_fail does not hide a token that expires while waiting",
        prepare=late,
        later=lambda one: one.expire_token(one.page_token("101")),
        parameters={"silent_fail": True, "soft_fail": True},
        state="retried",
        told=r"Error validating access token: .+ The token has expired\. .+",
    ),
    Scenario(
        name="silent_fail does not hide a silent Page that is refused",
        prepare=lambda one: one.change_page("102", likes=12),
        parameters={**TWO, "on_silent_page": "fail", "silent_fail": True},
        many_pages=True,
        state="retried",
        told=r"Page 102: no row of any metric in the last seven days .+ Use on_silent_page='ignore' .+",
    ),
]
