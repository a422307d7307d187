from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import airflow
import pytest
from jsonschema import Draft7Validator

from airflow_provider_msginsights.get_provider_info import get_provider_info
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.transports.settings import from_connection_parts

AIRFLOW = Path(airflow.__path__[0])


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((AIRFLOW / name).read_text())
    return found


def test_airflow_s_own_schema_accepts_the_provider_info() -> None:
    assert list(Draft7Validator(schema("provider_info.schema.json")).iter_errors(get_provider_info())) == []


def test_airflow_finds_the_provider_through_its_entry_point() -> None:
    (found,) = (entry for entry in entry_points(group="apache_airflow_provider") if "msginsights" in entry.value)
    assert found.load()()["package-name"] == "airflow-provider-msginsights"


def test_the_form_is_for_the_connection_type_of_the_hook() -> None:
    (connection,) = get_provider_info()["connection-types"]
    assert connection["connection-type"] == MessagingInsightsHook.conn_type
    assert connection["hook-name"] == MessagingInsightsHook.hook_name
    assert connection["hook-class-name"].endswith(f"hooks.msginsights.{MessagingInsightsHook.__name__}")


def test_every_secret_of_the_form_is_hidden_while_it_is_typed() -> None:
    (connection,) = get_provider_info()["connection-types"]
    secrets = [field for name, field in connection["conn-fields"].items() if "secret" in name or "token" in name]
    assert secrets
    assert all(field["schema"]["format"] == "password" for field in secrets)


def test_every_field_of_the_form_is_known_to_the_connection() -> None:
    (connection,) = get_provider_info()["connection-types"]
    empty = dict.fromkeys(connection["conn-fields"])
    from_connection_parts(host="", login="101", password="token", extra=empty)


@pytest.fixture(scope="module")
def command_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {**os.environ, "AIRFLOW_HOME": str(tmp_path_factory.mktemp("home")), "COLUMNS": "300"}


@pytest.mark.parametrize(
    ("command", "shown"),
    [("list", "airflow-provider-msginsights"), ("hooks", "MessagingInsightsHook")],
)
def test_airflow_lists_the_provider(command: str, shown: str, command_environment: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "airflow", "providers", command, "-o", "plain"],
        env=command_environment,
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = (line for line in done.stdout.splitlines() if "msginsights" in line)
    assert shown in line
    assert "error" not in line.lower()
    assert "msginsights" not in done.stderr
