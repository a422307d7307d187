"""Our errors in Airflow's terms: "fail now" or "try again"."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights import exceptions
from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.exceptions import (
    ConfigurationError,
    FatalGraphAPIError,
    MessagingInsightsError,
    ResponseFormatError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NEVER_RETRIED = (ConfigurationError, FatalGraphAPIError, ResponseFormatError)
"""Kinds that the same request would meet again: a person must act first."""


@contextlib.contextmanager
def failing_without_retry(*, msginsights_conn_id: str, enabled: bool = True) -> Iterator[None]:
    """Turn errors that a retry cannot help into ``AirflowFailException``; let every other error through as it is.

    :param msginsights_conn_id: named in what the API refused, so that a person knows which token to mend.
    :param enabled: false leaves hard errors as our own kinds. A sensor with ``soft_fail`` needs that:
        Airflow would turn ``AirflowFailException`` into a skip, and a broken token must not look like one.
    """
    try:
        yield
    except NEVER_RETRIED as error:
        if not enabled:
            raise
        where = "" if isinstance(error, ConfigurationError) else f" Connection: {msginsights_conn_id}."
        raise AirflowFailException(f"{error}{where}") from error


def event_of_error(error: MessagingInsightsError) -> dict[str, Any]:
    """Give an error the form of a trigger's event: plain JSON that ``error_from_event`` turns back."""
    return {"status": "failed", "kind": type(error).__name__, "message": error.message, "evidence": error.evidence}


def error_from_event(event: dict[str, Any]) -> MessagingInsightsError:
    """Rebuild the error a trigger sent."""
    kind = getattr(exceptions, str(event.get("kind")), MessagingInsightsError)
    rebuilt: MessagingInsightsError = kind(event["message"], **event.get("evidence", {}))
    return rebuilt
