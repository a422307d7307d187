"""The options of ``msginsights token create`` and ``msginsights token renew``."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.cli.options import whole_number

if TYPE_CHECKING:
    from collections.abc import Callable

_PORT = 8910
_SECRETS = (
    "Secrets are never options: they are asked for without being shown, or else read from standard input, one a line, "
    "in the order named here. Exit codes: 0 saved, 1 the token or the login will not do, 2 wrong options, 3 no answer "
    "for now."
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe both commands and their options."""
    parser = commands.add_parser(
        "token",
        help="get a token that lasts, test it and save it as a connection; renew it before it ends",
        description="Get a token that lasts, and keep it alive.",
    )
    actions = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_create(actions)
    _add_renew(actions)


def _add_create(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser(
        "create",
        help="from a pasted token or a login to a tested connection",
        description="Get a token, exchange it where that makes it last longer, test it, and save it as a connection.",
        epilog=f"{_SECRETS} The order: with --paste the token, then the app's secret where --app-id is given; with "
        "--login the app's secret, then with --paste-address the address.",
    )
    parser.add_argument(
        "conn_id", nargs="?", default="msginsights_default", help="the connection to save (default: %(default)s)"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--paste", action="store_true", help="take a token that you have")
    source.add_argument("--login", action="store_true", help="log in with Facebook in a browser")
    source.add_argument(
        "--handover",
        action="store_true",
        help="print what the client or the business admin must do at Meta, to send to them, and nothing else",
    )
    parser.add_argument("--host", metavar="URL", help="base URL of the API (default: Meta's)")
    parser.add_argument("--api-version", metavar="VERSION", help="version of the API, such as v26.0")
    parser.add_argument(
        "--extra",
        action="append",
        type=_extra,
        metavar="NAME=VALUE",
        help="a further field of the connection's extra, such as ca_bundle; no secret",
    )
    _add_app(parser)
    _add_login(parser)
    _add_pages(parser)
    _add_saving(parser)
    parser.add_argument(
        "--without-app-secret", action="store_true", help="leave the app's secret out of the connection"
    )
    parser.set_defaults(run=_create)


def _add_renew(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser(
        "renew",
        help="replace tokens of 60 days before they end",
        description="Replace tokens of people and system users that end soon by new ones of 60 days, and save them.",
        epilog=f"{_SECRETS} The order: the app's secret, where the connection holds none.",
    )
    parser.add_argument(
        "conn_ids", nargs="*", metavar="CONN_ID", help="the connections to renew (default: msginsights_default)"
    )
    parser.add_argument(
        "--if-within-days",
        type=whole_number(0, 3650),
        default=14,
        metavar="DAYS",
        help="only where the token ends within so many days (default: 14)",
    )
    _add_app(parser)
    _add_saving(parser)
    parser.set_defaults(run=_renew)


def _add_pages(parser: argparse.ArgumentParser) -> None:
    pages = parser.add_argument_group("Pages")
    pages.add_argument("--page-ids", metavar="IDS", help="Pages that loads will read, with commas, or all")
    pages.add_argument(
        "--expect-pages",
        type=Path,
        metavar="FILE.csv",
        help="the Pages that must be there (column page_id, or the first): says what is missing and what is extra",
    )
    pages.add_argument(
        "--kind",
        choices=("auto", "page", "person"),
        default="auto",
        help="save the Pages' own tokens, a connection each, or the token of the person or system user (default: of a "
        "person's token for one Page the Page's own)",
    )
    pages.add_argument(
        "--exchange",
        choices=("auto", "yes", "no"),
        default="auto",
        help="exchange the token for one of 60 days (default: where that is known to make it last longer)",
    )


def _add_app(parser: argparse.ArgumentParser) -> None:
    app = parser.add_argument_group("The app that the token belongs to")
    app.add_argument("--app-id", type=_digits("an app id"), metavar="ID", help="the app's number")
    app.add_argument("--app-secret-file", type=Path, metavar="FILE", help="holds the app's secret and nothing else")


def _add_login(parser: argparse.ArgumentParser) -> None:
    login = parser.add_argument_group("Log in")
    login.add_argument(
        "--port",
        type=output.port,
        default=_PORT,
        help=f"port of the redirect, http://localhost:PORT/ (default: {_PORT})",
    )
    login.add_argument("--no-browser", action="store_true", help="print the address and open no browser")
    login.add_argument(
        "--timeout",
        type=whole_number(1, 3600),
        default=300,
        metavar="SECONDS",
        help="how long to wait for the login (default: 300)",
    )
    login.add_argument("--paste-address", action="store_true", help="paste the final address: for a browser elsewhere")
    login.add_argument(
        "--redirect-uri",
        metavar="URL",
        help="an https address that the app lists, as apps in live mode want it; the final address is pasted back",
    )
    login.add_argument(
        "--config-id",
        type=_digits("a configuration id"),
        metavar="ID",
        help="the configuration, of Facebook Login for Business",
    )
    login.add_argument("--rerequest", action="store_true", help="ask again for permissions that were refused before")


def _add_saving(parser: argparse.ArgumentParser) -> None:
    saving = parser.add_argument_group("Save (any of them; asked for in a terminal)")
    saving.add_argument("--save-airflow", action="store_true", help="save it in the database of this Airflow")
    saving.add_argument(
        "--save-env",
        type=Path,
        metavar="FILE",
        help="save it as AIRFLOW_CONN_… in an environment file that only you can read; refused where git takes it",
    )
    saving.add_argument(
        "--save-with",
        metavar="COMMAND",
        help="save it by a command that reads the connection's JSON on its standard input; {conn_id} stands for its id",
    )
    saving.add_argument("--print-secret", action="store_true", help="print it as JSON; several by their ids")
    saving.add_argument(
        "--report", type=Path, metavar="FILE", help="write what may be committed: no secret, ids and what is missing"
    )
    output.add_json_option(parser)


def _digits(what: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        # The value is not shown: a secret may have been typed into the wrong option.
        if not re.fullmatch(r"[0-9]{1,20}", text):
            raise argparse.ArgumentTypeError(f"not {what}: use 1 to 20 digits")
        return text

    return read


def _extra(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or name in {"app_secret", "app_id", "api_version"} or (name == "proxy" and "@" in value):
        raise argparse.ArgumentTypeError(
            "use NAME=VALUE; the app's id and version have options of their own, and a secret is never one"
        )
    return name, value


def _create(arguments: argparse.Namespace) -> int:
    if arguments.handover:
        from airflow_provider_msginsights.cli.token.handover import print_handover

        return print_handover(arguments)
    from airflow_provider_msginsights.cli.token.create import run

    return run(arguments)


def _renew(arguments: argparse.Namespace) -> int:
    from airflow_provider_msginsights.cli.token.renew import run

    return run(arguments)
