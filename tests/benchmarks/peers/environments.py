"""Who is compared, and an environment for each, made by uv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
BENCHMARKS = REPOSITORY / "tests" / "benchmarks"
CACHE = REPOSITORY / ".benchmarks"
UV = shutil.which("uv") or "uv"
PACKAGES_BEFORE = "2026-11-20"
"""One date for everyone, the same as the project's own."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Something a user would pick; ``kind`` says how its rows lie in its files."""

    name: str
    title: str
    environment: str
    kind: str = "flat"


PEERS = (
    Peer("ours", "**this provider**", "ours"),
    Peer("http_page_tasks", "HttpOperator, a task a Page", "http"),
    Peer("http_mapped", "HttpOperator, a mapped task a request", "http"),
    Peer("requests_comma", "requests script, comma list", "sdk"),
    Peer("requests_one_metric", "requests script, one metric a call", "sdk"),
    Peer("sdk_plain", "facebook-business", "sdk"),
    Peer("sdk_batch", "facebook-business, batches of 50", "sdk"),
    Peer("dlt_plain", "dlt rest_api", "dlt"),
    Peer("dlt_parallel", "dlt rest_api, parallelized", "dlt"),
    Peer("airbyte", "Airbyte low-code manifest", "airbyte", "nested"),
)
PACKAGES = {
    "ours": (f"{REPOSITORY}",),
    "http": ("apache-airflow-providers-http",),
    "sdk": ("facebook-business", "requests"),
    "dlt": ("dlt",),
    "airbyte": ("airbyte-cdk",),
    "plots": ("matplotlib",),
}


def python_of(environment: str) -> Path:
    """The interpreter of an environment, which is made when it is missing; ours is always installed anew."""
    folder = CACHE / "environments" / environment
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([UV, "venv", "-q", "--clear", "--python", sys.executable, str(folder)], check=True)
    mark = folder / "complete"
    if environment == "ours" or not mark.exists():
        again = ["--reinstall-package", "airflow-provider-msginsights"] if environment == "ours" else []
        options = ["--python", str(python), "--exclude-newer", PACKAGES_BEFORE, *again]
        subprocess.run([UV, "pip", "install", "-q", *options, *PACKAGES[environment]], check=True, cwd=REPOSITORY)
        mark.touch()
    return python


def variables(home: Path) -> dict[str, str]:
    """What a peer's process sees: nothing of this machine's Airflow, and this folder to import from."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    return inherited | {
        "PYTHONPATH": str(BENCHMARKS),
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "HOME": str(home),
    }
