"""``msginsights``: the command line. Each command lives in a module of its own.

Exit codes, the same for every command: 0 it did what was asked and nothing is wrong; 1 something is wrong, or what was
asked failed; 2 the options or the connection are wrong; 3 the API did not answer for now; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from airflow_provider_msginsights import __version__
from airflow_provider_msginsights.cli import check, demo, emulator, metrics, plan, telling
from airflow_provider_msginsights.exceptions import MessagingInsightsError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    parser = argparse.ArgumentParser(
        prog="msginsights",
        description="Meta's Messaging Insights in Apache Airflow: try it, check it, plan it, and test against it.",
        epilog="Exit codes: 0 fine, 1 something is wrong, 2 wrong options or connection, 3 no answer for now.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (check, metrics, plan, demo, emulator):
        command.add_parser(commands)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except MessagingInsightsError as error:
        return telling.tell_error(error, as_json=getattr(arguments, "as_json", False))
    except KeyboardInterrupt:
        return telling.INTERRUPTED
