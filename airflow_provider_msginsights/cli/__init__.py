"""``msginsights``: the command line. Each command lives in a module of its own."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_provider_msginsights import __version__
from airflow_provider_msginsights.cli import demo, emulator
from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0 when it did what was asked, 2 when something has to be set right."""
    parser = argparse.ArgumentParser(
        prog="msginsights", description="Meta's Messaging Insights in Apache Airflow: try it, and test against it."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (demo, emulator):
        command.add_parser(commands)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ConfigurationError as error:
        sys.stderr.write(f"{error.message}\n")
        return 2
    except KeyboardInterrupt:
        return 130
