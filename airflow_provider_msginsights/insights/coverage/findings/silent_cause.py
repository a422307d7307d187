"""Why a Page fell silent: what one look at its token and its size tells.

A Page without rows answers 200 with nothing, whatever the reason. Sources: Messaging Insights API page, "Before you
start" (read_insights, ANALYZE task); Graph API reference, Insights edge (unpublished and small Pages); error 2874008
(100 followers).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.token.report import TokenKind

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.token.report import PageAccess, TokenReport

FEWEST_FOLLOWERS = 100
"""A Page with fewer followers has no insights."""


class SilentCause(StrEnum):
    """Why a Page fell silent, as far as one look at it shows."""

    PERMISSION_LOST = "permission_lost"
    ROLE_LOST = "role_lost"
    TOO_SMALL = "too_small"
    NOT_PUBLISHED = "not_published"
    NOT_COMPUTED = "not_computed"
    UNKNOWN = "unknown"

    @property
    def what(self) -> str:
        """The cause in words."""
        return _CAUSES[self][0]

    @property
    def remedy(self) -> str:
        """What helps."""
        return _CAUSES[self][1]


_CAUSES = {
    SilentCause.PERMISSION_LOST: (
        "The token lost a permission for the Page, or is no longer valid.",
        (
            "Make the token again and allow read_insights and the other permissions for the Page; `msginsights check` "
            "names what is missing. The next fill requests the days without rows again."
        ),
    ),
    SilentCause.ROLE_LOST: (
        "The token's person no longer has the Page, or not its ANALYZE task.",
        (
            "The owner of the Page must share it again, with the task Insights (Page settings, Page access). The next "
            "fill requests the days without rows again."
        ),
    ),
    SilentCause.TOO_SMALL: (
        f"The Page has fewer than {FEWEST_FOLLOWERS} followers.",
        f"Nothing to do: Meta computes insights from {FEWEST_FOLLOWERS} followers on. Retire it, or acknowledge it.",
    ),
    SilentCause.NOT_PUBLISHED: (
        "The Page is not published.",
        "Its owner must publish it; of unpublished Pages Meta keeps a few days only. Retire it if it stays so.",
    ),
    SilentCause.NOT_COMPUTED: (
        "The token reads other days of the Page: Meta has not computed these yet.",
        "Wait: the next loads and fills request the days again.",
    ),
    SilentCause.UNKNOWN: (
        "As far as the API says, the token may read the Page, and the Page is published and large enough.",
        (
            "Look at the Page's Insights in Meta Business Suite. If they show messages, run `msginsights check`; if "
            "not, nobody wrote: acknowledge it."
        ),
    ),
}


def silent_cause(
    report: TokenReport, page_id: str, *, followers: int | None = None, is_published: bool | None = None
) -> SilentCause:
    """Return why a Page fell silent.

    What a read proved outweighs what lists and ``/debug_token`` say.

    :param report: of the connection's token, with a read of the Page where one was possible.
    :param followers: how many the Page has; ``None`` where not known.
    :param is_published: ``None`` where not known.
    """
    access = next((page for page in report.pages if page.page_id == page_id), None)
    reads = access is not None and access.reads_insights
    causes = (
        (reads, SilentCause.NOT_COMPUTED),
        (report.is_valid is False or _lacks_permission(report, access), SilentCause.PERMISSION_LOST),
        (_lost_role(report, access), SilentCause.ROLE_LOST),
        (is_published is False, SilentCause.NOT_PUBLISHED),
        (followers is not None and followers < FEWEST_FOLLOWERS, SilentCause.TOO_SMALL),
        (access is not None and access.problem is not None, SilentCause.PERMISSION_LOST),
    )
    return next((cause for holds, cause in causes if holds), SilentCause.UNKNOWN)


def _lacks_permission(report: TokenReport, access: PageAccess | None) -> bool:
    own = access.missing_permissions if access is not None else None
    return bool(report.missing_permissions if own is None else own)


def _lost_role(report: TokenReport, access: PageAccess | None) -> bool:
    if access is not None:
        return access.may_analyze is False
    return report.list_refusal is None and report.kind is not TokenKind.PAGE
