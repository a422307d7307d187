"""``msginsights coverage ack``: quiet what people know of, for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.cli.connections import dataset_of_options
from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    import argparse

    from airflow_provider_msginsights.insights.coverage.findings.acknowledgements import Acknowledgements


def run(arguments: argparse.Namespace) -> int:
    """Enter an acknowledgement; it replaces one of the same Pages, kinds and metrics."""
    from airflow_provider_msginsights.insights.parameters.parse import parse_names
    from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles

    if arguments.until is None or not arguments.reason:
        raise ConfigurationError(
            "ack needs --until DATE, the last Pacific day on which it holds, and --reason TEXT.", parameter="--until"
        )
    dataset = dataset_of_options(arguments)
    page_ids = arguments.page_ids or ()
    kinds, metrics = parse_names("--kinds", arguments.kinds), parse_names("--metrics", arguments.metrics)

    def with_ack(acks: Acknowledgements) -> Acknowledgements:
        return acks.with_ack(page_ids, until=arguments.until, reason=arguments.reason, kinds=kinds, metrics=metrics)

    files = CoverageFiles(dataset.root, conditional=dataset.conditional_writes)
    before = files.acknowledgements()
    after = with_ack(before) if arguments.dry_run else files.update_acknowledgements(with_ack)
    document = {
        "page_ids": list(page_ids),
        "kinds": list(kinds),
        "metrics": list(metrics),
        "until": str(arguments.until),
        "reason": arguments.reason,
        "dry_run": arguments.dry_run,
        "nothing_to_do": after == before,
    }
    if arguments.as_json:
        output.print_json(document)
    else:
        pages = f"Pages {', '.join(page_ids)}" if page_ids else ""
        whose = ", ".join(filter(None, (pages, *kinds, *metrics)))
        done = "Would be known" if arguments.dry_run else "Known"
        output.console().print(f"{done} until {arguments.until}: {whose} ({arguments.reason}).", markup=False)
    return output.OK
