"""``execution_timeout`` bounds a try over all its deferrals, in whatever mode."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.airflow_versions import TaskDeferred
from support.dag_runs import connection_to
from support.sensor_modes import DEFERRED, KILLED, rebuilt, resumed, run_to_end

from airflow_provider_msginsights.airflow_names import AirflowTaskTimeout
from airflow_provider_msginsights.deadlines import ExecutionDeadline
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor
from airflow_provider_msginsights.triggers.resume import MessagingInsightsResumeTrigger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow.triggers.base import BaseTrigger

    from airflow_provider_msginsights.emulator import GraphEmulator

SOON = timedelta(seconds=1)
HOUR = timedelta(hours=1)
NEVER: dict[str, Any] = {"page_ids": "101", "since": "2026-11-01", "until": "2026-11-02", "on_silent_page": "wait"}
TIMED_OUT = {"error": "Trigger timeout"}


@pytest.fixture(autouse=True)
def impatient_connection(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that waits for no limit itself, and no row for a long time."""
    emulator.configure(readiness_lag_hours=24 * 60)
    connection_to(emulator, monkeypatch, password=emulator.system_user_token, extra={"wait_bound_seconds": 0})


def load(tmp_path: Path, **different: Any) -> MessagingInsightsOperator:
    parameters: dict[str, Any] = {
        "page_ids": ["101", "102"],
        "since": "2026-11-01",
        "until": "2026-11-02",
        "deferrable": True,
    }
    return MessagingInsightsOperator(task_id="load", output_path=tmp_path.as_uri(), **parameters | different)


def deferral_of(run: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as deferred:
        run()
    return deferred.value


def moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text))


def triggered(deferred: TaskDeferred) -> dict[str, Any]:
    """What the method of a deferred task is called with, once its trigger has fired."""
    path, arguments = deferred.trigger.serialize()
    payload = event_of(rebuilt(path, json.dumps(arguments)))
    return {**(deferred.kwargs or {}), "event": json.loads(json.dumps(payload))}


def event_of(trigger: BaseTrigger) -> Any:
    async def first() -> Any:
        return (await anext(aiter(trigger.run()))).payload

    return asyncio.run(first())


@pytest.fixture
def airflows_timer() -> Iterator[None]:
    """The timer that Airflow sets for every process of a task, a whole execution_timeout of an hour long."""

    def end(*_: object) -> None:
        raise AirflowTaskTimeout("Timeout")

    handler, timer = signal.signal(signal.SIGALRM, end), signal.setitimer(signal.ITIMER_REAL, HOUR.total_seconds())
    yield
    signal.setitimer(signal.ITIMER_REAL, *timer)
    signal.signal(signal.SIGALRM, handler)


@pytest.mark.parametrize("soft_fail", [False, True])
@pytest.mark.parametrize("mode", [DEFERRED, KILLED])
def test_a_deferred_sensor_ends_when_its_execution_timeout_does(mode: str, soft_fail: bool) -> None:  # noqa: FBT001
    started = time.monotonic()
    with pytest.raises(AirflowTaskTimeout, match=r"execution_timeout of 1 seconds is over.*Missing: Page 101"):
        run_to_end(mode, **NEVER, execution_timeout=SOON, timeout=3600, poke_interval=600, soft_fail=soft_fail)
    assert time.monotonic() - started >= 1


def test_of_two_bounds_of_a_sensor_the_earlier_one_counts() -> None:
    ended = run_to_end(DEFERRED, **NEVER, execution_timeout=HOUR, timeout=1, poke_interval=600)
    assert ended.state == "failed"
    assert "not available within 1 seconds" in ended.message


def test_a_deferred_load_ends_when_its_execution_timeout_does_and_keeps_what_it_read(
    emulator: GraphEmulator, tmp_path: Path
) -> None:
    emulator.configure(readiness_lag_hours=0)
    emulator.set_throttled("102", minutes=15)
    time_enough = timedelta(seconds=4)  # for one Page, on a busy machine too
    task = load(tmp_path, execution_timeout=time_enough)
    deferred = deferral_of(lambda: task.execute({}))
    with pytest.raises(AirflowTaskTimeout, match="Meta's limit lasts until"):
        load(tmp_path, execution_timeout=time_enough).resume_execution("execute_complete", triggered(deferred), {})
    assert len(list(tmp_path.glob("dt=*/*"))) == 1


