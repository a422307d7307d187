"""Parameters that are numbers: their bounds, and what people and templates write for them -> numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.parameters.parse import parse_mapping
from airflow_provider_msginsights.insights.parameters.values import is_given, known, number_of, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBERS: Mapping[str, tuple[float, float, bool]] = {
    "lookback_days": (0, 3650, True),
    "final_after_hours": (0, 10_000_000, False),
    "max_failed_pages": (0, 1_000_000, False),
    "max_graph_calls": (1, 1_000_000_000, True),
    "max_seconds": (1, 604_800, False),
    "below_percent": (0, 100, False),
    "recheck_days": (0, 731, True),
    "last_days": (1, 731, True),
    "max_incomplete_pages": (0, 1_000_000, False),
    "max_failed_polls": (1, 1_000_000, True),
    "failed_polls": (0, 1_000_000, True),
    "xcom_max_rows": (0, 1_000_000_000, True),
    "fail_within_days": (0, 3650, False),
    "warn_within_days": (0, 3650, False),
    "poll_interval_seconds": (0.001, 604_800, False),
    "max_wait_seconds": (0, 604_800, False),
    "poke_interval": (0, 604_800, False),
    "timeout": (0, 100_000_000_000, False),
    "max_reschedules": (1, 1_000_000, True),
    "reschedule_timeout_hours": (0.001, 87_600, False),
    "max_attempts": (1, 1_000_000, True),
    "max_in_flight": (1, 1_000_000, True),
    "total_seconds": (0, 86_400, False),
    "base_seconds": (0, 86_400, False),
    "max_delay_seconds": (0, 86_400, False),
    "throttle_seconds": (0, 86_400, False),
    "wait_bound_seconds": (0, 86_400, False),
    "slow_above_percent": (0, 99.99, False),
    "max_pace_seconds": (0, 86_400, False),
}
"""For each number the lowest and highest value, and whether it must be whole."""

RETRY_BOUNDS = (
    "max_attempts",
    "total_seconds",
    "base_seconds",
    "max_delay_seconds",
    "throttle_seconds",
    "wait_bound_seconds",
    "slow_above_percent",
    "max_pace_seconds",
    "max_in_flight",
)
"""The names in ``retry_bounds``."""


def parse_number(name: str, value: object, *, shown_as: str = "") -> float:
    """Return a number within the bounds that `NUMBERS` gives for the parameter.

    :param value: a number, of any library, or text of one.
    :param shown_as: what the error calls the parameter, where not by its name.
    :raises ConfigurationError: for other types, not-a-number, and what lies outside the bounds.
    """
    low, high, whole = NUMBERS[name]
    number = number_of(value)
    if number is None or not low <= number <= high or (whole and number != int(number)):
        raise refusal(shown_as or name, value, f"{'a whole number' if whole else 'a number'} from {low:,} to {high:,}")
    return int(number) if whole else number


def parse_count(name: str, value: object) -> int:
    """Return a number that `NUMBERS` says must be whole."""
    return int(parse_number(name, value))


def parse_max_failed_pages(value: object) -> float | None:
    """Return how many Pages may fail: a count, a fraction below 1, or ``None`` for any number."""
    return parse_page_bound("max_failed_pages", value)


def parse_page_bound(name: str, value: object) -> float | None:
    """Return how many Pages at most something may be true of: a count, a fraction below 1, or ``None`` for any number.

    :param name: one of `NUMBERS`.
    """
    if value is None or (isinstance(value, str) and value.strip() == "None"):
        return None
    number = number_of(value)
    high = NUMBERS[name][1]
    if number is None or not 0 <= number <= high or (number > 1 and number != int(number)):
        raise refusal(name, value, f"a count from 0 to {high:,}, a fraction below 1, or None for any number")
    return float(number)


def parse_min_ready_pages(value: object) -> int | float | None:
    """Return how many Pages must be ready: a count as ``int``, a share as ``float``, ``None`` for all.

    1 is one Page, and 1.0 is all of them.
    """
    if not is_given(value):
        return None
    number = number_of(value)
    if number is None or not (number >= 1 if isinstance(number, int) else 0 < number <= 1):
        raise refusal(
            "min_ready_pages", value, "a number of Pages from 1, or a share of them above 0 and up to 1.0 (such as 0.9)"
        )
    return number


def parse_retry_bounds(value: object) -> dict[str, float]:
    """Return bounds on asking again, by the names that `RetryPolicy` gives them; empty where none were given.

    :raises ConfigurationError: for an unknown name, naming the nearest one, and for a number outside its bounds.
    """
    bounds = parse_mapping("retry_bounds", value)
    for name in bounds:
        known(name, RETRY_BOUNDS, "name in retry_bounds", parameter="retry_bounds")
    return {name: parse_number(name, held, shown_as=f"retry_bounds[{name!r}]") for name, held in bounds.items()}
