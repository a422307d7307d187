"""Tokens, without ever holding one: which Pages the connection's token can act for, and what a token may do.

Sources: Pages API guide "Get Started" (``/me/accounts``, ``?fields=access_token``); Graph API guide "Paginated
Results"; Graph API reference, ``/debug_token``. The transport keeps the Page tokens; these flows see only that there
are some.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import (
    InvalidRequestError,
    MessagingInsightsError,
    PermissionDeniedError,
    RateLimitError,
    ResponseFormatError,
)
from airflow_provider_msginsights.insights.dispatch import Dispatcher
from airflow_provider_msginsights.insights.error_table import PERMISSIONS
from airflow_provider_msginsights.insights.steps import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_msginsights.insights.dispatch import Verdict
    from airflow_provider_msginsights.insights.retry import RetryPolicy
    from airflow_provider_msginsights.insights.steps import Flow

PAGES_A_CALL = 100
_FAR_FUTURE = 100_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInfo:
    """A Page the token's person has a role on.

    :param tasks: what the person may do; reading insights takes ``ANALYZE``.
    """

    page_id: str
    name: str
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    """What ``/debug_token`` says of a token.

    :param kind: ``USER``, ``PAGE``, ``SYSTEM_USER`` or ``APP``.
    :param expires_at: ``None`` for never.
    :param page_ids: permission -> the Pages it is limited to; a permission that is not limited is left out.
    :param problem: why it is not valid.
    """

    is_valid: bool
    kind: str | None
    app_id: str | None
    application: str | None
    user_id: str | None
    profile_id: str | None
    expires_at: datetime | None
    data_access_expires_at: datetime | None
    scopes: tuple[str, ...]
    page_ids: dict[str, tuple[str, ...]]
    problem: str | None

    @property
    def missing_permissions(self) -> tuple[str, ...]:
        """Those of the four the Messaging Insights API page asks for that the token does not have."""
        return tuple(one for one in PERMISSIONS if one not in self.scopes)


def list_pages(policy: RetryPolicy) -> Flow[tuple[PageInfo, ...]]:
    """Every Page the connection's token can act for, with the person's tasks on it; needs a user or system-user token.

    :raises MessagingInsightsError: what the API answered.
    """
    pages = yield from _accounts(Dispatcher(policy), "id,name,tasks", yields_tokens=False, wanted=None)
    return tuple(
        PageInfo(page_id=str(one["id"]), name=str(one.get("name", "")), tasks=tuple(map(str, _items(one.get("tasks")))))
        for one in pages
    )


def inspect_token(policy: RetryPolicy, page_id: str | None = None) -> Flow[TokenInfo]:
    """What the connection's token is and may do.

    :param page_id: inspect the token of this Page instead, for which the connection's is exchanged first.
    :raises MessagingInsightsError: what the API answered.
    """
    dispatcher = Dispatcher(policy)
    if page_id is not None:
        without_token = yield from exchange_tokens(dispatcher, (page_id,))
        if page_id in without_token:
            raise without_token[page_id]
    document = yield from _document(dispatcher, Request("/debug_token", (), page_id, inspects_token=True))
    data = document.get("data")
    if not isinstance(data, dict):
        raise ResponseFormatError("The reply has a shape this package does not know at data: an object was expected.")
    error = data.get("error")
    return TokenInfo(
        is_valid=data.get("is_valid") is True,
        kind=_text(data.get("type")),
        app_id=_text(data.get("app_id")),
        application=_text(data.get("application")),
        user_id=_text(data.get("user_id")),
        profile_id=_text(data.get("profile_id")),
        expires_at=_moment(data.get("expires_at")),
        data_access_expires_at=_moment(data.get("data_access_expires_at")),
        scopes=tuple(map(str, _items(data.get("scopes")))),
        page_ids={
            str(one["scope"]): tuple(map(str, _items(one["target_ids"])))
            for one in _items(data.get("granular_scopes"))
            if isinstance(one, dict) and "scope" in one and "target_ids" in one
        },
        problem=_text(error.get("message")) if isinstance(error, dict) else None,
    )


def exchange_tokens(dispatcher: Dispatcher, page_ids: tuple[str, ...]) -> Flow[dict[str, MessagingInsightsError]]:
    """Have the transport keep the tokens of these Pages; the Pages that have none are returned with the reason.

    One Page is asked for directly, many by the list of all Pages, a hundred a call; what the list does not name (a
    Page given by its alias, say) is asked for directly.

    :raises MessagingInsightsError: what the API answered, where it concerns the connection's own token.
    """
    wanted = dict.fromkeys(page_ids)
    if len(wanted) > 1:
        for page_id in (yield from list_tokens(dispatcher, page_ids)):
            wanted.pop(page_id, None)
    verdicts = yield from dispatcher.ask(
        Request(f"/{page_id}", (("fields", "access_token"),), None, yields_tokens=True) for page_id in wanted
    )
    for verdict in verdicts:
        if verdict.pause_seconds is not None:
            raise _limited(verdict)
    return {verdict.request.path[1:]: error for verdict in verdicts if (error := _why_no_token(verdict)) is not None}


def list_tokens(dispatcher: Dispatcher, page_ids: tuple[str, ...]) -> Flow[set[str]]:
    """Have the transport keep the tokens that the list of all Pages has of these; tell which Pages they are.

    A token that has no such list, such as a Page's own, tells of none.

    :raises MessagingInsightsError: what the API answered otherwise.
    """
    wanted = set(page_ids)
    try:
        pages = yield from _accounts(dispatcher, "id,access_token", yields_tokens=True, wanted=wanted)
    except (InvalidRequestError, PermissionDeniedError):
        return set()
    return wanted & {str(page["id"]) for page in pages if "access_token" in page}


def _why_no_token(verdict: Verdict) -> MessagingInsightsError | None:
    if verdict.problem is not None:
        return verdict.problem.error
    if verdict.document is not None and "access_token" in verdict.document:
        return None
    page_id = verdict.request.path[1:]
    return PermissionDeniedError(
        "The API gave no token for the Page: the connection's token belongs to someone without a role on it, or lacks "
        "pages_show_list. Give that person the ANALYZE task, or use another token.",
        page_id=page_id,
    )


def _accounts(
    dispatcher: Dispatcher, fields: str, *, yields_tokens: bool, wanted: set[str] | None
) -> Flow[list[dict[str, object]]]:
    """The entries of ``/me/accounts``, cursor by cursor, until all wanted Pages are met or no page follows."""
    entries: list[dict[str, object]] = []
    after: str | None = None
    while True:
        params = (("fields", fields), ("limit", str(PAGES_A_CALL)), *((("after", after),) if after else ()))
        document = yield from _document(dispatcher, Request("/me/accounts", params, None, yields_tokens=yields_tokens))
        entries.extend(_entries(document))
        cursor = _next_cursor(document)
        met_all = wanted is not None and wanted <= {str(one["id"]) for one in entries}
        if cursor is None or cursor == after or met_all:
            return entries
        after = cursor


def _entries(document: dict[str, object]) -> Iterator[dict[str, object]]:
    data = document.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) and "id" in one for one in data):
        raise ResponseFormatError("The list of Pages has a shape this package does not know at data.", http_status=200)
    return iter(data)


def _next_cursor(document: dict[str, object]) -> str | None:
    """A page of a list may be short or empty and still be followed by another: only a missing ``next`` ends it."""
    paging = document.get("paging")
    if not isinstance(paging, dict) or "next" not in paging or not isinstance(cursors := paging.get("cursors"), dict):
        return None
    return _text(cursors.get("after"))


def _document(dispatcher: Dispatcher, request: Request) -> Flow[dict[str, object]]:
    (verdict,) = yield from dispatcher.ask((request,))
    if verdict.pause_seconds is not None:
        raise _limited(verdict)
    if verdict.problem is not None:
        raise verdict.problem.error
    return verdict.document or {}


def _limited(verdict: Verdict) -> RateLimitError:
    refusal = verdict.problem.error if verdict.problem else None
    return RateLimitError(
        refusal.message if refusal else "The allowance of calls is used up for now.",
        code=refusal.code if refusal else None,
        fbtrace_id=refusal.fbtrace_id if refusal else None,
        retry_after_seconds=verdict.pause_seconds,
    )


def _items(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _moment(value: object) -> datetime | None:
    """Unix seconds; 0 means never."""
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) and 0 < value < _FAR_FUTURE else None
