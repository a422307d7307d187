"""A triggerer that is killed amid its work, and another one that takes over: real processes, real database."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.airflow_versions import WATCHERS_HAVE_MEMORY
from support.local_airflow import COMPONENTS, LocalAirflow

from airflow_provider_msginsights.insights.dates import last_days_ended_by

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

SENSORS, DAYS = 50, 3
WATCHERS = 5 if WATCHERS_HAVE_MEMORY else 0
DAGS = """
from datetime import timedelta
import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

start = pendulum.datetime(2026, 1, 1, tz="America/Los_Angeles")

with DAG("waits", schedule="@once", start_date=start, is_paused_upon_creation=False, max_active_tasks=64):
    # A task may be retried: SQLite can be too busy for a worker's first words.
    MessagingInsightsSensor.partial(
        task_id="wait",
        since="LAST_DAY",
        until="END_DAY",
        deferrable=True,
        poke_interval=2,
        retries=9,
        retry_delay=timedelta(0),
    ).expand(page_ids=[str(101 + n % 15) for n in range(SENSORS)])
"""
DAGS_OF_WATCHERS = """
from airflow.sdk import Asset, AssetWatcher
from airflow_provider_msginsights.triggers.new_day import MessagingInsightsNewDayTrigger

for n in range(WATCHERS):
    trigger = MessagingInsightsNewDayTrigger(page_ids=str(116 + n), first_day="FIRST_DAY", poll_interval_seconds=2)
    asset = Asset(f"page_{116 + n}", watchers=[AssetWatcher(name="new_day", trigger=trigger)])
    with DAG(f"triggered_{n}", schedule=[asset], start_date=start, is_paused_upon_creation=False):
        EmptyOperator(task_id="done")
"""
"""For Airflow 3.3 and newer."""

FIRST_WATCHED = ("116", "117")
"""Pages that watchers may tell of before the triggerer is killed."""

DEFERRED = "SELECT count(*) FROM task_instance WHERE state = 'deferred'"
WATCHED = "SELECT count(*) FROM asset_watcher"
EVENTS = "SELECT a.name, e.extra FROM asset_event e JOIN asset a ON a.id = e.asset_id"
TASKS = "SELECT state, count(*) FROM task_instance WHERE task_id = 'wait' GROUP BY state"


def told(airflow: LocalAirflow) -> dict[str, list[tuple[str, str]]]:
    """Day and id of every event, by asset."""
    events: dict[str, list[tuple[str, str]]] = {}
    for name, extra in airflow.query(EVENTS):
        payload = json.loads(extra)["payload"]
        events.setdefault(name, []).append((payload["day"], payload["event_id"]))
    return events


@pytest.mark.system
@pytest.mark.timeout(1500)
def test_when_the_triggerer_is_killed_every_sensor_ends_and_no_day_is_lost(
    tmp_path: Path, emulator: GraphEmulator, migrated_database: Path
) -> None:
    range_of_days = last_days_ended_by(datetime.now(UTC), DAYS)
    days = [day.isoformat() for day in range_of_days]
    emulator.configure(readiness_lag_hours=24 * 5)
    connection = {"conn_type": "msginsights", "host": emulator.base_url, "password": emulator.system_user_token}
    airflow = LocalAirflow(
        home=tmp_path / "airflow",
        connections={"msginsights_default": json.dumps(connection)},
        options={
            "CORE__PARALLELISM": "2",
            "TRIGGERER__JOB_HEARTBEAT_SEC": "1",
            "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
        },
        migrated=migrated_database,
    )
    dags = f"SENSORS, WATCHERS = {SENSORS}, {WATCHERS}\n{DAGS}{DAGS_OF_WATCHERS if WATCHERS else ''}"
    for word, day in {"FIRST_DAY": days[0], "LAST_DAY": days[-1], "END_DAY": str(range_of_days.end_day)}.items():
        dags = dags.replace(word, day)

    def everything_waits() -> bool:
        watched = not WATCHERS or airflow.query(WATCHED) == [(WATCHERS,)]
        return watched and airflow.query(DEFERRED) == [(SENSORS,)]

    def every_day_is_told() -> bool:
        return [len({day for day, _ in those}) for those in told(airflow).values()] == [DAYS] * WATCHERS

    with airflow.running([component for component in COMPONENTS if component != "triggerer"]):
        airflow.add_dags("dags", dags)
        with airflow.component("triggerer") as first:
            airflow.wait_until(everything_waits, timeout_seconds=600)
            for page_id in (*map(str, range(101, 108)), *FIRST_WATCHED):
                emulator.change_page(page_id, readiness_lag_hours=0)
            airflow.wait_until(lambda: airflow.query(DEFERRED) < [(SENSORS,)], timeout_seconds=120)
            first.kill()
        assert airflow.query(DEFERRED) > [(0,)], "it was to be killed in the middle"
        emulator.configure(readiness_lag_hours=0)
        with airflow.component("triggerer"):
            airflow.wait_until(lambda: airflow.query(TASKS) == [("success", SENSORS)], timeout_seconds=600)
            airflow.wait_until(every_day_is_told, timeout_seconds=120)
    for asset, those in told(airflow).items():
        assert sorted({day for day, _ in those}) == days
        assert len(set(those)) == DAYS, "a day that is told of twice has the same id"
        was_killed = asset in {f"page_{page_id}" for page_id in FIRST_WATCHED}
        assert len(those) <= (2 * DAYS if was_killed else DAYS), "twice only what was told of right before the kill"
