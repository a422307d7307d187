"""A schedule that leaves days behind while Meta may still restate them is warned about, once and where it is true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_msginsights.insights.dates import end_of_day, pacific_date
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("connection")

YESTERDAY = pacific_date(datetime.now(UTC)) - timedelta(days=1)
END = end_of_day(YESTERDAY)
START = end_of_day(YESTERDAY - timedelta(days=1))


def warned(
    capfd: pytest.CaptureFixture[str],
    *,
    run_type: str = "scheduled",
    start: datetime = START,
    end: datetime = END,
    map_index: int = -1,
    **parameters: Any,
) -> list[str]:
    """The warnings of a run over this interval; by default the one of yesterday."""
    dag_run = SimpleNamespace(run_type=run_type, data_interval_start=start, data_interval_end=end, run_after=end)
    context: Any = {"dag_run": dag_run, "ti": SimpleNamespace(map_index=map_index)}
    task = MessagingInsightsOperator(task_id="load", metrics="page_messages_sent", on_empty="succeed", **parameters)
    capfd.readouterr()
    task.execute(context)
    return [line for line in capfd.readouterr().out.splitlines() if "is loaded for the last time" in line]


def test_a_daily_run_without_look_back_leaves_its_day_behind(capfd: pytest.CaptureFixture[str]) -> None:
    (line,) = warned(capfd)
    assert f"Pacific day {YESTERDAY} ended" in line
    assert "Set lookback_days=2." in line


def test_the_look_back_it_names_is_enough(capfd: pytest.CaptureFixture[str]) -> None:
    assert len(warned(capfd, lookback_days=1)) == 1
    assert warned(capfd, lookback_days=2) == []


def test_what_counts_as_final_decides(capfd: pytest.CaptureFixture[str]) -> None:
    assert warned(capfd, final_after_hours=0) == []
    (line,) = warned(capfd, lookback_days=2, final_after_hours="96")
    assert "Set lookback_days=4." in line


def test_on_a_run_without_length_the_first_day_is_the_one_left_behind(capfd: pytest.CaptureFixture[str]) -> None:
    (line,) = warned(capfd, start=END, lookback_days=2)
    assert f"Pacific day {YESTERDAY - timedelta(days=1)} ended" in line
    assert warned(capfd, start=END, lookback_days=3) == []


def test_a_weekly_run_is_warned_of_its_youngest_day(capfd: pytest.CaptureFixture[str]) -> None:
    (line,) = warned(capfd, start=START - timedelta(days=6))
    assert f"Pacific day {YESTERDAY} ended" in line


@pytest.mark.parametrize(
    "different",
    [
        {"run_type": "backfill"},
        {"run_type": "manual"},
        {"run_type": "asset_triggered"},
        {"since": YESTERDAY},
        {"date_preset": "yesterday"},
        {"map_index": 1},
        {"start": START - timedelta(days=60), "end": END - timedelta(days=60)},
    ],
    ids=str,
)
def test_nobody_else_is_bothered(capfd: pytest.CaptureFixture[str], different: dict[str, Any]) -> None:
    """Not runs that promise no successor, nor ranges somebody named, nor a catch-up whose days are final by now."""
    assert warned(capfd, **different) == []


def test_the_warning_costs_no_call(emulator: GraphEmulator, capfd: pytest.CaptureFixture[str]) -> None:
    assert warned(capfd)
    assert emulator.stats()["graph_calls"] == 1