def test_every_deferral_of_a_try_keeps_to_the_deadline_of_the_first(emulator: GraphEmulator, tmp_path: Path) -> None:
    emulator.configure(readiness_lag_hours=0)
    emulator.set_throttled("102", minutes=15)
    task = load(tmp_path, execution_timeout=HOUR)
    before = datetime.now(UTC)
    first = deferral_of(lambda: task.execute({}))
    deadline = moment(first.trigger.deadline)
    assert before + HOUR <= deadline <= datetime.now(UTC) + HOUR
    event = {"status": "resume", "state": first.trigger.state, "deadline": first.trigger.deadline}
    for arguments in ({"event": event, **(first.kwargs or {})}, {"event": event}):  # dag.test() drops the arguments
        again = deferral_of(lambda told=arguments: task.resume_execution("execute_complete", told, {}))
        assert again.trigger.deadline == first.trigger.deadline
        assert timedelta(seconds=59) < again.timeout - (deadline - datetime.now(UTC)) < timedelta(seconds=62)
    assert deferral_of(lambda: task.execute({})).trigger.deadline > first.trigger.deadline  # another try


def test_a_resumed_load_has_only_the_time_that_is_left(
    emulator: GraphEmulator, tmp_path: Path, airflows_timer: None
) -> None:
    del airflows_timer
    emulator.configure(readiness_lag_hours=0)
    emulator.set_throttled("102", minutes=15)
    task = load(tmp_path, execution_timeout=HOUR)
    state = deferral_of(lambda: task.execute({})).trigger.state
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 3000
    soon = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
    event = {"status": "resume", "state": state}
    deferral_of(lambda: task.execute_complete({}, event, deadline=soon))
    assert 500 < signal.getitimer(signal.ITIMER_REAL)[0] < 600
    late = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    with pytest.raises(AirflowTaskTimeout):
        task.execute_complete({}, event, deadline=late)


def test_a_timer_that_airflow_did_not_set_is_left_alone(airflows_timer: None) -> None:
    del airflows_timer
    soon = (datetime.now(UTC) + timedelta(seconds=30)).isoformat()
    ExecutionDeadline.resumed(soon, timedelta(minutes=1)).enforce()  # Airflow would have set a minute
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 3000


def test_without_an_execution_timeout_nothing_ends_a_deferral_but_the_sensor_s_own(
    emulator: GraphEmulator, tmp_path: Path
) -> None:
    sensor = MessagingInsightsSensor(task_id="wait", deferrable=True, timeout=60, **NEVER)
    of_sensor = deferral_of(lambda: sensor.execute({}))
    assert of_sensor.trigger.arguments["execution_deadline"] is None
    assert of_sensor.timeout == timedelta(seconds=60, minutes=15)
    emulator.configure(readiness_lag_hours=0)
    emulator.set_throttled("102", minutes=15)
    of_load = deferral_of(lambda: load(tmp_path).execute({}))
    assert (of_load.trigger.deadline, of_load.timeout) == (None, None)


def test_a_deferral_that_airflow_itself_ends_is_of_the_bound_that_was_earlier(tmp_path: Path) -> None:
    with pytest.raises(AirflowTaskTimeout, match="No triggerer"):
        load(tmp_path, execution_timeout=HOUR).resume_execution("__fail__", TIMED_OUT, {})
    with pytest.raises(AirflowTaskTimeout, match="No triggerer"):
        resumed(TIMED_OUT, **NEVER, execution_timeout=HOUR, timeout=7200, soft_fail=True)
    assert resumed(TIMED_OUT, **NEVER, execution_timeout=HOUR, timeout=600, soft_fail=True).state == "skipped"
    assert resumed(TIMED_OUT, **NEVER, timeout=600).state == "failed"


def test_triggers_and_events_of_an_older_version_are_understood(emulator: GraphEmulator, tmp_path: Path) -> None:
    emulator.configure(readiness_lag_hours=0)
    emulator.set_throttled("102", minutes=15)
    state = deferral_of(lambda: load(tmp_path).execute({})).trigger.state
    old = MessagingInsightsResumeTrigger(moment=datetime.now(UTC).isoformat(), state=state)
    assert event_of(old)["status"] == "resume"
    emulator.reset()
    event = {"status": "resume", "state": state}
    result = load(tmp_path, execution_timeout=HOUR).execute_complete({}, event)
    assert result["page_count"] == 2
