"""How every command speaks: to people in Rich tables, to machines in one JSON document, and by its exit code."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError, RetriableGraphAPIError, TransportError

if TYPE_CHECKING:
    import argparse
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
"""The API could not be asked or did not answer for now: network, limit, outage. Asking again may help."""

INTERRUPTED = 130
"""Ended by Ctrl-C."""

_PLAIN_WIDTH = 400


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Let a command speak to machines."""
    parser.add_argument("--json", dest="as_json", action="store_true", help="print one JSON document and nothing else")


def console(*, errors: bool = False) -> Console:
    """Where people read: coloured in a terminal, otherwise plain and wide, so that no name is cut."""
    from rich.console import Console

    stream = sys.stderr if errors else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False, emoji=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> Table:
    """A table with a title to the left; ``right`` names the columns of numbers. Texts are shown as they are."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text.from_markup(cell) if cell.startswith("[") else Text(cell) for cell in row))
    return made


def tell_json(document: dict[str, Any]) -> None:
    """Print a document for machines."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def tell_error(error: MessagingInsightsError, *, as_json: bool) -> int:
    """Print an error, and give the exit code that belongs to it."""
    if as_json:
        tell_json({"error": error_as_dict(error)})
    else:
        say = console(errors=True).print
        say(type(error).__name__, style="bold red", end=": ")
        say(str(error), markup=False, soft_wrap=True)
    return exit_code_of(error)


def error_as_dict(error: MessagingInsightsError) -> dict[str, Any]:
    """An error in plain JSON: its kind, its message and Meta's evidence."""
    return {"kind": type(error).__name__, "message": error.message, **error.evidence}


def exit_code_of(error: MessagingInsightsError) -> int:
    """Who must act: the caller (2), nobody for now (3), or whoever can mend what was found (1)."""
    if isinstance(error, ConfigurationError):
        return USAGE
    return UNANSWERED if isinstance(error, (RetriableGraphAPIError, TransportError)) else FOUND
