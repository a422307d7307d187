"""``msginsights coverage``: the options, and which action they ask for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.cli.connections import add_dataset_options, dataset_of_options
from airflow_provider_msginsights.cli.options import day, page_ids, whole_number
from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    import argparse

_USAGE = """msginsights coverage PATH [--since DATE] [--page-ids IDS] [--html FILE] [--cells FILE] [other options]
       msginsights coverage ack PATH --until DATE --reason TEXT [--page-ids IDS] [--kinds …] [--metrics …]"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "coverage",
        help="what a dataset holds and lacks, and who must act; ledgers built anew and verified",
        usage=_USAGE,
        description="How complete a dataset is: who must act, what is being filled, which days are there. Reads the "
        "small files beside the data; the API is asked nothing. 'coverage ack PATH' quiets what people know of.",
        epilog="Exit codes: 0 fine or being filled, 1 somebody must act (or --verify found differences), 2 wrong "
        "options, files or connection, 3 the storage did not answer.",
    )
    add_dataset_options(parser)
    parser.add_argument("path_of_ack", nargs="?", metavar="PATH of ack", help="the dataset, after the word ack")
    parser.add_argument("--since", type=day, metavar="DATE", help="the first Pacific day to look at")
    parser.add_argument("--page-ids", type=page_ids, metavar="IDS", help="only these Pages, with commas")
    parser.add_argument("--cells", type=Path, metavar="FILE", help="also write all cells: .parquet, .jsonl or .csv")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write all of it as a page for a browser")
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--changes", action="store_true", help="add up what loads changed since a day (--since), by Page and month"
    )
    action.add_argument("--rebuild", action="store_true", help="build the ledgers anew from rows and manifests")
    action.add_argument("--verify", action="store_true", help="read every file and compare it with the ledgers")
    parser.add_argument("--dry-run", action="store_true", help="with --rebuild and ack: change nothing")
    parser.add_argument(
        "--max-graph-calls",
        type=whole_number(1, 1_000_000_000),
        default=1000,
        metavar="N",
        help="the fill's bound, for the number of nights (default: 1000)",
    )
    ack = parser.add_argument_group("ack")
    ack.add_argument("--until", type=day, metavar="DATE", help="the last Pacific day on which it is known")
    ack.add_argument("--reason", metavar="TEXT", help="why, for those who read it later")
    ack.add_argument("--kinds", metavar="KINDS", help="only these kinds of findings, with commas")
    ack.add_argument("--metrics", metavar="NAMES", help="only findings about these metrics, with commas")
    output.add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what the options ask for; show the report where they ask for nothing else."""
    from airflow_provider_msginsights.cli.coverage import acknowledging, changes, ledgers

    if arguments.path_of_ack is not None:
        if arguments.path != "ack":
            raise ConfigurationError(
                f"Unknown words: {arguments.path_of_ack}. Name one dataset.", error_id="MSGI-cli-usage"
            )
        arguments.path = arguments.path_of_ack
        return acknowledging.run(arguments)
    if any(value is not None for value in (arguments.until, arguments.reason, arguments.kinds, arguments.metrics)):
        raise ConfigurationError(
            "--until, --reason, --kinds and --metrics belong to: msginsights coverage ack PATH",
            error_id="MSGI-cli-usage",
        )
    if arguments.dry_run and not arguments.rebuild:
        raise ConfigurationError(
            "--dry-run belongs to --rebuild and to ack: looking changes nothing.", parameter="--dry-run"
        )
    if arguments.changes:
        return changes.run(arguments)
    if arguments.rebuild:
        return ledgers.rebuild(arguments)
    if arguments.verify:
        return ledgers.verify(arguments)
    return _show(arguments)


def _show(arguments: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from airflow_provider_msginsights.cli.coverage.screen import show, write_page
    from airflow_provider_msginsights.outputs.maintenance.exports import check_cells_path, write_cells
    from airflow_provider_msginsights.outputs.maintenance.known_coverage import KnownCoverage

    if arguments.cells is not None:
        check_cells_path(arguments.cells)
    dataset, now = dataset_of_options(arguments), datetime.now(UTC)
    known = KnownCoverage.read(dataset)
    if unknown := [page_id for page_id in arguments.page_ids or () if not known.names(page_id)]:
        raise ConfigurationError(
            f"--page-ids: {dataset.root} does not have {', '.join(unknown)}.", error_id="MSGI-dataset-page"
        )
    report = known.report(now, since=arguments.since, page_ids=arguments.page_ids)
    if arguments.cells is not None:
        write_cells(arguments.cells, report.cells())
    if arguments.html is not None:
        write_page(arguments.html, report, known.problems, root=str(dataset.root), at=now)
    if arguments.as_json:
        about = {"dataset": str(dataset.root), "checked_at": now.isoformat(), "problems": list(known.problems)}
        output.print_json({**report.to_json(), **about})
    else:
        show(
            report,
            known.problems,
            not_built=known.not_built,
            has_ledgers=bool(known.ledgers),
            root=str(dataset.root),
            at=now,
            all_months=arguments.since is not None,
        )
        for what, file in (("Cells", arguments.cells), ("Page", arguments.html)):
            if file is not None:
                output.console().print(f"{what} written to {file}.", markup=False, soft_wrap=True)
    return output.FOUND if report.needs_person or known.problems else output.OK
