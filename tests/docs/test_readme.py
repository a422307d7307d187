"""The README says what is true: its commands, its DAG, and every parameter, field and column."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import BaseOperator, BaseSensorOperator

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.operators.token_check import MessagingInsightsTokenCheckOperator
from airflow_provider_msginsights.outputs.schema import COLUMNS, Kind
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor
from airflow_provider_msginsights.transports.settings import EXTRA_FIELDS
from airflow_provider_msginsights.triggers.new_day import MessagingInsightsNewDayTrigger

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_it_names_the_two_commands_and_ci_runs_the_second() -> None:
    commands = [line for block in code_blocks("bash") for line in block.splitlines()]
    assert "pip install uv && uv run msginsights demo" in commands
    assert "pip install uv && uv run pytest" in commands
    assert "pip install uv && uv run pytest" in (ROOT / ".ci" / "run").read_text().splitlines()


def test_its_dag_is_twelve_lines_and_airflow_accepts_it() -> None:
    block = code_blocks("python")[0]
    assert len([line for line in block.splitlines() if line]) == 12
    scope: dict[str, Any] = {}
    exec(block, scope)  # noqa: S102 - the README's own code
    dag = scope["load"].dag
    dag.validate()
    assert dag.task_ids == ["available", "load"]
    assert dag.get_task("load").page_ids == ["101", "102"]


@pytest.mark.parametrize(
    ("task_class", "base"),
    [
        (MessagingInsightsOperator, BaseOperator),
        (MessagingInsightsTokenCheckOperator, BaseOperator),
        (MessagingInsightsSensor, BaseSensorOperator),
    ],
)
def test_every_parameter_is_in_it(task_class: type[Any], base: type[Any]) -> None:
    parameters = set(inspect.signature(task_class.__init__).parameters) - {"self", "kwargs"}
    assert [name for name in parameters if f"`{name}`" not in README] == []
    assert parameters - set(inspect.signature(base.__init__).parameters)


def test_every_parameter_of_the_watchers_trigger_is_in_it() -> None:
    section = README.partition("## Event-driven")[2].partition("## Parameters")[0]
    parameters = set(inspect.signature(MessagingInsightsNewDayTrigger.__init__).parameters) - {"self"}
    assert [name for name in parameters if f"`{name}`" not in section] == []


def test_every_field_of_the_connection_is_in_it() -> None:
    assert [name for name in EXTRA_FIELDS if f"`{name}`" not in README] == []


def test_its_table_has_every_column_in_order_with_its_type() -> None:
    section = README.partition("## What you get")[2].partition("\n## ")[0].partition("| `record_id`")
    table = "".join(section[1:]).partition("\n\n")[0]
    told = [
        (name, kind)
        for names, kind in (line.split("|")[1:3] for line in table.splitlines())
        for name in re.findall("`([^`]+)`", names)
    ]
    words = {
        Kind.STRING: ("text", "JSON text"),
        Kind.DATE: ("date",),
        Kind.TIMESTAMP: ("timestamp, UTC",),
        Kind.NUMBER: ("number",),
        Kind.BOOLEAN: ("true or false",),
    }
    assert [name for name, _ in told] == [column.name for column in COLUMNS]
    wrong = [name for (name, kind), column in zip(told, COLUMNS, strict=True) if kind.strip() not in words[column.kind]]
    assert wrong == []
