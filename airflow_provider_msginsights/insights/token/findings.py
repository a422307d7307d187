"""What a person should know of a token, and do about it: the report's facts in plain words.

Reading is the judge. What the lists and ``/debug_token`` say is missing is an error only as long as no read proves it
wrong: a load can do what a read could, and of what was not read nothing is known for certain.

Sources of what is said: Messaging Insights API page, "Before you start" (permissions, task, access levels, Instagram);
Graph API guide "Handle Errors" (why a token ends); Facebook Login guide "Get Long-Lived Tokens" (lifetimes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_msginsights.exceptions import ResponseFormatError
from airflow_provider_msginsights.insights.graph.error_table import ANALYZE, PERMISSIONS
from airflow_provider_msginsights.insights.token.report import (
    SOON_DAYS,
    Severity,
    TokenFinding,
    TokenKind,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_msginsights.insights.token.report import PageAccess, TokenReport

_ORDER = tuple(Severity)
_RENEWABLE = (TokenKind.USER, TokenKind.SYSTEM_USER, TokenKind.PERSON)
_EXPIRED = 463
_ABOUT_THE_PERSON = (458, 459, 464, 492)
_INVALID_PARAMETER = 100
_NAMED_PAGES = 10

_RENEW = (
    "Make a new token: 'msginsights token create' takes a system user's, made in the business's settings, or lets a "
    "person log in, tests it and saves it in the connection or your secrets backend. A system user's token and a "
    "Page's can be had without an end."
)
_RENEW_IN_TIME = (
    "'msginsights token renew' replaces it by a new one of 60 days, as long as it lives, and saves that; schedule it."
)
_GRANT = (
    "Make the token again and allow {permissions} for every Page the loads read: in the login dialog, or where the "
    "system user's token is generated. The app must offer them: its dashboard, App Review, Permissions and features. "
    "'msginsights token create' does it from there; with --login --rerequest it asks a person again."
)
_WITHOUT_READ_INSIGHTS = "Without read_insights the API answers with no row and no error. "
_READ_ALL_THE_SAME = "A read gave rows all the same."
_FOR_THE_LIST = (
    "To have Pages in the list, give the token's person the ANALYZE task on them, and the token pages_show_list; "
    "choose the Pages when the token is made."
)
_SET_APP = (
    "Set app_id and app_secret in the connection's extra, both from the app's dashboard (Settings, Basic). They make "
    "the app's own token, which may ask everything about this one."
)
_ACCESS = TokenFinding(
    severity=Severity.NOTE,
    topic="access_level",
    what="Standard Access is enough for Pages of people with a role on the app; for Pages of others the app needs "
    "Advanced Access for the four permissions. The API does not say which one the app has.",
    remedy="Look at the app's dashboard, App Review, Permissions and features. Advanced Access takes an App Review.",
)
_INSTAGRAM = TokenFinding(
    severity=Severity.NOTE,
    topic="instagram",
    what="Instagram messaging is read through the Page linked to the Instagram professional account.",
    remedy="Name that Page's id, never the Instagram account's.",
)


ENDING_TOPICS = ("expires", "data_access")
"""The topics of what ends: the token, and its access to data."""


def findings_of(report: TokenReport, *, soon_days: float = SOON_DAYS) -> tuple[TokenFinding, ...]:
    """Return what to know and what to do, the gravest first.

    :param soon_days: an end within so many days is worth a warning.
    """
    found = [*_refusal(report), *_kind(report)]
    if not found:
        found = [
            *endings_of(report, soon_days),
            *_permissions(report),
            *_no_pages(report),
            *(one for page in report.pages for one in _page(report, page)),
            *_other_pages(report),
            *_inspection(report),
            _ACCESS,
            _INSTAGRAM,
        ]
    found += _version(report)
    return tuple(sorted(found, key=lambda one: _ORDER.index(one.severity)))


def _refusal(report: TokenReport) -> Iterator[TokenFinding]:
    error = report.refusal
    if error is None:
        return
    if error.code == _INVALID_PARAMETER:
        topic, remedy = "app_secret", "Set app_id and app_secret in the connection's extra to those of the token's app."
    elif error.error_subcode == _EXPIRED:
        topic, remedy = "expired", _RENEW
    elif error.error_subcode in _ABOUT_THE_PERSON:
        topic, remedy = "revoked", f"That person must act first, or use another person's token. {_RENEW}"
    else:
        topic, remedy = ("revoked" if error.error_subcode else "refused"), _RENEW
    yield TokenFinding(
        severity=Severity.ERROR, topic=topic, what=error.described, remedy=remedy, error_id=error.error_id
    )


def _kind(report: TokenReport) -> Iterator[TokenFinding]:
    if report.kind is TokenKind.APP:
        yield TokenFinding(
            severity=Severity.ERROR,
            topic="wrong_kind",
            what="The password is an app token: it belongs to the app, and to no Page or person, so it reads no "
            "insights.",
            remedy="Put a Page, user or system-user token there. App id and secret go to the extras app_id and "
            "app_secret.",
        )


def endings_of(report: TokenReport, days: float) -> Iterator[TokenFinding]:
    """Yield what ends within so many days, or has ended."""
    log_in = "The token's person must log in to the app again: 'msginsights token create --login'."
    lifetimes = (
        ("The token", report.expires, _RENEW),
        ("The token's access to data", report.data_access, log_in),
    )
    for topic, (what, lifetime, remedy) in zip(ENDING_TOPICS, lifetimes, strict=True):
        left = lifetime.days_left(report.asked_at)
        if left is None or left > days:
            continue
        if topic == "expires" and left > 0 and report.kind in _RENEWABLE:
            remedy = _RENEW_IN_TIME  # noqa: PLW2901 - what helps depends on the kind
        severity, verb = (Severity.WARNING, "ends") if left > 0 else (_severity(report), "ended")
        yield TokenFinding(
            severity=severity,
            topic=topic,
            what=f"{what} {verb} {lifetime.describe(report.asked_at)}.",
            remedy=remedy,
        )


def _severity(report: TokenReport) -> Severity:
    """How much it matters that something is said to be missing."""
    return Severity.WARNING if report.is_proven else Severity.ERROR


def _permissions(report: TokenReport) -> Iterator[TokenFinding]:
    missing = report.missing_permissions
    if missing:
        yield _missing("The token", missing, None, is_proven=report.is_proven)


def _missing(whose: str, missing: tuple[str, ...], page_id: str | None, *, is_proven: bool) -> TokenFinding:
    named = " and ".join(missing)
    silent = _WITHOUT_READ_INSIGHTS if "read_insights" in missing else ""
    return TokenFinding(
        severity=Severity.WARNING if is_proven else Severity.ERROR,
        topic="missing_permission",
        what=f"{whose} lacks {named}. {_READ_ALL_THE_SAME if is_proven else silent}".strip(),
        remedy=_GRANT.format(permissions=named),
        page_id=page_id,
    )


def _no_pages(report: TokenReport) -> Iterator[TokenFinding]:
    """Say that loads of ``"all"`` find no Page; or that nobody named one and the list of Pages shows none."""
    if report.all_are_asked_for and not any(page.is_asked_for for page in report.pages):
        why = f" The list was refused: {report.list_refusal.described}" if report.list_refusal else ""
        yield TokenFinding(
            severity=Severity.ERROR,
            topic="no_page",
            what=f"Loads ask for all Pages, and the list of the token's Pages shows none that it may analyze.{why}",
            remedy=_FOR_THE_LIST,
        )
    elif not report.pages:
        yield TokenFinding(
            severity=Severity.UNKNOWN,
            topic="no_page",
            what="The list of the token's Pages shows none and no Page was named, so none was read.",
            remedy="Name a Page that loads read, in the connection's login or in page_ids: one held through a business "
            f"may be missing from the list and be readable. {_FOR_THE_LIST}",
        )
    elif isinstance(report.list_refusal, ResponseFormatError):
        yield TokenFinding(
            severity=Severity.WARNING,
            topic="page_list",
            what=f"The list of the token's Pages cannot be read: {report.list_refusal.described}",
            remedy='Loads of several Pages, and of "all", need it.',
        )


def _page(report: TokenReport, page: PageAccess) -> Iterator[TokenFinding]:
    """Of Pages that loads ask for, and of those a read was tried of."""
    if not (page.is_asked_for or page.was_tried):
        return
    own = tuple(one for one in page.missing_permissions or () if one not in (report.missing_permissions or ()))
    if own:
        whose = f"For Page {page.page_id} the token"
        yield _missing(whose, own, page.page_id, is_proven=page.reads_insights is True)
    if page.may_analyze is False:
        yield _missing_task(page)
    elif page.problem is not None:
        yield TokenFinding(
            severity=Severity.ERROR,
            topic="page_not_readable",
            what=f"Insights of Page {page.page_id} cannot be read.",
            remedy=page.problem.described,
            page_id=page.page_id,
            error_id=page.problem.error_id,
        )
    elif page.was_tried and not page.reads_insights and "read_insights" not in (page.missing_permissions or ()):
        yield TokenFinding(
            severity=Severity.WARNING,
            topic="no_rows",
            what=f"A read of Page {page.page_id} gave no row of the last week.",
            remedy="Fine for a Page without messages or with fewer than 100 followers. Otherwise the token lost "
            "read_insights for it, or the Page belongs to others and the app has no Advanced Access.",
            page_id=page.page_id,
        )


def _missing_task(page: PageAccess) -> TokenFinding:
    what = f"The token's person lacks the task {ANALYZE} on Page {page.page_id}"
    if page.problem is not None:
        severity, read = Severity.ERROR, f", and a read of its insights was refused: {page.problem.described}"
    elif page.was_tried:
        severity, read = Severity.WARNING, " by the list of Pages, and a read of its insights gave no row."
    else:
        severity, read = Severity.UNKNOWN, " by the list of Pages. Its insights were not read."
    return TokenFinding(
        severity=severity,
        topic="missing_task",
        what=f"{what}{read}",
        remedy="An admin of the Page gives it: Page settings, Page access, Insights.",
        page_id=page.page_id,
    )


def _other_pages(report: TokenReport) -> Iterator[TokenFinding]:
    """Pages nobody requested, which `page_ids="all"` would leave out."""
    others = [page.page_id for page in report.pages if page.may_analyze is False and not page.is_asked_for]
    if others:
        more = f" and {len(others) - _NAMED_PAGES} more" if len(others) > _NAMED_PAGES else ""
        yield TokenFinding(
            severity=Severity.NOTE,
            topic="missing_task_elsewhere",
            what=f"The token's person lacks the task {ANALYZE} on Page {', '.join(others[:_NAMED_PAGES])}{more}.",
            remedy="Needed only if loads are to read them.",
        )


def _inspection(report: TokenReport) -> Iterator[TokenFinding]:
    if report.inspection_refusal is not None and report.has_app_token:
        yield TokenFinding(
            severity=Severity.WARNING,
            topic="app_credentials",
            what=f"The app's id and secret do not go with the token: {report.inspection_refusal.described}",
            remedy="Set app_id and app_secret to those of the app the token was made with.",
        )
    unknown = [
        *(["its kind"] if report.kind in (TokenKind.PERSON, TokenKind.UNKNOWN) else []),
        *(["until when it is valid"] if not report.expires.is_known else []),
        *(["until when it may read data"] if not report.data_access.is_known else []),
        *([f"whether it has {', '.join(PERMISSIONS)}"] if report.missing_permissions is None else []),
    ]
    if unknown:
        yield TokenFinding(
            severity=Severity.UNKNOWN,
            topic="not_known",
            what=f"Not known of the token: {'; '.join(unknown)}. The API says it to the app only.",
            remedy="Correct app_id and app_secret in the connection's extra." if report.has_app_token else _SET_APP,
        )


def _version(report: TokenReport) -> Iterator[TokenFinding]:
    if report.answered_version and report.answered_version != report.asked_version:
        yield TokenFinding(
            severity=Severity.WARNING,
            topic="version",
            what=f"{report.asked_version} was requested and {report.answered_version} answered: Meta answers for a "
            "version that has ended with the oldest one it still supports.",
            remedy=f"Set api_version in the connection's extra to {report.answered_version} or a newer one.",
        )
