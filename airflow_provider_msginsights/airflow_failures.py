"""Our errors in Airflow's terms: "fail now" or "try again"."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights import exceptions
from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.exceptions import (
    ConfigurationError,
    EmptyAnswerError,
    FatalGraphAPIError,
    MessagingInsightsError,
    ResponseFormatError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NEVER_RETRIED = (ConfigurationError, FatalGraphAPIError, ResponseFormatError)
"""Kinds that the same request would meet again: a person must act first."""


ENDS_WAITING = (*NEVER_RETRIED, EmptyAnswerError)
"""Kinds that end a wait for data at once: polling on would not change them, or a person asked to be told."""

MAX_FAILED_POLLS = 5
"""Polls in a row that may fail for a passing reason, beyond the retries within each."""


@dataclass(slots=True)
class FailedPolls:
    """Counts the polls in a row that failed for a passing reason.

    :param allowed: how many end the wait; ``None`` for no bound.
    """

    allowed: int | None
    in_a_row: int = 0

    def add(self, error: MessagingInsightsError) -> None:
        """Count a failed poll.

        :raises MessagingInsightsError: the error itself, when it ends the wait.
        """
        if isinstance(error, ENDS_WAITING):
            raise error
        self.in_a_row += 1
        if self.allowed is not None and self.in_a_row >= self.allowed:
            raise error

    @property
    def counted(self) -> str:
        """The count in words, for the log."""
        return f"Poll {self.in_a_row} of at most {self.allowed} in a row" if self.allowed else "A poll"


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
