"""The comparison: every peer in turn, round after round; what was measured is kept, so that a stopped study goes on."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from peers.environments import PEERS
from peers.jobs import Job
from peers.truth import data_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from peers.crew import Crew
    from peers.emulated import Emulated
    from peers.environments import Peer
    from peers.truth import Truth

Told = dict[str, Any]
END_DAY = (datetime.now(UTC) - timedelta(hours=12)).date()
"""The day after the last one. It follows the calendar: two years before a fixed one would soon be too old to load."""
TOKENS = (b"user-token", b"page-token-")


@dataclass(frozen=True, slots=True)
class Workload:
    """So many Pages for so many days, which end with the last finished one."""

    name: str
    title: str
    pages: int
    days: int


WORKLOADS = (
    Workload("daily-1", "1 Page × 1 day", 1, 1),
    Workload("daily-20", "20 Pages × 1 day", 20, 1),
    Workload("daily-200", "200 Pages × 1 day", 200, 1),
    Workload("year-20", "20 Pages × 1 year", 20, 365),
    Workload("years-200", "200 Pages × 2 years", 200, 730),
)
GROWTH = tuple(
    Workload(f"growth-{pages}x{days}", f"{pages} × {days}", pages, days)
    for pages, days in ((5, 1), (50, 1), (100, 1), (20, 30), (20, 89), (20, 178), (20, 730))
)
GROWING_PEERS = ("ours", "http_mapped", "requests_comma", "sdk_batch", "dlt_parallel", "airbyte")


@dataclass(frozen=True, kw_only=True)
class Study:
    """Where things are and how long they may take.

    :param once_above_seconds: what took longer runs once.
    :param most_seconds: what takes longer is stopped; its time is told as at least that.
    """

    emulated: Emulated
    crew: Crew
    truth: Truth
    work: Path
    repeat: int
    once_above_seconds: float
    most_seconds: float
    say: Callable[[str], None]
    runs: list[Told] = field(default_factory=list)

    @property
    def _kept(self) -> Path:
        return self.work / "runs.jsonl"

    def remember(self) -> None:
        """Take up what an earlier, stopped study measured."""
        if self._kept.exists():
            self.runs.extend(json.loads(line) for line in self._kept.read_text().splitlines())

    def compare(self, workload: Workload, peers: Sequence[Peer], *, repeat: int) -> None:
        """Run all peers in turn, as often as asked or until a peer has shown to be slow."""
        for number in range(repeat):
            for peer in peers:
                known = [run for run in self.runs if (run["peer"], run["workload"]) == (peer.name, workload.name)]
                slow = any(run["stopped"] or run["wall_seconds"] > self.once_above_seconds for run in known)
                if len(known) > number or slow:
                    continue
                self._note(self.measure(peer, workload))

    def measure(self, peer: Peer, workload: Workload, *, prepare: Told | None = None, keep: bool = False) -> Told:
        """One run: its cost, what it asked of the API, and what its files hold of the truth.

        :param prepare: control-plane calls to make before, name and body.
        :param keep: leave the files for a second run.
        """
        job = Job(
            base_url=self.emulated.base_url,
            pages=workload.pages,
            first_day=date.fromordinal(END_DAY.toordinal() - workload.days),
            days=workload.days,
            output=self.work / "output" / peer.name,
        )
        member = self.crew.member(peer)
        log = self.work / f"{peer.name}.log"
        self.emulated.reset()
        for name, body in (prepare or {}).items():
            self.emulated.control(name, body)
        told = member.do(job, log, most_seconds=self.most_seconds)
        told |= self.emulated.counts() | self.truth.check(job, peer.kind)
        told["token_in_output"] = _holds_token(log)
        data = set(data_files(job.output))
        others = (file for file in job.output.rglob("*") if file.is_file() and file not in data)
        told["token_in_files"] = any(_holds_token(file) for file in others)
        if not keep:
            self.put_aside(job.output)
        return {"peer": peer.name, "workload": workload.name, "expected": workload.pages * workload.days * 11, **told}

    def put_aside(self, output: Path) -> None:
        """Empty the files of a run that was looked at, and leave them until the study is done.

        A file system (ext4 without a journal) does not use the number of a removed file again for minutes, and looks
        past each of them whenever a file is made: what one run removed would cost the next ones a third of their time.
        """
        for file in output.rglob("*"):
            if file.is_file():
                os.truncate(file, 0)
        aside = self.work / "aside"
        aside.mkdir(exist_ok=True)
        output.rename(aside / f"{output.name}-{len(list(aside.iterdir()))}")

    def _note(self, run: Told) -> None:
        self.runs.append(run)
        with self._kept.open("a") as file:
            file.write(json.dumps(run) + "\n")
        end = "stopped" if run["stopped"] else run.get("error", "")
        self.say(
            f"{run['workload']:14} {run['peer']:20} {run['wall_seconds']:8.2f} s {run['cpu_seconds']:7.2f} s CPU "
            f"{run['peak_mb']:5.0f} MB {run['http_requests']:6} HTTP {run['graph_calls']:6} calls {run['rows']:8} rows "
            f"-{run['missing']} x{run['doubled']} !{run['wrong']} {end}"
        )


def peers_named(names: Sequence[str]) -> list[Peer]:
    """The peers with these names, in their own order."""
    return [peer for peer in PEERS if peer.name in names]


def _holds_token(file: Path) -> bool:
    content = file.read_bytes()
    return any(token in content for token in TOKENS)
