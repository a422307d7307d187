"""What one deferred sensor costs the triggerer: many triggers in one event loop, polling an API that is not ready.

python -m peers.trigger_cost ours http://127.0.0.1:8099 200 2026-11-19
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peers.jobs import USER_TOKEN, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.triggers.base import BaseTrigger

POLL_SECONDS = 5.0
POLLS = 3


def ours(base_url: str, day: date) -> Callable[[], BaseTrigger]:
    from airflow_provider_msginsights.triggers.msginsights import MessagingInsightsAvailabilityTrigger

    os.environ["AIRFLOW_CONN_MSGINSIGHTS_DEFAULT"] = json.dumps(
        {"conn_type": "msginsights", "host": base_url, "password": "page-token-101", "extra": {"api_version": VERSION}}
    )
    return lambda: MessagingInsightsAvailabilityTrigger(
        msginsights_conn_id="msginsights_default",
        page_ids=["101"],
        metrics=["page_messages_new_conversations_unique"],
        ranges=[[day.isoformat(), (day + timedelta(days=1)).isoformat()]],
        poll_interval_seconds=POLL_SECONDS,
    )


def http(base_url: str, _: date) -> Callable[[], BaseTrigger]:
    """HttpSensor's trigger; it takes 404 for "not yet", so that is what a path without a meaning answers."""
    from airflow.providers.http.triggers.http import HttpSensorTrigger

    os.environ["AIRFLOW_CONN_GRAPH"] = json.dumps({"conn_type": "http", "host": base_url})
    return lambda: HttpSensorTrigger(
        http_conn_id="graph",
        endpoint="/_emulator/not-yet",
        headers={"Authorization": f"Bearer {USER_TOKEN}"},
        poke_interval=POLL_SECONDS,
    )


async def run(new: Callable[[], BaseTrigger], count: int) -> dict[str, Any]:
    """Start them all, let them poll, and see what that took beyond the first one."""

    async def wait_for(trigger: BaseTrigger) -> None:
        async for event in trigger.run():
            raise AssertionError(f"The trigger should still wait: {event}")

    async def polled(triggers: int) -> None:
        tasks = [asyncio.create_task(wait_for(new())) for _ in range(triggers)]
        await asyncio.sleep(POLL_SECONDS * (POLLS - 0.5))
        ended = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in ended:
            task.result()

    await polled(1)
    gc.collect()
    before_mb, cpu = resident_mb(), time.process_time()
    await polled(count)
    used = time.process_time() - cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {
        "cpu_ms_per_poll": used * 1000 / count / POLLS,
        "memory_kb_per_trigger": (peak_mb - before_mb) * 1000 / count,
    }


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def main() -> None:
    name, base_url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    new = {"ours": ours, "http": http}[name](base_url, date.fromisoformat(sys.argv[4]))
    print(json.dumps({"what": name, "triggers": count, **asyncio.run(run(new, count))}))


if __name__ == "__main__":
    main()
