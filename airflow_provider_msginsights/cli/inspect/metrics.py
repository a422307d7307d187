"""``msginsights metrics``: the catalogue, and with a connection what of it the API really gives."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.cli.options import whole_number

if TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from airflow_provider_msginsights.cli.inspect.metric_survey import Survey
    from airflow_provider_msginsights.insights.catalog import Sums

_MOST_COLUMNS = 6
_STYLES = {"works": "green", "empty": "yellow", "refused": "red", "not read": "magenta"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "metrics",
        help="the catalogue of metrics; with a connection: which of them work, Page by Page",
        description="The metrics this package knows. With --conn-id each is requested alone, on each Page: "
        "which work, which are empty and which are refused. That is one Graph call a metric and Page.",
        epilog="Exit codes: 0 fine; 1 a metric is refused, or a Page cannot be read or gave no row at all; 2 wrong "
        "options or connection; 3 no answer for now.",
    )
    parser.add_argument("--conn-id", metavar="ID", help="the Airflow connection to ask with")
    parser.add_argument(
        "--page-ids", metavar="IDS", help="Pages to ask for, with commas, or 'all' (default: the connection's)"
    )
    parser.add_argument("--metrics", default="all", help="names, 'stable' or 'all' (default: all)")
    parser.add_argument(
        "--days",
        type=whole_number(1, 800),
        default=7,
        metavar="N",
        help="with a connection: look at the N last days (default: 7)",
    )
    output.add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show the catalogue, or ask the API what of it works."""
    from datetime import UTC, datetime

    if arguments.conn_id is None:
        return _show_catalogue(arguments)
    survey = _survey(arguments, datetime.now(UTC))
    if arguments.as_json:
        output.print_json({"connection": arguments.conn_id, **survey.as_dict()})
    else:
        _show_survey(survey)
    return output.OK if survey.is_fine else output.FOUND


def _show_catalogue(arguments: argparse.Namespace) -> int:
    from airflow_provider_msginsights.insights.catalog import METRICS, PERIODS, SUMMABLE_PERIODS, resolve_metrics

    metrics = [METRICS[name] for name in resolve_metrics(arguments.metrics)]
    if arguments.as_json:
        listed: list[dict[str, Any]] = [
            {
                "name": metric.name,
                "meaning": metric.meaning,
                "unit": metric.unit,
                "breakdowns": list(metric.breakdowns),
                "in_development": metric.in_development,
                "periods": list(PERIODS),
                "sums": asdict(metric.sums),
            }
            for metric in metrics
        ]
        output.print_json({"metrics": listed, "summable_periods": list(SUMMABLE_PERIODS)})
        return output.OK
    rows = [
        (
            metric.name,
            metric.meaning,
            metric.unit,
            ", ".join(metric.breakdowns) or "none",
            _adds_up_over(metric.sums),
            "in development" if metric.in_development else "",
        )
        for metric in metrics
    ]
    say = output.console().print
    say(output.table("Messaging Insights", ("metric", "meaning", "unit", "breakdowns", "adds up over", "label"), rows))
    say(f"Periods, for every metric: {', '.join(PERIODS)}. 'In development': Meta may change or withdraw it.")
    say("Days add up in rows of period day only. --json says of each metric why, and what to do instead.")
    return output.OK


def _adds_up_over(sums: Sums) -> str:
    axes = {"days": sums.days, "Pages": sums.pages, "dimensions": sums.dimensions}
    within = f" (by {', '.join(sums.within)})" if sums.within else ""
    return f"{', '.join(axis for axis, adds in axes.items() if adds) or 'nothing'}{within}"


def _survey(arguments: argparse.Namespace, now: datetime) -> Survey:
    from airflow_provider_msginsights.cli.connections import connected
    from airflow_provider_msginsights.cli.inspect.metric_survey import survey_of
    from airflow_provider_msginsights.insights.catalog import named_metrics, resolve_metrics
    from airflow_provider_msginsights.insights.dates import last_days_ended_by
    from airflow_provider_msginsights.insights.parameters.parse import parse_page_ids
    from airflow_provider_msginsights.insights.query import InsightsQuery

    page_ids = parse_page_ids(arguments.page_ids, name="--page-ids")
    metrics = named_metrics(arguments.metrics)
    resolve_metrics(metrics)
    with connected(arguments.conn_id) as hook:
        query = InsightsQuery.create(
            page_ids=hook.resolve_page_ids(page_ids),
            metrics=metrics,
            days=last_days_ended_by(now, arguments.days),
        )
        return survey_of(hook.probe_metrics(query))


def _show_survey(survey: Survey) -> None:
    say = output.console().print
    pages = survey.page_ids[:_MOST_COLUMNS]
    rows = [
        (metric, *(f"[{_STYLES[state]}]{state}[/]" for state in (survey.states[page, metric] for page in pages)))
        for metric in survey.metrics
    ]
    say(output.table(f"Metrics of {survey.days}", ("metric", *(f"Page {page}" for page in pages)), rows))
    if len(survey.page_ids) > len(pages):
        counted = [(metric, *(f"{survey.count(metric, state):,}" for state in _STYLES)) for metric in survey.metrics]
        title = f"All {len(survey.page_ids):,} Pages"
        say(output.table(title, ("metric", *_STYLES), counted, right=tuple(_STYLES)))
    for problem in survey.problems:
        say(problem, markup=False, soft_wrap=True)
    say(f"{survey.calls:,} Graph calls were made.")
