"""The operator's parameters: templated, taken as they are, and refused before any request when they mean nothing."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to
from support.operator_calls import execute

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("connection")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"metrics": "page_message_sent"}, "'page_messages_sent'"),
        ({"period": "dayly"}, "'day'"),
        ({"breakdowns": "campaign_id"}, "no breakdown campaign_id"),
        ({"page_ids": "101/insights"}, "not a Page id"),
        ({"output_format": "xlsx", "output_path": "file:///tmp/never"}, "'xlsx'"),
        ({"on_empty": "shrug"}, "on_empty='shrug'"),
        ({"max_failed_pages": -1}, "max_failed_pages=-1"),
        ({"max_failed_pages": 1.5}, "max_failed_pages=1.5"),
        ({"extra_columns": {"page_id": "x"}, "output_path": "file:///tmp/never"}, "page_id"),
        ({"part": "a/b", "output_path": "file:///tmp/never"}, "a/b"),
        ({"compression": "zip", "output_path": "file:///tmp/never"}, "zip"),
        ({"date_preset": "yesterday"}, "one or the other"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "starts after it ends"),
        ({"api_version": "26"}, "api_version"),
        ({"retry_bounds": {"max_attemps": 2}}, "'max_attempts'"),
        ({"retry_bounds": {"max_attempts": "often"}}, "max_attempts"),
        ({"retry_bounds": "max_attempts=2"}, "retry_bounds"),
        ({"final_after_hours": "soon"}, "final_after_hours='soon'"),
        ({"xcom_max_rows": "1.5"}, "xcom_max_rows='1.5'"),
        ({"max_failed_pages": "some"}, "max_failed_pages='some'"),
    ],
)
def test_a_wrong_parameter_fails_before_any_request(
    emulator: GraphEmulator, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message):
        execute(**parameters)
    assert emulator.stats()["http_requests"] == 0


@pytest.mark.parametrize("task_class", [MessagingInsightsOperator, MessagingInsightsSensor])
def test_the_constructor_takes_every_template_field_as_it_is(task_class: type[Any]) -> None:
    """Templates are rendered after the constructor, so it must neither check nor change them."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(task_class.__init__)))
    assigned = {
        node.targets[0].attr: node.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Attribute)
        and isinstance(node.value, ast.Name)
    }
    assert {name: assigned.get(name) for name in task_class.template_fields} == {
        name: name for name in task_class.template_fields
    }


@pytest.mark.parametrize("allowed", ["2", "0.7", None, "None", 2, 0.7])
def test_how_many_pages_may_fail_can_come_from_a_template(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, allowed: Any
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    assert len(execute(page_ids=["101", "998", "999"], max_failed_pages=allowed)) == 4


def test_every_parameter_but_deferrable_is_templated() -> None:
    parameters = set(inspect.signature(MessagingInsightsOperator.__init__).parameters) - {"self", "kwargs"}
    assert parameters - set(MessagingInsightsOperator.template_fields) == {"deferrable"}
    assert set(MessagingInsightsOperator.template_fields_renderers) <= parameters
