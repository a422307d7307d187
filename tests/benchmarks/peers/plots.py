"""``results.json`` -> SVG. Runs where matplotlib is; needs nothing else of the project but the peers' names.

python -m peers.plots tests/benchmarks/results
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

from peers.environments import PEERS

mpl.use("svg")
import matplotlib.pyplot as plt

Told = dict[str, Any]

OURS, OTHERS = "#3b4cc0", "#9aa0a6"
TITLES = {peer.name: peer.title.replace("**", "") for peer in PEERS}
WORKLOADS = {
    "daily-1": "1 Page × 1 day",
    "daily-20": "20 Pages × 1 day",
    "daily-200": "200 Pages × 1 day",
    "year-20": "20 Pages × 1 year",
    "years-200": "200 Pages × 2 years",
}
LINES = {
    "ours": OURS,
    "requests_comma": "#5f6368",
    "sdk_batch": "#c26401",
    "dlt_parallel": "#188038",
    "http_mapped": "#9334e6",
    "airbyte": "#b31412",
}
PAGES = {1: "daily-1", 5: "growth-5x1", 20: "daily-20", 50: "growth-50x1", 100: "growth-100x1", 200: "daily-200"}
DAYS = {
    1: "daily-20",
    30: "growth-20x30",
    89: "growth-20x89",
    178: "growth-20x178",
    365: "year-20",
    730: "growth-20x730",
}


def draw_walls(runs: dict[tuple[str, str], Told], file: Path) -> None:
    """A panel for each workload, a bar for each peer."""
    workloads = [name for name in WORKLOADS if any(told == name for told, _ in runs)]
    if not workloads:
        return
    peers = [peer.name for peer in reversed(PEERS)]
    figure, panels = plt.subplots(1, len(workloads), figsize=(3 + 2.4 * len(workloads), 4), sharey=True, squeeze=False)
    for panel, workload in zip(panels[0], workloads, strict=True):
        for place, peer in enumerate(peers):
            run = runs.get((workload, peer))
            if run is None or run["errors"]:
                continue
            stopped = run["stopped"]
            panel.barh(place, run["wall_seconds"], color=OURS if peer == "ours" else OTHERS, hatch="//" * stopped)
            told = (
                f"{'> ' * stopped}{run['wall_seconds']:.2g}"
                if run["wall_seconds"] < 10
                else (f"{'> ' * stopped}{run['wall_seconds']:.0f}")
            )
            panel.text(run["wall_seconds"], place, f" {told}", va="center", fontsize=8)
        panel.set_xscale("log")
        panel.set_title(WORKLOADS[workload], fontsize=10)
        panel.set_xlabel("seconds (log)", fontsize=8)
        panel.margins(x=0.35)
        panel.tick_params(labelsize=8)
        panel.tick_params(which="minor", labelbottom=False)
        panel.set_yticks(range(len(peers)), [TITLES[peer] for peer in peers], fontsize=9)
        panel.spines[["top", "right"]].set_visible(False)
    save(figure, file)


def draw_growth(runs: dict[tuple[str, str], Told], file: Path) -> None:
    """Seconds as Pages grow, and as days grow."""
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.2), sharey=True)
    axes = (("Pages (one day each)", PAGES), ("days (20 Pages)", DAYS))
    for panel, (label, places) in zip(panels, axes, strict=True):
        for peer, color in LINES.items():
            points = [
                (size, run["wall_seconds"])
                for size, workload in places.items()
                if (run := runs.get((workload, peer))) and not run["stopped"] and not run["errors"]
            ]
            if points:
                width = 2.5 if peer == "ours" else 1.3
                panel.plot(*zip(*points, strict=True), color=color, label=TITLES[peer], lw=width, marker="o", ms=3)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xticks(list(places), [str(size) for size in places])
        panel.minorticks_off()
        panel.set_xlabel(label)
        panel.grid(visible=True, alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("seconds")
    panels[0].legend(frameon=False, fontsize=8, loc="upper left")
    save(figure, file)


def save(figure: Any, file: Path) -> None:
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    folder, images = map(Path, sys.argv[1:])
    told = json.loads((folder / "results.json").read_text())
    runs = {(run["workload"], run["peer"]): run for run in told["runs"]}
    mpl.rcParams.update({"svg.hashsalt": "numbers", "svg.fonttype": "none", "font.family": "sans-serif"})
    draw_walls(runs, images / "benchmarks-seconds.svg")
    draw_growth(runs, images / "benchmarks-growth.svg")


if __name__ == "__main__":
    main()
