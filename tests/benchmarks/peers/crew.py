"""The peers' processes: each imports its libraries once and waits for jobs."""

from __future__ import annotations

import json
import subprocess
from typing import IO, TYPE_CHECKING, Any, Self

from peers.environments import python_of, variables
from peers.jobs import Job

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from peers.environments import Peer

Told = dict[str, Any]


class Member:
    """One peer's process."""

    def __init__(self, peer: Peer, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.peer = peer
        self._errors: IO[str] = (home / "worker.log").open("w")
        self._process = subprocess.Popen(
            [str(python_of(peer.environment)), "-m", "peers.worker", peer.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=variables(home),
            cwd=home,
        )
        self.ready = self._answer()

    def _answer(self) -> Told:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.peer.name} did not answer; see {self._errors.name}")
        told: Told = json.loads(line)
        return told

    def do(self, job: Job, log: Path, *, most_seconds: float, is_warm_up: bool = False) -> Told:
        """The figures of a job."""
        assert self._process.stdin is not None
        asked = {"job": job.as_json(), "log": str(log), "most_seconds": most_seconds, "is_warm_up": is_warm_up}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> None:
        self._process.communicate()
        self._errors.close()


class Crew:
    """Every peer's process, started and warmed up when first needed, ended with the ``with`` block."""

    def __init__(self, work: Path, warm_up: Job) -> None:
        self._work, self._warm_up = work, warm_up
        self._members: dict[str, Member] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self._members.values():
            member.end()

    def member(self, peer: Peer) -> Member:
        if peer.name not in self._members:
            home = self._work / "homes" / peer.name
            member = self._members[peer.name] = Member(peer, home)
            job = Job(**{**self._warm_up.as_json(), "first_day": self._warm_up.first_day, "output": home / "warm-up"})
            told = member.do(job, home / "warm-up.log", most_seconds=120, is_warm_up=True)
            if "error" in told:
                raise RuntimeError(f"{peer.name} cannot do the smallest load: {told['error']}; see {home}/warm-up.log")
        return self._members[peer.name]
