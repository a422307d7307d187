"""Which files of the package a reader has to open to follow one path through it.

    uv run python tests/benchmarks/trace_files.py [--list]

Counts the files whose functions run, imports apart, on the way of a simple load to a file, a load that defers and
resumes, a sensor's poke and a token exchange. Fewer rooms is the aim; where a file less would make the code worse, the
code wins.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import sys
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="msginsights-trace-")
sys.path.insert(0, str(Path(__file__).parents[1]))

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from airflow_provider_msginsights.emulator import GraphEmulator

import airflow_provider_msginsights

PACKAGE = Path(airflow_provider_msginsights.__file__).parent
DAY: dict[str, Any] = {
    "since": "2026-11-01",
    "until": "2026-11-02",
    "metrics": "page_messages_new_conversations_unique",
}


@contextlib.contextmanager
def traced() -> Iterator[set[str]]:
    """Collect the files, relative to the package, whose functions are called; module bodies do not count."""
    files: set[str] = set()

    def see(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        is_ours = event == "call" and code.co_filename.startswith(str(PACKAGE))
        if is_ours and code.co_name != "<module>" and not _is_class_body(frame):
            files.add(str(Path(code.co_filename).relative_to(PACKAGE)))

    threading.setprofile(see)
    sys.setprofile(see)
    try:
        yield files
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        files -= {file for file in files if file.startswith("emulator/")}


def _is_class_body(frame: FrameType) -> bool:
    return "__qualname__" in frame.f_locals and "__module__" in frame.f_locals


def simple_load(emulator: GraphEmulator, folder: str) -> None:
    """One day of one Page, with the Page's own token, to a file."""
    from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

    connect(emulator, emulator.page_token("101"))
    MessagingInsightsOperator(task_id="load", page_ids="101", output_path=folder, **DAY).execute({})


def deferred_load(emulator: GraphEmulator, folder: str) -> None:
    """The same, throttled at first: it defers, its trigger fires, it resumes."""
    from airflow.sdk.exceptions import TaskDeferred

    from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
    from airflow_provider_msginsights.triggers.resume import MessagingInsightsResumeTrigger

    connect(emulator, emulator.page_token("101"), wait_bound_seconds=1)
    emulator.set_throttled("101", minutes=30)

    def make() -> MessagingInsightsOperator:
        """Make the task anew, as another worker would."""
        return MessagingInsightsOperator(task_id="load", page_ids="101", output_path=folder, deferrable=True, **DAY)

    try:
        make().execute({})
    except TaskDeferred as deferred:
        emulator.reset()
        _, arguments = deferred.trigger.serialize()
        soon = MessagingInsightsResumeTrigger(**arguments | {"moment": "2026-01-01T00:00:00+00:00"})
        event = asyncio.run(_first(soon))
        getattr(make(), deferred.method_name)({}, event=event, **(deferred.kwargs or {}))
    else:
        raise AssertionError("the load did not defer")


async def _first(trigger: Any) -> Any:
    async for event in trigger.run():
        return event.payload
    return None


def sensor_poke(emulator: GraphEmulator, folder: str) -> None:
    """One poke of a sensor whose day is there."""
    del folder
    from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

    connect(emulator, emulator.page_token("101"))
    context: Any = {"ti": SimpleNamespace(try_number=1)}
    MessagingInsightsSensor(task_id="wait", page_ids="101", since="2026-11-01", until="2026-11-02").poke(context)


def token_exchange(emulator: GraphEmulator, folder: str) -> None:
    """The hook reads one Page with a user token, which it exchanges for the Page's own."""
    del folder
    from datetime import date

    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.insights.dates import DateRange
    from airflow_provider_msginsights.insights.query import InsightsQuery

    connect(emulator, "user-token")
    days = DateRange(date(2026, 11, 1), date(2026, 11, 2))
    query = InsightsQuery.create(page_ids="101", metrics=DAY["metrics"], days=days)
    assert list(MessagingInsightsHook().get_records(query))


PATHS: dict[str, Callable[[GraphEmulator, str], None]] = {
    "simple load to a file": simple_load,
    "deferred and resumed": deferred_load,
    "sensor poke": sensor_poke,
    "token exchange": token_exchange,
}


def connect(emulator: GraphEmulator, token: str, **extra: Any) -> None:
    """Set the default connection to the emulator."""
    fields = {"conn_type": "msginsights", "host": emulator.base_url, "password": token, "extra": extra}
    os.environ["AIRFLOW_CONN_MSGINSIGHTS_DEFAULT"] = json.dumps(fields)


def main() -> None:
    """Trace each path and print its number of files."""
    from airflow_provider_msginsights.emulator import GraphEmulator

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name the files, too")
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with GraphEmulator(pages=2) as emulator:
        for name, walk in PATHS.items():
            emulator.reset()
            with tempfile.TemporaryDirectory() as folder:
                walk(emulator, folder)  # imports apart
                emulator.reset()
                with traced() as files:
                    walk(emulator, f"{folder}/again")
            print(f"{name}: {len(files)} files")
            if chosen.list:
                print("".join(f"  {file}\n" for file in sorted(files)))


if __name__ == "__main__":
    main()
