"""What ``/debug_token`` says of a token: kind, lifetime, permissions, and why it is not valid.

Source: Graph API reference, ``/debug_token``; the shape of the reply from replies recorded by public clients. It
answers whoever asks with the app's own token or with the token of a developer of the app, and refuses the others with
code 100. It never shows the token itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import ResponseFormatError
from airflow_provider_msginsights.insights.fetch.page_tokens import items
from airflow_provider_msginsights.insights.graph.error_table import advice_of, rule_for
from airflow_provider_msginsights.insights.graph.json_text import printable, whole_number
from airflow_provider_msginsights.insights.protocol import Request

if TYPE_CHECKING:
    from airflow_provider_msginsights.exceptions import MessagingInsightsError

REQUEST = Request("/debug_token", inspects_token=True)
"""Asks about the connection's own token."""

_FAR_FUTURE = 100_000_000_000
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    """What ``/debug_token`` says of a token.

    :param is_valid: ``None`` where the API does not say.
    :param kind: ``USER``, ``PAGE``, ``SYSTEM_USER`` or ``APP``.
    :param profile_id: the Page of a Page token.
    :param expires_at: ``None`` for never.
    :param data_access_expires_at: until when the app may read what the person allowed; ``None`` for without end.
    :param page_ids: permission -> the Pages it is limited to; a permission that is not limited is left out.
    :param problem: why it is not valid, with what helps.
    """

    is_valid: bool | None
    kind: str | None
    app_id: str | None
    application: str | None
    user_id: str | None
    profile_id: str | None
    expires_at: datetime | None
    data_access_expires_at: datetime | None
    scopes: tuple[str, ...]
    page_ids: dict[str, tuple[str, ...]]
    problem: MessagingInsightsError | None


def read_token_info(document: dict[str, object]) -> TokenInfo:
    """Read the reply to `REQUEST`.

    :raises ResponseFormatError: for another shape than the known one.
    """
    data = document.get("data")
    if not isinstance(data, dict):
        raise ResponseFormatError("The reply has a shape this package does not know at data: an object was expected.")
    error = data.get("error")
    return TokenInfo(
        is_valid=is_valid if isinstance(is_valid := data.get("is_valid"), bool) else None,
        kind=_text(data.get("type")),
        app_id=_text(data.get("app_id")),
        application=_text(data.get("application")),
        user_id=_text(data.get("user_id")),
        profile_id=_text(data.get("profile_id")),
        expires_at=_moment(data.get("expires_at")),
        data_access_expires_at=_moment(data.get("data_access_expires_at")),
        scopes=tuple(map(printable, items(data.get("scopes")))),
        page_ids={
            printable(one["scope"]): tuple(map(printable, items(one["target_ids"])))
            for one in items(data.get("granular_scopes"))
            if isinstance(one, dict) and "scope" in one and "target_ids" in one
        },
        problem=_problem(error) if isinstance(error, dict) else None,
    )


def _problem(error: dict[str, object]) -> MessagingInsightsError:
    """Return the error object in the data; here the subcode is called ``subcode``."""
    code, subcode = (whole_number(error.get(name)) for name in ("code", "subcode"))
    text = printable(error.get("message") or "The API gave no message")
    rule = rule_for(code, subcode, text, status=_OK, is_transient=False)
    return rule.kind(f"{text.strip().rstrip('.')}. {advice_of(rule, text)}", code=code, error_subcode=subcode)


def _text(value: object) -> str | None:
    return None if value is None else printable(value)


def _moment(value: object) -> datetime | None:
    """Unix seconds; 0 means never."""
    seconds = whole_number(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None and 0 < seconds < _FAR_FUTURE else None
