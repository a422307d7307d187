"""``msginsights check``: is the connection's token right, for what, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    import argparse

    from airflow_provider_msginsights.cli.inspect.samples import Sample
    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.insights.token.report import TokenReport

_DEFAULT_CONNECTION = "msginsights_default"
_SAMPLE_DAYS = 7
_STYLES = {"Problem": "bold red", "Warning": "bold yellow", "Not known": "bold magenta", "Note": "bold cyan"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "check",
        help="look at a connection: whose token, until when, what it may read, what is missing",
        description="The report of the connection's Test button, here in colour.",
        epilog="Exit codes: 0 loads can work, 1 they cannot, and the report says what helps; 2 wrong options or "
        "connection; 3 no answer for now.",
    )
    parser.add_argument(
        "conn_id", nargs="?", default=_DEFAULT_CONNECTION, help="the connection to look at (default: %(default)s)"
    )
    parser.add_argument("--page-ids", metavar="IDS", help="Pages to look at, with commas (default: the connection's)")
    parser.add_argument(
        "--sample",
        type=Path,
        metavar="FILE",
        help="also write the shapes of real replies to FILE, to attach to an issue: every id, name, number, date and "
        "text of yours is replaced",
    )
    output.add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the connection; 0 only when loads can work."""
    from airflow_provider_msginsights.cli.connections import connected
    from airflow_provider_msginsights.insights.parameters.parse import parse_page_ids

    page_ids = parse_page_ids(arguments.page_ids, name="--page-ids")
    with connected(arguments.conn_id) as hook:
        report = hook.inspect_token(page_ids=page_ids)
        sample = None if arguments.sample is None else _write_sample(hook, report, arguments.sample)
    if arguments.as_json:
        output.print_json({"connection": arguments.conn_id, **report.as_dict()})
    else:
        _show(report)
    if sample is not None:
        _show_sample(arguments.sample, sample)
    return output.OK if report.ok else output.FOUND


def _show(report: TokenReport) -> None:
    """Return the lines of the report, with a colour for each kind."""
    from airflow_provider_msginsights.insights.token.render import render_report

    say = output.console().print
    verdict, *lines = render_report(report).splitlines()
    say(verdict, style="bold green" if report.ok else "bold red", markup=False, soft_wrap=True)
    for line in lines:
        head, colon, rest = line.partition(":")
        say(head, style=_STYLES.get(head, "bold" if not head.startswith(" ") else None), markup=False, end="")
        say(colon + rest, markup=False, soft_wrap=True)


def _write_sample(hook: MessagingInsightsHook, report: TokenReport, file: Path) -> Sample:
    from airflow_provider_msginsights.cli.inspect.samples import collect, sample_of
    from airflow_provider_msginsights.insights.dates import last_days_ended_by

    readable = [page.page_id for page in report.pages if page.problem is None]
    page_ids = (*readable, *hook.resolve_page_ids(None))
    if not page_ids:
        raise ConfigurationError(
            "A sample takes a Page: name one by --page-ids, or in the connection's login.", parameter="--sample"
        )
    with hook.get_conn() as transport:
        sample = sample_of(transport.run(collect(page_ids[0], last_days_ended_by(report.asked_at, _SAMPLE_DAYS))))
    try:
        file.write_text(sample.text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The sample cannot be written to {file}: {error.strerror}.", parameter="--sample"
        ) from None
    return sample


def _show_sample(file: Path, sample: Sample) -> None:
    """Say where it is; on stderr, since stdout belongs to the report."""
    say = output.console(errors=True).print
    text = f"The shapes of {sample.reply_count} replies are in {file}, and nothing of yours. Look, and attach it."
    say(text, markup=False, soft_wrap=True)
    if sample.unknown_fields:
        fields = ", ".join(sample.unknown_fields)
        text = f"Fields new to this package, left out of the file: {fields}. If they are not private, name them too."
        say(text, markup=False, soft_wrap=True)
