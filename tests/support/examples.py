"""How many examples of a property are tried: few in a plain run, more in a thorough one, many behind `slow`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from _pytest.mark import ParameterSet
    from hypothesis.strategies import SearchStrategy


def so_many(thorough: int) -> int:
    """Return how many examples this run tries where a thorough one, `--hypothesis-profile=thorough`, tries so many."""
    return max(1, round(thorough * settings().max_examples / 100))


def few(thorough: int) -> ParameterSet:
    """Return `so_many` as the parameter of a test that makes its property inside."""
    return pytest.param(so_many(thorough), marks=pytest.mark.hypothesis, id="few")


def holds_for(
    *strategies: SearchStrategy[Any], thorough: int, slow: int, **named: SearchStrategy[Any]
) -> Callable[[Callable[..., None]], Callable[[int], None]]:
    """Make a test of a property, as Hypothesis's `given` does, that runs twice: with few examples, and marked slow.

    :param thorough: how many examples a thorough run tries; see `so_many`.
    :param slow: how many examples `pytest -m slow` tries.
    """
    many = pytest.param(slow, marks=[pytest.mark.hypothesis, pytest.mark.slow, pytest.mark.timeout(3600)])

    def decorate(check: Callable[..., None]) -> Callable[[int], None]:
        @pytest.mark.parametrize("examples", [few(thorough), many])
        def test(examples: int) -> None:
            bounded = settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
            bounded(given(*strategies, **named)(check))()

        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        return test

    return decorate
