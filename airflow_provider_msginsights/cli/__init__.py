"""``msginsights``: the command line. Each command lives in a module of its own.

Exit codes, the same for every command: 0 it did what was asked and nothing is wrong; 1 something is wrong, or what was
asked failed; 2 the options or the connection are wrong; 3 the API or the storage did not answer for now; 70 a defect
of this package; 74 the output could not be written; 129, 130, 143 ended by SIGHUP, Ctrl-C, SIGTERM; 141 whoever read
the output left.

In reading order:

- ``process``: where the program starts, its streams, signals and how it ends; ``__main__`` runs it too;
- ``output``: tables, JSON and exit codes, the same for every command; ``options``: types of options;
- ``token``: ``token create`` and ``token renew``, the only commands that touch a secret;
- ``inspect``: ``check`` and ``metrics``; ``plan``, with ``dry_run`` for the requests of a load; ``demo``; ``emulator``;
- ``coverage``: what a dataset lacks; ``dataset``: retire, erase and move Pages;
- ``connections``: the connection or dataset that a command uses; ``extras``: what to install when a package is missing.

Free to change: tables and wording. Stable: commands, options, exit codes and the ``--json`` documents. Heavy
imports belong into functions, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, NoReturn

from airflow_provider_msginsights import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; of exceptions only the parser's SystemExit leaves it."""
    # Loaded here: a signal that comes meanwhile finds its handler in place.
    from airflow_provider_msginsights.cli import output, process

    words = sys.argv[1:] if argv is None else list(argv)
    try:
        arguments = build_parser().parse_args(words)
        return int(arguments.run(arguments))
    except process.OutputError as error:
        return process.output_failed(error)
    except KeyboardInterrupt as stop:
        return getattr(stop, "exit_code", output.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the border: whatever it is, nobody is left with a traceback
        return _print_error(error, as_json="--json" in words)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors end with an id, as all errors do; commands get parsers of its kind."""

    def error(self, message: str) -> NoReturn:
        from airflow_provider_msginsights.documentation import ending_with

        super().error(ending_with(message, "MSGI-cli-usage"))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands and their options."""
    from airflow_provider_msginsights.cli import emulator
    from airflow_provider_msginsights.cli.coverage import command as coverage
    from airflow_provider_msginsights.cli.dataset import command as dataset
    from airflow_provider_msginsights.cli.demo import command as demo
    from airflow_provider_msginsights.cli.inspect import check, metrics
    from airflow_provider_msginsights.cli.plan import command as plan
    from airflow_provider_msginsights.cli.token import command as token

    parser = _Parser(
        prog="msginsights",
        description="Meta's Messaging Insights in Apache Airflow: try it, check it, plan it, and test against it.",
        epilog="Exit codes: 0 fine, 1 something is wrong, 2 wrong options or connection, 3 no answer for now.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (token, check, metrics, plan, coverage, dataset, demo, emulator):
        command.add_parser(commands)
    return parser


def _print_error(error: Exception, *, as_json: bool) -> int:
    """Print the error, and give the exit code that belongs to it."""
    from airflow_provider_msginsights.cli import output, process
    from airflow_provider_msginsights.exceptions import MessagingInsightsError

    try:
        if isinstance(error, MessagingInsightsError):
            return output.print_error(error, as_json=as_json)
        if isinstance(error, OSError):
            return output.print_system_error(error, as_json=as_json)
        return output.print_unexpected(error, as_json=as_json)
    except process.OutputError as failure:
        return process.output_failed(failure)
