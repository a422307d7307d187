"""The connection as a line of an environment file: for its owner alone, and never where git would take it along."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_msginsights.cli.process import cleaned_up_by, undisturbed
from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_IGNORED, _NOT_IGNORED = 0, 1


def variable_of(conn_id: str) -> str:
    """Return the environment variable that Airflow reads a connection from.

    :raises ConfigurationError: when the id makes no name that a shell knows.
    """
    name = f"AIRFLOW_CONN_{conn_id.upper()}"
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"--save-env: {name} is not the name of an environment variable. Use a connection id of letters, digits "
            "and underscores.",
            parameter="--save-env",
        )
    return name


def check_env_file(file: Path) -> None:
    """Refuse a place where the file cannot be written, or where git would take it along.

    :raises ConfigurationError: saying what helps.
    """
    target = _target(file)
    if target.is_dir() or not target.parent.is_dir():
        raise ConfigurationError(
            f"--save-env: {file} cannot be written: its folder is missing, or it is one itself.", parameter="--save-env"
        )
    if target.exists() and not target.is_file():
        raise ConfigurationError(f"--save-env: {file} is not a file.", parameter="--save-env")
    for place in {Path.cwd() / file, target}:
        _check_git(place, file)


def write_env_file(file: Path, values: Mapping[str, str]) -> None:
    """Set these variables in the file, whose other lines stay; it is replaced in one step, readable by its owner alone.

    :param values: variable -> text without line breaks.
    :raises ConfigurationError: when it cannot be written, or a variable's present value goes over several lines.
    """
    check_env_file(file)
    target = _target(file)
    try:
        before = target.read_text(encoding="utf-8").splitlines() if target.exists() else []
        lines = _replaced(before, {name: f"{name}={_quoted(text)}" for name, text in values.items()}, file)
        _replace(target, "\n".join(lines) + "\n")
    except OSError as error:
        raise ConfigurationError(
            f"--save-env: {file} cannot be written: {error.strerror}.", parameter="--save-env"
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"--save-env: {file} cannot be read: it is not UTF-8.", parameter="--save-env"
        ) from None


def _target(file: Path) -> Path:
    """Return the file itself, where a link was named."""
    return Path(os.path.realpath(file))


def _replaced(before: list[str], new: dict[str, str], file: Path) -> list[str]:
    lines, left = [], dict(new)
    for line in before:
        name = line.removeprefix("export ").partition("=")[0].strip()
        if name not in new:
            lines.append(line)
            continue
        value = line.partition("=")[2].strip()
        if value[:1] in {"'", '"'} and (len(value) == 1 or value[-1] != value[0]):
            raise ConfigurationError(
                f"--save-env: the value of {name} in {file} goes over several lines. "
                "Take it out, or name another file.",
                parameter="--save-env",
            )
        if name in left:
            lines.append(f"{'export ' if line.startswith('export ') else ''}{left.pop(name)}")
    return [*lines, *left.values()]


def _quoted(text: str) -> str:
    """Return the text in single quotes: shells, systemd, Compose and python-dotenv read these alike.

    JSON has another way to write a quote that stands in a text.
    """
    return "'" + text.replace("'", "\\u0027") + "'"


def _replace(target: Path, text: str) -> None:
    with contextlib.ExitStack() as stack:
        with undisturbed():
            descriptor, name = tempfile.mkstemp(prefix=f"{target.name}.", dir=target.parent)  # made with 0600
            temporary = Path(name)
            remove = partial(temporary.unlink, missing_ok=True)
            stack.callback(remove)
            stack.enter_context(cleaned_up_by(remove))
            opened = stack.enter_context(os.fdopen(descriptor, "w", encoding="utf-8"))
        opened.write(text)
        opened.flush()
        os.fsync(descriptor)
        temporary.replace(target)


def _check_git(place: Path, file: Path) -> None:
    """Refuse a file in a work tree of git that does not ignore it, and one of which that cannot be found out."""
    tree = next((one for one in place.parents if (one / ".git").exists()), None)
    git = shutil.which("git")
    if tree is None and (git is None or not _is_inside(git, place.parent)):
        return
    if git is not None:
        done = _git(git, place.parent, "check-ignore", "-q", "--", str(place))
        if done == _IGNORED:
            return
        if done == _NOT_IGNORED:
            raise ConfigurationError(
                f"--save-env: {file} lies in a work tree of git that does not ignore it, so the token might be "
                f"committed. Add {place.name} to .gitignore, or name a file elsewhere.",
                parameter="--save-env",
            )
    raise ConfigurationError(
        f"--save-env: {file} lies in a work tree of git, and whether git ignores it cannot be found out. Name a file "
        "elsewhere.",
        parameter="--save-env",
    )


def _is_inside(git: str, folder: Path) -> bool:
    return _git(git, folder, "rev-parse", "--is-inside-work-tree") == 0


def _git(git: str, folder: Path, *arguments: str) -> int:
    # Without variables that would let git look at another repository than the one the file lies in.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(  # noqa: S603 - git, by its path
        [git, "-C", str(folder), *arguments], env=environment, capture_output=True, check=False
    )
    return done.returncode
