"""``results.json`` -> Markdown tables, and their places on a page."""

from __future__ import annotations

import re
import statistics
from typing import Any

from peers.environments import PEERS
from peers.study import WORKLOADS
from peers.trouble import SCENARIOS

Told = dict[str, Any]

MEDIAN_OF = 5
"""Runs that a median is taken of; figures of fewer are marked."""

_TITLES = {peer.name: peer.title for peer in PEERS}
_MARKS = re.compile(r"(<!-- numbers: (?P<name>[a-z_]+) -->\n)(?P<text>.*?)(<!-- /numbers -->)", re.DOTALL)


def with_tables(page: str, told: Told) -> str:
    """The page with each table between its marks, ``<!-- numbers: name -->`` and ``<!-- /numbers -->``.

    Raises KeyError for a mark that names no table.
    """
    tables = tables_of(told)
    return _MARKS.sub(lambda found: f"{found[1]}{tables[found['name']]}\n{found[4]}", page)


def tables_of(told: Told) -> dict[str, str]:
    """Every table there are figures for, by name."""
    runs = {(run["workload"], run["peer"]): run for run in told["runs"]}
    peers = [peer.name for peer in PEERS if any(one == peer.name for _, one in runs)]
    workloads = [one for one in WORKLOADS if any(name == one.name for name, _ in runs)]
    columns = ["", *(one.title for one in workloads)]

    def by_workload(cell: Any) -> str:
        rows = [[_TITLES[peer], *(cell(runs.get((one.name, peer))) for one in workloads)] for peer in peers]
        return _table(columns, rows)

    tables = {
        "wall": by_workload(_wall),
        "requests": by_workload(_requests),
        "cpu_memory": by_workload(_cpu_memory),
        "rows": by_workload(_rows),
        "setting": _setting(told),
    }
    if "trouble" in told:
        tables["trouble"] = _trouble(told["trouble"])
    if "imports" in told:
        tables["imports"] = _imports(told["imports"])
    if "triggers" in told:
        tables["triggers"] = _triggers(told["triggers"])
    if "tasks" in told:
        tables["tasks"] = _tasks(told["tasks"])
    return tables


def _table(columns: list[str], rows: list[list[Any]]) -> str:
    lines = [f"| {' | '.join(columns)} |", "|---" + "|---:" * (len(columns) - 1) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(str(cell or '') for cell in row)} |" for row in rows)])


def _seconds(value: float) -> str:
    """Two figures that count, and no more."""
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def _wall(run: Told | None) -> str:
    if run is None:
        return ""
    if run["stopped"]:
        return f"> {run['wall_seconds']:.0f} ({run['rows'] / run['expected']:.0%} loaded)"
    if run["errors"]:
        return "failed"
    return f"{_seconds(run['wall_seconds'])}{' ¹' if run['runs'] < MEDIAN_OF else ''}"


def _requests(run: Told | None) -> str:
    if run is None:
        return ""
    return "stopped" if run["stopped"] else f"{run['http_requests']:,} / {run['graph_calls']:,}"


def _cpu_memory(run: Told | None) -> str:
    if run is None:
        return ""
    return "stopped" if run["stopped"] else f"{_seconds(run['cpu_seconds'])} / {run['peak_mb']:.0f}"


def _rows(run: Told | None) -> str:
    if run is None:
        return ""
    if run["stopped"]:
        return "stopped"
    return f"{run['missing']:,} / {run['doubled']:,}" + (f", {run['wrong']:,} wrong" if run["wrong"] else "")


def _setting(told: Told) -> str:
    machine, settings = told["machine"], told["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    cores = f"{machine['cores']} cores ({machine['processor']})"
    where = f"{cores}, {machine['memory_gb']} GB, {machine['system']}, Python {machine['python']}"
    pace = f"{settings['latency_ms']:g} ms a request and {settings['batch_part_ms']:g} ms more for each part of a batch"
    return f"Measured {machine['measured']} on {where}; {pace}. {versions}."


def _trouble(told: list[Told]) -> str:
    found = {(one["peer"], one["scenario"]): one for one in told}
    peers = [peer.name for peer in PEERS if (peer.name, "none") in found]
    rows = []
    for peer in peers:
        whole = found[peer, "none"]["rows"]
        cells = []
        for scenario in ("throttled", "dead_metric", "expired"):
            one = found[peer, scenario]
            cells.append(f"{one['graph_calls']} call{'s' * (one['graph_calls'] != 1)}, {one['rows']} of {whole} rows")
        second = found[peer, "second_run"]
        leaks = [one for one in told if one["peer"] == peer]
        places = [
            place
            for place, name in (("output", "token_in_output"), ("files", "token_in_files"))
            if any(one[name] for one in leaks)
        ]
        doubled = f"{second['doubled']} doubled" if second["doubled"] else "none doubled"
        rows.append([_TITLES[peer], *cells, doubled, f"**yes** ({', '.join(places)})" if places else "no"])
    columns = ["", *(SCENARIOS[name][0] for name in ("throttled", "dead_metric", "expired"))]
    return _table([*columns, "second run", "token shown"], rows)


def _imports(told: list[Told]) -> str:
    rows = [
        [
            one["what"],
            f"{one['wall_seconds'] * 1000:,.0f}",
            f"{one['cpu_seconds'] * 1000:,.0f}",
            "`airflow.sdk`" if one["beyond_airflow"] else "Python alone",
        ]
        for one in told
    ]
    return _table(["imported in the DAG file", "ms", "ms CPU", "beyond"], rows)


def _triggers(told: list[Told]) -> str:
    names = {"ours": _TITLES["ours"], "http": "HttpSensor"}
    rows = [
        [names[one["what"]], f"{one['cpu_ms_per_poll']:.1f}", f"{one['memory_kb_per_trigger']:.0f}"] for one in told
    ]
    return _table([f"{told[0]['triggers']} deferred sensors in one triggerer", "ms CPU a poll", "kB each"], rows)


def _tasks(told: list[Told]) -> str:
    """Medians beyond a DAG with one empty task, which takes as long whatever is loaded."""
    titles = {"ours": _TITLES["ours"], "http": "HttpOperator, a mapped task a Page"}

    def median(what: str, figure: str) -> float:
        return statistics.median([float(one[figure]) for one in told if one["what"] == what])

    rows = []
    for name, title in titles.items():
        runs = [one for one in told if one["what"] == name]
        wall, cpu = (median(name, one) - median("nothing", one) for one in ("wall_seconds", "cpu_seconds"))
        shows = "**yes**" if any(one["token_in_database"] for one in runs) else "no"
        rows.append([title, str(runs[0]["tasks"]), _seconds(wall), _seconds(cpu), shows])
    columns = ["`dag.test()` of 20 Pages × 1 day, beyond a DAG that does nothing", "tasks", "s", "s CPU"]
    return _table([*columns, "Page tokens in Airflow's database"], rows)
