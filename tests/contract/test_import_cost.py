"""Every DAG file pays for what importing an operator loads, at each parse; every component for the plugin."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.thorough

PACKAGE = "airflow_provider_msginsights"
HEAVY = {
    "requests",
    "pyarrow",
    "starlette",
    "uvicorn",
    "rich",
    f"{PACKAGE}.emulator",
    f"{PACKAGE}.transports.wire",
    f"{PACKAGE}.insights.flows",
}
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
PLUGIN = "coverage_page.plugin"
IMPORTS = """
import json, os, sys
from importlib import import_module
import airflow.sdk, airflow.triggers.base
print("FOUND", json.dumps(["airflow", *sys.modules]), flush=True)
for module in sys.argv[1:]:
    if not os.fork():
        before = set(sys.modules)
        if module.endswith(".plugin"):
            import airflow.plugins_manager
            print("FOUND", json.dumps(["plugins", *(set(sys.modules) - before)]), flush=True)
            before = set(sys.modules)
        import_module(f"airflow_provider_msginsights.{module}")
        print("FOUND", json.dumps([module, *(set(sys.modules) - before)]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """What each module loads in a process of its own that begins with Airflow, by its name; what Airflow loads."""
    command = [sys.executable, "-c", IMPORTS, *MODULES, PLUGIN]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    found = [json.loads(line.removeprefix("FOUND")) for line in done.stdout.splitlines() if line.startswith("FOUND")]
    return {name: set(modules) for name, *modules in found}


def test_importing_a_module_of_a_dag_file_loads_no_heavy_library(loaded: dict[str, set[str]]) -> None:
    assert {name: loaded[name] & HEAVY for name in MODULES} == {name: set() for name in MODULES}
    assert all(f"{PACKAGE}.{name}" in loaded[name] for name in MODULES)


def test_airflow_itself_does_not_load_what_we_keep_out(loaded: dict[str, set[str]]) -> None:
    """Otherwise the test above could not fail."""
    assert loaded["airflow"] & {"requests", "pyarrow", "starlette"} == set()


def test_importing_the_plugin_loads_no_server_and_nothing_of_ours_but_it(loaded: dict[str, set[str]]) -> None:
    assert "fastapi" not in loaded["airflow"] | loaded["plugins"]
    # A release may have loaded the package itself for what it says of the provider.
    assert loaded[PLUGIN] - {PACKAGE} == {f"{PACKAGE}.coverage_page", f"{PACKAGE}.{PLUGIN}"}
