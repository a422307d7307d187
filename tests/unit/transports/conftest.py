"""Both drivers, and a double that serves the one at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.answers import USER, healthy
from support.double import Answer, Call, GraphDouble
from support.drivers import Driver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(params=["blocking", "nonblocking"])
def driver(request: pytest.FixtureRequest) -> Driver:
    return Driver(request.param, password=USER)


@pytest.fixture
def serve(driver: Driver) -> Iterator[Callable[..., GraphDouble]]:
    started: list[GraphDouble] = []

    def start(answer: Callable[[Call], Answer] = healthy, **more: Any) -> GraphDouble:
        double = GraphDouble(answer, **more)
        started.append(double)
        double.__enter__()
        driver.host = double.url
        return double

    yield start
    for double in started:
        double.__exit__()
