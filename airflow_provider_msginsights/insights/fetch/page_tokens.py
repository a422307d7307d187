"""Tokens, without ever holding one: which Pages the connection's token can act for, and the exchange for theirs.

Sources: Pages API guide "Get Started" (``/me/accounts``, ``?fields=access_token``); Graph API guide "Paginated
Results". The transport keeps the Page tokens; these flows see only that there are some.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import (
    InvalidRequestError,
    MessagingInsightsError,
    PermissionDeniedError,
    RateLimitError,
    ResponseFormatError,
)
from airflow_provider_msginsights.insights.fetch.scheduler import Scheduler
from airflow_provider_msginsights.insights.graph.error_table import ANALYZE
from airflow_provider_msginsights.insights.graph.json_text import printable
from airflow_provider_msginsights.insights.graph.paging import PAGES_A_CALL, read_list
from airflow_provider_msginsights.insights.parameters.parse import is_page_id
from airflow_provider_msginsights.insights.protocol import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.fetch.scheduler import RequestOutcome
    from airflow_provider_msginsights.insights.protocol import Flow

PAGE_FIELDS = "id,name,tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInfo:
    """A Page the token's person has a role on.

    :param page_id: its id.
    :param name: its name at Meta.
    :param tasks: what the person may do; reading insights takes ``ANALYZE``. ``None`` where the API does not say.
    """

    page_id: str
    name: str
    tasks: tuple[str, ...] | None

    @property
    def may_analyze(self) -> bool | None:
        """Whether the person has the ANALYZE task; ``None`` where the API does not say."""
        return None if self.tasks is None else ANALYZE in self.tasks

    @classmethod
    def from_entry(cls, entry: dict[str, object]) -> PageInfo:
        """Return a Page as ``/me/accounts`` lists it."""
        tasks = entry.get("tasks")
        return cls(
            page_id=str(entry["id"]),
            name=printable(entry.get("name", "")),
            tasks=tuple(map(printable, tasks)) if isinstance(tasks, list) else None,
        )


def list_pages(policy: RetryPolicy) -> Flow[tuple[PageInfo, ...]]:
    """Every Page the connection's token can act for, with the person's tasks on it; needs a user or system-user token.

    :raises MessagingInsightsError: what the API answered.
    """
    entries = yield from list_entries(Scheduler(policy), PAGE_FIELDS)
    return tuple(map(PageInfo.from_entry, entries))


def exchange_tokens(scheduler: Scheduler, page_ids: tuple[str, ...]) -> Flow[dict[str, MessagingInsightsError]]:
    """Have the transport keep the tokens of these Pages; the Pages that have none are returned with the reason.

    One Page is requested directly, many by the list of all Pages, a hundred a call; what the list does not name (a
    Page given by its alias, say) is requested directly.

    :raises MessagingInsightsError: what the API answered, where it concerns the connection's own token.
    """
    wanted = dict.fromkeys(page_ids)
    if len(wanted) > 1:
        for page_id in (yield from list_tokens(scheduler, page_ids)):
            wanted.pop(page_id, None)
    outcomes = yield from scheduler.ask(
        Request(f"/{page_id}", (("fields", "access_token"),), None, yields_tokens=True) for page_id in wanted
    )
    for outcome in outcomes:
        if outcome.pause_seconds is not None:
            raise limited(outcome)
        if outcome.problem is not None and outcome.problem.scope == "run":
            raise outcome.problem.error
    return {outcome.request.path[1:]: error for outcome in outcomes if (error := _why_no_token(outcome)) is not None}


def list_tokens(scheduler: Scheduler, page_ids: tuple[str, ...]) -> Flow[set[str]]:
    """Have the transport keep the tokens that the list of all Pages has of these; return which Pages they are.

    A token that has no such list, such as a Page's own, gives none.

    :raises MessagingInsightsError: what the API answered otherwise.
    """
    wanted = set(page_ids)
    try:
        pages = yield from list_entries(scheduler, "id,access_token", yields_tokens=True, wanted=wanted)
    except (InvalidRequestError, PermissionDeniedError):
        return set()
    return wanted & {str(page["id"]) for page in pages if _has_token(page)}


def _why_no_token(outcome: RequestOutcome) -> MessagingInsightsError | None:
    if outcome.problem is not None:
        return outcome.problem.error
    document, page_id = outcome.document or {}, outcome.request.path[1:]
    if _has_token(document):
        return None
    if "access_token" in document:
        return ResponseFormatError(
            "The API gave a token for the Page that no request can carry: it is empty, or holds characters that tokens "
            "do not have. Check the connection's host and proxy.",
            page_id=page_id,
        )
    return PermissionDeniedError(
        "The API gave no token for the Page: the connection's token belongs to someone without a role on it, or lacks "
        "pages_show_list. Give that person the ANALYZE task, or use another token.",
        page_id=page_id,
        error_id="MSGI-no-page-token",
    )


def _has_token(entry: dict[str, object]) -> bool:
    return isinstance(token := entry.get("access_token"), str) and bool(token)


def list_entries(
    scheduler: Scheduler, fields: str, *, yields_tokens: bool = False, wanted: set[str] | None = None
) -> Flow[list[dict[str, object]]]:
    """Return the entries of ``/me/accounts``, one a Page, until all wanted Pages are met or no page follows.

    :raises MessagingInsightsError: what the API answered.
    """
    params = (("fields", fields), ("limit", str(PAGES_A_CALL)))
    found = yield from read_list(
        Request("/me/accounts", params, None, yields_tokens=yields_tokens),
        "Pages",
        ask=lambda request: document_of(scheduler, request),
        entries_in=_entries,
        is_enough=lambda pages: wanted is not None and wanted <= pages.keys(),
    )
    return list(found.values())


def _entries(document: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    data = document.get("data")
    if not isinstance(data, list):
        raise ResponseFormatError(
            "The list of Pages has a shape this package does not know at data.",
            http_status=200,
            error_id="MSGI-page-list",
        )
    for index, entry in enumerate(data):
        page_id = entry.get("id") if isinstance(entry, dict) else None
        page_id = str(page_id) if isinstance(page_id, int) and not isinstance(page_id, bool) else page_id
        if not is_page_id(page_id):  # it would become a part of an address
            raise ResponseFormatError(
                f"The list of Pages has an id that is not 1 to 32 digits at data[{index}].id.",
                http_status=200,
                error_id="MSGI-page-list",
            )
        yield page_id, entry | {"id": page_id}


def document_of(scheduler: Scheduler, request: Request) -> Flow[dict[str, object]]:
    """Return the document that answers a request.

    :raises MessagingInsightsError: what the API answered instead.
    """
    (outcome,) = yield from scheduler.ask((request,))
    if outcome.pause_seconds is not None:
        raise limited(outcome)
    if outcome.problem is not None:
        raise outcome.problem.error
    return outcome.document or {}


def limited(outcome: RequestOutcome) -> RateLimitError:
    """Return the error of a request that would have to wait longer than the policy allows."""
    refusal = outcome.problem.error if outcome.problem else None
    return RateLimitError(
        refusal.message if refusal else "The allowance of calls is used up for now.",
        code=refusal.code if refusal else None,
        fbtrace_id=refusal.fbtrace_id if refusal else None,
        retry_after_seconds=outcome.pause_seconds,
        error_id=refusal.error_id if refusal else None,
    )


def items(value: object) -> Iterable[object]:
    """Return the items of a JSON list; none where it is not a list."""
    return value if isinstance(value, list) else ()
