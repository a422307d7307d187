"""Loads that are killed at random moments: forked from one process that has imported all they need.

    python -m support.killed_loads '{"parameters": …, "old": …, "new": …, "scratch": …, "kills": 40, "seed": 1}'

``old`` is a dataset, ``new`` what an undisturbed load makes of it. Each load begins with a copy of ``old`` and gets
SIGKILL: a little after a number of its files, drawn anew each time, have been replaced; with none, at a moment of the
time that passes until the first one is. Then it runs again, undisturbed. With ``"store"``, a name that
`store_places` knows, and ``"endpoint"`` it writes there; with ``"flush_seconds"`` its disk takes that much longer for
each file, so that few kills meet every stage. What was seen goes to standard output, as JSON.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.ledger_file import read_ledger
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.outputs.coverage_files import unpacked
from support.killed_places import Folder, data_files, is_data
from support.store_places import place_of

if TYPE_CHECKING:
    from support.killed_places import Place

CALIBRATIONS = 3
LIBRARIES = {"s3": "s3fs", "gcs": "gcsfs", "azure": "adlfs"}


def be_silent() -> None:
    """Let Airflow's log go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def load(parameters: dict[str, Any], place: Place) -> None:
    MessagingInsightsOperator(task_id="load", **parameters, **place.parameters).execute({})


def started(parameters: dict[str, Any], place: Place, flush_seconds: float) -> int:
    """Fork a load; its process id."""
    pid = os.fork()
    if pid:
        return pid
    be_silent()
    if flush_seconds:
        slow_down_flushing(flush_seconds)
    try:
        load(parameters, place)
    except BaseException as error:  # noqa: BLE001 - a child must end here, whatever happens
        os.write(2, f"{error!r}\n".encode())
        os._exit(1)
    os._exit(0)


def slow_down_flushing(seconds: float) -> None:
    flush, one_at_a_time = os.fsync, threading.Lock()

    def flush_slowly(descriptor: int) -> None:
        with one_at_a_time:
            flush(descriptor)
            time.sleep(seconds)

    setattr(os, "fsync", flush_slowly)  # noqa: B010 - its own type takes more than a number


def when_replaced(place: Place, pid: int, count: int) -> list[float]:
    """Wait until so many data files were replaced, or the load has ended; the seconds after which each was."""
    begin, before = time.monotonic(), place.versions()
    seen: list[float] = []
    while len(seen) < count and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        now = place.versions()
        replaced = sum(is_data(name) and before.get(name) != now[name] for name in now)
        seen += [time.monotonic() - begin] * (replaced - len(seen))
    return seen


def ended(pid: int) -> int:
    _, status = os.waitpid(pid, 0)
    return status


class Killer:
    """Kills loads at moments drawn from the schedule of the undisturbed ones it saw first."""

    def __init__(self, files: int, seed: int) -> None:
        self.files = files
        self.chance = random.Random(seed)  # noqa: S311 - moments, not secrets
        self.first_seconds, self.gap_seconds = 0.0, 0.0

    def learn(self, moments: list[float]) -> None:
        self.first_seconds = max(self.first_seconds, moments[0])
        self.gap_seconds = max(self.gap_seconds, (moments[-1] - moments[0]) / len(moments))

    def kill(self, place: Place, pid: int) -> bool:
        """Whether the load was still running."""
        count = self.chance.randrange(self.files)
        when_replaced(place, pid, count)
        time.sleep(self.chance.uniform(0, self.gap_seconds if count else self.first_seconds))
        os.kill(pid, signal.SIGKILL)
        return os.WIFSIGNALED(ended(pid))


def is_as_its_manifest_says(place: Place, files: dict[str, bytes]) -> bool:
    (name,) = [name for name in place.versions() if name.startswith("_manifests/") and name.count("/") == 1]
    told = {file["path"]: file["sha256"] for file in json.loads(place.read(name))["files"]}
    return told == {f"{place.shown}/{name}": hashlib.sha256(data).hexdigest() for name, data in files.items()}


def claims_without_rows(place: Place, files: dict[str, bytes]) -> list[str]:
    """What the ledger says is stored, and no file holds; files of other formats than JSON Lines are not looked into."""
    name = "_coverage/part-0.json.gz"
    if name not in place.versions() or not all(file.endswith(".jsonl") for file in files):
        return []
    rows = [json.loads(line) for data in files.values() for line in data.splitlines()]
    stored = {(row["page_id"], row["metric"], date.fromisoformat(row["pacific_date"]).toordinal()) for row in rows}
    claimed = {
        (page_id, metric, series.first + number)
        for page_id, metric, series in read_ledger(unpacked(place.read(name))).series()
        for number, mark in enumerate(series.codes.translate(cells.STORED))
        if mark == ord("1")
    }
    return [f"the ledger claims {cell}" for cell in sorted(claimed - stored)]


def import_all(parameters: dict[str, Any], scratch: Path, store: str | None) -> None:
    """Do what the first load of a process does, and stay a process of one thread: others do not survive a fork."""
    output = os.dup(1)
    be_silent()
    load(parameters, Folder(scratch / "first"))
    os.dup2(output, 1)
    if store:
        importlib.import_module(LIBRARIES[store])  # for the children
    threads = [task.joinpath("comm").read_text() for task in Path("/proc/self/task").iterdir()]
    assert len(threads) == 1, f"a process of several threads must not fork: {threads}"


def main(told: dict[str, Any]) -> dict[str, Any]:
    parameters, scratch, store = told["parameters"], Path(told["scratch"]), told.get("store")
    flush_seconds = told.get("flush_seconds", 0)
    import_all(parameters, scratch, store)
    old, new = data_files(Folder(Path(told["old"]))), data_files(Folder(Path(told["new"])))
    killer = Killer(sum(old.get(name) != new[name] for name in new), told["seed"])
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(CALIBRATIONS + told["kills"]):
        place: Place = Folder(scratch / str(number))
        if store:
            place = place_of(store, told["endpoint"], f"killed-{os.getpid()}", str(number))
        place.fill(Path(told["old"]))
        if number >= CALIBRATIONS:
            was_running = killer.kill(place, started(parameters, place, flush_seconds))
            found = data_files(place)
            seen["killed" if was_running else "ended before"] += 1
            seen["old" if found == old else "new" if found == new else "between"] += 1
            wrong += [f"{number}: {name} is neither" for name in found if found[name] not in (old.get(name), new[name])]
            wrong += [f"{number}: {name} is gone" for name in old if name not in found]
            wrong += [f"{number}: {claim}" for claim in claims_without_rows(place, found)]
        pid = started(parameters, place, flush_seconds if number < CALIBRATIONS else 0)
        moments = when_replaced(place, pid, killer.files) if number < CALIBRATIONS else []
        assert ended(pid) == 0
        if moments:
            killer.learn(moments)
        found = data_files(place)
        wrong += [f"{number}: run again, differs"] * (found != new)
        wrong += [f"{number}: run again, {claim}" for claim in claims_without_rows(place, found)]
        wrong += [f"{number}: differs from its manifest"] * (not is_as_its_manifest_says(place, found))
        wrong += [f"{number}: {name} is left over" for name in place.versions() if "/." in f"/{name}"]
        wrong += [f"{number}: {path} is left over" for path in Path(tempfile.gettempdir()).glob("msginsights*")]
        shutil.rmtree(scratch / str(number), ignore_errors=True)
    return {"seen": seen, "wrong": wrong}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))  # noqa: T201 - its result
