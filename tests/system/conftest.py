"""One cluster for all scenarios: starting it takes longer than most of them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from system.cluster import Cluster

DAG_FILE = Path(__file__).with_name("cluster_dags.py")


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[Cluster]:
    from system.cluster import running_cluster

    # Not below pytest's own folder: PostgreSQL's ordinary user could not pass through it.
    folder = Path(tempfile.mkdtemp(prefix="msginsights-cluster-"))
    try:
        with running_cluster(folder, DAG_FILE, pages=200) as cluster:
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cluster(running_cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, with its emulator as if just started; no scenario may leave a secret anywhere."""
    from system.leaks import leaks, places, secrets_of

    running_cluster.emulator.reset()
    yield running_cluster
    calls = running_cluster.emulator.stats()["journal"]
    assert [call for call in calls if call["secrets_in_url"]] == []
    searched = dict(places(running_cluster))
    assert b"output_path" in searched["database"]
    assert leaks(searched.items(), secrets_of(running_cluster)) == []
