"""Loads on Airflow's distributed executor, with nothing going wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from system.datasets import ALL_METRICS, STABLE_METRICS, assert_same_facts, facts_of_emulator, facts_stored
from system.waiting import wait_until

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
