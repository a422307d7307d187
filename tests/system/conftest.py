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
def cluster(running_cluster: Cluster) -> Cluster:
    """The cluster, with its emulator as if just started."""
    running_cluster.emulator.reset()
    return running_cluster
