"""Which days each kind of schedule loads, through real DAG runs; one run carries several tasks where it can.

Runs that only a scheduler makes (catch-up, backfill, asset-triggered, partitioned) are in ``tests/system``.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from support.dag_runs import RunDag

    from airflow_provider_msginsights.emulator import GraphEmulator


THOROUGH = pytest.mark.thorough


def task(root: Path, name: str, parameters: str = "") -> str:
    """A load into a directory of its own."""
    return f'MessagingInsightsOperator(task_id="{name}", output_path="file://{root}/{name}", {parameters})'


def loaded(root: Path, name: str) -> list[str]:
    return sorted(folder.name.removeprefix("dt=") for folder in (root / name).glob("dt=*"))


def days(first: date, last: date) -> list[str]:
    return [str(first + timedelta(days=count)) for count in range((last - first).days + 1)]


def cron(expression: str, zone: str) -> str:
    return f'CronDataIntervalTimetable("{expression}", timezone="{zone}")'


@pytest.mark.parametrize(
    ("schedule", "end_of_interval", "expected"),
    [
        (cron("0 0 * * *", "UTC"), datetime(2026, 3, 10, tzinfo=UTC), ["2026-03-08"]),
        pytest.param(
            cron("0 0 * * *", "Asia/Tokyo"), datetime(2026, 3, 9, 15, tzinfo=UTC), ["2026-03-08"], marks=THOROUGH
        ),
        pytest.param(
            cron("0 6 * * *", "Europe/Berlin"), datetime(2026, 10, 25, 5, tzinfo=UTC), ["2026-10-23"], marks=THOROUGH
        ),
        (
            cron("0 0 * * 1", "America/Los_Angeles"),
            datetime(2026, 3, 9, 7, tzinfo=UTC),
            days(date(2026, 3, 2), date(2026, 3, 8)),
        ),
        pytest.param(
            cron("0 0 1 * *", "America/Los_Angeles"),
            datetime(2026, 3, 1, 8, tzinfo=UTC),
            days(date(2026, 2, 1), date(2026, 2, 28)),
            marks=THOROUGH,
        ),
    ],
    ids=["daily UTC", "daily Tokyo", "daily Berlin", "weekly", "monthly"],
)
def test_an_interval_loads_the_days_that_end_in_it_and_look_back_adds_days_before(
    run_dag: RunDag, tmp_path: Path, schedule: str, end_of_interval: datetime, expected: list[str]
) -> None:
    tasks = [task(tmp_path, "plain"), task(tmp_path, "back", "lookback_days=2")]
    done = run_dag("\n".join(tasks), schedule=schedule, logical_date=end_of_interval)
    assert done.state == "success", done.log
    assert loaded(tmp_path, "plain") == expected
    first = date.fromisoformat(expected[0])
    assert loaded(tmp_path, "back") == [*days(first - timedelta(days=2), first - timedelta(days=1)), *expected]


@pytest.mark.parametrize(
    "schedule",
    ['"30 9 * * *"', *(pytest.param(one, marks=THOROUGH) for one in ("datetime.timedelta(days=1)", "None"))],
    ids=["cron", "timedelta", "manual"],
)
def test_a_run_without_length_needs_look_back_a_preset_or_dates(
    run_dag: RunDag, tmp_path: Path, emulator: GraphEmulator, schedule: str
) -> None:
    tasks = [
        task(tmp_path, "refused"),
        task(tmp_path, "last_one", "lookback_days=1"),
        task(tmp_path, "last_three", 'lookback_days="3"'),
        task(tmp_path, "preset", 'date_preset="last_week_mon_sun"'),
        task(tmp_path, "dates", 'since="2026-02-01", until="2026-02-03"'),
    ]
    done = run_dag("\n".join(tasks), schedule=schedule, logical_date=datetime(2026, 3, 10, 9, 30, tzinfo=UTC))
    assert str(done.tasks["refused"].state) == "failed"
    assert done.tasks["refused"].try_number == 1
    assert "CronDataIntervalTimetable" in done.log
    assert loaded(tmp_path, "refused") == []
    assert loaded(tmp_path, "last_one") == ["2026-03-09"]
    assert loaded(tmp_path, "last_three") == ["2026-03-07", "2026-03-08", "2026-03-09"]
    assert loaded(tmp_path, "preset") == days(date(2026, 3, 2), date(2026, 3, 8))
    assert loaded(tmp_path, "dates") == ["2026-02-01", "2026-02-02"]
    assert emulator.stats()["graph_calls"] == 4


def test_cuts_between_seven_and_eight_utc_lose_and_double_no_day_over_the_clock_changes(
    run_dag: RunDag, tmp_path: Path
) -> None:
    """Half past seven UTC lies before Pacific midnight in winter and after it in summer."""
    half_past_seven = cron("30 7 * * *", "UTC")
    ends: Iterable[tuple[int, int, list[str]]] = (
        (3, 8, ["2026-03-06"]),
        (3, 9, ["2026-03-07", "2026-03-08"]),
        (11, 1, ["2026-10-31"]),
        (11, 2, []),
        (11, 3, ["2026-11-01"]),
    )
    for month, day, expected in ends:
        name = f"until_{month}_{day}"
        moment = datetime(2026, month, day, 7, 30, tzinfo=UTC)
        done = run_dag(task(tmp_path, name), schedule=half_past_seven, logical_date=moment)
        assert loaded(tmp_path, name) == expected
        assert str(done.tasks[name].state) == ("success" if expected else "skipped"), done.log


def test_a_run_of_january_that_is_run_today_means_january(run_dag: RunDag, tmp_path: Path) -> None:
    tasks = [
        task(tmp_path, "month", 'date_preset="last_month"'),
        task(tmp_path, "yesterday", 'date_preset="yesterday"'),
    ]
    schedule = cron("0 0 * * *", "America/Los_Angeles")
    done = run_dag("\n".join(tasks), schedule=schedule, logical_date=datetime(2026, 1, 20, 8, tzinfo=UTC))
    assert done.state == "success", done.log
    assert loaded(tmp_path, "month") == days(date(2025, 12, 1), date(2025, 12, 31))
    assert loaded(tmp_path, "yesterday") == ["2026-01-19"]
