"""The event-driven examples: their assets, watchers and events fit together; a real Airflow runs them in system/."""

from __future__ import annotations

import runpy
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from airflow.triggers.base import BaseEventTrigger
from support.airflow_versions import needs_airflow
from support.paths import EXAMPLES

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.triggers.new_day import MessagingInsightsNewDayTrigger

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator


def example(name: str) -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


@needs_airflow("3.3", "watchers have a memory")
def test_event_driven_loads_the_pages_it_watches() -> None:
    found = example("event_driven")
    (watcher,) = found["new_day"].watchers
    (load,) = found["dag"].tasks
    assert isinstance(watcher.trigger, MessagingInsightsNewDayTrigger)
    assert isinstance(load, MessagingInsightsOperator)
    assert watcher.trigger.page_ids == load.page_ids
    assert (load.since, load.until) == (None, None), "the days are those that the events name"


def test_event_driven_on_an_airflow_without_memory_for_watchers_says_what_to_use_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(BaseEventTrigger, "create_shared_stream_producer", raising=False)
    with pytest.raises(ConfigurationError, match=r"needs Airflow 3\.3 or newer.*MessagingInsightsSensor.*outlets="):
        example("event_driven")


def test_sensor_as_event_source_tells_of_the_day_its_run_is_about(
    airflow_database: Path, emulator: GraphEmulator, connection: None
) -> None:
    del connection
    emulator.set_clock(datetime(2026, 11, 18, 12, tzinfo=UTC))
    copy = airflow_database / "dags" / "sensor_as_event_source.py"
    shutil.copy(EXAMPLES / copy.name, copy)
    dag = runpy.run_path(str(copy))["dag"]
    done = dag.test(logical_date=datetime(2026, 11, 18, 8, tzinfo=UTC))
    copy.unlink()
    assert str(done.state) == "success"
    sql = "SELECT a.name, e.extra FROM asset_event e JOIN asset a ON a.id = e.asset_id WHERE e.source_dag_id = ?"
    with closing(sqlite3.connect(airflow_database / "airflow.db", timeout=30)) as database:
        ((asset, extra),) = database.execute(sql, [dag.dag_id]).fetchall()
    assert asset == "messaging_insights_day_available"
    assert '"2026-11-17"' in extra
