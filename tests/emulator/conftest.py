"""One emulator for the tests of this directory, reset before each, and a way to ask it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_msginsights.emulator import GraphEmulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOON = datetime(2026, 11, 20, 20, tzinfo=UTC)
"""20 November 2026, noon in Pacific time: 19 November is the last finished day."""


@pytest.fixture(scope="session")
def shared_emulator() -> Iterator[GraphEmulator]:
    with GraphEmulator(pages=4, clock=NOON) as emulator:
        yield emulator


@pytest.fixture
def emulator(shared_emulator: GraphEmulator) -> GraphEmulator:
    shared_emulator.reset()
    return shared_emulator


@pytest.fixture(scope="session")
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def ask(emulator: GraphEmulator, http: requests.Session) -> Callable[..., requests.Response]:
    """GET a path with Page 101's token in the header unless another is given."""

    def get(path: str, token: str | None = "page-token-101", **params: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return http.get(emulator.base_url + path, params=params, headers=headers, timeout=30)

    return get
