"""Real DAG runs: which day each schedule loads, and what failures look like."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from support.dag_runs import RunDag

    from airflow_provider_msginsights.emulator import GraphEmulator

LOAD = 'MessagingInsightsOperator(task_id="load", output_path="file://{root}", lookback_days={lookback_days})'
PACIFIC_MIDNIGHT = 'CronDataIntervalTimetable("0 0 * * *", timezone="America/Los_Angeles")'


def load(root: Path, lookback_days: int = 0) -> str:
    return LOAD.format(root=root, lookback_days=lookback_days)


def days_below(root: Path) -> list[str]:
    return sorted(folder.name for folder in root.glob("dt=*"))


@pytest.mark.parametrize(
    ("end_of_interval", "day"),
    [
        (datetime(2026, 3, 9, 7, tzinfo=UTC), "2026-03-08"),
        (datetime(2026, 11, 2, 8, tzinfo=UTC), "2026-11-01"),
    ],
)
def test_an_interval_from_pacific_midnight_to_midnight_loads_its_day(
    run_dag: RunDag, tmp_path: Path, end_of_interval: datetime, day: str
) -> None:
    done = run_dag(load(tmp_path), schedule=PACIFIC_MIDNIGHT, logical_date=end_of_interval)
    assert done.state == "success", done.log
    assert done.dag_run.data_interval_end == end_of_interval
    assert days_below(tmp_path) == [f"dt={day}"]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 3, 10, tzinfo=UTC), "2026-03-08"),
        (datetime(2026, 11, 3, tzinfo=UTC), "2026-11-01"),
    ],
)
def test_at_daily_with_look_back_loads_the_last_day_that_had_ended(
    run_dag: RunDag, tmp_path: Path, moment: datetime, day: str
) -> None:
    done = run_dag(load(tmp_path, lookback_days=1), schedule='"@daily"', logical_date=moment)
    assert done.state == "success", done.log
    assert days_below(tmp_path) == [f"dt={day}"]


def test_at_daily_without_look_back_fails_at_once_and_names_both_cures(
    run_dag: RunDag, tmp_path: Path, emulator: GraphEmulator
) -> None:
    done = run_dag(load(tmp_path), schedule='"@daily"', logical_date=datetime(2026, 3, 10, tzinfo=UTC))
    assert done.state == "failed"
    assert done.tasks["load"].try_number == 1
    assert "lookback_days" in done.log
    assert "CronDataIntervalTimetable" in done.log
    assert emulator.stats()["http_requests"] == 0


def test_a_run_without_a_logical_date_works_with_look_back(run_dag: RunDag, tmp_path: Path) -> None:
    done = run_dag(load(tmp_path, lookback_days=2), run_after=datetime(2026, 11, 3, tzinfo=UTC))
    assert done.state == "success", done.log
    assert days_below(tmp_path) == ["dt=2026-10-31", "dt=2026-11-01"]


def test_the_hour_in_which_a_day_ends_loads_it_and_the_others_are_skipped(run_dag: RunDag, tmp_path: Path) -> None:
    hourly = 'CronDataIntervalTimetable("0 * * * *", timezone="UTC")'
    skipped = run_dag(load(tmp_path), schedule=hourly, logical_date=datetime(2026, 3, 9, 6, tzinfo=UTC))
    assert str(skipped.tasks["load"].state) == "skipped"
    assert "No Pacific day ends within" in skipped.log
    run_dag(load(tmp_path), schedule=hourly, logical_date=datetime(2026, 3, 9, 7, tzinfo=UTC))
    assert days_below(tmp_path) == ["dt=2026-03-08"]


def test_templates_name_the_range(run_dag: RunDag, tmp_path: Path) -> None:
    task = f"""
MessagingInsightsOperator(
    task_id="load",
    page_ids="{{{{ '101' }}}}",
    since="{{{{ data_interval_start.in_timezone('America/Los_Angeles').subtract(days=2) }}}}",
    until="{{{{ data_interval_end }}}}",
    output_path="file://{tmp_path}",
)"""
    done = run_dag(task, schedule=PACIFIC_MIDNIGHT, logical_date=datetime(2026, 3, 10, 7, tzinfo=UTC))
    assert done.state == "success", done.log
    assert days_below(tmp_path) == ["dt=2026-03-07", "dt=2026-03-08", "dt=2026-03-09"]


def test_an_expired_token_fails_at_once_after_one_request(
    run_dag: RunDag, tmp_path: Path, emulator: GraphEmulator
) -> None:
    emulator.expire_token(emulator.page_token("101"))
    done = run_dag(load(tmp_path, lookback_days=1), run_after=datetime(2026, 3, 10, tzinfo=UTC))
    assert done.state == "failed"
    assert done.tasks["load"].try_number == 1
    assert emulator.stats()["http_requests"] == 1
    assert "expired" in done.log
    assert "msginsights_default" in done.log
    assert emulator.page_token("101") not in done.log


def test_an_unknown_metric_fails_before_any_request_and_names_the_nearest(
    run_dag: RunDag, emulator: GraphEmulator
) -> None:
    task = 'MessagingInsightsOperator(task_id="load", metrics="page_message_sent", lookback_days=1)'
    done = run_dag(task, run_after=datetime(2026, 3, 10, tzinfo=UTC))
    assert done.state == "failed"
    assert done.tasks["load"].try_number == 1
    assert "'page_messages_sent'" in done.log
    assert emulator.stats()["http_requests"] == 0


@pytest.mark.parametrize("how", ['mode="poke"', 'mode="reschedule"', "deferrable=True"])
def test_the_sensor_waits_in_every_mode_and_tells_which_days_are_there(
    run_dag: RunDag, emulator: GraphEmulator, how: str
) -> None:
    emulator.set_clock(datetime(2026, 3, 10, 12, tzinfo=UTC))
    task = f'MessagingInsightsSensor(task_id="wait", poke_interval=1, lookback_days=2, {how})'
    done = run_dag(task, run_after=datetime(2026, 3, 10, 12, tzinfo=UTC))
    assert done.state == "success", done.log
    assert done.xcom("wait") == {"days": ["2026-03-08", "2026-03-09"], "page_ids": ["101"]}


def test_an_expired_token_fails_a_deferrable_sensor_after_one_request(run_dag: RunDag, emulator: GraphEmulator) -> None:
    emulator.expire_token(emulator.page_token("101"))
    task = 'MessagingInsightsSensor(task_id="wait", poke_interval=1, lookback_days=1, deferrable=True)'
    done = run_dag(task, run_after=datetime(2026, 3, 10, tzinfo=UTC))
    assert done.state == "failed"
    assert done.tasks["wait"].try_number == 1
    assert emulator.stats()["http_requests"] == 1
    assert "expired" in done.log
