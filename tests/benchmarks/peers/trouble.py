"""What becomes of a load when the API refuses: requests made, rows obtained, and whether a token shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peers.jobs import USER_TOKEN
from peers.study import Workload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peers.environments import Peer
    from peers.study import Study

Told = dict[str, Any]

LOAD = Workload("trouble", "20 Pages × 1 day", 20, 1)
DEAD_METRIC = "page_messages_order_count"
SCENARIOS: dict[str, tuple[str, Told]] = {
    "none": ("no trouble", {}),
    "throttled": ("two calls refused with 80001", {"faults": {"code": 80001, "times": 2, "path": "insights"}}),
    "dead_metric": ("one of 11 metrics retired", {"metrics": {"retire": DEAD_METRIC}}),
    "expired": ("token expired", {"tokens": {"value": USER_TOKEN, "expire": True}}),
}
_KEPT = (
    "http_requests",
    "graph_calls",
    "rows",
    "missing",
    "doubled",
    "wall_seconds",
    "token_in_output",
    "token_in_files",
)


def run_trouble(study: Study, peers: Sequence[Peer]) -> list[Told]:
    """Every scenario by every peer, and the load of a day for a second time."""
    told = []
    for peer in peers:
        for name, (_, prepare) in SCENARIOS.items():
            run = study.measure(peer, LOAD, prepare=prepare)
            error = run.get("error")
            told.append({"peer": peer.name, "scenario": name, **_chosen(run), "error": _first_line(error)})
        study.measure(peer, LOAD, keep=True)
        again = study.measure(peer, LOAD)
        told.append({"peer": peer.name, "scenario": "second_run", **_chosen(again), "error": again.get("error")})
        study.say(f"trouble        {peer.name}")
    return told


def _chosen(run: Told) -> Told:
    return {name: run[name] for name in _KEPT}


def _first_line(error: str | None) -> str | None:
    return error and next(iter(error.strip().splitlines()), "")
