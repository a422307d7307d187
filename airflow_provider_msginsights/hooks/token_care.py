"""What a hook tells people of its connection's token: in the Test button's answer, and in a load's log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import MessagingInsightsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.insights.token_report import TokenReport
    from airflow_provider_msginsights.transports.credentials import Credentials
    from airflow_provider_msginsights.transports.settings import TransportSettings

LONGEST_TEXT = 2000
"""Airflow 3.3 keeps so many characters of a test's message (``connection_test.result_message``)."""

_SECONDS = 5.0
_MORE = "… The whole report: msginsights check {conn_id}"


def connection_test(inspect: Callable[[], TokenReport], conn_id: str) -> tuple[bool, str]:
    """Give the outcome of a test, whatever happens, in text that fits and holds no secret.

    :param inspect: gives the report of the token.
    """
    from airflow_provider_msginsights.transports.credentials import redact

    try:
        report = inspect()
    except MessagingInsightsError as error:
        ok, text = False, str(error)
    except Exception as error:  # noqa: BLE001 - a test gives an answer, and no foreign text that may hold a secret
        ok, text = False, f"The connection could not be read: {type(error).__name__}."
    else:
        ok, text = report.ok, report.as_text()
    return ok, _fitting(redact(text), _MORE.format(conn_id=conn_id))


def _fitting(text: str, more: str) -> str:
    """Whole lines from the start, and where the rest is."""
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[: LONGEST_TEXT - len(more) - 1].rpartition(chr(10))[0]}\n{more}"


def endings(settings: TransportSettings, credentials: Credentials) -> tuple[str, ...]:
    """Give sentences about what ends soon; none when that cannot be found out at once.

    :param settings: say how soon is soon; their own patience does not count here.
    """
    from airflow_provider_msginsights.insights.retry import RetryPolicy
    from airflow_provider_msginsights.insights.token_findings import endings_of
    from airflow_provider_msginsights.insights.token_inspection import inspect_lifetime
    from airflow_provider_msginsights.transports.blocking import BlockingTransport

    hasty = replace(
        settings,
        connect_timeout_seconds=min(_SECONDS, settings.connect_timeout_seconds),
        read_timeout_seconds=min(_SECONDS, settings.read_timeout_seconds),
    )
    once = RetryPolicy(max_attempts=1, wait_bound_seconds=0)
    try:
        with BlockingTransport(hasty, credentials) as transport:
            report = transport.run(inspect_lifetime(once, now=datetime.now(UTC), asked_version=settings.api_version))
    except MessagingInsightsError:
        return ()
    return tuple(f"{one.what} {one.remedy}" for one in endings_of(report, settings.token_warning_days))
