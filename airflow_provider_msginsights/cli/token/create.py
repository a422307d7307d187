"""``msginsights token create``: from a pasted token, or a login, to a tested connection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.cli.token.env_file import variable_of
from airflow_provider_msginsights.cli.token.login import check_redirect, log_in
from airflow_provider_msginsights.cli.token.pages import PageChoice, choose_pages, expected_pages
from airflow_provider_msginsights.cli.token.public_report import check_report_file, public_facts, write_report
from airflow_provider_msginsights.cli.token.questions import Questions, secret_in
from airflow_provider_msginsights.cli.token.saving import SavedConnection, Targets, warn_of_variables
from airflow_provider_msginsights.cli.token.session import TokenSession, check_good, check_usable
from airflow_provider_msginsights.exceptions import AuthenticationError, ConfigurationError, MessagingInsightsError
from airflow_provider_msginsights.insights.parameters.parse import parse_conn_id
from airflow_provider_msginsights.insights.token.durability import (
    Lengthening,
    ends_later,
    is_short_lived,
    lengthening_of,
    lifetime_lines,
    suited_kind,
)
from airflow_provider_msginsights.insights.token.render import render_report
from airflow_provider_msginsights.insights.token.report import TokenKind
from airflow_provider_msginsights.transports.settings import from_connection_parts

if TYPE_CHECKING:
    import argparse

    from airflow_provider_msginsights.insights.token.report import TokenReport
    from airflow_provider_msginsights.transports.credentials import Credentials
    from airflow_provider_msginsights.transports.settings import TransportSettings

_SOURCES = {
    "paste": "you have a token: a system user's, a person's or a Page's",
    "login": "log in with Facebook in a browser; takes the app's id and secret",
}
_STAND_IN = "token-comes-later"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A connection that is good to be saved, with what may be committed of it."""

    connection: SavedConnection
    facts: dict[str, Any]


def run(arguments: argparse.Namespace) -> int:
    """Make the connection, show what its token is, and save it; 0 only when it is saved."""
    conn_id = parse_conn_id("CONN_ID", arguments.conn_id)
    targets = Targets.of(arguments)
    expected = () if arguments.expect_pages is None else expected_pages(arguments.expect_pages)
    if arguments.report is not None:
        check_report_file(arguments.report)
    if arguments.redirect_uri is not None:
        check_redirect(arguments.redirect_uri)
    if targets.env_file is not None:
        variable_of(conn_id)
    questions = Questions()
    if targets.is_empty and not questions.is_interactive:
        targets.complete(questions, conn_id=conn_id)
    creation = _Creation(arguments, questions, conn_id)
    with creation.obtained() as session:
        made = creation.connections(session, expected)
    saved_to = _save(targets, questions, made, conn_id)
    if arguments.report is not None:
        write_report(arguments.report, [one.facts for one in made], saved_to=saved_to)
    if arguments.as_json:
        output.print_json({"connections": [one.facts for one in made], "saved_to": saved_to})
    names = ", ".join(one.connection.conn_id for one in made)
    questions.tell(f"Saved {names}: {', '.join(saved_to)}." if saved_to else "Nothing was saved.", style="bold green")
    return output.OK if saved_to else output.FOUND


def _save(targets: Targets, questions: Questions, made: tuple[_Made, ...], conn_id: str) -> list[str]:
    """Save; where a place refuses, let a person name another one: the token is in hand."""
    while True:
        targets.complete(questions, conn_id=conn_id)
        if targets.is_empty:
            return []
        try:
            saved_to = targets.save([one.connection for one in made])
        except ConfigurationError as error:
            if not questions.is_interactive:
                raise
            questions.tell(str(error), style="bold red")
            targets = Targets()
        else:
            warn_of_variables([one.connection.conn_id for one in made], targets, questions)
            return saved_to


