"""Runs a sensor to its end in each mode, making new objects wherever Airflow would: no scheduler, no database."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_msginsights.airflow_names import AirflowFailException, AirflowSensorTimeout, AirflowSkipException
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

try:
    from airflow.sdk.exceptions import AirflowRescheduleException, TaskDeferred
except ImportError:  # Airflow 3.1
    from airflow.exceptions import AirflowRescheduleException, TaskDeferred  # type: ignore[no-redef]  # noqa: TID251

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.triggers.base import BaseTrigger

DEFERRED, KILLED = "deferred", "deferred, and the triggerer dies"
MODES = ("poke", "reschedule", DEFERRED, KILLED)

_DIES_AFTER_SECONDS = 0.1


@dataclass(frozen=True)
class Ended:
    """How a task instance ended.

    :param state: ``success``, ``skipped``, ``failed`` (no retry helps) or ``retried`` (failed, Airflow may retry).
    :param message: of the exception, without Meta's trace id, which is another one at each request.
    :param asset_events: what the events of its outlets say, by the asset's name.
    """

    state: str
    message: str = ""
    value: Any = None
    asset_events: dict[str, Any] = field(default_factory=dict)


@dataclass
class TaskStateStore:
    """What Airflow keeps for a task instance from one of its processes to the next, JSON and all."""

    values: dict[str, str] = field(default_factory=dict)

    def get(self, key: str) -> Any:
        return json.loads(self.values.get(key, "null"))

    def set(self, key: str, value: Any) -> None:
        self.values[key] = json.dumps(value)


def run_to_end(mode: str, **parameters: Any) -> Ended:
    """Run a sensor of these parameters in a mode."""

    def sensor() -> MessagingInsightsSensor:
        if mode in {DEFERRED, KILLED}:
            return MessagingInsightsSensor(task_id="wait", deferrable=True, **parameters)
        return MessagingInsightsSensor(task_id="wait", mode=mode, **parameters)

    started = datetime.now(UTC)
    ti = SimpleNamespace(try_number=1, get_first_reschedule_date=lambda _: started)
    outlet_events = OutletEventAccessors()
    context: Any = {"ti": ti, "task_state_store": TaskStateStore(), "outlet_events": outlet_events}
    if mode in {DEFERRED, KILLED}:
        ended = _ended(lambda: _deferred(sensor, context, dies=mode == KILLED))
    else:
        ended = _ended(lambda: _poked(sensor, context))
    return replace(ended, asset_events={asset.name: outlet_events[asset].extra for asset in outlet_events})


def resumed(failure: dict[str, Any], **parameters: Any) -> Ended:
    """Resume a deferred sensor as Airflow does when the trigger itself came to nothing."""
    sensor = MessagingInsightsSensor(task_id="wait", deferrable=True, **parameters)
    return _ended(lambda: sensor.resume_execution("__fail__", failure, cast("Any", {})))


def _ended(run: Callable[[], Any]) -> Ended:
    try:
        return Ended("success", value=run())
    except AirflowSkipException as skipped:
        return Ended("skipped", _without_trace(skipped))
    except (AirflowFailException, AirflowSensorTimeout) as failed:
        return Ended("failed", _without_trace(failed))
    except Exception as failed:  # noqa: BLE001 - Airflow retries after any other
        return Ended("retried", _without_trace(failed))


def _poked(sensor: Callable[[], MessagingInsightsSensor], context: Any) -> Any:
    while True:
        try:
            return sensor().execute(context)
        except AirflowRescheduleException as rescheduled:
            time.sleep(max(0.0, (rescheduled.reschedule_date - datetime.now(UTC)).total_seconds()))


def _deferred(sensor: Callable[[], MessagingInsightsSensor], context: Any, *, dies: bool) -> Any:
    try:
        return sensor().execute(context)
    except TaskDeferred as deferred:
        path, arguments = deferred.trigger.serialize()
        stored = json.dumps(arguments)
        payload = asyncio.run(_triggered(path, stored, dies=dies))
        arguments_of_method = {**(deferred.kwargs or {}), "event": json.loads(json.dumps(payload))}
        return sensor().resume_execution(deferred.method_name, arguments_of_method, context)


async def _triggered(path: str, stored: str, *, dies: bool) -> Any:
    """Run a trigger to its event; one whose triggerer dies is begun anew from what the database holds."""
    running = asyncio.ensure_future(anext(aiter(rebuilt(path, stored).run())))
    if dies:
        await asyncio.wait([running], timeout=_DIES_AFTER_SECONDS)
        if not running.done():
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            running = asyncio.ensure_future(anext(aiter(rebuilt(path, stored).run())))
    async with asyncio.timeout(30):
        return (await running).payload


def rebuilt(path: str, stored: str) -> BaseTrigger:
    """Build a trigger as a triggerer does, from its class path and what the database holds."""
    module, name = path.rsplit(".", 1)
    trigger: BaseTrigger = getattr(import_module(module), name)(**json.loads(stored))
    return trigger


def _without_trace(error: Exception) -> str:
    return re.sub(r", trace [\w-]+", "", str(error))
