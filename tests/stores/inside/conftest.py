"""Run by ``test_stores.py`` in a store's own environment, with the address of a server that stands for the store."""

from __future__ import annotations

import os
from itertools import count

import pytest
from support.store_places import Place, place_of

NAME, ENDPOINT = os.environ.get("STORE_UNDER_TEST", ""), os.environ.get("STORE_ENDPOINT", "")
collect_ignore_glob = [] if NAME else ["test_*.py"]
_numbers = count()


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """A new bucket or container, and the Airflow connection ``warehouse`` to it."""
    made = place_of(NAME, ENDPOINT, f"bucket-{os.getpid()}-{next(_numbers)}")
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", made.connection)
    made.create()
    return made
