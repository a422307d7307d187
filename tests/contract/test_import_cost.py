"""Every DAG file pays for what importing an operator loads, at each parse."""

from __future__ import annotations

import subprocess
import sys

import pytest

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


@pytest.mark.parametrize(
    "module",
    [
        "hooks.msginsights",
        "operators.msginsights",
        "operators.token_check",
        "retry_policies",
        "sensors.msginsights",
        "triggers.msginsights",
    ],
)
def test_importing_a_module_of_a_dag_file_loads_no_heavy_library(module: str) -> None:
    code = f"""
import sys
import airflow.sdk, airflow.triggers.base
before = set(sys.modules)
import airflow_provider_msginsights.{module}
print([name for name in {HEAVY!r} if name in sys.modules and name not in before])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_airflow_itself_does_not_load_what_we_keep_out() -> None:
    """Otherwise the test above could not fail."""
    code = f"import sys, airflow.sdk, airflow.triggers.base; print([n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    loaded = done.stdout.strip().splitlines()[-1]
    assert all(name not in loaded for name in ("requests", "pyarrow", "starlette"))
