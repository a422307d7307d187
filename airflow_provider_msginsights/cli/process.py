"""The command line as a process of its own: what it writes to, how it is stopped, and how it ends.

It ends within two seconds of Ctrl-C, SIGTERM or SIGHUP, whatever is under way: a signal raises `Stopped` in the main
thread, which leaves its `with` blocks and so ends children and removes folders. Where that takes too long, because a
server drips or a name is being looked up, a thread does what `cleaned_up_by` registered and ends the process.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import locale
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

UNWRITTEN = 74
"""What the command had to say could not be written (EX_IOERR)."""

UNREAD = 128 + getattr(signal, "SIGPIPE", 13)
"""Whoever read the output has left, as `head` does: what shells report for programs that SIGPIPE ends."""

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_PATIENCE_SECONDS = 1.5
_STANDARD_DESCRIPTORS = (0, 1, 2)


class Stopped(KeyboardInterrupt):
    """The process was stopped by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


class OutputError(OSError):
    """Standard output cannot be written."""


class _Output(io.TextIOWrapper):
    """Standard output: tells its own failures from those of other files, and writes any text in any encoding."""

    failure: OSError | None = None

    def write(self, text: str, /) -> int:
        with self._noticing_failure():
            return super().write(text)

    def flush(self) -> None:
        with self._noticing_failure():
            super().flush()

    @contextlib.contextmanager
    def _noticing_failure(self) -> Iterator[None]:
        try:
            yield
        except OutputError:  # of the flush within a write
            raise
        except OSError as error:
            self.failure = error
            raise OutputError(error.errno, error.strerror) from None


class _ErrorOutput(io.TextIOWrapper):
    """Standard error: where it cannot be written, a failure goes unreported."""

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


_Stream = TypeVar("_Stream", _Output, _ErrorOutput)
_clean_ups: list[Callable[[], None]] = []
_stopped_by: list[int] = []
_undisturbed: list[None] = []


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let a signal wait for the end of this block: for what is made there and must be known to whoever cleans up.

    The block must be short.
    """
    before = len(_stopped_by)
    _undisturbed.append(None)
    try:
        yield
    finally:
        _undisturbed.pop()
        if not before and _stopped_by:
            raise Stopped(_stopped_by[0])


@contextlib.contextmanager
def cleaned_up_by(clean_up: Callable[[], None]) -> Iterator[None]:
    """Let the process's end call this if it comes before the block's; it must not wait long."""
    _clean_ups.append(clean_up)
    try:
        yield
    finally:
        _clean_ups.remove(clean_up)


@contextlib.contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Make a folder that is gone at the end of the block, and of the process."""
    with contextlib.ExitStack() as stack:
        with undisturbed():
            folder = Path(tempfile.mkdtemp(prefix=prefix))
            remove = partial(shutil.rmtree, folder, ignore_errors=True)
            stack.callback(remove)
            stack.enter_context(cleaned_up_by(remove))
        yield folder


def run() -> NoReturn:
    """Run the command that the process's arguments name, and end the process with its exit code."""
    _keep_standard_descriptors()
    _use_utf8()
    _listen_to_signals()
    try:
        code = _exit_code()
    except Stopped as stop:
        code = stop.exit_code
    # Not by sys.exit: it waits for every thread, and one may be reading from a server that never ends.
    os._exit(code)


def _exit_code() -> int:
    if sys.stdout is None:
        _print_failure("it is closed")
        return UNWRITTEN
    sys.stdout = output = _renewed(sys.stdout, _Output)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - until the end
    else:
        sys.stderr = _renewed(sys.stderr, _ErrorOutput)
    from airflow_provider_msginsights.cli import main

    try:
        code = main()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    with contextlib.suppress(OSError):
        output.flush()
    sys.stderr.flush()
    if output.failure is not None and not _stopped_by and code not in {UNWRITTEN, UNREAD}:
        return output_failed(output.failure)
    return code


def output_failed(error: OSError) -> int:
    """Report that standard output cannot be written, unless its reader has left; give the exit code."""
    if isinstance(error, BrokenPipeError) or error.errno == errno.EPIPE:
        return UNREAD
    _print_failure(error.strerror or type(error).__name__)
    return UNWRITTEN


def _print_failure(reason: str) -> None:
    from airflow_provider_msginsights.documentation import ending_with

    with contextlib.suppress(OSError, AttributeError):
        text = f"msginsights: standard output cannot be written: {reason}."
        sys.stderr.write(f"{ending_with(text, 'MSGI-cli-output')}\n")
        sys.stderr.flush()


def _renewed(stream: TextIO, kind: type[_Stream]) -> _Stream:
    """Return the stream as another class; what its encoding lacks is written as an escape."""
    is_buffered_by_line = getattr(stream, "line_buffering", False)
    return kind(stream.buffer, encoding=stream.encoding, errors="backslashreplace", line_buffering=is_buffered_by_line)


def _keep_standard_descriptors() -> None:
    """Let no file or socket that is opened later become standard input or output, where these are closed."""
    for descriptor in _STANDARD_DESCRIPTORS:
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one


def _use_utf8() -> None:
    """Begin again in Python's UTF-8 mode where the locale has another encoding: Airflow reads its own files in that.

    What is printed stays in the encoding that the surroundings chose.
    """
    if sys.flags.utf8_mode or codecs.lookup(locale.getencoding()).name == "utf-8" or not sys.orig_argv[1:]:
        return
    if sys.stdout is not None:
        os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding)
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - this very command


def _listen_to_signals() -> None:
    """Let signals stop the process, but not a SIGHUP that was ignored from the start, as by nohup.

    SIGINT is ignored in what scripts start in the background; there it still is how to end a server.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for number in _SIGNALS:
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_end_in_time, args=(reader,), name="msginsights-end", daemon=True).start()


def _stop(number: int, _frame: FrameType | None) -> None:
    """Raise once: a second signal must not break off what the first one began."""
    _stopped_by.append(number)
    if len(_stopped_by) == 1 and not _undisturbed:
        raise Stopped(number)


def _end_in_time(reader: int) -> NoReturn:
    """End the process some time after a signal, if it has not ended by itself. It notices even while C code runs."""
    while True:
        caught = [number for number in os.read(reader, 1) if number in _SIGNALS]
        if caught:
            time.sleep(_PATIENCE_SECONDS)
            for clean_up in reversed(tuple(_clean_ups)):
                with contextlib.suppress(Exception):
                    clean_up()
            os._exit(128 + caught[0])
