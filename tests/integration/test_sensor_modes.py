"""One body of scenarios for poke, reschedule and deferred: the same end, the same message, the same few requests."""

from __future__ import annotations

import contextlib
import re
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from airflow.sdk import Asset, AssetAlias
from airflow.sdk.bases.operator import TriggerFailureReason
from support.dag_runs import connection_to
from support.sensor_modes import DEFERRED, KILLED, MODES, resumed, run_to_end
from support.sensor_scenarios import DAY, SCENARIOS, Scenario

from airflow_provider_msginsights.run_days.requested import requested_days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_msginsights.emulator import GraphEmulator


@contextlib.contextmanager
def changing_after_second_call(
    emulator: GraphEmulator, change: Callable[[GraphEmulator], None] | None
) -> Iterator[None]:
    is_over = threading.Event()

    def watch() -> None:
        while emulator.stats()["graph_calls"] < 2:
            if is_over.wait(0.01):
                return
        if change is not None:
            change(emulator)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        is_over.set()
        watching.join()


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_every_mode_ends_alike(
    scenario: Scenario,
    mode: str,
    emulator: GraphEmulator,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    token = {"password": emulator.system_user_token} if scenario.many_pages else {}
    connection_to(emulator, monkeypatch, extra={"base_seconds": 0.01, "wait_bound_seconds": 0.1}, **token)
    scenario.prepare(emulator)
    asked = {"page_ids": "101", "since": DAY, "until": "2026-11-02", "poke_interval": 0.05} | scenario.parameters
    with changing_after_second_call(emulator, scenario.later):
        ended = run_to_end(mode, **asked)
    assert (ended.state, ended.value) == (scenario.state, scenario.value), ended
    told = scenario.told
    if scenario.told_of_deferred and mode in {DEFERRED, KILLED}:
        assert re.search(told, capfd.readouterr().out)
        told = scenario.told_of_deferred
    ends_with = "" if not told or told.startswith("Skipping due to") else r" MSGI-[\w-]+"
    assert re.fullmatch(told + ends_with, ended.message, flags=re.DOTALL), ended.message
    if mode != KILLED or scenario.calls == 0:  # a trigger begun anew may ask once more
        assert scenario.calls in {None, emulator.stats()["graph_calls"]}
    assert emulator.page_token("101") not in ended.message


@pytest.mark.usefixtures("connection")
def test_the_events_of_its_outlets_name_the_days(mode: str) -> None:
    outlets = [Asset("day_available")]
    ended = run_to_end(mode, page_ids="101", since=DAY, until="2026-11-02", outlets=outlets)
    assert ended.asset_events == {"day_available": ended.value}
    event = SimpleNamespace(extra=ended.asset_events["day_available"])
    (days,) = requested_days({"triggering_asset_events": {"day_available": [event]}})
    assert str(days) == DAY


def test_an_alias_in_its_outlets_is_refused_before_any_request(mode: str, emulator: GraphEmulator) -> None:
    ended = run_to_end(mode, page_ids="101", since=DAY, until="2026-11-02", outlets=[AssetAlias("chosen_later")])
    assert ended.state == "failed"
    assert "AssetAlias('chosen_later')" in ended.message
    assert "a sensor writes none" in ended.message
    assert emulator.stats()["graph_calls"] == 0


@pytest.mark.parametrize(("soft_fail", "state"), [(False, "failed"), (True, "skipped")])
def test_when_no_triggerer_is_left_airflow_itself_ends_the_wait_as_a_timeout(*, soft_fail: bool, state: str) -> None:
    ended = resumed({"error": TriggerFailureReason.TRIGGER_TIMEOUT}, soft_fail=soft_fail)
    assert ended.state == state


@pytest.mark.parametrize(("soft_fail", "state"), [(False, "retried"), (True, "skipped")])
def test_a_trigger_that_crashes_is_retried_and_under_soft_fail_airflow_skips_it(*, soft_fail: bool, state: str) -> None:
    """The one failure soft_fail hides in deferred runs: Airflow tells a sensor no more than that its trigger died."""
    ended = resumed({"error": TriggerFailureReason.TRIGGER_FAILURE}, soft_fail=soft_fail)
    assert ended.state == state
