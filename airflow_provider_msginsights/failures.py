"""Our errors in Airflow's terms: "fail now" or "try again"."""

from __future__ import annotations

import contextlib
import textwrap
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_msginsights import exceptions
from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.documentation import with_address
from airflow_provider_msginsights.exceptions import (
    NEVER_RETRIED,
    AuthenticationError,
    ConfigurationError,
    EmptyAnswerError,
    FatalGraphAPIError,
    InvalidRequestError,
    MessagingInsightsError,
    NewFindingsError,
    PermissionDeniedError,
    RateLimitError,
    ResponseFormatError,
    ServiceUnavailableError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_WHY = (
    (ConfigurationError, "the DAG or the connection is wrong; a person must act."),
    (AuthenticationError, "the API does not accept the token; a person must act."),
    (PermissionDeniedError, "a permission, a task on the Page or an access level is missing; a person must act."),
    (InvalidRequestError, "the API does not accept the Page, a metric, the period or the range."),
    (FatalGraphAPIError, "the API refused, and requesting the same again cannot help."),
    (EmptyAnswerError, "the API answered without any row; a retry may find some."),
    (RateLimitError, "a limit on calls is reached; a retry helps once it is over."),
    (ServiceUnavailableError, "the API cannot answer now; a retry may help."),
    (TransportError, "no reply arrived; a retry may help."),
    (NewFindingsError, "the data has something new that a person should look at; everything is stored."),
    (ResponseFormatError, "a reply has a shape that this package does not know; nothing was guessed."),
)
"""What each kind of error means, in one line of the log."""

_WIDTH = 100
"""Characters; with the moment and level in front, a line of them fits the log of a laptop's screen."""


@contextlib.contextmanager
def failing_without_retry(*, msginsights_conn_id: str | None, log: Any, enabled: bool = True) -> Iterator[None]:
    """Turn errors that a retry cannot help into ``AirflowFailException``; let every other error through as it is.

    The error is logged first, in a few short lines: Airflow's page wraps no line of a log. What is raised then stands
    alone, so that only one traceback follows.

    :param msginsights_conn_id: named in what the API refused, so that a person knows which token to replace; ``None``
        for tasks that ask it nothing.
    :param log: where the lines go.
    :param enabled: false leaves hard errors as our own kinds. A sensor with ``soft_fail`` needs that:
        Airflow would turn ``AirflowFailException`` into a skip, and a broken token must not look like one.
    """
    try:
        yield
    except MessagingInsightsError as error:
        with_address(error)
        for line in failure_lines(error, msginsights_conn_id=msginsights_conn_id):
            log.error("%s", line)  # noqa: TRY400 - the traceback follows once, from Airflow
        if not enabled or not isinstance(error, NEVER_RETRIED):
            raise_alone(error)
        where = "" if isinstance(error, ConfigurationError) else f" Connection: {msginsights_conn_id}."
        raise_alone(AirflowFailException(f"{error.described}{where} {error.reference}"))


def raise_alone(error: BaseException) -> NoReturn:
    """Raise an error without the one that is being handled, which has been logged already."""
    try:
        raise error from None
    finally:
        error.__context__ = None


def failure_lines(error: MessagingInsightsError, *, msginsights_conn_id: str | None) -> Iterator[str]:
    """Yield an error as short lines: what happened, why, what helps, and the evidence for Meta's support."""
    page = f"Page {error.page_id}: " if error.page_id else ""
    evidence = (
        ("HTTP", error.http_status),
        ("code", error.code),
        ("subcode", error.error_subcode),
        ("trace", error.fbtrace_id),
        ("connection", msginsights_conn_id),
    )
    yield from wrapped(f"What happened: {page}{error.what}")
    if why := next((text for kind, text in _WHY if isinstance(error, kind)), None):
        yield from wrapped(f"Why: {why}")
    if error.advice:
        yield from wrapped(f"What helps: {error.advice}")
    if known := [f"{name} {value}" for name, value in evidence if value is not None]:
        yield from wrapped(f"Evidence: {', '.join(known)}")
    yield from wrapped(f"Error: {error.reference}")


def wrapped(text: str) -> Iterator[str]:
    """Yield lines that fit into Airflow's log; longer words are not broken."""
    yield from textwrap.wrap(text, _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def event_of_error(error: MessagingInsightsError) -> dict[str, Any]:
    """Return an error as a trigger's event: plain JSON that ``error_from_event`` turns back."""
    evidence = error.evidence
    error_id = evidence.pop("error_id")  # apart: workers of an older version do not know it
    return {
        "status": "failed",
        "kind": type(error).__name__,
        "message": error.message,
        "evidence": evidence,
        "error_id": error_id,
    }


def error_from_event(event: dict[str, Any]) -> MessagingInsightsError:
    """Return the error that a trigger sent."""
    kind = getattr(exceptions, str(event.get("kind")), MessagingInsightsError)
    evidence = event.get("evidence", {})
    error_id = event.get("error_id") or _id_by_code(event, evidence)
    rebuilt: MessagingInsightsError = kind(event["message"], **{"error_id": error_id, **evidence})
    return rebuilt


def _id_by_code(event: dict[str, Any], evidence: dict[str, Any]) -> str | None:
    """Return the id of an error that an older trigger sent, by Meta's code."""
    from airflow_provider_msginsights.insights.graph.error_table import rule_for

    if (code := evidence.get("code")) is None:
        return None
    status = evidence.get("http_status") or 0
    rule = rule_for(code, evidence.get("error_subcode"), event["message"], status=status, is_transient=False)
    return rule.error_id if rule.kind.__name__ == event.get("kind") else None


def unknown_event(event: object) -> ResponseFormatError:
    """Return the error of a trigger's event that this version does not understand."""
    text = (
        f"The trigger sent an event that this version does not know: {event!r}. "
        "Run one version of the provider on workers and triggerers, then clear the task."
    )
    return ResponseFormatError(text, error_id="MSGI-versions")
