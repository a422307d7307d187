"""Loads on Airflow's distributed executor while something breaks: nothing is lost, nothing is doubled."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.processes import wait_until
from system.airflow_api import ENDED
from system.datasets import (
    STABLE_METRICS,
    assert_no_request_was_answered_twice,
    assert_same_facts,
    facts_of_emulator,
    facts_stored,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from system.cluster import Cluster

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

FIRST_DAY, END_DAY = date(2026, 5, 1), date(2026, 11, 1)
GROUPS = 4
MIDDLE_CALLS = 25
"""Of the 60 requests that the load of 20 Pages and three windows takes, and a few for tokens."""

TRIGGERED_TASKS = 50


def start_load(cluster: Cluster, folder: str) -> str:
    """Start to load half a year of 20 Pages, bit by bit, in as many groups as the workers have slots."""
    page_ids = twenty_pages(cluster)
    conf = {
        "msginsights_conn_id": "msginsights_bit_by_bit",
        "groups": [page_ids[start::GROUPS] for start in range(GROUPS)],
        "since": FIRST_DAY.isoformat(),
        "until": END_DAY.isoformat(),
        "output_path": f"s3://s3@insights/{folder}",
    }
    return cluster.api.trigger("mapped", conf)


def twenty_pages(cluster: Cluster) -> Sequence[str]:
    return cluster.emulator.page_ids[:20]


def wait_for_calls(cluster: Cluster, count: int) -> None:
    """Wait until the load is under way: so many calls were made."""
    wait_until(
        lambda: cluster.emulator.stats()["graph_calls"] >= count,
        timeout_seconds=120,
        told=cluster.log_tail,
        every_seconds=0.05,
    )


def assert_loaded(cluster: Cluster, folder: str, run_id: str, *, timeout_seconds: float = 300) -> None:
    """The run succeeds, and leaves exactly what the emulator says."""
    assert cluster.api.wait_for_run("mapped", run_id, timeout_seconds=timeout_seconds) == "success"
    expected = facts_of_emulator(cluster.emulator, twenty_pages(cluster), STABLE_METRICS, FIRST_DAY, END_DAY)
    assert_same_facts(facts_stored(cluster.store.file_system(), f"insights/{folder}"), expected)


def tries(cluster: Cluster, run_id: str) -> list[int]:
    return [
        instance["try_number"]
        for instance in cluster.api.task_instances("mapped", run_id)
        if instance["task_id"] == "load"
    ]


def test_a_limit_in_the_middle_makes_tasks_wait_without_a_slot_and_lose_nothing(cluster: Cluster) -> None:
    emulator, api = cluster.emulator, cluster.api
    emulator.configure(batch_part_ms=100)
    run_id = start_load(cluster, "throttled")
    wait_for_calls(cluster, MIDDLE_CALLS)
    for page_id in twenty_pages(cluster):
        emulator.set_throttled(page_id, minutes=0.5)
    api.wait_for_states("mapped", run_id, "load", {"deferred": 1}, timeout_seconds=120)
    wait_until(lambda: api.states("mapped", run_id)["running"] == 0, timeout_seconds=45, told=cluster.log_tail)
    assert api.states("mapped", run_id)["deferred"]
    assert api.wait_for_run("mapped", run_id, timeout_seconds=300) == "success"
    assert_no_request_was_answered_twice(emulator)
    assert_loaded(cluster, "throttled", run_id)


def test_a_worker_killed_while_it_stores_leaves_nothing_half_done(cluster: Cluster) -> None:
    file_system = cluster.store.file_system()
    # Long enough that all groups are loaded at the same time.
    cluster.emulator.configure(batch_part_ms=400)
    run_id = start_load(cluster, "killed_worker")
    cluster.api.wait_for_states("mapped", run_id, "load", {"running": GROUPS}, timeout_seconds=120)
    wait_until(
        lambda: bool(file_system.glob("insights/killed_worker/dt=*")),
        timeout_seconds=120,
        told=cluster.log_tail,
        every_seconds=0.05,
    )
    cluster.components["worker-1"].kill()
    cluster.revive()
    assert_loaded(cluster, "killed_worker", run_id)
    assert max(tries(cluster, run_id)) > 1


def test_the_triggerer_killed_while_50_tasks_wait_forgets_none(cluster: Cluster) -> None:
    emulator, api = cluster.emulator, cluster.api
    emulator.set_clock(datetime(2026, 11, 3, 8, tzinfo=UTC))
    emulator.configure(readiness_lag_hours=6)
    run_id = api.trigger("waiting", {"tasks": TRIGGERED_TASKS, "day": "2026-11-02", "next_day": "2026-11-03"})
    api.wait_for_states("waiting", run_id, "available", {"deferred": TRIGGERED_TASKS}, timeout_seconds=240)
    # What triggers were given lies open in this database: a token among it would be found.
    assert b"msginsights_conn_id" in cluster.postgres.dump()
    cluster.components["triggerer"].kill()
    emulator.advance(hours=7)
    cluster.revive()
    assert api.wait_for_run("waiting", run_id, timeout_seconds=240) == "success"
    waited = [one for one in api.task_instances("waiting", run_id) if one["task_id"] == "available"]
    assert [one["try_number"] for one in waited] == [1] * TRIGGERED_TASKS
    expected = facts_of_emulator(emulator, twenty_pages(cluster), STABLE_METRICS, date(2026, 11, 2), date(2026, 11, 3))
    assert_same_facts(facts_stored(cluster.store.file_system(), "insights/waiting"), expected)


def test_an_api_that_is_down_for_two_minutes_delays_the_load_and_no_more(cluster: Cluster) -> None:
    cluster.emulator.configure(batch_part_ms=100)
    run_id = start_load(cluster, "api_down")
    wait_for_calls(cluster, MIDDLE_CALLS)
    cluster.emulator.stop()
    try:
        time.sleep(120)
    finally:
        cluster.emulator.start()
    assert_loaded(cluster, "api_down", run_id)


def test_a_metadata_database_that_restarts_costs_at_most_a_retry(cluster: Cluster) -> None:
    cluster.emulator.configure(batch_part_ms=100)
    run_id = start_load(cluster, "database_restarted")
    wait_for_calls(cluster, MIDDLE_CALLS)
    cluster.postgres.stop()
    try:
        time.sleep(5)
    finally:
        cluster.postgres.start()
    wait_until(lambda: has_ended(cluster, run_id), timeout_seconds=300, told=cluster.log_tail, every_seconds=2)
    assert_loaded(cluster, "database_restarted", run_id)
    wait_until(lambda: is_well_again(cluster), timeout_seconds=120, told=cluster.log_tail)


def is_well_again(cluster: Cluster) -> bool:
    """Start again what the outage ended, which may take its time to end, and tell whether all components are well."""
    cluster.revive()
    return cluster.is_healthy()


def has_ended(cluster: Cluster, run_id: str) -> bool:
    """Start again what the outage ended, and tell whether the run has ended."""
    cluster.revive()
    with contextlib.suppress(httpx.HTTPError):
        return cluster.api.runs("mapped")[run_id] in ENDED
    return False


def test_an_expired_token_of_one_page_costs_that_page_alone(cluster: Cluster) -> None:
    emulator = cluster.emulator
    emulator.expire_token(emulator.page_token("107"))
    span = {"since": "2026-10-01", "until": "2026-11-01"}
    run_id = cluster.api.trigger("tolerant", span)
    assert cluster.api.wait_for_run("tolerant", run_id, timeout_seconds=120) == "success"
    good = [page_id for page_id in twenty_pages(cluster) if page_id != "107"]
    expected = facts_of_emulator(emulator, good, STABLE_METRICS, date(2026, 10, 1), date(2026, 11, 1))
    assert_same_facts(facts_stored(cluster.store.file_system(), "insights/tolerant"), expected)
    summary: Any = cluster.api.xcom("tolerant", run_id, "load")
    assert (summary["page_count"], summary["failed_page_count"]) == (19, 1)
