"""Processes of a test: each leads a session of its own, and every one of them ends, however the test does."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Self

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType


def free_port() -> int:
    """Give a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def signal_session(session_id: int, number: signal.Signals) -> bool:
    """Send a signal to every process of a session, in whatever process group; tell whether there was any."""
    found = False
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid and os.getsid(pid) == session_id and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                os.kill(pid, number)
                found = True
    return found


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

    @property
    def is_running(self) -> bool:
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return not self.has_ended and os.waitid(os.P_PID, self.process.pid, how) is None

    @property
    def log(self) -> str:
        """What it wrote, without what others of its name wrote before."""
        return self.log_file.read_bytes()[self.log_start :].decode(errors="replace")

    def ask_to_stop(self) -> None:
        """Ask the first process to end."""
        if self.is_running:
            os.kill(self.process.pid, self.stop_signal)

    def stop(self, *, patience_seconds: float = 15) -> None:
        """Ask the first process to end, and end what is left after that."""
        self.ask_to_stop()
        self.finish(timeout_seconds=patience_seconds)

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
        while signal_session(self.process.pid, signal.SIGKILL):
            time.sleep(0.05)
        self.process.wait()
        self.has_ended = True
        self.forget()


@dataclass
class Sessions:
    """Starts processes and ends them, the last one first; a keeper ends them if this process cannot.

    Use it in a ``with`` block. ``folder`` gets a log file for each name; a process started again writes on in its own.
    """

    folder: Path
    _started: list[Session] = field(default_factory=list)
    _keeper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._keeper = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, __file__], stdin=subprocess.PIPE, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(self._dismiss_keeper)
            for session in self._started:
                stack.callback(session.stop)
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


def keep() -> None:
    """Wait until whoever started this process is gone, then end the sessions it named and did not take back."""
    numbers = [int(line) for line in sys.stdin]
    for session_id in {number for number in numbers if number > 0 and -number not in numbers}:
        for _ in range(100):
            if not signal_session(session_id, signal.SIGKILL):
                break


if __name__ == "__main__":
    keep()
