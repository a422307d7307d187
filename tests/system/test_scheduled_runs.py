"""Runs that Airflow's own scheduler makes, around the two days of the year that are not 24 hours long."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.execution_time.context import OutletEventAccessor
from support.airflow_versions import HAS_PARTITIONS
from support.local_airflow import WITHOUT_UI, LocalAirflow
from support.secret_watch import Secrets, Watch

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

HEAD = """
from datetime import timedelta
import pendulum
from airflow.sdk import DAG, Asset, task
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

PACIFIC = "America/Los_Angeles"
LABEL = "{{ logical_date.in_timezone('America/Los_Angeles').to_date_string() }}"


def day(*date):
    return pendulum.datetime(*date, tz=PACIFIC)


def load(folder, **parameters):
    return MessagingInsightsOperator(
        task_id="load", page_ids="101", output_path=f"file://OUTPUT/{folder}", **parameters
    )
"""

DAGS = """
SPANS = {"spring": (day(2026, 3, 7), day(2026, 3, 9)), "autumn": (day(2026, 10, 31), day(2026, 11, 2))}

for name, (first, last) in SPANS.items():
    with DAG(
        name,
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=PACIFIC),
        start_date=first,
        end_date=last,
        catchup=True,
        max_active_runs=1,
        is_paused_upon_creation=False,
    ):
        available = MessagingInsightsSensor(task_id="available", page_ids="101", deferrable=name == "spring")
        available >> load(f"{name}/{LABEL}")

with DAG(
    "backfilled",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone=PACIFIC),
    start_date=day(2026, 1, 1),
    end_date=day(2026, 6, 1),
    catchup=False,
    is_paused_upon_creation=False,
):
    load("backfilled/" + LABEL, lookback_days=3)

with DAG("waiting", schedule="@once", start_date=day(2026, 1, 1), is_paused_upon_creation=False):
    # It may be retried: Airflow fails a task that can go on before its executor noted that it was put off.
    MessagingInsightsSensor(
        task_id="available",
        page_ids="101",
        since="2026-11-18",
        until="2026-11-20",
        deferrable=True,
        poke_interval=1,
        retries=1,
        retry_delay=timedelta(0),
    )

named_days = Asset("named_days")

with DAG("producer", schedule="@once", start_date=day(2026, 1, 1), is_paused_upon_creation=False):

    @task(outlets=[named_days])
    def name_days(*, outlet_events):
        outlet_events[named_days].extra = {"days": ["2026-03-08", "2026-11-01"]}

    name_days()

with DAG("triggered", schedule=[named_days], start_date=day(2026, 1, 1), is_paused_upon_creation=False):
    load("triggered")
"""

SMOKE_DAG = """
with DAG(
    "scheduled",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone=PACIFIC),
    start_date=day(2026, 3, 8),
    end_date=day(2026, 3, 8),
    catchup=True,
    is_paused_upon_creation=False,
):
    # It may be retried: Airflow fails a task that can go on before its executor noted that it was put off.
    available = MessagingInsightsSensor(
        task_id="available", page_ids="101", deferrable=True, poke_interval=1, retries=1, retry_delay=timedelta(0)
    )
    available >> load("scheduled")
"""
"""A run that the scheduler makes and that waits in the triggerer: what every test run has time for."""

PARTITIONED_DAG = """
from airflow.sdk import CronPartitionTimetable

with DAG(
    "partitioned",
    schedule=CronPartitionTimetable("0 0 * * *", timezone=PACIFIC, run_offset=-1),
    start_date=day(2026, 3, 8),
    end_date=day(2026, 3, 10),
    catchup=True,
    is_paused_upon_creation=False,
):
    load("partitioned/{{ partition_key[:10] }}")
"""
"""For Airflow 3.2 and newer."""

FOLLOWING_DAGS = """
loaded_days = Asset("loaded_days")

with DAG("teller", schedule="@once", start_date=day(2026, 1, 1), is_paused_upon_creation=False):
    load("teller", since="2026-03-07", until="2026-03-09", outlets=[loaded_days])

with DAG("follower", schedule=[loaded_days], start_date=day(2026, 1, 1), is_paused_upon_creation=False):
    load("follower")

with DAG(
    "january",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone=PACIFIC),
    start_date=day(2026, 1, 20),
    end_date=day(2026, 1, 20),
    catchup=True,
    is_paused_upon_creation=False,
):
    load("january", date_preset="last_week_mon_sun")
"""
FOLLOWING_BY_PARTITION = """
from airflow.sdk import PartitionedAssetTimetable

with DAG(
    "by_partition",
    schedule=PartitionedAssetTimetable(assets=loaded_days),
    start_date=day(2026, 1, 1),
    is_paused_upon_creation=False,
):
    load("by_partition")
"""
"""For Airflow 3.3 and newer, where a task gives an asset's partition keys."""

FOLLOWED = {
    *((folder, f"dt={day}") for folder in ("teller", "follower") for day in ("2026-03-07", "2026-03-08")),
    *(("january", f"dt=2026-01-{day}") for day in range(12, 19)),
}
FOLLOWED_BY_PARTITION = {("by_partition", f"dt={day}") for day in ("2026-03-07", "2026-03-08")}
TASKS_GIVE_PARTITIONS = hasattr(OutletEventAccessor, "add_partitions")

