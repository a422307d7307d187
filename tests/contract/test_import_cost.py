"""Every DAG file pays for what importing an operator loads, at each parse."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "requests",
    "pyarrow",
    "starlette",
    "uvicorn",
    "rich",
    "airflow_provider_msginsights.emulator",
    "airflow_provider_msginsights.transports.wire",
    "airflow_provider_msginsights.insights.flows",
)


MODULES = (
    "hooks.msginsights",
    "operators.coverage_check",
    "operators.fill",
    "operators.msginsights",
    "operators.token_check",
    "retry_policies",
    "sensors.msginsights",
    "triggers.msginsights",
)


def test_importing_a_module_of_a_dag_file_loads_no_heavy_library() -> None:
    """Each in a process of its own, which begins with Airflow imported."""
    code = f"""
import os, sys
from importlib import import_module
import airflow.sdk, airflow.triggers.base
before = set(sys.modules)
for module in {MODULES!r}:
    if not os.fork():
        import_module(f"airflow_provider_msginsights.{{module}}")
        heavy = [name for name in {HEAVY!r} if name in sys.modules and name not in before]
        print("IMPORTED", module, *heavy, flush=True)
        os._exit(0)
    os.wait()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    imported = [line for line in done.stdout.splitlines() if line.startswith("IMPORTED")]
    assert imported == [f"IMPORTED {module}" for module in MODULES]


def test_airflow_itself_does_not_load_what_we_keep_out() -> None:
    """Otherwise the test above could not fail."""
    code = f"import sys, airflow.sdk, airflow.triggers.base; print([n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    loaded = done.stdout.strip().splitlines()[-1]
    assert all(name not in loaded for name in ("requests", "pyarrow", "starlette"))
