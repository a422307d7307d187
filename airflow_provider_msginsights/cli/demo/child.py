"""A command that the demo starts, with all that it starts itself: all of it ends with the demo, however that ends.

    python -m airflow_provider_msginsights.cli.demo.child COMMAND...

runs the command in a session of its own. Its standard input is a pipe that the demo alone holds open, so that its end
tells of the demo's, also where the demo was killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from airflow_provider_msginsights.cli.process import cleaned_up_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MODULE = "airflow_provider_msginsights.cli.demo.child"
_ASKED_SECONDS = 0.6
_KILLED_SECONDS = 5.0
_STOP_SECONDS = 1.0
_LOST = 1
_LOOK = os.WEXITED | os.WNOHANG | os.WNOWAIT


@contextlib.contextmanager
def child(command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command, its output in the log; at the end of the block, however it comes, all of it has ended."""
    process = subprocess.Popen(  # noqa: S603 - our own commands
        [sys.executable, "-m", _MODULE, *command],
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C in the terminal reaches this process alone, which stops the other in order
    )
    with cleaned_up_by(lambda: _stop(process)):
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let the child see its input end, and end by force what is left of it."""
    with contextlib.suppress(OSError):
        process.stdin.close()  # type: ignore[union-attr] # a pipe, as it was started
    if process.returncode is not None:
        return  # what it had started it has ended itself
    # Not waited for before the rest has ended: until then nobody else is given its number.
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline and os.waitid(os.P_PID, process.pid, _LOOK) is None:
        time.sleep(0.02)
    end_session(process.pid, spared=(), asked_seconds=0)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)


def main(command: Sequence[str]) -> int:
    """Run the command, and give its exit code; end it and what it started when standard input ends."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - the demo's
    threading.Thread(target=_end_with_input, daemon=True).start()
    code = process.wait()
    end_session(os.getsid(0), spared=(os.getpid(),))
    return code if code >= 0 else 128 - code


def _end_with_input() -> None:
    while os.read(0, 1024):
        pass
    end_session(os.getsid(0), spared=(os.getpid(),))
    os._exit(_LOST)


def end_session(session: int, *, spared: Sequence[int], asked_seconds: float = _ASKED_SECONDS) -> None:
    """Ask every process of a session to end, and end by force what is left after so many seconds."""
    for number, seconds in ((signal.SIGTERM, asked_seconds), (signal.SIGKILL, _KILLED_SECONDS)):
        deadline = time.monotonic() + seconds
        is_asked = False
        while time.monotonic() < deadline and (left := _members(session, spared)):
            if not is_asked or number == signal.SIGKILL:
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
            is_asked = True
            time.sleep(0.02)


def _members(session: int, spared: Sequence[int]) -> list[int]:
    """Return the living processes of a session: Airflow's tasks leave its process group, none leaves its session."""
    return [
        pid
        for pid, is_zombie, its_session in _processes()
        if its_session == session and not is_zombie and pid not in spared
    ]


def _processes() -> Iterator[tuple[int, bool, int]]:
    """Every process as (id, is a zombie, session): from /proc where there is one, otherwise from ``ps``."""
    entries = list(Path("/proc").glob("[0-9]*/stat"))
    for entry in entries:
        with contextlib.suppress(OSError):
            text = entry.read_text(encoding="utf-8", errors="replace")
            state, _, _, session = text.rpartition(")")[2].split()[:4]
            yield int(entry.parent.name), state == "Z", int(session)
    if not entries:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=False).stdout  # noqa: S607 - the system's own
        for pid, state in (line.split(maxsplit=1) for line in listed.splitlines()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                yield int(pid), state.startswith("Z"), os.getsid(int(pid))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
