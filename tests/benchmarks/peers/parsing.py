"""What each library adds to the parsing of a DAG file that imports it: median of fresh processes."""

from __future__ import annotations

import json
import statistics
import subprocess
from typing import TYPE_CHECKING, Any

from peers.environments import python_of, variables

if TYPE_CHECKING:
    from pathlib import Path

Told = dict[str, Any]

_BASE = "import airflow.sdk, airflow.triggers.base"
IMPORTS = {
    "this provider: operator, sensor": (
        "ours",
        _BASE,
        "import airflow_provider_msginsights.operators.msginsights, airflow_provider_msginsights.sensors.msginsights",
    ),
    "HTTP provider: operator, sensor": (
        "http",
        _BASE,
        "import airflow.providers.http.operators.http, airflow.providers.http.sensors.http",
    ),
    "requests": ("http", _BASE, "import requests"),
    "facebook-business: Page": ("sdk", "", "import facebook_business.adobjects.page"),
    "dlt: rest_api": ("dlt", "", "import dlt, dlt.sources.rest_api"),
    "airbyte-cdk: declarative source": (
        "airbyte",
        "",
        "import airbyte_cdk.sources.declarative.concurrent_declarative_source",
    ),
}
_CODE = """
import json, time
{base}
wall, cpu = time.perf_counter(), time.process_time()
{added}
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
"""


def measure_imports(home: Path, *, repeat: int) -> list[Told]:
    """Seconds beyond what a DAG file imports anyway; libraries apart from Airflow are imported alone."""
    home.mkdir(parents=True, exist_ok=True)
    told = []
    for title, (environment, base, added) in IMPORTS.items():
        argv = [str(python_of(environment)), "-c", _CODE.format(base=base, added=added)]
        runs = []
        for _ in range(repeat + 1):  # the first one writes the byte code
            done = subprocess.run(argv, check=True, capture_output=True, text=True, env=variables(home), cwd=home)
            runs.append(json.loads(done.stdout.splitlines()[-1]))
        wall, cpu = (statistics.median(column) for column in zip(*runs[1:], strict=True))
        told.append({"what": title, "wall_seconds": wall, "cpu_seconds": cpu, "beyond_airflow": bool(base)})
    return told