class _Creation:
    """One conversation, up to connections that are good to be saved."""

    def __init__(self, arguments: argparse.Namespace, questions: Questions, conn_id: str) -> None:
        self._arguments, self._questions, self._conn_id = arguments, questions, conn_id
        self._extra: dict[str, str] = dict(arguments.extra or ())
        if arguments.api_version is not None:
            self._extra["api_version"] = arguments.api_version
        self._app_secret: str | None = None
        self._read(_STAND_IN)  # what is wrong with the options shows before anything is asked

    # A token

    def obtained(self) -> TokenSession:
        """Return a session with a token, of a login or as it is pasted."""
        arguments, questions = self._arguments, self._questions
        source = "login" if arguments.login else "paste" if arguments.paste or not questions.is_interactive else None
        source = source or questions.choice("--login", "How to get the token", _SOURCES, default="paste")
        if source == "paste":
            token = questions.secret("Access token")
            self._ask_for_app(is_needed=False)
            return TokenSession(*self._read(token))
        self._ask_for_app(is_needed=True)
        settings, credentials = self._read(f"{arguments.app_id}|{self._app_secret}")
        code, redirect_uri = log_in(arguments, questions, settings, arguments.app_id)
        session = TokenSession(settings, replace(credentials, login_code=code))
        session.redeem(redirect_uri=redirect_uri)
        return session

    def _ask_for_app(self, *, is_needed: bool) -> None:
        """Ask for the app's id and secret; with a pasted token they are worth having and not needed."""
        arguments, questions = self._arguments, self._questions
        if arguments.app_id is None and (is_needed or questions.is_interactive):
            hint = "" if is_needed else "; empty to go without: then the token is not exchanged, and its end not known"
            arguments.app_id = questions.text("--app-id", f"App id (App settings, Basic{hint})") or None
            if arguments.app_id is None and is_needed:
                raise ConfigurationError("--app-id is missing: a login is that of an app.", parameter="--app-id")
        if arguments.app_id is None:
            return
        file = arguments.app_secret_file
        self._app_secret = questions.secret("App secret") if file is None else secret_in(file, "App secret")
        self._extra |= {"app_id": arguments.app_id, "app_secret": self._app_secret}
        self._read(_STAND_IN)

    def _read(self, token: str) -> tuple[TransportSettings, Credentials]:
        return from_connection_parts(host=self._arguments.host, password=token, extra=self._extra)

    # Connections

    def connections(self, session: TokenSession, expected: tuple[str, ...]) -> tuple[_Made, ...]:
        """Return the connections to save, each tested.

        :raises MessagingInsightsError: when none can be made that loads work with.
        """
        report = session.inspect()
        check_usable(report)
        report = self._lengthened(session, report)
        choice = choose_pages(report, self._questions, named=self._arguments.page_ids, expected=expected)
        sessions = self._sessions_for(session, report, choice)
        return tuple(self._made(conn_id, *one) for conn_id, one in sessions.items())

    def _lengthened(self, session: TokenSession, report: TokenReport) -> TokenReport:
        """Exchange the token where that makes it last longer; a person decides where that is not known."""
        wish, verdict = self._arguments.exchange, lengthening_of(report)
        if wish == "no" or (verdict is Lengthening.UNKNOWN and self._app_secret is None):
            return report
        if verdict is Lengthening.UNKNOWN and wish == "auto":
            question = "When the token ends is not known. Exchange it for one of 60 days (no, if it never ends)"
            wish = "yes" if self._questions.yes("--exchange yes or no", question, default=False) else "no"
        if verdict is Lengthening.POSSIBLE or (verdict is Lengthening.UNKNOWN and wish == "yes"):
            if self._app_secret is None:
                return self._short(report)
            self._questions.tell(f"Exchanging the {report.kind.in_words}: {Lengthening.POSSIBLE}.")
            return session.lengthen(report)
        if wish == "yes":
            self._questions.tell(f"The token is not exchanged: {verdict}.")
        return self._short(report)

    def _short(self, report: TokenReport) -> TokenReport:
        """Refuse a token that ends within a day, unless it is wanted as it is."""
        if is_short_lived(report):
            raise AuthenticationError(
                f"The token ends {report.expires.describe(report.asked_at)}, too soon for a connection. Nothing was "
                "saved. Give --app-id and the app's secret, so that it can be exchanged for one of 60 days; a Page's "
                "token is made from such a person's token. --exchange no saves it all the same.",
                error_id="MSGI-token-too-short",
            )
        return report

    def _sessions_for(
        self, session: TokenSession, report: TokenReport, choice: PageChoice
    ) -> dict[str, tuple[TokenSession, PageChoice]]:
        """Return the sessions by the id of the connection that each becomes: one, or one for each Page."""
        wish = self._arguments.kind
        may_be_pages = report.kind in {TokenKind.USER, TokenKind.PERSON} or (
            wish == "page" and report.kind is TokenKind.SYSTEM_USER
        )
        is_one = len(choice.page_ids) == 1 and choice.login != "all"
        if not may_be_pages or wish == "person" or (wish == "auto" and not (is_one and report.kind is TokenKind.USER)):
            return {self._conn_id: (session, choice)}
        of_pages = session.of_pages(choice.page_ids)
        if wish == "auto":
            (own,) = of_pages.values()
            if not ends_later(own.inspect().expires, report.expires):
                return {self._conn_id: (session, choice)}
        return {
            self._conn_id if is_one else f"{self._conn_id}_{page_id}": (
                own,
                replace(choice, page_ids=(page_id,), login=page_id),
            )
            for page_id, own in of_pages.items()
        }

    def _made(self, conn_id: str, session: TokenSession, choice: PageChoice) -> _Made:
        """Return a connection, once its token is shown to read the Pages."""
        page_ids = ("all",) if choice.login == "all" else choice.page_ids
        report = session.inspect(page_ids)
        self._show(conn_id, report, choice)
        facts = public_facts(conn_id, report, choice=choice)
        try:
            check_usable(report)
            check_good(report)
        except MessagingInsightsError:
            if self._arguments.report is not None:
                write_report(self._arguments.report, [facts], saved_to=())
            raise
        connection = SavedConnection(conn_id=conn_id, parts=self._parts(session, choice))
        return _Made(connection=connection, facts=facts)

    def _parts(self, session: TokenSession, choice: PageChoice) -> dict[str, Any]:
        keeps_app = not self._arguments.without_app_secret
        extra = {name: value for name, value in self._extra.items() if keeps_app or name != "app_secret"}
        parts: dict[str, Any] = {
            "conn_type": "msginsights",
            "login": choice.login,
            "password": session.credentials.token,
        }
        if self._arguments.host:
            parts["host"] = self._arguments.host
        return parts | ({"extra": extra} if extra else {})

    def _show(self, conn_id: str, report: TokenReport, choice: PageChoice) -> None:
        tell = self._questions.tell
        tell(f"\nConnection {conn_id}", style="bold")
        tell(render_report(report))
        for line in lifetime_lines(report):
            tell(line)
        tell(suited_kind(report, pages=len(choice.page_ids)))
        if report.expires.ends_at is not None and report.kind is not TokenKind.PAGE:
            tell(f"Renew it before: msginsights token renew {conn_id}")
        readable = {page.page_id for page in report.pages if page.problem is None and page.may_analyze is not False}
        if missing := [one for one in choice.page_ids if one not in readable]:
            cure = (
                "assign them to the system user with Insights, and generate the token again"
                if report.kind is TokenKind.SYSTEM_USER
                else "the person did not tick them or has no role on them; --login --rerequest asks again"
            )
            tell(f"Missing: {', '.join(missing)}: {cure}.", style="bold red")
        if choice.extra:
            tell(f"Not expected, and left out: {', '.join(choice.extra)}.", style="bold yellow")
