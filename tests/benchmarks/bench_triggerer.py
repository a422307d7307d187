"""A thousand deferred sensors in one triggerer for five minutes: ours, beside as many HttpSensors.

    uv run --with apache-airflow-providers-http python tests/benchmarks/bench_triggerer.py

Each asks once a minute, and is told each time that the day is not there: by a 404, where it is the HttpSensor. The
triggerer is Airflow's own process, started by ``airflow triggerer``. Two more kinds ask nobody, and show what a
triggerer costs by itself: ``waking`` reads a connection and logs a line once a minute, ``sleeping`` does nothing.

Full garbage collections stop the event loop for as long as they take; they are noted beside Airflow's own warnings.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench_triggerer_dags import DAGS, FIRST_CALLS, PAGES
from support.local_airflow import LocalAirflow
from support.processes import Session, free_port

BLOCKED = re.compile(r"async thread was blocked for ([0-9.]+) seconds")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Emulator:
    """The API, in a process of its own."""

    port: int = field(default_factory=free_port)

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "airflow_provider_msginsights.cli", "emulator", "--port", str(self.port)]
        options = ["--pages", str(PAGES), "--readiness-lag-hours", "120"]
        process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, start_new_session=True)
        while True:
            try:
                self.ask("stats")
            except OSError:
                time.sleep(0.1)
            else:
                return process

    def ask(self, what: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/_emulator/{what}", data=data, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def connections(self) -> int:
        """Connections to it that are open, as the kernel lists them."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[2].endswith(f":{self.port:04X}") and row[3] == "01" for row in rows)


@dataclass
class Figures:
    """What a triggerer with its processes used, from its start on and over the minutes measured."""

    seconds_until_all_ran: float = 0.0
    blocked_at_start: list[float] = field(default_factory=list)
    blocked_later: list[float] = field(default_factory=list)
    collections_at_start: list[float] = field(default_factory=list)
    collections_later: list[float] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    cpu_percent: float = 0.0
    cpu_percent_of_triggers: float = 0.0
    requests_a_minute: float = 0.0


def processes(session: int) -> list[int]:
    """The processes of a session: a component's and those it started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            of_session = int(stat.read_text().rsplit(")", 1)[1].split()[3])
        except OSError:
            continue
        found += [int(stat.parent.name)] if of_session == session else []
    return found


def cpu_seconds(pids: list[int]) -> float:
    values = (Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13] for pid in pids)
    return sum(int(user) + int(system) for user, system in values) / TICKS


def memory_mb(pids: list[int]) -> float:
    """Proportional memory: pages that processes share count once."""
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def process_of_triggers(triggerer: Session) -> int:
    """The triggerer's child that runs the event loop."""
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in processes(triggerer.pid)}
    (child,) = (pid for pid, command in commands.items() if command == commands[triggerer.pid] and pid != triggerer.pid)
    return child


def blocked(airflow: LocalAirflow) -> list[float]:
    """Every warning of a blocked main thread so far, in seconds."""
    return [float(found) for found in BLOCKED.findall((airflow.home / "triggerer.log").read_text(errors="replace"))]


def collections(airflow: LocalAirflow, of_triggers: int) -> list[float]:
    """Every long collection of the oldest garbage so far, in the triggers' process, in seconds of the processor."""
    file = airflow.home / "pauses.txt"
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return [float(line[3]) for line in lines if line[:2] == [str(of_triggers), "2"]]


def measure(kind: str, *, sensors: int, minutes: float, interval: float) -> Figures:
    emulator = Emulator()
    server = emulator.start()
    try:
        with tempfile.TemporaryDirectory(prefix="msginsights-bench-") as home:
            return _measured(kind, emulator, Path(home), sensors=sensors, minutes=minutes, interval=interval)
    finally:
        server.terminate()
        server.wait(timeout=15)


def _measured(kind: str, emulator: Emulator, home: Path, *, sensors: int, minutes: float, interval: float) -> Figures:
    if kind == "HttpSensor":
        emulator.ask("faults", {"kind": "reply", "http_status": 404, "body": "{}", "times": None})
    airflow = _prepared(kind, emulator, home, sensors=sensors, interval=interval)
    with airflow.component("triggerer") as triggerer:
        figures = _started(airflow, emulator, triggerer, sensors=sensors, calls=FIRST_CALLS.get(kind, 0) * sensors)
        _sample(figures, emulator, triggerer, seconds=minutes * 60)
        figures.blocked_later = blocked(airflow)[len(figures.blocked_at_start) :]
        of_triggers = process_of_triggers(triggerer)
        figures.collections_later = collections(airflow, of_triggers)[len(figures.collections_at_start) :]
        still_waiting = airflow.query("SELECT count(*) FROM task_instance WHERE state = 'deferred'")
        assert still_waiting == [(sensors,)], f"{sensors} should still wait, not {still_waiting}"
    return figures


