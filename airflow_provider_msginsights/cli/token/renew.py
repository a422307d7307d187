"""``msginsights token renew``: tokens of 60 days are replaced before they end, and saved where they are read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.cli.connections import stored_parts
from airflow_provider_msginsights.cli.token.env_file import variable_of
from airflow_provider_msginsights.cli.token.public_report import check_report_file, public_facts, write_report
from airflow_provider_msginsights.cli.token.questions import Questions, secret_in
from airflow_provider_msginsights.cli.token.saving import SavedConnection, Targets, warn_of_variables
from airflow_provider_msginsights.cli.token.session import CREATE, TokenSession, check_good, check_usable
from airflow_provider_msginsights.documentation import with_address
from airflow_provider_msginsights.exceptions import AuthenticationError, ConfigurationError, MessagingInsightsError
from airflow_provider_msginsights.insights.parameters.parse import parse_conn_id
from airflow_provider_msginsights.insights.token.durability import Lengthening, lengthening_of
from airflow_provider_msginsights.insights.token.report import TokenKind
from airflow_provider_msginsights.transports.settings import from_connection_parts

if TYPE_CHECKING:
    import argparse

    from airflow_provider_msginsights.insights.token.report import TokenReport

_DEFAULT = "msginsights_default"


@dataclass(slots=True, kw_only=True)
class _Outcome:
    """What became of one connection."""

    conn_id: str
    what: str
    is_renewed: bool = False
    error: MessagingInsightsError | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    saved_to: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        error = {} if self.error is None else {"error": output.error_as_dict(self.error)}
        facts = self.facts or {"connection": self.conn_id}
        return {**facts, "renewed": self.is_renewed, "what": self.what, "saved_to": self.saved_to, **error}


def run(arguments: argparse.Namespace) -> int:
    """Renew each connection's token that ends soon; one that cannot be renewed keeps no other from it."""
    conn_ids = dict.fromkeys(parse_conn_id("CONN_ID", one) for one in arguments.conn_ids or (_DEFAULT,))
    targets = Targets.of(arguments)
    for conn_id in conn_ids if targets.env_file is not None else ():
        variable_of(conn_id)
    if arguments.report is not None:
        check_report_file(arguments.report)
    questions = Questions()
    targets.complete(questions, conn_id=", ".join(conn_ids))
    if targets.is_empty:
        raise ConfigurationError(
            "--save-airflow, --save-env, --save-with or --print-secret is missing: a token that is not saved is lost.",
            error_id="MSGI-cli-usage",
        )
    renewal = _Renewal(arguments, questions, targets)
    outcomes = []
    for conn_id in conn_ids:
        outcomes.append(outcome := renewal.renewed(conn_id))
        questions.tell(f"{conn_id}: {outcome.what}", style="bold red" if outcome.error else None)
    if arguments.report is not None:
        saved_to = list(dict.fromkeys(place for one in outcomes for place in one.saved_to))
        write_report(arguments.report, [one.facts for one in outcomes if one.facts], saved_to=saved_to)
    if arguments.as_json:
        output.print_json({"connections": [one.as_dict() for one in outcomes]})
    codes = {output.OK if one.error is None else output.exit_code_of(one.error) for one in outcomes}
    return next((code for code in (output.FOUND, output.USAGE, output.UNANSWERED) if code in codes), output.OK)


class _Renewal:
    """Renews connections one by one."""

    def __init__(self, arguments: argparse.Namespace, questions: Questions, targets: Targets) -> None:
        self._arguments, self._questions, self._targets = arguments, questions, targets
        self._app_secret: str | None = None

    def renewed(self, conn_id: str) -> _Outcome:
        """Return what became of a connection, also where that is an error."""
        outcome = _Outcome(conn_id=conn_id, what="")
        try:
            self._renew(outcome)
        except MessagingInsightsError as error:
            outcome.what, outcome.error = str(with_address(error)), error
        return outcome

    def _renew(self, outcome: _Outcome) -> None:
        parts = stored_parts(outcome.conn_id)
        with self._session_of(outcome.conn_id, parts) as session:
            self._renew_by(session, parts, outcome)

    def _renew_by(self, session: TokenSession, parts: dict[str, Any], outcome: _Outcome) -> None:
        report = session.inspect()
        outcome.facts = public_facts(outcome.conn_id, report)
        check_usable(report)
        outcome.what = self._why_not(report)
        if outcome.what:
            return
        session.lengthen(report)
        wanted = [one.strip() for one in str(parts.get("login") or "").split(",") if one.strip()]
        new = session.inspect(wanted)
        outcome.facts = public_facts(outcome.conn_id, new)
        check_usable(new)
        check_good(new)
        connection = SavedConnection(conn_id=outcome.conn_id, parts={**parts, "password": session.credentials.token})
        outcome.saved_to = self._targets.save([connection])
        warn_of_variables([outcome.conn_id], self._targets, self._questions)
        outcome.is_renewed = True
        outcome.what = (
            f"renewed; the new token ends {new.expires.describe(new.asked_at)}, and the old one at its own end. Saved: "
            f"{', '.join(outcome.saved_to)}."
        )

    def _session_of(self, conn_id: str, parts: dict[str, Any]) -> TokenSession:
        extra = dict(parts.get("extra") or {})
        if not extra.get("app_id") and self._arguments.app_id is None:
            raise ConfigurationError(
                f"The connection {conn_id!r} names no app: set app_id and app_secret in its extra, or give --app-id "
                "and the app's secret on standard input or by --app-secret-file.",
                parameter="app_id",
            )
        extra["app_id"] = extra.get("app_id") or self._arguments.app_id
        if not extra.get("app_secret"):
            extra["app_secret"] = self._secret()
        try:
            settings, credentials = from_connection_parts(
                host=parts.get("host"),
                port=parts.get("port"),
                login=parts.get("login"),
                password=parts.get("password"),
                extra=extra,
            )
        except ConfigurationError as error:
            raise ConfigurationError(f"Connection {conn_id!r}: {error.message}", error_id=error.error_id) from None
        return TokenSession(settings, credentials)

    def _secret(self) -> str:
        """Return the app's secret; asked for once."""
        if self._app_secret is None:
            file = self._arguments.app_secret_file
            self._app_secret = self._questions.secret("App secret") if file is None else secret_in(file, "App secret")
        return self._app_secret

    def _why_not(self, report: TokenReport) -> str:
        """Return why the token need not be renewed; nothing where it must.

        :raises AuthenticationError: it cannot be renewed.
        """
        left = report.expires.days_left(report.asked_at)
        if not report.expires.is_known:
            raise AuthenticationError(
                f"The API refuses to say when the token ends, so it is not renewed. {CREATE}",
                error_id="MSGI-token-renewal",
            )
        if left is None:
            ends = report.data_access.ends_at
            note = f", its access to data {report.data_access.describe(report.asked_at)}" if ends else ""
            return f"nothing to do: the {report.kind.in_words} has no end of its own{note}."
        if left > self._arguments.if_within_days:
            return f"nothing to do: it ends {report.expires.describe(report.asked_at)}."
        if lengthening_of(report) is Lengthening.IMPOSSIBLE or report.kind is TokenKind.PAGE:
            raise AuthenticationError(
                f"The token is a {report.kind.in_words} and ends {report.expires.describe(report.asked_at)}: no token "
                f"of this kind can be renewed. {CREATE}",
                error_id="MSGI-token-renewal",
            )
        return ""
