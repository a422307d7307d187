"""Loads on Airflow's distributed executor, with nothing going wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from fsspec.implementations.local import LocalFileSystem
from support.processes import wait_until
from system.cluster import WORKERS
from system.datasets import (
    ALL_METRICS,
    STABLE_METRICS,
    assert_no_request_was_answered_twice,
    assert_same_facts,
    facts_of_emulator,
    facts_stored,
)

if TYPE_CHECKING:
    from system.cluster import Cluster

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


def test_a_daily_load_waits_without_a_worker_slot_and_stores_each_day_once(cluster: Cluster) -> None:
    """Three scheduled days of 20 Pages, the middle one 25 hours long; the last one comes while the sensor waits."""
    emulator, api = cluster.emulator, cluster.api
    page_ids = emulator.page_ids[:20]
    emulator.set_clock(datetime(2026, 11, 3, 8, tzinfo=UTC))
    emulator.configure(readiness_lag_hours=6)
    api.unpause("daily")
    api.wait_for_runs("daily", 2, timeout_seconds=180)
    wait_until(lambda: api.states("daily")["deferred"] == 1, timeout_seconds=60, told=cluster.log_tail)
    assert api.states("daily")["running"] == 0
    expected = facts_of_emulator(emulator, page_ids, ALL_METRICS, date(2026, 10, 31), date(2026, 11, 2))
    emulator.advance(hours=7)
    runs = api.wait_for_runs("daily", 3, timeout_seconds=180)
    assert set(runs.values()) == {"success"}
    expected += facts_of_emulator(emulator, page_ids, ALL_METRICS, date(2026, 11, 2), date(2026, 11, 3))
    assert_same_facts(facts_stored(cluster.store.file_system(), "insights/daily"), expected)


def test_two_years_of_200_pages_are_loaded_by_two_workers_side_by_side(cluster: Cluster) -> None:
    """Eight mapped groups, each with a part of its own; no request is made that had been answered."""
    emulator = cluster.emulator
    page_ids = emulator.page_ids
    first_day, end_day = date(2024, 11, 1), date(2026, 11, 1)
    folder = cluster.folder / "two_years"
    conf = {
        "groups": [page_ids[start : start + 25] for start in range(0, len(page_ids), 25)],
        "since": first_day.isoformat(),
        "until": end_day.isoformat(),
        "output_path": folder.as_uri(),
    }
    run_id = cluster.api.trigger("mapped", conf)
    expected = facts_of_emulator(emulator, page_ids, STABLE_METRICS, first_day, end_day)
    assert cluster.api.wait_for_run("mapped", run_id, timeout_seconds=400) == "success"
    assert_no_request_was_answered_twice(emulator)
    assert all("Workload finished" in cluster.components[worker].log for worker in WORKERS)
    assert_same_facts(facts_stored(LocalFileSystem(), str(folder)), expected)
