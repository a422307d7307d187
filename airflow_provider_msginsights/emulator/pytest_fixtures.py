"""Fixtures for tests of one's own DAGs, for projects that ask for them.

    pytest_plugins = ["airflow_provider_msginsights.emulator.pytest_fixtures"]

There is no entry point: a project without that line never loads this module.
"""

from collections.abc import Iterator

import pytest

from airflow_provider_msginsights.emulator.emulator import GraphEmulator


@pytest.fixture(scope="session")
def graph_emulator_server() -> Iterator[GraphEmulator]:
    """One emulator with three Pages for the whole session. Override it to choose other settings."""
    with GraphEmulator(pages=3) as emulator:
        yield emulator


@pytest.fixture
def graph_emulator(graph_emulator_server: GraphEmulator) -> GraphEmulator:
    """Return the session's emulator in its seeded state: reset before the test."""
    graph_emulator_server.reset()
    return graph_emulator_server
