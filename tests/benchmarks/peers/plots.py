"""``results.json`` -> pictures, light and dark. Runs where matplotlib is; needs nothing else but the peers' names.

python -m peers.plots tests/benchmarks/results docs/images
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from PIL import Image

from peers.environments import PEERS

mpl.use("agg")
import matplotlib.pyplot as plt

Told = dict[str, Any]

THEMES = {
    "light": {"text": "#1d2530", "paper": "#ffffff", "grid": "#b0b0b0", "ours": "#3b4cc0", "others": "#9aa0a6"},
    "dark": {"text": "#dfe4ec", "paper": "#161b22", "grid": "#4a5462", "ours": "#8fa2ff", "others": "#6a7380"},
}
TITLES = {peer.name: peer.title.replace("**", "") for peer in PEERS}
WORKLOADS = {
    "daily-1": "1 Page × 1 day",
    "daily-20": "20 Pages × 1 day",
    "daily-200": "200 Pages × 1 day",
    "year-20": "20 Pages × 1 year",
    "years-200": "200 Pages × 2 years",
}
LINES = {
    "ours": {"light": THEMES["light"]["ours"], "dark": THEMES["dark"]["ours"]},
    "requests_comma": {"light": "#5f6368", "dark": "#aab2bd"},
    "sdk_batch": {"light": "#c26401", "dark": "#f0a04b"},
    "dlt_parallel": {"light": "#188038", "dark": "#57c27a"},
    "http_mapped": {"light": "#9334e6", "dark": "#c792ff"},
    "airbyte": {"light": "#b31412", "dark": "#f28b82"},
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


def draw_walls(runs: dict[tuple[str, str], Told], theme: str, file: Path) -> None:
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
            color = THEMES[theme]["ours" if peer == "ours" else "others"]
            panel.barh(place, run["wall_seconds"], color=color, hatch="//" * stopped)
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


def draw_growth(runs: dict[tuple[str, str], Told], theme: str, file: Path) -> None:
    """Seconds as Pages grow, and as days grow."""
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.2), sharey=True)
    axes = (("Pages (one day each)", PAGES), ("days (20 Pages)", DAYS))
    for panel, (label, places) in zip(panels, axes, strict=True):
        for peer, colors in LINES.items():
            points = [
                (size, run["wall_seconds"])
                for size, workload in places.items()
                if (run := runs.get((workload, peer))) and not run["stopped"] and not run["errors"]
            ]
            if points:
                width = 2.5 if peer == "ours" else 1.3
                look = {"color": colors[theme], "lw": width, "marker": "o", "ms": 3}
                panel.plot(*zip(*points, strict=True), label=TITLES[peer], **look)
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


def style(theme: str) -> dict[str, Any]:
    """matplotlib's settings for a theme."""
    told = THEMES[theme]
    inks = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    papers = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
    return {
        **dict.fromkeys(inks, told["text"]),
        **dict.fromkeys(papers, told["paper"]),
        "grid.color": told["grid"],
        "font.family": "sans-serif",
    }


def save(figure: Any, file: Path) -> None:
    """Write a figure down; few colors are enough for it."""
    figure.tight_layout()
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=120)
    plt.close(figure)
    Image.open(drawn).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(file, optimize=True)


def draw(folder: Path, images: Path) -> None:
    """Draw all, in both themes.

    :param folder: where ``results.json`` is.
    :param images: where the pictures go.
    """
    runs = {(run["workload"], run["peer"]): run for run in json.loads((folder / "results.json").read_text())["runs"]}
    for theme in THEMES:
        with mpl.rc_context(style(theme)):
            draw_walls(runs, theme, images / f"benchmarks-seconds-{theme}.png")
            draw_growth(runs, theme, images / f"benchmarks-growth-{theme}.png")


if __name__ == "__main__":
    draw(*map(Path, sys.argv[1:]))
