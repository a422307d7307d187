"""What serialized DAGs, waiting triggers and state stores hold of us: it outlives an upgrade, so it only ever grows.

`frozen_names.json` was written when these names were frozen; a name that goes, or means something else, breaks tasks
that are waiting while somebody upgrades. New names may be added to it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_msginsights.get_provider_info import get_provider_info
from airflow_provider_msginsights.insights.availability.check import CANARY_METRIC, AvailabilityCheck
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.triggers.msginsights import MessagingInsightsAvailabilityTrigger

FROZEN: dict[str, Any] = json.loads(Path(__file__).with_name("frozen_names.json").read_text())


def class_at(path: str) -> type[Any]:
    module, _, name = path.rpartition(".")
    found: type[Any] = getattr(importlib.import_module(module), name)
    return found


def arguments_of(path: str) -> list[str]:
    return [name for name in inspect.signature(class_at(path).__init__).parameters if name not in {"self", "kwargs"}]


@pytest.mark.parametrize("path", FROZEN["classes"])
def test_a_class_lives_where_serialized_dags_say(path: str) -> None:
    assert class_at(path).__name__ == path.rpartition(".")[2]


@pytest.mark.parametrize("path", FROZEN["trigger_arguments"])
def test_a_trigger_takes_every_argument_that_waiting_ones_were_stored_with(path: str) -> None:
    assert set(FROZEN["trigger_arguments"][path]) <= set(arguments_of(path))


@pytest.mark.parametrize("path", FROZEN["trigger_arguments"])
def test_a_trigger_can_do_without_arguments_that_came_later(path: str) -> None:
    parameters = inspect.signature(class_at(path).__init__).parameters
    later = set(arguments_of(path)) - set(FROZEN["trigger_arguments"][path])
    assert [name for name in later if parameters[name].default is inspect.Parameter.empty] == []


def test_a_check_travels_as_the_arguments_of_the_availability_trigger() -> None:
    check = AvailabilityCheck.create(
        page_ids="101",
        metrics=CANARY_METRIC,
        ranges=(DateRange(date(2026, 11, 1), date(2026, 11, 2)),),
        min_ready_pages=None,
        on_silent_page="ignore",
        msginsights_conn_id="msginsights_default",
        poll_interval_seconds=60,
    )
    trigger = MessagingInsightsAvailabilityTrigger(**check.to_dict())
    path, arguments = trigger.serialize()
    assert set(arguments) == set(arguments_of(path)) >= set(FROZEN["trigger_arguments"][path])
    assert arguments == check.to_dict()


@pytest.mark.parametrize("path", FROZEN["template_fields"])
def test_template_fields_stay_and_are_what_the_constructor_assigns(path: str) -> None:
    cls = class_at(path)
    assert set(FROZEN["template_fields"][path]) <= set(cls.template_fields)
    assert set(cls.template_fields) <= assigned_as_they_are(cls)


def assigned_as_they_are(cls: type[Any]) -> set[str]:
    """The names that the constructor assigns untouched, ``self.name = name``."""
    code = ast.parse(inspect.cleandoc("\n" + inspect.getsource(cls.__init__)))
    return {
        node.value.id
        for node in ast.walk(code)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Name)
        and isinstance(target := node.targets[0], ast.Attribute)
        and target.attr == node.value.id
    }


@pytest.mark.parametrize("path", FROZEN["methods"])
def test_methods_that_a_resumed_task_is_called_by_stay(path: str) -> None:
    assert [name for name in FROZEN["methods"][path] if not callable(getattr(class_at(path), name, None))] == []


def test_the_connection_form_keeps_its_fields() -> None:
    (connection,) = get_provider_info()["connection-types"]
    assert connection["connection-type"] == FROZEN["connection"]["type"]
    assert connection["hook-class-name"] == FROZEN["connection"]["hook"]
    assert set(FROZEN["connection"]["fields"]) <= set(connection["conn-fields"])


@pytest.mark.parametrize(("name", "key"), FROZEN["state_keys"].items())
def test_keys_of_state_stores_stay(name: str, key: str) -> None:
    package = Path(importlib.import_module("airflow_provider_msginsights").__file__ or "").parent
    rooms = (package / room for room in ("operators", "sensors", "triggers"))
    assert any(key in file.read_text() for room in rooms for file in room.rglob("*.py")), name
