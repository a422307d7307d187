"""Every store that is promised, through Airflow's own provider for it.

    uv run pytest -m stores

makes an environment a store, starts a server that stands for it, and runs the tests of ``inside`` there. It takes some
minutes; Azure's server needs Node.js.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from matrix.combinations import ROOT
from stores.environments import STORES, StoreUnderTest, make_environment

if TYPE_CHECKING:
    from pathlib import Path

INSIDE = ROOT / "tests" / "stores" / "inside"


@pytest.mark.stores
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_a_dataset_is_safe_on(store: StoreUnderTest, wheel: Path, tmp_path: Path) -> None:
    python = make_environment(store, wheel, tmp_path / "environment")
    report = tmp_path / "report.xml"
    server = tmp_path / "server"
    server.mkdir()
    with store.serve(server) as endpoint:
        told = {
            "STORE_UNDER_TEST": store.name,
            "STORE_ENDPOINT": endpoint,
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        }
        options = ["-q", "-n", "0", "-m", "not slow", "-p", "no:cacheprovider", "-o", "filterwarnings=default"]
        options += ["--durations=5"]
        done = subprocess.run(  # noqa: S603 - our own tests
            [str(python), "-P", "-m", "pytest", *options, f"--junitxml={report}", str(INSIDE)],
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))}
            | told,
            capture_output=True,
            text=True,
            check=False,
        )
    print(done.stdout[-3000:])  # noqa: T201 - shown with -s
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-3_000:]
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - written by our own pytest
    assert cases
    assert not [case.get("name") for case in cases if case.find("skipped") is not None]
