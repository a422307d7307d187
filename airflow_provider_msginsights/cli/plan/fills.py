"""``msginsights plan --fill PATH``: calls, nights and files of a fill, before anything is asked."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.cli.connections import dataset_of_options
from airflow_provider_msginsights.cli.coverage.ledgers import cost_as_dict, cost_in_words
from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.dates import pacific_date, parse_moment

if TYPE_CHECKING:
    import argparse

_NOT_OF_FILLS = ("until", "date_preset", "schedule", "at")


def plan_fill(arguments: argparse.Namespace) -> int:
    """Show what a fill would request; the API is asked nothing."""
    from airflow_provider_msginsights.insights.catalog import resolve_metrics
    from airflow_provider_msginsights.insights.parameters.parse import ALL_PAGE_IDS, parse_page_ids
    from airflow_provider_msginsights.outputs.maintenance.known_coverage import KnownCoverage

    for name in _NOT_OF_FILLS:
        if getattr(arguments, name) is not None:
            raise ConfigurationError(
                f"--{name.replace('_', '-')} does not go with --fill: a fill works on all days.", parameter="--fill"
            )
    arguments.path = arguments.fill
    page_ids, now = parse_page_ids(arguments.page_ids, name="--page-ids"), datetime.now(UTC)
    page_ids = None if page_ids == ALL_PAGE_IDS else page_ids
    metrics = resolve_metrics(arguments.metrics) if arguments.metrics is not None else None
    dataset = dataset_of_options(arguments)
    known = KnownCoverage.read(dataset)
    if known.problems:
        raise ConfigurationError(known.problems[0])
    since = known.fill_since if arguments.since is None else _past_day(arguments.since, now)
    if since is None or (metrics is None and not known.metrics()):
        raise ConfigurationError(
            f"{dataset.root} has no ledger with rows yet: name --since and --metrics.", parameter="--since"
        )
    cost = known.fill_cost(now, since=since, page_ids=page_ids, metrics=metrics)
    not_built = sorted(part for part, ledger in known.ledgers.items() if not ledger.covers_all)
    document = {
        "dataset": str(dataset.root),
        "since": str(since),
        "metrics": list(metrics or known.metrics()),
        "not_built": not_built,
        **cost_as_dict(cost, arguments.max_graph_calls),
    }
    if arguments.as_json:
        output.print_json(document)
        return output.OK
    say = output.console().print
    say(f"{dataset.root} since {since}: {cost_in_words(cost, arguments.max_graph_calls)}", markup=False, soft_wrap=True)
    if not_built:
        say(
            f"Part {', '.join(not_built)} has rows from before its ledger was kept, which count as missing here: run "
            "msginsights coverage PATH --rebuild first.",
            markup=False,
            soft_wrap=True,
        )
    say("No request was made.")
    return output.OK


def _past_day(text: str, now: datetime) -> date:
    moment = parse_moment(text)
    day = pacific_date(moment) if isinstance(moment, datetime) else moment
    if day >= pacific_date(now):
        raise ConfigurationError(f"--since {day} is not valid: use a Pacific day that has ended.", parameter="--since")
    return day
