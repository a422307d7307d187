"""Where a connection is saved: in Airflow's database, an environment file, by a command, on standard output."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.cli.process import temporary_folder
from airflow_provider_msginsights.cli.token.child import CommandFailedError, run_child, words_of
from airflow_provider_msginsights.cli.token.env_file import check_env_file, variable_of, write_env_file
from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from airflow_provider_msginsights.cli.token.questions import Questions

_PLACEHOLDER = "{conn_id}"
_NO_TABLES = ("no such table", "UndefinedTable", 'relation "connection" does not exist', "doesn't exist")
_CHOICES = {
    "airflow": "this Airflow's database",
    "env": "an environment file, for you alone to read",
    "command": "a command that stores the JSON on its standard input, such as one of your secrets backend",
    "nowhere": "nothing is saved",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedConnection:
    """A connection as Airflow reads it from JSON.

    :param parts: ``conn_type``, ``host``, ``login``, ``password``, ``extra`` and so on; never shown.
    """

    conn_id: str
    parts: dict[str, Any] = field(repr=False)

    @property
    def json(self) -> str:
        """The document that a secrets backend or ``AIRFLOW_CONN_…`` holds."""
        return json.dumps(self.parts)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown."""
        extra = self.parts.get("extra")
        held = (self.parts.get("password"), extra.get("app_secret") if isinstance(extra, dict) else None)
        return tuple(str(one) for one in held if one)


@dataclass(slots=True, kw_only=True)
class Targets:
    """Where to save; each is optional."""

    airflow: bool = False
    env_file: Path | None = None
    command: str | None = None
    prints: bool = False

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Targets:
        """Return those that the options name.

        :raises ConfigurationError: for one that cannot be saved to, before anything is asked for.
        """
        targets = cls(
            airflow=arguments.save_airflow,
            env_file=arguments.save_env,
            command=arguments.save_with,
            prints=arguments.print_secret,
        )
        if targets.prints and arguments.as_json:
            raise ConfigurationError(
                "--print-secret and --json both write to standard output: use one of them.", parameter="--print-secret"
            )
        targets.check()
        return targets

    @property
    def is_empty(self) -> bool:
        """Whether nothing is named."""
        return not (self.airflow or self.env_file or self.command or self.prints)

    def check(self) -> None:
        """Refuse what cannot be saved to.

        :raises ConfigurationError: naming the option.
        """
        if self.env_file is not None:
            check_env_file(self.env_file)
        if self.command is not None:
            words_of(self.command)

    def complete(self, questions: Questions, *, conn_id: str) -> None:
        """Ask a person where to save, if no option says it.

        :raises ConfigurationError: where nobody can be asked.
        """
        from pathlib import Path

        if not self.is_empty:
            return
        options = "One of --save-airflow, --save-env, --save-with and --print-secret"
        answer = questions.choice(options, f"Where to save {conn_id}", _CHOICES, default="airflow")
        self.airflow = answer == "airflow"
        if answer == "env":
            self.env_file = Path(questions.text("--save-env", "Which file", default="msginsights.env")).expanduser()
        if answer == "command":
            self.command = questions.text("--save-with", "Which command")
        self.check()

    def save(self, connections: Sequence[SavedConnection]) -> list[str]:
        """Save everywhere; return where, in words for people.

        :raises ConfigurationError: when one of the places refuses; the message says what is saved by then.
        """
        done: list[str] = []
        option = "--save-env"
        try:
            if self.env_file is not None:
                write_env_file(self.env_file, {variable_of(one.conn_id): one.json for one in connections})
                done.append(f"environment file {self.env_file}")
            option = "--save-airflow"
            if self.airflow:
                _import_into_airflow(connections)
                done.append("Airflow's database")
            option = "--save-with"
            if self.command is not None:
                _give_to(self.command, connections)
                done.append(f"command {words_of(self.command)[0]}")
        except CommandFailedError as error:
            saved = f"Saved before: {', '.join(done)}." if done else "Nothing was saved."
            raise ConfigurationError(f"{option}: {error}. {saved}", error_id="MSGI-cli-save") from None
        if self.prints:
            several = json.dumps({one.conn_id: one.parts for one in connections})
            sys.stdout.write((connections[0].json if len(connections) == 1 else several) + "\n")
            sys.stdout.flush()
            done.append("standard output")
        return done


def warn_of_variables(conn_ids: Sequence[str], targets: Targets, questions: Questions) -> None:
    """Say which connections in the database are not read, because a variable of the environment goes first."""
    for name in map("AIRFLOW_CONN_{}".format, map(str.upper, conn_ids if targets.airflow else ())):
        if name in os.environ:
            questions.tell(f"{name} is set here and goes before the database: take it out.", style="bold yellow")


def _give_to(command: str, connections: Sequence[SavedConnection]) -> None:
    words = words_of(command)
    for one in connections:
        run_child([word.replace(_PLACEHOLDER, one.conn_id) for word in words], secrets=one.secrets, given=one.json)


def _import_into_airflow(connections: Sequence[SavedConnection]) -> None:
    """Let Airflow's own command take them from a file of its owner's alone, which is gone at the end of any kind."""
    secrets = [secret for one in connections for secret in one.secrets]
    with temporary_folder("msginsights-") as folder:
        file = folder / "connections.json"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            json.dump({one.conn_id: _for_import(one.parts) for one in connections}, opened)
        words = [sys.executable, "-m", "airflow", "connections", "import", "--overwrite", str(file)]
        try:
            printed = run_child(words, secrets=secrets)
        except CommandFailedError as error:
            raise CommandFailedError(_why_not_imported(error.printed)) from None
    lines = {line.strip() for line in printed.splitlines()}
    missing = [one.conn_id for one in connections if f"Imported connection {one.conn_id}" not in lines]
    if missing:
        raise CommandFailedError(f"airflow connections import left out {', '.join(missing)}: {_last_words(printed)}")


def _why_not_imported(printed: str) -> str:
    if any(piece in printed for piece in _NO_TABLES):
        return "Airflow's database is not set up yet. Run 'airflow db migrate' first"
    return f"'airflow connections import' failed: {_last_words(printed)}"


def _last_words(printed: str) -> str:
    """Return the last line that names an error, or else the last one."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    named = [line for line in lines if line.partition(":")[0].endswith(("Error", "Exception"))]
    return (named or lines or ["it said nothing"])[-1].rstrip(".")


def _for_import(parts: dict[str, Any]) -> dict[str, Any]:
    """Return the parts as that command wants them: the extra as text."""
    extra = parts.get("extra")
    return {**parts, "extra": json.dumps(extra)} if isinstance(extra, dict) else dict(parts)
