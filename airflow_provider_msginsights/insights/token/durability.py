"""How long a token lives, whether an exchange makes it last longer, and what ends it before.

Sources: Facebook Login guides "Get Long-Lived Tokens" and "Access Tokens" (lifetimes; access to data ends about 90 days
after the person was last seen); Graph API guide "Handle Errors" (subcodes of 190: why a token ends before its time);
Business Management API guide "Install Apps, Generate, Refresh, and Revoke Tokens" (60 days, or without end).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.token.report import TokenKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from airflow_provider_msginsights.insights.token.report import Lifetime, TokenReport

LONG_DAYS = 60
"""How long an exchanged token lives, about."""

_FULL_DAYS = 58.5
"""An exchange cannot give much more than this; what has so much left is as good as new."""

SHORT_DAYS = 1
"""A token that ends within a day is for a person at a screen, and not for a connection."""


class Lengthening(StrEnum):
    """Whether an exchange makes a token last longer."""

    NEEDLESS = "it never ends: an exchange would shorten it"
    LONG_ALREADY = "it has about 60 days: an exchange gives no more"
    POSSIBLE = "an exchange gives one of about 60 days"
    IMPOSSIBLE = "tokens of this kind cannot be exchanged"
    UNKNOWN = "when it ends is not known, so an exchange may shorten it"


def lengthening_of(report: TokenReport) -> Lengthening:
    """Return whether an exchange makes the report's token last longer."""
    if report.kind is TokenKind.APP:
        return Lengthening.IMPOSSIBLE
    if not report.expires.is_known:
        return Lengthening.UNKNOWN
    left = report.expires.days_left(report.asked_at)
    if left is None:
        return Lengthening.NEEDLESS
    if left <= 0 or report.kind is TokenKind.PAGE:
        return Lengthening.IMPOSSIBLE
    return Lengthening.LONG_ALREADY if left > _FULL_DAYS else Lengthening.POSSIBLE


def is_short_lived(report: TokenReport) -> bool:
    """Return whether the token is known to end within a day."""
    left = report.expires.days_left(report.asked_at)
    return left is not None and left <= SHORT_DAYS


def ends_later(new: Lifetime, old: Lifetime) -> bool:
    """Return whether one lifetime is known to end later than the other; an unknown one is never known to."""
    if not (new.is_known and old.is_known) or old.ends_at is None:
        return False
    return new.ends_at is None or new.ends_at > old.ends_at


def lifetime_lines(report: TokenReport) -> Iterator[str]:
    """Yield, in plain words, what kind of token it is, until when it lives, and what ends it before."""
    yield f"{report.kind.in_words.capitalize()}: {_until(report.expires, report.asked_at)}."
    if report.data_access.is_known and report.data_access.ends_at is not None:
        yield (
            f"Its access to data ends {report.data_access.describe(report.asked_at)}, unless the person logs in to the "
            "app again before."
        )
    yield f"It ends before its time when {_ENDED_BY[report.kind]}."


def suited_kind(report: TokenReport, *, pages: int) -> str:
    """Return which kind of token suits this many Pages, in a sentence."""
    if report.kind is TokenKind.SYSTEM_USER:
        return (
            "A system user's token suits pipelines best: it reads every Page assigned to it, and no person's login "
            "ends it."
        )
    if pages <= 1:
        return "For one Page the Page's own token suits: made from a long-lived user token it has no end of its own."
    return (
        "For several Pages a system user's token suits best (Business settings, Users, System users): it can be had "
        "without an end. A person's token lives about 60 days and is renewed by 'msginsights token renew'."
    )


def _until(lifetime: Lifetime, now: datetime) -> str:
    if not lifetime.is_known:
        return "until when it lives is not known"
    return f"it ends {lifetime.describe(now)}" if lifetime.ends_at else "it has no end of its own"


_OF_A_PERSON = (
    "the person changes the password, logs out of all devices, removes the app, loses the role on the Page or is asked "
    "by Facebook to confirm the account; or when the app's secret is reset or the app is deleted"
)
_ENDED_BY = {
    TokenKind.PAGE: _OF_A_PERSON,
    TokenKind.USER: _OF_A_PERSON,
    TokenKind.PERSON: _OF_A_PERSON,
    TokenKind.UNKNOWN: _OF_A_PERSON,
    TokenKind.SYSTEM_USER: "the system user, its Pages or the app are removed from the business, its tokens are "
    "revoked there, or the app's secret is reset",
    TokenKind.APP: "the app's secret is reset",
}
