"""What a person is asked, or what options and standard input say in the person's place."""

from __future__ import annotations

import getpass
import sys
import warnings
from typing import TYPE_CHECKING

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MOST_BYTES = 65_536


class Questions:
    """Asks in a terminal. Elsewhere only secrets are read, one a line; everything else must be an option."""

    def __init__(self) -> None:
        self.console = output.console(errors=True)
        self.is_interactive = sys.stdin is not None and sys.stdin.isatty()

    def tell(self, text: str, *, style: str | None = None) -> None:
        """Print a text for people; standard output belongs to the answer."""
        self.console.print(text, style=style, markup=False, soft_wrap=True)

    def text(self, option: str, question: str, *, default: str | None = None) -> str:
        """Return what the person types.

        :raises ConfigurationError: where nobody can be asked, naming the option that says it.
        """
        from rich.prompt import Prompt

        self._need_a_person(option, question)
        try:
            answer = Prompt.ask(question, console=self.console, default=default or "", show_default=bool(default))
        except EOFError:
            raise _ended(question) from None
        return answer.strip()

    def choice(self, option: str, question: str, choices: Mapping[str, str], *, default: str) -> str:
        """Return one of the choices, each shown with what it means.

        :raises ConfigurationError: where nobody can be asked, naming the option that says it.
        """
        from rich.prompt import Prompt

        self._need_a_person(option, question)
        for name, meaning in choices.items():
            self.tell(f"  {name}: {meaning}")
        try:
            return Prompt.ask(question, console=self.console, choices=list(choices), default=default)
        except EOFError:
            raise _ended(question) from None

    def yes(self, option: str, question: str, *, default: bool) -> bool:
        """Return whether the person agrees.

        :raises ConfigurationError: where nobody can be asked, naming the option that says it.
        """
        from rich.prompt import Confirm

        self._need_a_person(option, question)
        try:
            return Confirm.ask(question, console=self.console, default=default)
        except EOFError:
            raise _ended(question) from None

    def secret(self, what: str) -> str:
        """Return a secret: typed without being shown, or else the next line of standard input.

        :raises ConfigurationError: when none comes, or one that no secret of Meta's looks like.
        """
        if self.is_interactive:
            text = self._typed(what)
        else:
            line = sys.stdin.buffer.readline(_MOST_BYTES) if sys.stdin is not None else b""
            if not line:
                raise _ended(what)
            text = line.decode("ascii", "replace")
        return _checked(what, text)

    def _typed(self, what: str) -> str:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", getpass.GetPassWarning)
                return getpass.getpass(f"{what} (not shown): ")
        except EOFError:
            raise _ended(what) from None
        except getpass.GetPassWarning:
            raise ConfigurationError(
                f"{what}: this terminal cannot hide what is typed. Give it on standard input, one secret a line.",
                error_id="MSGI-cli-input",
            ) from None

    def _need_a_person(self, option: str, question: str) -> None:
        if not self.is_interactive:
            raise ConfigurationError(
                f"{option} is missing, and nobody can be asked here: {question}", error_id="MSGI-cli-input"
            )


def secret_in(file: Path, what: str) -> str:
    """Return the secret that is the whole of a file.

    :raises ConfigurationError: when it cannot be read or holds none.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise ConfigurationError(
            f"{what}: {file} cannot be read: {error.strerror}.", error_id="MSGI-cli-input"
        ) from None
    return _checked(what, text)


def _checked(what: str, text: str) -> str:
    text = text.strip()
    if not text:
        raise ConfigurationError(f"{what}: nothing was given.", error_id="MSGI-cli-input")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ConfigurationError(
            f"{what}: it holds spaces, line breaks or characters that none has. Copy it whole, and nothing beside it.",
            error_id="MSGI-cli-input",
        )
    return text


def _ended(what: str) -> ConfigurationError:
    return ConfigurationError(f"{what}: standard input ended before it came.", error_id="MSGI-cli-input")
