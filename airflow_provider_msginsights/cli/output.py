"""How every command speaks: to people in Rich tables, to machines in one JSON document, and by its exit code."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights import __version__
from airflow_provider_msginsights.documentation import ending_with, with_address
from airflow_provider_msginsights.exceptions import (
    ConfigurationError,
    RetriableGraphAPIError,
    StorageError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console
    from rich.table import Table

    from airflow_provider_msginsights.exceptions import MessagingInsightsError

OK = 0
"""What was asked is done, and nothing is wrong."""

FOUND = 1
"""Something is wrong, and the output says what; or what was asked failed."""

USAGE = 2
"""The command line or the connection is wrong: nothing was asked."""

UNANSWERED = 3
"""The API or the storage did not answer for now: network, limit, outage. Asking again may help."""

BUG = 70
"""A defect of this package (EX_SOFTWARE)."""

INTERRUPTED = 130
"""Ended by Ctrl-C. SIGTERM gives 143 and SIGHUP 129: 128 and the number of the signal, as shells report it."""

DEBUG_VARIABLE = "MSGINSIGHTS_DEBUG"
"""Set to anything, it shows the traceback of an unexpected error."""

EXIT_CODES = {
    f"{OK}": "Done, and nothing is wrong.",
    f"{FOUND}": "Something is wrong, and the output says what: loads cannot work, a metric is refused or a Page gives "
    "nothing, an allowance would be exceeded, somebody must act on a dataset, the demo failed.",
    f"{USAGE}": "The options, the files or the connection are missing or wrong.",
    f"{UNANSWERED}": "The API or the storage does not answer for now (network, limit, outage): ask again.",
    f"{BUG}": f"A defect of this package: {DEBUG_VARIABLE}=1 shows the traceback.",
    "74": "The output could not be written: it is closed, or the disk is full.",
    f"129, {INTERRUPTED}, 143": "Ended by SIGHUP, Ctrl-C, SIGTERM: within two seconds, with all that was started.",
    "141": "Whoever read the output has left, as `head` does.",
}
"""What the exit codes mean that every command has; a command's own help says which of them it gives, and when."""

_PLAIN_WIDTH = 400
_LAST_PORT = 65_535


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Let a command speak to machines."""
    parser.add_argument("--json", dest="as_json", action="store_true", help="print one JSON document and nothing else")


def port(text: str) -> int:
    """Return the number of a port, for a parser; 0 is one that the system chooses."""
    if not text.isdecimal() or not text.isascii() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: use a number from 0 to {_LAST_PORT}")
    return int(text)


def console(*, errors: bool = False) -> Console:
    """Where people read: coloured in a terminal, otherwise plain and wide, so that no name is cut."""
    from rich.console import Console

    stream = sys.stderr if errors else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False, emoji=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> Table:
    """Return a table with a title to the left; ``right`` names the columns of numbers. Texts are shown as they are."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text.from_markup(cell) if cell.startswith("[") else Text(cell) for cell in row))
    return made


def print_json(document: dict[str, Any]) -> None:
    """Print a document for machines."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def print_error(error: MessagingInsightsError, *, as_json: bool) -> int:
    """Print an error, and give the exit code that belongs to it."""
    with_address(error)
    if as_json:
        print_json({"error": error_as_dict(error)})
    else:
        say = console(errors=True).print
        say(type(error).__name__, style="bold red", end=": ")
        say(str(error), markup=False, soft_wrap=True)
    return exit_code_of(error)


def print_system_error(error: OSError, *, as_json: bool) -> int:
    """Print what the system refused: a file, a folder, the disk."""
    where = f"{error.filename}: " if error.filename is not None else ""
    text = f"{where}{error.strerror or type(error).__name__}"
    _print_failure(text, kind=type(error).__name__, error_id="MSGI-cli-file", as_json=as_json)
    return FOUND


def print_unexpected(error: BaseException, *, as_json: bool) -> int:
    """Print that something happened which this package did not expect; never the error's text, which may be secret."""
    if DEBUG_VARIABLE in os.environ:
        traceback.print_exception(error)
    text = (
        f"Unexpected {type(error).__name__}{_place_of(error)}. This is a defect of airflow-provider-msginsights "
        f"{__version__}: please report it. {DEBUG_VARIABLE}=1 shows the traceback; look through it for secrets first."
    )
    _print_failure(text, kind=type(error).__name__, error_id="MSGI-defect", as_json=as_json)
    return BUG


def _print_failure(text: str, *, kind: str, error_id: str, as_json: bool) -> None:
    if as_json:
        print_json({"error": {"kind": kind, "message": text, "error_id": error_id}})
    else:
        sys.stderr.write(f"msginsights: {ending_with(text, error_id)}\n")


def _place_of(error: BaseException) -> str:
    """Return the innermost line of this package that the error passed."""
    frames = traceback.extract_tb(error.__traceback__)
    package = f"{os.sep}airflow_provider_msginsights{os.sep}"
    ours = [frame for frame in frames if package in frame.filename]
    return f" at {ours[-1].filename.rpartition(package)[2]}:{ours[-1].lineno}" if ours else ""


def error_as_dict(error: MessagingInsightsError) -> dict[str, Any]:
    """Return an error in plain JSON: its kind, its message and Meta's evidence."""
    return {"kind": type(error).__name__, "message": error.message, **error.evidence}


def exit_code_of(error: MessagingInsightsError) -> int:
    """Who must act: the caller (2), nobody for now (3), or whoever can fix what was found (1)."""
    if isinstance(error, ConfigurationError):
        return USAGE
    return UNANSWERED if isinstance(error, (RetriableGraphAPIError, StorageError, TransportError)) else FOUND
