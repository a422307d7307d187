"""Reports on a connection's token: for callers of the hook, for the Test button and for a load's log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import MessagingInsightsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_msginsights.insights.protocol import Flow
    from airflow_provider_msginsights.insights.token.report import TokenReport
    from airflow_provider_msginsights.transports.credentials import Credentials
    from airflow_provider_msginsights.transports.settings import TransportSettings

LONGEST_TEXT = 2000
"""How many characters Airflow 3.3 keeps of a test's message (``connection_test.result_message``)."""

_MORE = "The whole report: msginsights check CONN_ID"

_TEST_SECONDS, _TEST_ATTEMPTS = 15.0, 2
"""A person waits for a test, and Airflow ends one on a worker after 60 seconds (``[connection_test] timeout``)."""

_WARNING_SECONDS = 5.0


def inspect(
    settings: TransportSettings, credentials: Credentials, *, page_ids: Sequence[str] | None = None
) -> TokenReport:
    """Return the report on the connection's token.

    :param page_ids: the Pages to check; the connection's default ones when left out.
    :raises MessagingInsightsError: no answer, a limit, or an address or version the API does not know.
    """
    from airflow_provider_msginsights.transports.blocking import BlockingTransport

    with BlockingTransport(settings, credentials) as transport:
        return transport.run(_inspection(settings, credentials, page_ids))


async def ainspect(
    settings: TransportSettings, credentials: Credentials, *, page_ids: Sequence[str] | None = None
) -> TokenReport:
    """Return the same report without blocking the event loop."""
    from airflow_provider_msginsights.transports.nonblocking import NonblockingTransport

    async with NonblockingTransport(settings, credentials) as transport:
        return await transport.run(_inspection(settings, credentials, page_ids))


def connection_test(read: Callable[[], tuple[TransportSettings, Credentials]]) -> tuple[bool, str]:
    """Return the outcome of a test, whatever happens, as text that fits and holds no secret.

    Airflow's form shows it in a toast, so it has what is wrong, what helps and when the token ends, and names the
    command that tells the rest.

    :param read: reads the connection.
    """
    from airflow_provider_msginsights.documentation import ending_with, with_address
    from airflow_provider_msginsights.insights.token.render import render_summary
    from airflow_provider_msginsights.transports.redaction import redact

    try:
        settings, credentials = read()
        report = inspect(_impatient(settings, seconds=_TEST_SECONDS, attempts=_TEST_ATTEMPTS), credentials)
    except MessagingInsightsError as error:
        ok, text = False, str(with_address(error))
    except Exception as error:  # noqa: BLE001 - a test gives an answer, and no foreign text that may hold a secret
        ok, text = False, ending_with(f"The connection could not be read: {type(error).__name__}.", "MSGI-airflow")
    else:
        return report.ok, _fitting(redact(render_summary(report)))
    return ok, redact(text)[:LONGEST_TEXT]


def endings(settings: TransportSettings, credentials: Credentials) -> tuple[str, ...]:
    """Return sentences about what ends soon; none when that cannot be found out at once.

    Without app id and secret no request is made, because only with them an answer is certain.
    """
    from airflow_provider_msginsights.insights.token.findings import endings_of
    from airflow_provider_msginsights.insights.token.inspection import inspect_lifetime
    from airflow_provider_msginsights.transports.blocking import BlockingTransport

    if credentials.app_token is None or not settings.token_warning_days:
        return ()
    impatient = _impatient(settings, seconds=_WARNING_SECONDS, attempts=1)
    flow = inspect_lifetime(impatient.retry_policy, now=datetime.now(UTC), asked_version=settings.api_version)
    try:
        with BlockingTransport(impatient, credentials) as transport:
            report = transport.run(flow)
    except MessagingInsightsError:
        return ()
    return tuple(finding.in_words for finding in endings_of(report, settings.token_warning_days))


def _inspection(
    settings: TransportSettings, credentials: Credentials, page_ids: Sequence[str] | None
) -> Flow[TokenReport]:
    from airflow_provider_msginsights.insights.token.inspection import inspect_token

    return inspect_token(
        settings.retry_policy,
        now=datetime.now(UTC),
        asked_version=settings.api_version,
        page_ids=settings.default_page_ids if page_ids is None else page_ids,
        has_app_token=credentials.app_token is not None,
        soon_days=settings.token_warning_days,
    )


def _impatient(settings: TransportSettings, *, seconds: float, attempts: int) -> TransportSettings:
    """Return the settings with shorter timeouts and fewer retries."""
    policy = settings.retry_policy
    return replace(
        settings,
        connect_timeout_seconds=min(seconds, settings.connect_timeout_seconds),
        read_timeout_seconds=min(seconds, settings.read_timeout_seconds),
        retry_policy=replace(
            policy,
            max_attempts=min(attempts, policy.max_attempts),
            total_seconds=min(seconds * attempts, policy.total_seconds),
            wait_bound_seconds=min(seconds, policy.wait_bound_seconds),
            max_delay_seconds=min(1.0, policy.max_delay_seconds),
        ),
    )


def _fitting(text: str) -> str:
    """Return as many whole lines as fit, and where to find the others."""
    if len(text) + len(_MORE) < LONGEST_TEXT:
        return f"{text}\n{_MORE}"
    whole_lines = text[: LONGEST_TEXT - len(_MORE) - 3].rpartition("\n")[0]
    return f"{whole_lines}\n… {_MORE}"
