"""What the retry policy decides; on Airflow without retry policies, that it says so."""

from __future__ import annotations

import runpy
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import airflow.sdk
import pytest
from support.airflow_versions import POLICIES_RESCHEDULE, DagSerialization, needs_airflow
from support.dag_runs import connection_to

from airflow_provider_msginsights import retry_policies
from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    ConfigurationError,
    EmptyAnswerError,
    InvalidRequestError,
    MessagingInsightsError,
    PermissionDeniedError,
    RateLimitError,
    ResponseFormatError,
    ServiceUnavailableError,
    TransportError,
)
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator


needs_policies = needs_airflow("3.3", "retry policies")


def decide(exception: BaseException) -> Any:
    from airflow_provider_msginsights.retry_policies import MessagingInsightsRetryPolicy

    return MessagingInsightsRetryPolicy().evaluate(exception, 1, 3)


@needs_policies
def test_a_limit_is_waited_for_until_the_moment_that_was_told() -> None:
    decision = decide(RateLimitError("Too many calls.", code=80001, retry_after_seconds=900))
    assert decision.action.value == ("reschedule" if POLICIES_RESCHEDULE else "retry")
    assert timedelta(seconds=900) < decision.retry_delay < timedelta(seconds=930)
    assert "code 80001" in decision.reason
    if POLICIES_RESCHEDULE:
        assert (decision.max_reschedules, decision.reschedule_timeout) == (24, timedelta(hours=24))


@needs_policies
@pytest.mark.parametrize(
    "kind", [AuthenticationError, PermissionDeniedError, InvalidRequestError, ConfigurationError, ResponseFormatError]
)
def test_what_a_retry_cannot_help_fails_at_once(kind: type[MessagingInsightsError]) -> None:
    assert decide(kind("No.")).action.value == "fail"


@needs_policies
@pytest.mark.parametrize(
    "exception",
    [
        ServiceUnavailableError("Down.", retry_after_seconds=5),
        TransportError("Lost."),
        EmptyAnswerError("Nothing."),
        RateLimitError("Too many calls, until nobody knows when."),
        ValueError("of somebody else"),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
def test_the_rest_is_left_to_the_task(exception: BaseException) -> None:
    assert decide(exception).action.value == "default"


@needs_policies
def test_the_error_behind_another_decides() -> None:
    outer = RuntimeError("The report failed.")
    outer.__cause__ = AuthenticationError("The token has expired.")
    assert decide(outer).action.value == "fail"


@needs_policies
def test_a_real_limit_of_a_load_and_of_a_hook_gives_the_moment(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, extra={"wait_bound_seconds": 0})
    emulator.set_throttled("101", minutes=15)
    task = MessagingInsightsOperator(task_id="load", page_ids="101", since="2026-11-01", until="2026-11-02")
    from airflow_provider_msginsights.insights.query import InsightsQuery, asked_days

    days = asked_days(since="2026-11-01", until="2026-11-02")
    assert days is not None
    query = InsightsQuery.create(page_ids="101", metrics="stable", days=days)
    for fails in (lambda: task.execute({}), lambda: list(MessagingInsightsHook().get_records(query))):
        with pytest.raises(RateLimitError) as limited:
            fails()
        assert timedelta(minutes=14) < decide(limited.value).retry_delay < timedelta(minutes=18)


@needs_policies
def test_a_task_takes_the_policy_and_the_dag_is_stored_with_it() -> None:
    from airflow.sdk import DAG

    from airflow_provider_msginsights.retry_policies import MessagingInsightsRetryPolicy

    policy = MessagingInsightsRetryPolicy(max_reschedules=3, reschedule_timeout_hours=2)
    with DAG("policy", schedule=None) as dag:
        MessagingInsightsOperator(task_id="load", page_ids="101", retries=2, retry_policy=policy)
    assert DagSerialization.to_dict(dag)["dag"]["tasks"][0]["__var"]["has_retry_policy"] is True
    again = MessagingInsightsRetryPolicy.deserialize(policy.serialize())
    assert vars(again) == vars(policy)


@needs_policies
@pytest.mark.parametrize("wrong", [{"max_reschedules": 0}, {"reschedule_timeout_hours": 0}])
def test_bounds_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    from airflow_provider_msginsights.retry_policies import MessagingInsightsRetryPolicy

    with pytest.raises(ConfigurationError, match=r"re\w+=0 is not valid: use a"):
        MessagingInsightsRetryPolicy(**wrong)


def test_on_an_airflow_without_retry_policies_importing_works_and_using_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As before Airflow 3.3."""
    for name in ("RetryDecision", "RetryPolicy"):
        monkeypatch.delitem(vars(airflow.sdk), name, raising=False)
    monkeypatch.setitem(sys.modules, "airflow.sdk.definitions.retry_policy", None)
    module = runpy.run_path(retry_policies.__file__)
    with pytest.raises(ConfigurationError, match=r"needs Airflow 3\.3 or newer"):
        module["MessagingInsightsRetryPolicy"]()
