"""The flow that finds out what a connection's token is and may do, by whatever way is open to that kind of token.

* ``/debug_token`` tells kind, lifetimes and permissions, if it answers: it wants the app's own token (app id and
  secret) or the token of a developer of the app, and refuses a Page token that asks about itself.
* ``/me`` tells whose token it is; ``/me/accounts`` the Pages and the person's tasks on them. A Page has no accounts:
  refused with code 100, the token is a Page's (recorded by many public clients).
* ``/me/permissions`` tells a person's permissions (Graph API reference, "User permissions").
* Reading a few rows of insights, as a load reads them, proves that all is there: see `read_probe`. A Page that is
  missing from the list, or listed without the ANALYZE task, may be readable all the same: Pages that a person holds
  through a business are not always listed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    FatalGraphAPIError,
    InvalidRequestError,
    MessagingInsightsError,
    PermissionDeniedError,
    ResponseFormatError,
)
from airflow_provider_msginsights.insights.fetch.page_tokens import (
    PAGE_FIELDS,
    PageInfo,
    document_of,
    limited,
    list_entries,
)
from airflow_provider_msginsights.insights.fetch.scheduler import Scheduler
from airflow_provider_msginsights.insights.graph.error_table import PERMISSIONS
from airflow_provider_msginsights.insights.graph.json_text import printable
from airflow_provider_msginsights.insights.graph.paging import read_list
from airflow_provider_msginsights.insights.parameters.parse import ALL_PAGE_IDS, is_page_id
from airflow_provider_msginsights.insights.protocol import Request
from airflow_provider_msginsights.insights.token import debug_token
from airflow_provider_msginsights.insights.token.findings import findings_of
from airflow_provider_msginsights.insights.token.read_probe import pages_as_read
from airflow_provider_msginsights.insights.token.report import (
    SOON_DAYS,
    Lifetime,
    PageAccess,
    TokenKind,
    TokenReport,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
    from airflow_provider_msginsights.insights.fetch.scheduler import RequestOutcome
    from airflow_provider_msginsights.insights.protocol import Flow
    from airflow_provider_msginsights.insights.token.debug_token import TokenInfo

_ME = Request("/me", (("fields", "id,name"),))
_MY_PERMISSIONS = Request("/me/permissions")
_INVALID_PARAMETER = 100


def inspect_token(
    policy: RetryPolicy,
    *,
    now: datetime,
    asked_version: str,
    page_ids: Iterable[str] = (),
    has_app_token: bool = False,
    soon_days: float = SOON_DAYS,
) -> Flow[TokenReport]:
    """Return what the connection's token is and may do. A token that is refused gives a report too, and no error.

    It makes three to five calls, one more for every hundred Pages listed, and one or two for each Page that loads ask
    for, of up to fifty.

    :param now: the present moment, aware.
    :param asked_version: the connection's API version, to be held against the one that answers.
    :param page_ids: Pages that loads ask for, or ``"all"``; the report says of each whether it can be read.
    :param has_app_token: whether the transport can ask as the app itself.
    :param soon_days: an end within so many days is worth a warning.
    :raises MessagingInsightsError: no answer, a limit, or an address or version the API does not know.
    """
    inspection = _Inspection(policy, now=now, asked_version=asked_version, has_app_token=has_app_token)
    yield from inspection.run(tuple(dict.fromkeys(page_ids)))
    return replace(inspection.report, findings=findings_of(inspection.report, soon_days=soon_days))


def inspect_lifetime(policy: RetryPolicy, *, now: datetime, asked_version: str) -> Flow[TokenReport]:
    """Return what the app itself can say of the token in a single call, without findings: above all, when it ends.

    :raises MessagingInsightsError: as `inspect_token` does.
    """
    inspection = _Inspection(policy, now=now, asked_version=asked_version, has_app_token=True)
    yield from inspection.ask_debug_token()
    return inspection.report


class _Inspection:
    """One inspection; ``report`` grows with each answer."""

    def __init__(self, policy: RetryPolicy, *, now: datetime, asked_version: str, has_app_token: bool) -> None:
        self._policy, self._now = policy, now
        self._scheduler = Scheduler(policy)
        self._limits: dict[str, tuple[str, ...]] = {}
        self.report = TokenReport(
            asked_at=now,
            is_valid=None,
            kind=TokenKind.UNKNOWN,
            asked_version=asked_version,
            has_app_token=has_app_token,
        )

    def run(self, asked_for: tuple[str, ...]) -> Flow[None]:
        yield from self.ask_debug_token()
        if self._says_enough():
            return
        yield from self._ask_me()
        if self._says_enough():
            return
        yield from self._find_pages()
        self._mark_asked_for(asked_for)
        read = yield from pages_as_read(self.report.pages, policy=self._policy, now=self._now)
        is_accepted = any(page.was_tried and page.problem is None for page in read)
        self._note(pages=tuple(map(self._explained, read)), is_valid=self.report.is_valid or is_accepted or None)

    def _says_enough(self) -> bool:
        return self.report.refusal is not None or self.report.kind is TokenKind.APP

    def _note(self, **known: object) -> None:
        self.report = replace(self.report, **known)  # type: ignore[arg-type]  # names are checked at run time

    def _ask(self, *requests: Request) -> Flow[tuple[RequestOutcome, ...]]:
        """Return the outcomes; what says nothing about the token is raised."""
        outcomes = yield from self._scheduler.ask(requests)
        for outcome in outcomes:
            if outcome.pause_seconds is not None:
                raise limited(outcome)
            error = outcome.problem.error if outcome.problem else None
            if error is not None and not isinstance(error, FatalGraphAPIError):
                raise error
            if outcome.api_version:
                self._note(answered_version=outcome.api_version)
        return outcomes

    # Whose token it is

    def ask_debug_token(self) -> Flow[None]:
        (outcome,) = yield from self._ask(debug_token.REQUEST)
        if outcome.document is not None:
            self._take(debug_token.read_token_info(outcome.document))
        elif outcome.problem is not None:
            error = outcome.problem.error
            if isinstance(error, AuthenticationError) and not self.report.has_app_token:
                self._refuse(error)
            else:
                self._note(inspection_refusal=error)

    def _take(self, info: TokenInfo) -> None:
        known_kind = info.kind in TokenKind.__members__
        self._note(
            is_valid=info.is_valid,
            kind=TokenKind(info.kind) if known_kind and info.kind else TokenKind.UNKNOWN,
            app_id=info.app_id,
            application=info.application,
            owner_id=info.profile_id or info.user_id,
            expires=Lifetime(is_known=True, ends_at=info.expires_at),
        )
        if info.is_valid is False or (info.problem is not None and not info.is_valid):
            self._refuse(
                info.problem
                or AuthenticationError(
                    "The API calls the token invalid and does not say why.", error_id="MSGI-token-invalid"
                )
            )
        elif self.report.kind is not TokenKind.APP:
            self._limits = info.page_ids
            self._note(
                data_access=Lifetime(is_known=True, ends_at=info.data_access_expires_at),
                missing_permissions=_missing(info.scopes),
            )

    def _refuse(self, error: MessagingInsightsError) -> None:
        """Only what concerns the token makes it invalid: a proof that does not fit says nothing about it."""
        about_proof = error.code == _INVALID_PARAMETER
        self._note(refusal=error, is_valid=None if about_proof else False)

    def _ask_me(self) -> Flow[None]:
        needs_permissions = self.report.missing_permissions is None and self.report.kind is not TokenKind.PAGE
        me, *permissions = yield from self._ask(_ME, *((_MY_PERMISSIONS,) if needs_permissions else ()))
        if me.document is not None:
            name = me.document.get("name")
            self._note(
                is_valid=True, owner_id=printable(me.document.get("id")), owner_name=printable(name) if name else None
            )
        elif me.problem is not None and isinstance(me.problem.error, AuthenticationError):
            self._refuse(me.problem.error)
        for outcome in permissions:
            if outcome.document is not None:
                yield from self._read_permissions(outcome.document)

    def _read_permissions(self, first: dict[str, object]) -> Flow[None]:
        try:
            granted = yield from read_list(
                _MY_PERMISSIONS,
                "permissions",
                ask=lambda request: document_of(self._scheduler, request),
                entries_in=_granted,
                first=first,
            )
        except (FatalGraphAPIError, ResponseFormatError):
            return  # not known, then
        self._note(missing_permissions=_missing(granted))

    # Which Pages

    def _find_pages(self) -> Flow[None]:
        if self.report.kind is not TokenKind.PAGE:
            try:
                entries = yield from list_entries(self._scheduler, PAGE_FIELDS)
            except FatalGraphAPIError as error:
                has_no_accounts = isinstance(error, InvalidRequestError) and error.code == _INVALID_PARAMETER
                if has_no_accounts and self.report.kind is TokenKind.UNKNOWN:
                    self._note(kind=TokenKind.PAGE)
                self._note(list_refusal=error)
            except ResponseFormatError as error:  # a load of a single Page does not need the list
                self._note(list_refusal=error)
            else:
                if self.report.kind is TokenKind.UNKNOWN:
                    self._note(kind=TokenKind.PERSON)
                found = tuple(map(PageInfo.from_entry, entries))
                self._note(pages=tuple(self._access(one.page_id, one.name, one.tasks) for one in found))
        if self.report.kind is TokenKind.PAGE and self.report.owner_id:
            if not is_page_id(self.report.owner_id):  # it would become a part of an address
                raise ResponseFormatError("The API gave the token's Page an id that is not 1 to 32 digits.")
            self._note(pages=(self._access(self.report.owner_id, self.report.owner_name),))

    def _access(self, page_id: str, name: str | None, tasks: tuple[str, ...] | None = None) -> PageAccess:
        missing = self.report.missing_permissions
        if missing is not None:
            missing = tuple(
                one for one in PERMISSIONS if one in missing or page_id not in self._limits.get(one, (page_id,))
            )
        return PageAccess(page_id=page_id, name=name, tasks=tasks, missing_permissions=missing)

    def _mark_asked_for(self, asked_for: tuple[str, ...]) -> None:
        """Mark the Pages that loads ask for, the ones the list does not show first."""
        listed = self.report.pages
        all_asked_for = ALL_PAGE_IDS in asked_for and self.report.kind is not TokenKind.PAGE
        wanted = {*asked_for, *(page.page_id for page in listed if all_asked_for and page.may_analyze is not False)}
        strangers = dict.fromkeys(one for one in asked_for if one != ALL_PAGE_IDS)
        for page in listed:
            strangers.pop(page.page_id, None)
        marked = tuple(replace(page, is_asked_for=page.page_id in wanted) for page in listed)
        others = tuple(replace(self._access(page_id, None), is_asked_for=True) for page_id in strangers)
        self._note(pages=(*others, *marked), all_are_asked_for=ALL_PAGE_IDS in asked_for)

    def _explained(self, page: PageAccess) -> PageAccess:
        """Return the Page with a clearer reason, where a Page token was refused for being another Page's."""
        is_refused = isinstance(page.problem, AuthenticationError | PermissionDeniedError)
        if self.report.kind is not TokenKind.PAGE or not is_refused or page.page_id == self.report.owner_id:
            return page
        return replace(page, problem=self._not_its_page(page.page_id))

    def _not_its_page(self, page_id: str) -> PermissionDeniedError:
        return PermissionDeniedError(
            f"The token is a token of Page {self.report.owner_id} and reads no other. Ask for that Page, or use a "
            f"token of Page {page_id} or of a person with the ANALYZE task on both.",
            page_id=page_id,
            error_id="MSGI-other-page",
        )


def _missing(granted: Iterable[str]) -> tuple[str, ...]:
    having = set(granted)
    return tuple(one for one in PERMISSIONS if one not in having)


def _granted(document: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    data = document.get("data")
    if not isinstance(data, list):
        raise ResponseFormatError("The list of permissions has a shape this package does not know at data.")
    for one in data:
        if isinstance(one, dict) and one.get("status") == "granted":
            yield printable(one.get("permission")), one
