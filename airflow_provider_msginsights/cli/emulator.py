"""``msginsights emulator``: the API as a local server, for newcomers and for tests of DAGs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.cli.extras import require_emulator
from airflow_provider_msginsights.cli.process import temporary_folder

if TYPE_CHECKING:
    import argparse


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "emulator",
        help="serve the Messaging Insights API locally, computed from seeded messaging events",
        description="Serve the Messaging Insights API on 127.0.0.1 until Ctrl-C.",
    )
    parser.add_argument(
        "--port", type=output.port, default=8099, help="port to listen on; 0 takes a free one (default: 8099)"
    )
    parser.add_argument("--pages", type=int, default=20, help="how many Pages, with ids from 101 (default: 20)")
    parser.add_argument("--latency-ms", type=float, default=0, help="added to each HTTP request (default: 0)")
    parser.add_argument("--batch-part-ms", type=float, default=0, help="added for each part of a batch (default: 0)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same numbers (default: 1)")
    parser.add_argument(
        "--readiness-lag-hours", type=float, default=0, help="how long after its end a day appears (default: 0)"
    )
    parser.add_argument(
        "--style",
        choices=("real", "documentation"),
        default="real",
        help="wire shapes as recorded, or with the documentation's strings for numbers and times (default: real)",
    )
    parser.add_argument("--journal", action="store_true", help="print a line for each call, without tokens")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until the process is stopped."""
    require_emulator()
    from airflow_provider_msginsights.emulator.command import run_emulator

    with temporary_folder("msginsights-emulator-") as folder:
        return run_emulator(
            port=arguments.port,
            pages=arguments.pages,
            latency_ms=arguments.latency_ms,
            batch_part_ms=arguments.batch_part_ms,
            seed=arguments.seed,
            readiness_lag_hours=arguments.readiness_lag_hours,
            style=arguments.style,
            journal=arguments.journal,
            folder=folder,
        )
