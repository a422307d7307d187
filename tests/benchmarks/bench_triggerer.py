"""A thousand deferred sensors in one triggerer for five minutes: ours, beside as many HttpSensors.

    uv run --with apache-airflow-providers-http python tests/benchmarks/bench_triggerer.py

Each asks once a minute, and is told each time that the day is not there: by a 404, where it is the HttpSensor. The
triggerer is Airflow's own process, started by ``airflow triggerer``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
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
from local_airflow import LocalAirflow
from processes import Session, free_port

PAGES = 20
DAGS = {
    "MessagingInsightsSensor": """
from datetime import datetime, timedelta
from airflow.sdk import DAG
from airflow_provider_msginsights.insights.date_ranges import last_days_ended_by
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

days = last_days_ended_by(datetime.now().astimezone(), 1)
with DAG("load", schedule=None):
    MessagingInsightsSensor.partial(
        task_id="wait", since=str(days.first_day), until=str(days.end_day), poke_interval={interval}, deferrable=True
    ).expand(page_ids=[str(101 + n % {pages}) for n in range({sensors})])
""",
    "HttpSensor": """
from airflow.sdk import DAG
from airflow.providers.http.sensors.http import HttpSensor

with DAG("load", schedule=None):
    HttpSensor.partial(
        task_id="wait", http_conn_id="graph", request_params={{"metric": "page_messages_new_conversations_unique"}},
        poke_interval={interval}, deferrable=True,
    ).expand(endpoint=[f"v26.0/{{101 + n % {pages}}}/insights" for n in range({sensors})])
""",
}
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
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/_emulator/{what}", data=data)
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
    connections: list[int] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    cpu_percent: float = 0.0
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


def blocked(airflow: LocalAirflow) -> list[float]:
    """Every warning of a blocked main thread so far, in seconds."""
    return [float(found) for found in BLOCKED.findall((airflow.home / "triggerer.log").read_text(errors="replace"))]


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
    url = f"http://127.0.0.1:{emulator.port}"
    ours = {"conn_type": "msginsights", "host": url, "password": "system-user-token"}
    airflow = LocalAirflow(
        home=home,
        connections={"msginsights_default": json.dumps(ours), "graph": json.dumps({"conn_type": "http", "host": url})},
    )
    airflow.migrate()
    (airflow.dags / "load.py").write_text(DAGS[kind].format(sensors=sensors, pages=PAGES, interval=interval))
    airflow.run_command("dags", "reserialize")
    airflow.run_command("dags", "trigger", "load")
    load = [
        sys.executable,
        str(Path(__file__).with_name("bench_triggerer_load.py")),
        str(airflow.dags),
        "load",
        str(sensors),
    ]
    subprocess.run(load, env=airflow.environment, check=True, capture_output=True)
    with airflow.component("triggerer") as triggerer:
        figures = _started(airflow, emulator, triggerer, sensors)
        _sample(figures, emulator, triggerer, seconds=minutes * 60)
        figures.blocked_later = blocked(airflow)[len(figures.blocked_at_start) :]
        still_waiting = airflow.query("SELECT count(*) FROM task_instance WHERE state = 'deferred'")
        assert still_waiting == [(sensors,)], f"{sensors} should still wait, not {still_waiting}"
    return figures


def _started(airflow: LocalAirflow, emulator: Emulator, triggerer: Session, sensors: int) -> Figures:
    """Wait until every trigger has asked once."""
    begun, before = time.monotonic(), emulator.ask("stats")["graph_calls"]
    while emulator.ask("stats")["graph_calls"] < before + sensors:
        assert triggerer.is_running, airflow.log_tail()
        assert time.monotonic() < begun + 600, airflow.log_tail()
        time.sleep(1)
    return Figures(seconds_until_all_ran=time.monotonic() - begun, blocked_at_start=blocked(airflow))


def _sample(figures: Figures, emulator: Emulator, triggerer: Session, *, seconds: float) -> None:
    begun, pids = time.monotonic(), processes(triggerer.pid)
    cpu, requests = cpu_seconds(pids), emulator.ask("stats")["http_requests"]
    while (elapsed := time.monotonic() - begun) < seconds:
        figures.connections.append(emulator.connections())
        if len(figures.connections) % 500 == 1:
            figures.memory_mb.append(memory_mb(pids))
        time.sleep(0.02)
    figures.cpu_percent = 100 * (cpu_seconds(pids) - cpu) / elapsed
    figures.requests_a_minute = 60 * (emulator.ask("stats")["http_requests"] - requests) / elapsed


def told(figures: Figures) -> dict[str, str]:
    """The figures in words."""
    later = Counter(f"{seconds:.1f} s" for seconds in figures.blocked_later)
    return {
        "until every sensor had asked": f"{figures.seconds_until_all_ran:.0f} s",
        "blocked main thread, starting": f"{len(figures.blocked_at_start)} warnings",
        "blocked main thread, then": f"{len(figures.blocked_later)} warnings {dict(later) if later else ''}".strip(),
        "connections, most": str(max(figures.connections)),
        "connections, mean": f"{statistics.fmean(figures.connections):.1f}",
        "CPU of one core": f"{figures.cpu_percent:.0f} %",
        "memory, most": f"{max(figures.memory_mb):.0f} MB",
        "HTTP requests a minute": f"{figures.requests_a_minute:.0f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sensors", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--interval", type=float, default=60, help="seconds between two polls of a sensor")
    parser.add_argument("--only", choices=sorted(DAGS), action="append")
    chosen = parser.parse_args()
    how = {"sensors": chosen.sensors, "minutes": chosen.minutes, "interval": chosen.interval}
    for kind in chosen.only or DAGS:
        print(f"{chosen.sensors} x {kind}, {chosen.minutes:g} minutes", flush=True)
        for name, figure in told(measure(kind, **how)).items():
            print(f"    {name:32} {figure}", flush=True)


if __name__ == "__main__":
    main()
