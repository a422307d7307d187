"""Loads that are killed at random moments: forked from one process that has done one already, and so imported
everything.

    python tests/killed_loads.py '{"parameters": …, "old": …, "new": …, "scratch": …, "kills": 40, "seed": 1}'

``old`` is a dataset, ``new`` what an undisturbed load makes of it. Each load begins with a copy of ``old`` and gets
SIGKILL at a moment drawn from the whole length of a load. Then it runs again, undisturbed. What was seen goes to
standard output, as JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator

CALIBRATIONS = 3


def data_files(folder: Path) -> dict[str, bytes]:
    """What a reader of the dataset sees: every file that is not hidden, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.glob("dt=*/*")
        if not path.name.startswith((".", "_"))
    }


def temporary_files(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob(".*")]


def load(parameters: dict[str, Any], folder: Path) -> None:
    MessagingInsightsOperator(task_id="load", output_path=folder.as_uri(), **parameters).execute({})


def be_silent() -> None:
    """Let Airflow's log go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def started(parameters: dict[str, Any], folder: Path) -> int:
    """Fork a load into the folder; its process id."""
    pid = os.fork()
    if pid:
        return pid
    be_silent()
    try:
        load(parameters, folder)
    except BaseException as error:  # noqa: BLE001 - a child must end here, whatever happens
        os.write(2, f"{error!r}\n".encode())
        os._exit(1)
    os._exit(0)


def run(parameters: dict[str, Any], folder: Path) -> float:
    """Load to the end; the seconds it took."""
    begin = time.monotonic()
    _, status = os.waitpid(started(parameters, folder), 0)
    assert status == 0, status
    return time.monotonic() - begin


def is_as_its_manifest_says(folder: Path, files: dict[str, bytes]) -> bool:
    (path,) = folder.glob("_manifests/*.json")
    told = {file["path"]: file["sha256"] for file in json.loads(path.read_bytes())["files"]}
    found = {f"{folder.as_uri()}/{name}": hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return told == found


def main(told: dict[str, Any]) -> dict[str, Any]:
    parameters, scratch = told["parameters"], Path(told["scratch"])
    old, new = data_files(Path(told["old"])), data_files(Path(told["new"]))
    output = os.dup(1)
    be_silent()
    load(parameters, scratch / "first")
    os.dup2(output, 1)
    threads = [task.joinpath("comm").read_text() for task in Path("/proc/self/task").iterdir()]
    assert len(threads) == 1, f"a process of several threads must not fork: {threads}"
    chance = random.Random(told["seed"])  # noqa: S311 - moments, not secrets
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    lengths: list[float] = []
    for number in range(CALIBRATIONS + told["kills"]):
        folder = scratch / str(number)
        shutil.copytree(told["old"], folder)
        if number >= CALIBRATIONS:
            pid = started(parameters, folder)
            time.sleep(chance.uniform(0, max(lengths)))
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            seen["killed" if os.WIFSIGNALED(status) else "ended before"] += 1
            found = data_files(folder)
            wrong += [f"{number}: {name} is neither" for name in found if found[name] not in (old.get(name), new[name])]
            wrong += [f"{number}: {name} is gone" for name in old if name not in found]
            seen["old" if found == old else "new" if found == new else "between"] += 1
        length = run(parameters, folder)
        if number < CALIBRATIONS:
            lengths.append(length)
        found = data_files(folder)
        wrong += [f"{number}: run again, differs"] * (found != new)
        wrong += [f"{number}: differs from its manifest"] * (not is_as_its_manifest_says(folder, found))
        wrong += [f"{number}: {name} is left over" for name in temporary_files(folder)]
        shutil.rmtree(folder)
    return {"seen": seen, "wrong": wrong}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))  # noqa: T201 - its result
