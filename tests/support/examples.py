"""Properties with a few examples in every run, and with many behind the marker `slow`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy


def holds_for(
    *strategies: SearchStrategy[Any], quick: int, thorough: int, **named: SearchStrategy[Any]
) -> Callable[[Callable[..., None]], Callable[[int], None]]:
    """Make a test of a property, as Hypothesis's `given` does, that runs twice: quick, and marked slow.

    :param quick: how many examples every run tries.
    :param thorough: how many examples `pytest -m slow` tries.
    """
    many = pytest.param(thorough, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])

    def decorate(check: Callable[..., None]) -> Callable[[int], None]:
        @pytest.mark.parametrize("examples", [quick, many])
        def test(examples: int) -> None:
            bounded = settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
            bounded(given(*strategies, **named)(check))()

        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        return test

    return decorate
