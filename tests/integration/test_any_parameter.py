"""Whatever stands in whichever parameter: it is understood, or refused by an error of ours before any request.

uv run pytest -m slow tests/integration/test_any_parameter.py      (20,000 examples)
"""

from __future__ import annotations

import asyncio
import inspect
import json
from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from errors_reference import ids as error_ids
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.airflow_versions import TaskDeferred
from support.cases import case
from support.examples import so_many
from support.operator_calls import DAY

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.parameters import numbers as number_parameters
from airflow_provider_msginsights.insights.parameters import parse as parameters
from airflow_provider_msginsights.insights.query import asked_days
from airflow_provider_msginsights.operators.coverage_check import MessagingInsightsCoverageCheckOperator
from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator
from airflow_provider_msginsights.operators.load.config import LoadConfig
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.operators.token_check import MessagingInsightsTokenCheckOperator
from airflow_provider_msginsights.retry_policies import MessagingInsightsRetryPolicy
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor
from airflow_provider_msginsights.transports.blocking import BlockingTransport
from airflow_provider_msginsights.transports.nonblocking import NonblockingTransport
from airflow_provider_msginsights.transports.settings import RETRY_FIELDS
from airflow_provider_msginsights.triggers.msginsights import MessagingInsightsAvailabilityTrigger
from airflow_provider_msginsights.triggers.new_day import MessagingInsightsNewDayTrigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import BaseOperator

pytestmark = pytest.mark.usefixtures("connection")

TOKEN = "EAAG" + "x" * 180
TEXTS = [
    "",
    " ",
    "None",
    "none",
    "null",
    "101",
    "all",
    "stable",
    "[101]",
    "['101', None]",
    "{}",
    "{'a': 1}",
    "[",
    "1.0",
]
TEXTS += [
    "nan",
    "-1",
    "1e400",
    "\uff11",
    "~",
    "data",
    "true",
    "day",
    "2026-11-01",
    "20261101",
    "\x00",
    "\ud800",
    "a\nb",
]
TEXTS += [
    TOKEN,
    "9" * 5000,
    "[" * 3000 + "]" * 3000,
    "(" * 300 + ")" * 300,
    "yesterday",
    "v26.0",
    "gzip",
    "fail",
    "0.5",
]
NUMBERS: list[Any] = [0, 1, -1, 3, 101, 20261101, 10**400, 0.5, 1.0, float("nan"), float("inf"), 1e308, 1j]
NUMBERS += [Decimal("NaN"), Decimal(3), Decimal("1e99999")]
TIMES = [date(2026, 11, 1), date.min, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 1), datetime.max]  # noqa: DTZ001, DTZ901
OTHERS = [None, True, False, b"101", object(), Path("data"), Path("~"), range(3), int, Ellipsis]
MEANINGLESS: list[Any] = [b"101", object(), {"a": [{}]}, 1j, "\x00", TOKEN, [None], [TOKEN], float("nan")]
SCALARS = st.sampled_from([*NUMBERS, *TIMES, *OTHERS])
LEAVES = SCALARS | st.sampled_from(TEXTS) | st.text(max_size=20) | st.integers() | st.floats()
KEYS = st.sampled_from([*RETRY_FIELDS, "team", "page_id", "", "1"]) | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.lists(inner, max_size=3).map(iter)
        | st.frozensets(st.sampled_from(TEXTS) | st.integers(), max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.dictionaries(st.integers(), inner, max_size=2)
    ),
    max_leaves=4,
)


class AskedError(BaseException):
    """The parameters were accepted: the API would be asked now."""


def execute(task: BaseOperator) -> None:
    task.execute({})


def operator(**different: Any) -> None:
    execute(MessagingInsightsOperator(task_id="load", **DAY | different))


def sensor(**different: Any) -> None:
    execute(MessagingInsightsSensor(task_id="wait", **DAY | different))


def token_check(**different: Any) -> None:
    execute(MessagingInsightsTokenCheckOperator(task_id="check", **different))


def fill(**different: Any) -> None:
    usual = {"output_path": "memory://any/fill", "fill_since": "2026-11-01"}
    execute(MessagingInsightsFillOperator(task_id="fill", **usual | different))


def coverage_check(**different: Any) -> None:
    execute(MessagingInsightsCoverageCheckOperator(task_id="gate", **{"output_path": "memory://any/gate"} | different))


def availability_trigger(**different: Any) -> None:
    days = [["2026-11-01", "2026-11-02"]]
    usual: dict[str, Any] = {"page_ids": ["101"], "metrics": ["stable"], "ranges": days, "poll_interval_seconds": 0.001}
    trigger = MessagingInsightsAvailabilityTrigger(**{"msginsights_conn_id": "msginsights_default"} | usual | different)

    async def first_event() -> dict[str, Any]:
        async for event in trigger.run():
            return dict(event.payload)
        raise AssertionError("it ended without an event")

    async def bounded() -> dict[str, Any] | None:
        try:
            return await asyncio.wait_for(first_event(), 5)
        except TimeoutError:
            return None  # it waits for what its parameters say

    event = asyncio.run(bounded())
    if event is not None and event["status"] == "failed":
        assert event["kind"] == "ConfigurationError", event
        raise ConfigurationError(event["message"], error_id=event["error_id"])


def new_day_trigger(**different: Any) -> None:
    trigger = MessagingInsightsNewDayTrigger(**{"page_ids": ["101"]} | different)
    path, arguments = trigger.serialize()
    assert path
    assert json.loads(json.dumps(arguments, allow_nan=False)) == arguments
    assert trigger.shared_stream_key() is not None


