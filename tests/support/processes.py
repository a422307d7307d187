"""Processes of a test: each leads a session of its own, and every one of them ends, however the test does."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Self

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ONE_AND_THE_OTHERS = [signal.SIGINT, *(pytest.param(one, marks=pytest.mark.thorough) for one in SIGNALS[1:])]
"""What a command is stopped with, as parameters of a test."""

AT_ONCE_SECONDS = 4
"""Two where nothing else runs. What is waited for here would otherwise take minutes."""

_PORTS = range(15_000, 32_000)
"""Below those that systems give to outgoing connections: one of these could take a server's port before it starts."""


def free_port() -> int:
    """Give a port of this machine that nobody listens on, each time another one."""
    while True:
        port = _PORTS[secrets.randbelow(len(_PORTS))]  # no seed: test runs side by side would get the same ones
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(
    condition: Callable[[], bool], *, timeout_seconds: float, told: Callable[[], str], every_seconds: float = 0.5
) -> None:
    """Wait until something holds; otherwise fail, telling what is known."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"Did not happen within {timeout_seconds:g} seconds.\n{told()}")
        time.sleep(every_seconds)


def wait_for_port(port: int, session: Session, *, timeout_seconds: float = 30) -> None:
    """Wait until something listens on a port; fail at once when the process has ended."""

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        assert session.is_running, f"It ended, and nothing listens on port {port}.\n{session.log}"
        return False

    wait_until(listens, timeout_seconds=timeout_seconds, told=lambda: session.log, every_seconds=0.05)


def members(session_id: int) -> list[int]:
    """Find the processes of a session, in whatever process group, which still run."""
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if pid and os.getsid(pid) == session_id and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


def signal_session(session_id: int, number: signal.Signals) -> bool:
    """Send a signal to every process of a session; tell whether there was any."""
    found = members(session_id)
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    return bool(found)


@dataclass
class Session:
    """A started process with all that it started itself.

    Its first process is not waited for before the rest has ended: until then nobody else can be given its number, and
    no signal can reach a stranger.

    :param stop_signal: what asks its first process to end well.
    :param forget: called once nothing of it is left.
    """

    process: subprocess.Popen[bytes]
    log_file: Path
    log_start: int
    stop_signal: signal.Signals
    forget: Callable[[], None]
    has_ended: bool = False
    _asked_seconds: float | None = None

    @property
    def pid(self) -> int:
        """The number of its first process, which is the session's too."""
        return self.process.pid

    @property
    def is_running(self) -> bool:
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return not self.has_ended and os.waitid(os.P_PID, self.pid, how) is None

    @property
    def log(self) -> str:
        """What it wrote, without what others of its name wrote before."""
        return self.log_file.read_bytes()[self.log_start :].decode(errors="replace")

    def ask_to_stop(self) -> None:
        """Ask the first process to end: once, since many take a second time for haste."""
        if self._asked_seconds is None and self.is_running:
            self._asked_seconds = time.monotonic()
            os.kill(self.pid, self.stop_signal)

    def stop(self, *, patience_seconds: float = 15) -> None:
        """Ask the first process to end, and end what is left so many seconds after it was first asked."""
        self.ask_to_stop()
        waited = 0.0 if self._asked_seconds is None else time.monotonic() - self._asked_seconds
        self.finish(timeout_seconds=patience_seconds - waited)

    def finish(self, *, timeout_seconds: float) -> int:
        """Wait for the end of the first process, and end what is left after that; give its exit code."""
        deadline = time.monotonic() + timeout_seconds
        while self.is_running and time.monotonic() < deadline:
            time.sleep(0.05)
        self.kill()
        return self.process.wait()

    def kill(self) -> None:
        """End everything at once, as when the machine is gone."""
        if self.has_ended:
            return
        while signal_session(self.pid, signal.SIGKILL):
            time.sleep(0.05)
        self.process.wait()
        self.has_ended = True
        self.forget()


@dataclass
class Sessions:
    """Starts processes and ends them, the last one first; a keeper ends them if this process cannot.

    Use it in a ``with`` block. ``folder`` gets a log file for each name; a process started again writes on in its own.

    :param patience_seconds: how long a process may take to end when it is asked to.
    """

    folder: Path
    patience_seconds: float = 15
    _started: list[Session] = field(default_factory=list)
    _keeper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._keeper = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, __file__, str(self.patience_seconds)], stdin=subprocess.PIPE, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(self._dismiss_keeper)
            for session in self._started:
                stack.callback(session.stop, patience_seconds=self.patience_seconds)
            self._started.clear()

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> Session:
        """Start a process that leads a new session; its output goes to ``<name>.log``."""
        log_file = self.folder / f"{name}.log"
        with log_file.open("ab") as log:
            log_start = log.tell()
            process = subprocess.Popen(  # noqa: S603 - the tests' own commands
                command,
                env=None if environment is None else dict(environment),
                user=user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._tell_keeper(process.pid)
        forget = partial(self._tell_keeper, -process.pid)
        session = Session(process, log_file, log_start, stop_signal, forget)
        self._started.append(session)
        return session

    def _tell_keeper(self, number: int) -> None:
        assert self._keeper is not None
        assert self._keeper.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._keeper.stdin.write(b"%d\n" % number)
            self._keeper.stdin.flush()

    def _dismiss_keeper(self) -> None:
        """Let the keeper find that nothing is left to end."""
        assert self._keeper is not None
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        self._keeper.wait(timeout=60)


def keep(patience_seconds: float) -> None:
    """Wait until whoever started this process is gone, then end the sessions it named and did not take back."""
    numbers = [int(line) for line in sys.stdin]
    left = {number for number in numbers if number > 0 and -number not in numbers}
    for session_id in left:
        # Asked first: it may have started sessions that only it knows of.
        if session_id in members(session_id):
            os.kill(session_id, signal.SIGTERM)
    deadline = time.monotonic() + patience_seconds
    while left and time.monotonic() < deadline:
        left = {session_id for session_id in left if members(session_id)}
        time.sleep(0.05)
    for session_id in left:
        for _ in range(100):
            if not signal_session(session_id, signal.SIGKILL):
                break


if __name__ == "__main__":
    keep(float(sys.argv[1]))
