"""Other people's commands that are given a secret: on standard input or in a file, and ended with this process."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from typing import TYPE_CHECKING

from airflow_provider_msginsights.cli.process import cleaned_up_by, undisturbed
from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.transports.redaction import Spellings, hide, redact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_MOST_SHOWN = 600
_PATIENCE_SECONDS = 1.0


class CommandFailedError(Exception):
    """A command ended with an error; the text says which, without any secret.

    :param printed: what it said.
    """

    def __init__(self, text: str, printed: str = "") -> None:
        super().__init__(text)
        self.printed = printed


def words_of(command: str) -> list[str]:
    """Return the words of the command of ``--save-with``, as a shell splits them; no shell runs.

    :raises ConfigurationError: when it cannot be split or has none.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigurationError(f"--save-with is not a command line: {error}.", parameter="--save-with") from None
    if not words:
        raise ConfigurationError("--save-with names no command.", parameter="--save-with")
    return words


def run_child(
    words: Sequence[str],
    *,
    secrets: Collection[str],
    given: str | None = None,
) -> str:
    """Return what the command printed, without secrets, once it has ended well.

    :param given: what it reads on its standard input.
    :param secrets: what must not be shown of its words.
    :raises CommandFailedError: it cannot be started, or ended with an error.
    """
    with contextlib.ExitStack() as stack:
        with undisturbed():
            child = _started(words, reads=given is not None)
            stack.enter_context(child)
            stack.enter_context(_ended(child))
        printed, _ = child.communicate(None if given is None else given.encode())
    text = redact(hide(printed.decode("utf-8", "replace"), [Spellings.of(one) for one in secrets])).strip()
    if child.returncode:
        said = f": {text[-_MOST_SHOWN:]}" if text else ", and said nothing"
        raise CommandFailedError(f"{words[0]} ended with exit code {child.returncode}{said}", text)
    return text


def _started(words: Sequence[str], *, reads: bool) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - what the person asked for; no shell
            list(words),
            stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise CommandFailedError(f"{words[0]} cannot be started: {error.strerror}") from None


@contextlib.contextmanager
def _ended(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Leave nothing of the child behind, whatever ends the block."""

    def kill() -> None:
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)

    with cleaned_up_by(kill):
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError):
                os.killpg(child.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=_PATIENCE_SECONDS)
            kill()
            raise
