"""``msginsights coverage --changes``: what loads changed in stored rows, added up by Page, metric and month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.cli.connections import dataset_of_options

if TYPE_CHECKING:
    import argparse

_NUMBERS = ("rows", "days", "were final", "sum moved by")


def run(arguments: argparse.Namespace) -> int:
    """Show the changes."""
    from airflow_provider_msginsights.outputs.maintenance.exports import changes_by_month

    dataset = dataset_of_options(arguments)
    found = changes_by_month(dataset.root, since=arguments.since, page_ids=arguments.page_ids)
    if arguments.as_json:
        since = str(arguments.since) if arguments.since else None
        output.print_json({"since": since, "changes": [one.as_dict() for one in found]})
        return output.OK
    say = output.console().print
    when = f" since {arguments.since}" if arguments.since else ""
    if not found:
        say(
            f"{dataset.root}: no kept changes{when}. Loads and fills keep them with keep_changes=True.",
            markup=False,
            soft_wrap=True,
        )
        return output.OK
    columns = ("month", "Page", "metric", *_NUMBERS, "last stored at")
    rows = [
        (
            one.month,
            one.page_id,
            one.metric,
            f"{one.rows:,}",
            f"{one.days:,}",
            f"{one.final_rows:,}",
            f"{one.difference:+,g}",
            one.last_at,
        )
        for one in sorted(found, key=lambda one: (one.month, one.page_id, one.metric))
    ]
    say(output.table(f"Changes of stored rows{when}", columns, rows, right=_NUMBERS))
    return output.OK