EXPECTED = {
    *((f"spring/{day}", f"dt={day}") for day in ("2026-03-07", "2026-03-08", "2026-03-09")),
    *((f"autumn/{day}", f"dt={day}") for day in ("2026-10-31", "2026-11-01", "2026-11-02")),
    *((f"backfilled/{day}", f"dt={day}") for day in ("2026-03-08", "2026-03-09")),
    ("triggered", "dt=2026-03-08"),
    ("triggered", "dt=2026-11-01"),
}


def is_deferred(airflow: LocalAirflow, dag_id: str) -> bool:
    """Whether a task of the DAG waits in the triggerer."""
    return (dag_id, "deferred") in airflow.query("SELECT dag_id, state FROM task_instance")


@dataclass(frozen=True)
class Place:
    """An Airflow that is not running yet, its emulator, and where its loads write."""

    airflow: LocalAirflow
    emulator: GraphEmulator
    output: Path

    def loaded(self) -> set[tuple[str, str]]:
        """The folder and the partition of each file."""
        files = self.output.rglob("dt=*/part-0.jsonl")
        return {(str(file.parents[1].relative_to(self.output)), file.parent.name) for file in files}

    def look_for_the_token(self) -> None:
        watch = Watch(Secrets({"token": self.emulator.page_token("101")}))
        watch.see_files(self.airflow.home, channel="Airflow's home")
        watch.see_files(self.output, channel="output")
        assert watch.saw("Airflow's home triggerer.log")
        assert watch.leaks() == []


@pytest.fixture
def place(tmp_path: Path, emulator: GraphEmulator, migrated_database: Path) -> Place:
    emulator.set_clock(datetime(2026, 11, 20, tzinfo=UTC))
    connection = {"conn_type": "msginsights", "host": emulator.base_url, "password": emulator.page_token("101")}
    airflow = LocalAirflow(
        home=tmp_path / "airflow",
        connections={"msginsights_default": json.dumps(connection)},
        migrated=migrated_database,
    )
    return Place(airflow, emulator, tmp_path / "output")


@pytest.mark.system
@pytest.mark.smoke
@pytest.mark.timeout(900)
def test_a_scheduled_run_waits_for_the_end_of_its_day_in_the_triggerer_and_loads_it(place: Place) -> None:
    airflow = place.airflow
    place.emulator.set_clock(datetime(2026, 3, 9, tzinfo=UTC))
    with airflow.running(WITHOUT_UI):
        airflow.add_dags("dags", (HEAD + SMOKE_DAG).replace("OUTPUT", str(place.output)))
        airflow.wait_until(lambda: is_deferred(airflow, "scheduled"), timeout_seconds=300)
        place.emulator.advance(hours=12)
        runs = airflow.wait_for_runs({"scheduled": 1}, timeout_seconds=300)
    assert runs == [("scheduled", "scheduled", "success")], airflow.told()
    assert place.loaded() == {("scheduled", "dt=2026-03-08")}
    place.look_for_the_token()


@pytest.mark.system
@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_every_kind_of_run_loads_the_days_it_is_about(place: Place) -> None:
    """A run loads the Pacific day that is its interval, a backfill run too; the others load the days named to them.

    One of them has to wait for its day, in the triggerer.
    """
    airflow, output = place.airflow, place.output
    partitioned = PARTITIONED_DAG if HAS_PARTITIONS else ""
    by_partition_too = FOLLOWING_BY_PARTITION if TASKS_GIVE_PARTITIONS else ""
    dags = (HEAD + DAGS + partitioned + FOLLOWING_DAGS + by_partition_too).replace("OUTPUT", str(output))
    with airflow.running():
        airflow.add_dags("dags", dags)
        expected_runs = {"spring": 3, "autumn": 3, "producer": 1, "triggered": 1, "waiting": 1}
        expected_runs |= {"partitioned": 2} if HAS_PARTITIONS else {}
        expected_runs |= {"teller": 1, "follower": 1, "january": 1}
        expected_runs |= {"by_partition": 2} if TASKS_GIVE_PARTITIONS else {}
        airflow.wait_until(lambda: is_deferred(airflow, "waiting"), timeout_seconds=300)
        place.emulator.advance(hours=12)
        airflow.wait_for_runs(expected_runs, timeout_seconds=300)
        span = ("--from-date", "2026-03-08T08:00:00+00:00", "--to-date", "2026-03-09T07:00:00+00:00")
        shutil.rmtree(output / "january")
        airflow.run_command("tasks", "clear", "january", "--yes")
        airflow.run_command("backfill", "create", "--dag-id", "backfilled", *span)
        runs = airflow.wait_for_runs({"backfilled": 2}, timeout_seconds=300)
    assert {run.state for run in runs} == {"success"}, airflow.told()
    kinds = Counter((run.dag_id, run.run_type) for run in runs)
    assert kinds["spring", "scheduled"] == 3
    assert kinds["backfilled", "backfill"] == 2
    assert kinds["triggered", "asset_triggered"] == 1
    assert kinds["follower", "asset_triggered"] == 1
    loaded = place.loaded()
    by_partition = {(folder, day) for folder, day in loaded if folder.startswith("partitioned/")}
    assert len(by_partition) >= 2 or not HAS_PARTITIONS
    assert all(day == f"dt={folder.removeprefix('partitioned/')}" for folder, day in by_partition)
    followed = FOLLOWED | (FOLLOWED_BY_PARTITION if TASKS_GIVE_PARTITIONS else set())
    assert loaded - by_partition == EXPECTED | followed
    place.look_for_the_token()
