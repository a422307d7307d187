"""``msginsights plan``: which days runs load and what that costs, without a request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.cli.options import whole_number
from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from airflow_provider_msginsights.cli.plan.plans import Allowance, PlannedLoad
    from airflow_provider_msginsights.transports.settings import TransportSettings

_MOST_RUNS = 3000
_WATCHED = timedelta(hours=48)
"""How far ahead the busiest 24 hours of a schedule are looked for."""

_PACIFIC = "America/Los_Angeles"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "plan",
        help="which days a range or a schedule loads, and what it costs; no request is made",
        description="Which Pacific days a range or the next runs of a schedule load, in how many calls and rows, and "
        "how much of a Page's allowance that is. No request is made.",
        epilog="Exit codes: 0 fine, 1 a Page's allowance would be exceeded, 2 wrong options.",
    )
    pages = parser.add_mutually_exclusive_group()
    pages.add_argument(
        "--pages", type=whole_number(1, 100_000), default=1, metavar="N", help="how many Pages (default: 1)"
    )
    pages.add_argument("--page-ids", metavar="IDS", help="the Pages themselves, separated by commas")
    parser.add_argument(
        "--metrics", help="names, 'stable' or 'all' (default: stable; with --fill those that the dataset has)"
    )
    parser.add_argument("--period", default="day", help="the operator's period (default: day)")
    parser.add_argument("--breakdowns", default="", help="dimensions, separated by commas")
    parser.add_argument("--since", help="first Pacific date")
    parser.add_argument("--until", help="the Pacific date after the last one")
    parser.add_argument("--date-preset", help="a named range instead, such as last_month")
    parser.add_argument(
        "--lookback-days",
        type=whole_number(0, 3650),
        default=0,
        metavar="N",
        help="the operator's lookback_days (default: 0)",
    )
    _add_schedule_options(parser)
    _add_connection_options(parser)
    _add_fill_options(parser)
    output.add_json_option(parser)
    parser.set_defaults(run=run)


def _add_fill_options(parser: argparse.ArgumentParser) -> None:
    """Describe the options about a fill."""
    parser.add_argument(
        "--fill",
        metavar="PATH",
        help="what a fill of this dataset would request instead: of --page-ids or all of its Pages, from --since on",
    )
    parser.add_argument("--output-conn-id", metavar="ID", help="with --fill: the connection of the storage")
    parser.add_argument(
        "--max-graph-calls",
        type=whole_number(1, 1_000_000_000),
        default=1000,
        metavar="N",
        help="with --fill: the fill's bound of a run (default: 1000)",
    )


def _add_schedule_options(parser: argparse.ArgumentParser) -> None:
    """Describe the options about the runs to plan."""
    from airflow_provider_msginsights.cli.plan.schedules import TIMETABLES

    parser.add_argument("--schedule", metavar="CRON", help="plan the next runs of this schedule")
    parser.add_argument("--timezone", default=_PACIFIC, help=f"the schedule's time zone (default: {_PACIFIC})")
    parser.add_argument(
        "--timetable",
        choices=TIMETABLES,
        default=TIMETABLES[0],
        help="how the schedule is read; schedule='0 0 * * *' in a DAG is a CronTriggerTimetable (default: %(default)s)",
    )
    parser.add_argument(
        "--runs", type=whole_number(1, _MOST_RUNS), default=3, metavar="N", help="how many runs to show (default: 3)"
    )
    parser.add_argument("--at", metavar="MOMENT", help="plan as if it were then, such as 2026-03-08T12:00:00Z")


def _add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Describe the options about the connection and what Meta allows it."""
    parser.add_argument(
        "--token",
        choices=("page", "user"),
        help="whose token the connection holds: a Page's own, or a user's or system user's, which is exchanged "
        "(default: page for one Page, user for several)",
    )
    parser.add_argument("--signed", action="store_true", help="the connection has an app secret: calls carry a proof")
    parser.add_argument(
        "--batch-size", type=whole_number(1, 1_000_000), metavar="N", help="the connection's batch_size (default: 50)"
    )
    parser.add_argument(
        "--concurrency", type=whole_number(1, 1_000_000), metavar="N", help="the connection's concurrency (default: 4)"
    )
    parser.add_argument(
        "--engaged-users",
        type=whole_number(1, 10_000_000_000),
        default=1,
        metavar="N",
        help="engaged users of the smallest Page: Meta allows 4,800 calls a Page in 24 hours for each (default: 1)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Plan the loads; 1 when a Page's allowance would be exceeded."""
    from airflow_provider_msginsights.cli.plan.plans import Allowance, PlannedQuery, Planner, busiest_day
    from airflow_provider_msginsights.insights.catalog import PERIODS, named_metrics, resolve_metrics
    from airflow_provider_msginsights.insights.dates import DATE_PRESETS
    from airflow_provider_msginsights.insights.parameters.parse import parse_choice, parse_optional_choice, parse_when
    from airflow_provider_msginsights.insights.query import checked_breakdowns

    if arguments.fill is not None:
        from airflow_provider_msginsights.cli.plan.fills import plan_fill

        return plan_fill(arguments)
    arguments.metrics = "stable" if arguments.metrics is None else arguments.metrics
    at = _moment(arguments.at)
    metrics = named_metrics(arguments.metrics)
    page_ids = _page_ids(arguments)
    planner = Planner(
        question=PlannedQuery(
            page_ids=page_ids,
            metrics=metrics,
            period=parse_choice("--period", arguments.period, PERIODS),
            breakdowns=checked_breakdowns(arguments.breakdowns, resolve_metrics(metrics)),
            since=parse_when("--since", arguments.since),
            until=parse_when("--until", arguments.until),
            date_preset=parse_optional_choice("--date-preset", arguments.date_preset, DATE_PRESETS),
            lookback_days=arguments.lookback_days,
        ),
        settings=_settings(arguments),
        with_page_token=(arguments.token or ("page" if len(page_ids) == 1 else "user")) == "page",
        signed=arguments.signed,
    )
    if planner.with_page_token and len(page_ids) > 1:
        raise ConfigurationError(
            "--token page reads one Page: a Page's own token is refused for any other.", parameter="--token"
        )
    loads = [planner.plan(dag_run, at=at) for dag_run in _runs(arguments, at)]
    allowance = Allowance(calls=busiest_day(loads), engaged_users=arguments.engaged_users)
    shown = loads[: arguments.runs]
    if arguments.as_json:
        output.print_json(_document(arguments, len(page_ids), shown, allowance))
    else:
        _show(arguments, len(page_ids), shown, allowance)
    return output.FOUND if allowance.is_exceeded else output.OK


def _moment(text: str | None) -> datetime:
    from airflow_provider_msginsights.insights.dates import pacific_midnight, parse_moment

    if text is None:
        return datetime.now(UTC)
    moment = parse_moment(text)
    return moment if isinstance(moment, datetime) else pacific_midnight(moment)


def _page_ids(arguments: argparse.Namespace) -> tuple[str, ...]:
    from airflow_provider_msginsights.insights.parameters.parse import ALL_PAGE_IDS, parse_page_ids

    page_ids = parse_page_ids(arguments.page_ids, name="--page-ids")
    if page_ids == ALL_PAGE_IDS:
        raise ConfigurationError(
            "--page-ids all is not valid: no request is made, so say how many Pages with --pages.",
            parameter="--page-ids",
        )
    return page_ids or tuple(map(str, range(1, arguments.pages + 1)))


def _settings(arguments: argparse.Namespace) -> TransportSettings:
    from airflow_provider_msginsights.transports.settings import from_connection_parts

    chosen = {"batch_size": arguments.batch_size, "concurrency": arguments.concurrency}
    return from_connection_parts(password="no-token-is-used", extra=chosen)[0]  # noqa: S106 - it says so


def _runs(arguments: argparse.Namespace, at: datetime) -> Iterator[Any]:
    """Return the runs to plan: those of the schedule for two days and as many as are shown, or one by hand."""
    from airflow_provider_msginsights.cli.plan.schedules import next_runs

    if arguments.schedule is None:
        yield SimpleNamespace(run_after=at, data_interval_start=None, data_interval_end=None, run_type="manual")
        return
    coming = next_runs(arguments.schedule, timezone=arguments.timezone, timetable=arguments.timetable, at=at)
    first = None
    for number, scheduled in enumerate(islice(coming, _MOST_RUNS)):
        first = first or scheduled.run_after
        if number >= arguments.runs and scheduled.run_after >= first + _WATCHED:
            return
        yield scheduled


def _document(
    arguments: argparse.Namespace, pages: int, loads: list[PlannedLoad], allowance: Allowance
) -> dict[str, Any]:
    from airflow_provider_msginsights.insights.catalog import resolve_metrics
    from airflow_provider_msginsights.insights.parameters.parse import parse_names

    return {
        "page_count": pages,
        "metrics": list(resolve_metrics(arguments.metrics)),
        "period": arguments.period,
        "breakdowns": list(parse_names("--breakdowns", arguments.breakdowns)),
        "schedule": arguments.schedule,
        "runs": [load.as_dict() for load in loads],
        "allowance": allowance.as_dict(),
    }


def _show(arguments: argparse.Namespace, pages: int, loads: list[PlannedLoad], allowance: Allowance) -> None:
    from airflow_provider_msginsights.insights.catalog import resolve_metrics

    metrics = len(resolve_metrics(arguments.metrics))
    of_schedule = arguments.schedule is not None
    title = f"{_number(pages, 'Page')} and {_number(metrics, 'metric')}, by {arguments.period}"
    if of_schedule:
        title += f", at each run of {arguments.timetable}({arguments.schedule!r}, timezone={arguments.timezone!r})"
    figures = ("days", "Graph calls", "HTTP requests", "POSTs", "calls a Page", "rows at most")
    columns = (("run after (UTC)",) if of_schedule else ()) + ("Pacific days", *figures)
    say = output.console().print
    say(output.table(title, columns, [_row(load, of_schedule=of_schedule) for load in loads], right=figures))
    if any(load.rows_at_most is None for load in loads):
        say(f"Rows: one for each combination of {arguments.breakdowns} that occurred, which only the API knows.\n")
    for text in dict.fromkeys(text for load in loads for text in (*load.warnings, load.skipped) if text):
        say(text, markup=False, soft_wrap=True)
    say(_allowance_in_words(allowance), style="bold red" if allowance.is_exceeded else None, soft_wrap=True)
    say("No request was made.")


def _row(load: PlannedLoad, *, of_schedule: bool) -> tuple[str, ...]:
    when = (f"{load.run_after:%Y-%m-%d %H:%M}",) if of_schedule else ()
    if load.skipped:
        return (*when, "none: the run is skipped", *("0",) * 6)
    numbers = (load.day_count, load.graph_calls, load.http_requests, load.posts, load.calls_a_page)
    rows = "unknown" if load.rows_at_most is None else f"{load.rows_at_most:,}"
    return (*when, ", ".join(map(str, load.ranges)), *(f"{number:,}" for number in numbers), rows)


def _allowance_in_words(allowance: Allowance) -> str:
    return (
        f"Limit: {_number(allowance.calls, 'call')} for one Page in the busiest 24 hours, of {allowance.allowed:,} "
        f"that Meta allows a Page with {_number(allowance.engaged_users, 'engaged user')} "
        f"({100 * allowance.calls / allowance.allowed:.2g} %)."
        + (" It would be exceeded: ask less often, or for fewer days at a time." if allowance.is_exceeded else "")
    )


def _number(count: int, thing: str) -> str:
    return f"{count:,} {thing}" + ("" if count == 1 else "s")