def retry_policy(**different: Any) -> None:
    MessagingInsightsRetryPolicy(**different)


def hook(**different: Any) -> None:
    MessagingInsightsHook(**different).list_pages()


def hook_pages(**different: Any) -> None:
    for page_id in MessagingInsightsHook().resolve_page_ids(**different):
        assert parameters.is_page_id(page_id)


def hook_report(**different: Any) -> None:
    MessagingInsightsHook().inspect_token(**different)


def days(**different: Any) -> None:
    asked_days(**{"at": datetime(2026, 11, 20, tzinfo=UTC)} | different)


CALLS: dict[str, tuple[Callable[..., None], Callable[..., Any]]] = {
    "operator": (operator, MessagingInsightsOperator),
    "sensor": (sensor, MessagingInsightsSensor),
    "token check": (token_check, MessagingInsightsTokenCheckOperator),
    "fill": (fill, MessagingInsightsFillOperator),
    "coverage check": (coverage_check, MessagingInsightsCoverageCheckOperator),
    "availability trigger": (availability_trigger, MessagingInsightsAvailabilityTrigger),
    "new-day trigger": (new_day_trigger, MessagingInsightsNewDayTrigger),
    "retry policy": (retry_policy, MessagingInsightsRetryPolicy),
    "hook": (hook, MessagingInsightsHook),
    "resolve_page_ids": (hook_pages, MessagingInsightsHook.resolve_page_ids),
    "inspect_token": (hook_report, MessagingInsightsHook.inspect_token),
    "asked_days": (days, asked_days),
}
NOT_OURS = {("sensor", "poke_interval"), ("sensor", "timeout"), ("asked_days", "at")}
"""Checked by Airflow when the task is made; a moment that code gives."""
PLACES = sorted(
    (call, name)
    for call, (_, taken_from) in CALLS.items()
    for name in inspect.signature(taken_from).parameters
    if name not in {"self", "kwargs"} and (call, name) not in NOT_OURS
)


@pytest.fixture
def nothing_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AskedError

    for transport in (BlockingTransport, NonblockingTransport):
        monkeypatch.setattr(transport, "__init__", asked)


def is_accepted(call: str, name: str, value: Any, **others: Any) -> bool:
    """Whether the call goes on with it to where the API would be asked; an error of ours is none of another's."""
    if name in {"output_path", "msginsights_conn_id", "output_conn_id"} and _means_something_here(name, value):
        return True  # would write there, or look for the connection
    try:
        CALLS[call][0](**others | {name: value})
    except (AskedError, TaskDeferred):
        return True
    except (ConfigurationError, AirflowFailException) as refused:
        text = f"{refused}"
        assert text.encode(), "an error must fit every log"
        assert len(text) < 2000
        assert "x" * 40 not in text, "what may be a token is not shown"
        assert text.rpartition(" ")[2] in error_ids.found(), "it ends with an id that the reference has a place for"
        return False
    return True


def _means_something_here(name: str, value: Any) -> bool:
    try:
        if name == "output_path":
            return parameters.parse_output_path(value) is not None
        return bool(parameters.parse_conn_id(name, value))
    except ConfigurationError:
        return False


@pytest.mark.usefixtures("nothing_asked")
@pytest.mark.parametrize(("call", "name"), PLACES)
def test_what_no_parameter_can_mean_is_refused_by_its_name(call: str, name: str) -> None:
    every_page = {"page_ids": "all"} if call in {"operator", "sensor"} else {}  # the list of them would be asked for
    for value in MEANINGLESS:
        with case(value):
            takes_any_text = {"missing"} if isinstance(value, str) and value == TOKEN else set()
            assert not is_accepted(call, name, value, **every_page) or name in takes_any_text


@pytest.mark.usefixtures("nothing_asked")
@example(("operator", "page_ids"), [101, 102])
@example(("operator", "page_ids"), TOKEN)
@example(("operator", "output_path"), Path("data"))
@example(("operator", "output_path"), "None")
@example(("operator", "output_path"), "~/data")
@example(("operator", "extra_columns"), {"team": 7})
@example(("operator", "extra_columns"), {7: "team"})
@example(("operator", "since"), 20261101)
@example(("sensor", "final_after_hours"), "48")
@example(("sensor", "final_after_hours"), float("nan"))
@example(("sensor", "max_failed_polls"), "5")
@example(("availability trigger", "ranges"), [])
@example(("availability trigger", "deadline"), "2026-11-01T00:00:00")
@example(("new-day trigger", "poll_interval_seconds"), "900")
@settings(
    max_examples=so_many(500),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.sampled_from(PLACES), VALUES)
def test_any_value_is_understood_or_refused(place: tuple[str, str], value: Any) -> None:
    assert is_accepted(*place, value) in (True, False)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("nothing_asked")
@settings(
    max_examples=20_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.sampled_from(PLACES), VALUES)
def test_any_of_20_000_values_is_understood_or_refused(place: tuple[str, str], value: Any) -> None:
    assert is_accepted(*place, value) in (True, False)


def test_every_parameter_of_the_operator_is_read_before_it_is_used() -> None:
    names = set(inspect.signature(MessagingInsightsOperator).parameters) - {"kwargs"}
    assert {field.name for field in fields(LoadConfig)} == names


def test_the_bounds_on_asking_again_have_the_names_of_the_connection() -> None:
    assert sorted(number_parameters.RETRY_BOUNDS) == sorted(RETRY_FIELDS)
    assert set(number_parameters.RETRY_BOUNDS) <= set(number_parameters.NUMBERS)
