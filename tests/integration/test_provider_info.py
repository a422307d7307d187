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
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService  # noqa: TID251 - what reads our form
from jsonschema import Draft7Validator
from support.airflow_versions import needs_airflow

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.get_provider_info import get_provider_info
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.transports.settings import EXTRA_FIELDS, from_connection_parts

AIRFLOW = Path(airflow.__path__[0])
needs_form = needs_airflow("3.2", "a declarative form; before, what is not a standard field goes into Extra, as JSON")


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


def form() -> dict[str, Any]:
    (connection,) = get_provider_info()["connection-types"]
    fields: dict[str, Any] = connection["conn-fields"]
    return fields


@needs_form
def test_the_form_is_written_as_airflow_s_schema_for_forms_asks() -> None:
    (connection,) = get_provider_info()["connection-types"]
    wanted = schema("provider.yaml.schema.json")["properties"]["connection-types"]
    assert list(Draft7Validator(wanted).iter_errors([connection])) == []


def test_every_secret_of_the_form_is_hidden_while_it_is_typed() -> None:
    secrets = ("app_secret", "proxy")
    hidden = [name for name, field in form().items() if field["schema"].get("format") == "password"]
    assert sorted(hidden) == sorted(secrets)


def test_the_form_has_every_extra_field_with_a_help_text() -> None:
    assert set(form()) == set(EXTRA_FIELDS)
    for name, field in form().items():
        assert field["label"], name
        assert field["description"].endswith("."), name
        assert "null" in field["schema"]["type"], f"{name} may be left empty"


def test_the_form_s_patterns_and_choices_let_through_what_the_connection_takes() -> None:
    good: dict[str, list[object]] = {
        "api_version": ["v26.0", ""],
        "app_id": ["123", ""],
        "appsecret_proof": ["plain", "timed", "off", None],
        "proxy": ["http://user:password@proxy:3128", "https://proxy", ""],
        "ca_bundle": ["/etc/ssl/ca.pem", ""],
        "app_secret": ["secret"],
        "allow_plain_http": [True, False, None],
    }
    for name, values in good.items():
        for value in values:
            assert Draft7Validator(form()[name]["schema"]).is_valid(value), (name, value)
            from_connection_parts(password="token", extra={name: value})
    for name in ("api_version", "app_id", "appsecret_proof", "proxy", "ca_bundle"):
        assert not Draft7Validator(form()[name]["schema"]).is_valid("wrong"), name
        with pytest.raises(ConfigurationError, match=name):
            from_connection_parts(password="token", extra={name: "wrong"})


@pytest.mark.parametrize("name", [name for name, field in form().items() if "Left empty: " in field["description"]])
def test_the_form_tells_the_default_and_the_bounds_that_hold(name: str) -> None:
    field = form()[name]
    told = field["description"].split("Left empty: ")[1]
    made, _ = from_connection_parts(password="token")
    default = getattr(made, name, None) or getattr(made.retry_policy, name, None)
    if default is None:
        return  # its help says in words what holds
    assert told.startswith(f"{default:g}" if isinstance(default, float) else str(default))
    for bound, step in (("minimum", -1), ("maximum", 1)):
        if bound in field["schema"]:
            from_connection_parts(password="token", extra={name: field["schema"][bound]})
            with pytest.raises(ConfigurationError, match=name):
                from_connection_parts(password="token", extra={name: field["schema"][bound] + step})


def test_a_choice_left_open_is_shown_by_what_it_means() -> None:
    choices = {name: field["schema"] for name, field in form().items() if "enum" in field["schema"]}
    assert list(choices) == ["appsecret_proof"]
    for schema in choices.values():
        assert schema["values_display"]["null"] == "plain (default)"
        assert schema["enum"][0] is None


def shown_form() -> Any:
    (ours,) = (one for one in HookMetaService.hook_meta_data() if one.connection_type == "msginsights")
    return ours


def test_airflow_shows_the_standard_fields() -> None:
    ours = shown_form()
    assert ours.standard_fields.password.title == "Access token"
    assert ours.standard_fields.url_schema.hidden
    assert (
        not ours.standard_fields.port or not ours.standard_fields.port.hidden
    )  # Airflow 3.3.1 and 3.3.2 test no connection without one


@needs_form
def test_airflow_shows_the_extra_fields_with_help_texts() -> None:
    ours = shown_form()
    assert set(ours.extra_fields) == set(EXTRA_FIELDS)
    for name, field in ours.extra_fields.items():
        shown = field if isinstance(field, dict) else field.model_dump()
        assert shown["value"] is None, "what Airflow masks would be saved as its mask"
        assert shown["schema"]["title"] == form()[name]["label"]
        assert shown["description"] == form()[name]["description"]


@pytest.fixture(scope="module")
def command_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {**os.environ, "AIRFLOW_HOME": str(tmp_path_factory.mktemp("home")), "COLUMNS": "300"}


@pytest.mark.parametrize(
    ("command", "shown"),
    [("list", "airflow-provider-msginsights"), ("hooks", "MessagingInsightsHook")],
)
@pytest.mark.thorough
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