def _prepared(kind: str, emulator: Emulator, home: Path, *, sensors: int, interval: float) -> LocalAirflow:
    """An Airflow whose database holds so many deferred tasks."""
    url = f"http://127.0.0.1:{emulator.port}"
    ours = {"conn_type": "msginsights", "host": url, "password": "system-user-token"}
    airflow = LocalAirflow(
        home=home,
        connections={"msginsights_default": json.dumps(ours), "graph": json.dumps({"conn_type": "http", "host": url})},
        # As users have it: at DEBUG httpcore writes twenty lines a request, and Airflow handles each of them twice.
        options={"LOGGING__LOGGING_LEVEL": "INFO"},
    )
    config = home / "config"  # is on the path of every process of this Airflow
    config.mkdir()
    here = Path(__file__)
    shutil.copy(here.with_name("bench_triggerer_baseline.py"), config)
    shutil.copy(here.with_name("bench_triggerer_pauses.py"), config / "airflow_local_settings.py")
    airflow.migrate()
    (airflow.dags / "load.py").write_text(DAGS[kind].format(sensors=sensors, pages=PAGES, interval=interval))
    airflow.run_command("dags", "reserialize")
    airflow.run_command("dags", "trigger", "load")
    load = [sys.executable, str(here.with_name("bench_triggerer_load.py")), str(airflow.dags), "load", str(sensors)]
    subprocess.run(load, env=airflow.environment, check=True, stdout=subprocess.DEVNULL)
    return airflow


def _started(airflow: LocalAirflow, emulator: Emulator, triggerer: Session, *, sensors: int, calls: int) -> Figures:
    """Wait until every trigger was started and has made its first poll, which takes so many calls in all."""
    begun, before = time.monotonic(), emulator.ask("stats")["graph_calls"]

    def all_asked() -> bool:
        logs = sum(1 for _ in (airflow.home / "logs").glob("**/*.trigger.*"))
        return logs >= sensors and emulator.ask("stats")["graph_calls"] >= before + calls

    while not all_asked():
        assert triggerer.is_running, airflow.log_tail()
        assert time.monotonic() < begun + 600, airflow.log_tail()
        time.sleep(1)
    return Figures(
        seconds_until_all_ran=time.monotonic() - begun,
        blocked_at_start=blocked(airflow),
        collections_at_start=collections(airflow, process_of_triggers(triggerer)),
    )


def _sample(figures: Figures, emulator: Emulator, triggerer: Session, *, seconds: float) -> None:
    begun, pids, of_triggers = time.monotonic(), processes(triggerer.pid), [process_of_triggers(triggerer)]
    cpu, cpu_of_triggers = cpu_seconds(pids), cpu_seconds(of_triggers)
    requests = emulator.ask("stats")["http_requests"]
    while (elapsed := time.monotonic() - begun) < seconds:
        figures.connections.append(emulator.connections())
        if len(figures.connections) % 500 == 1:
            figures.memory_mb.append(memory_mb(pids))
        time.sleep(0.02)
    figures.cpu_percent = 100 * (cpu_seconds(pids) - cpu) / elapsed
    figures.cpu_percent_of_triggers = 100 * (cpu_seconds(of_triggers) - cpu_of_triggers) / elapsed
    figures.requests_a_minute = 60 * (emulator.ask("stats")["http_requests"] - requests) / elapsed


def told(figures: Figures) -> dict[str, str]:
    """The figures in words."""
    return {
        "until every sensor had asked": f"{figures.seconds_until_all_ran:.0f} s",
        "blocked main thread, starting": f"{len(figures.blocked_at_start)} {_seconds(figures.blocked_at_start)}",
        "full collections, starting": f"{len(figures.collections_at_start)} {_seconds(figures.collections_at_start)}",
        "blocked main thread, then": f"{len(figures.blocked_later)} {_seconds(figures.blocked_later)}",
        "full collections, then": f"{len(figures.collections_later)} {_seconds(figures.collections_later)}",
        "connections, most": str(max(figures.connections)),
        "connections, mean": f"{statistics.fmean(figures.connections):.1f}",
        "CPU of one core": f"{figures.cpu_percent:.1f} %",
        "of it the triggers' process": f"{figures.cpu_percent_of_triggers:.1f} %",
        "memory, most": f"{max(figures.memory_mb):.0f} MB",
        "HTTP requests a minute": f"{figures.requests_a_minute:.0f}",
    }


def _seconds(values: list[float]) -> str:
    counts = Counter(f"{value:.1f} s" for value in sorted(values))
    return ", ".join(f"{count} x {value}" for value, count in counts.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sensors", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--interval", type=float, default=60, help="seconds between two polls of a sensor")
    parser.add_argument("--only", choices=sorted(DAGS), action="append")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))  # and so end every process that was started
    how = {"sensors": chosen.sensors, "minutes": chosen.minutes, "interval": chosen.interval}
    for kind in chosen.only or DAGS:
        print(f"{chosen.sensors} x {kind}, {chosen.minutes:g} minutes", flush=True)
        for name, figure in told(measure(kind, **how)).items():
            print(f"    {name:32} {figure}", flush=True)


if __name__ == "__main__":
    main()
