"""Whether a Page was refused because the connection holds the token of another Page.

A Page's token reads its own Page alone, and what the API says then does not name the Page it belongs to ("(#10)
Application does not have permission for this action").
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import PermissionDeniedError
from airflow_provider_msginsights.insights.fetch.scheduler import Scheduler
from airflow_provider_msginsights.insights.graph.error_table import PERMISSIONS
from airflow_provider_msginsights.insights.graph.json_text import printable
from airflow_provider_msginsights.insights.protocol import Request

if TYPE_CHECKING:
    from airflow_provider_msginsights.exceptions import MessagingInsightsError
    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.protocol import Flow

NO_PERMISSION = 10
"""The code of "Application does not have permission for this action": worth a call to learn whose token it is."""

_UNKNOWN_OBJECT = (100, 33)


def may_be_of_another_page(error: MessagingInsightsError) -> bool:
    """Whether a refusal is one that a Page's token meets elsewhere, and names nothing else that is missing."""
    is_denied = isinstance(error, PermissionDeniedError) or (error.code, error.error_subcode) == _UNKNOWN_OBJECT
    return is_denied and not any(permission in error.what for permission in PERMISSIONS)


def page_of_token(policy: RetryPolicy) -> Flow[str | None]:
    """Return the Page that the connection's token belongs to; ``None`` for a person's, or when one call does not tell.

    Pages have a category and people have none: for a person's token the API refuses the field.
    """
    once = Scheduler(replace(policy, max_attempts=1))
    outcomes = yield from once.ask((Request("/me", (("fields", "id,category"),)),))
    documents = [outcome.document for outcome in outcomes if outcome.document is not None]
    if not documents or "category" not in documents[0]:
        return None
    return printable(documents[0].get("id"))


def of_another_page(error: MessagingInsightsError, *, page_id: str, owner: str) -> MessagingInsightsError:
    """Return the same refusal, saying whose token was used."""
    advice = f"Use a token of Page {page_id}, or of a person or system user with the ANALYZE task on all Pages."
    message = f"The token is of Page {owner}, and Page {page_id} was requested. The API said: {error.what} {advice}"
    return PermissionDeniedError(message, **error.evidence | {"advice": advice, "error_id": "MSGI-other-page"})
