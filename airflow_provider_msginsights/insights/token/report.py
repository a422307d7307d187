"""What is known of a connection's token, as one frozen object: for people, for alerts and as plain JSON.

Nothing in it is guessed: what the API did not say is ``None`` or "not known", and a finding says how to learn it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.insights.graph.error_table import ANALYZE

if TYPE_CHECKING:
    from airflow_provider_msginsights.exceptions import MessagingInsightsError

SOON_DAYS = 14
"""A token that ends within so many days is worth a warning."""


class TokenKind(StrEnum):
    """Whose token it is; `PERSON` is a user's or a system user's, where the API does not say which."""

    PAGE = "PAGE"
    USER = "USER"
    SYSTEM_USER = "SYSTEM_USER"
    PERSON = "PERSON"
    APP = "APP"
    UNKNOWN = "UNKNOWN"

    @property
    def in_words(self) -> str:
        """What a person calls it."""
        return _KINDS_IN_WORDS[self]


_KINDS_IN_WORDS = {
    TokenKind.PAGE: "Page token",
    TokenKind.USER: "user token",
    TokenKind.SYSTEM_USER: "system-user token",
    TokenKind.PERSON: "user or system-user token",
    TokenKind.APP: "app token",
    TokenKind.UNKNOWN: "token of unknown kind",
}


class Severity(StrEnum):
    """How much a finding matters: loads fail, or soon will, or may; or it is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    UNKNOWN = "unknown"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFinding:
    """One thing a person should know, and what helps.

    :param topic: a stable name for alerts, such as ``expired`` or ``missing_permission``.
    :param page_id: the Page it is about, where it is about one.
    :param error_id: the name of trouble in the errors reference: of the API's error behind it, or else of the topic.
    """

    severity: Severity
    topic: str
    what: str
    remedy: str
    page_id: str | None = None
    error_id: str = ""

    def __post_init__(self) -> None:
        if not self.error_id and self.is_trouble:
            object.__setattr__(self, "error_id", f"MSGI-token-{self.topic.replace('_', '-')}")

    @property
    def is_trouble(self) -> bool:
        """Whether somebody should act."""
        return self.severity in (Severity.ERROR, Severity.WARNING)

    @property
    def in_words(self) -> str:
        """What it is and what helps, and the id of trouble."""
        return " ".join(filter(None, (self.what, self.remedy, self.error_id)))


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Until when something holds.

    :param is_known: whether the API said so; otherwise ``ends_at`` means nothing.
    :param ends_at: ``None`` for without end.
    """

    is_known: bool = False
    ends_at: datetime | None = None

    def days_left(self, now: datetime) -> float | None:
        """Days until the end, negative after it; ``None`` without an end, or with one that is not known."""
        return (self.ends_at - now) / timedelta(days=1) if self.is_known and self.ends_at else None

    def describe(self, now: datetime) -> str:
        """When something ends, and how far that is from now."""
        left = self.days_left(now)
        if left is None or self.ends_at is None:
            return "never" if self.is_known else "at a moment not known"
        whole = round(abs(left))
        days = "less than a day" if abs(left) < 1 else "1 day" if whole == 1 else f"{whole} days"
        return f"on {self.ends_at:%Y-%m-%d %H:%M} UTC ({f'in {days}' if left > 0 else f'{days} ago'})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAccess:
    """What the token may do with one Page.

    :param tasks: the person's tasks on it; ``None`` where the API does not say.
    :param missing_permissions: those of the four that the token lacks for this Page; ``None`` where not known.
    :param reads_insights: whether a read of its insights gave rows; ``None`` where it was not tried, or where the
        answer proves neither (no row, a metric that is refused).
    :param was_tried: whether a read of its insights was answered or refused.
    :param problem: why a read of its insights was refused.
    :param is_asked_for: whether it is a default Page of the connection, or one the caller named.
    """

    page_id: str
    name: str | None = None
    tasks: tuple[str, ...] | None = None
    missing_permissions: tuple[str, ...] | None = None
    reads_insights: bool | None = None
    was_tried: bool = False
    problem: MessagingInsightsError | None = None
    is_asked_for: bool = False

    @property
    def may_analyze(self) -> bool | None:
        """Whether the person has the ANALYZE task: shown by rows, or stated by the API; ``None`` where not known.

        Rows are the better evidence: a role that comes through a business is not in every list.
        """
        if self.reads_insights:
            return True
        return None if self.tasks is None else ANALYZE in self.tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReport:
    """Everything a person needs to know of a connection's token; holds no secret.

    :param asked_at: when the API was asked, aware.
    :param is_valid: whether the API takes it; ``None`` where that could not be found out.
    :param kind: whose token it is: a Page's, a person's, a system user's, an app's.
    :param owner_id: id of the Page, person or system user it belongs to.
    :param owner_name: its name.
    :param app_id: id of the app that the token was made with.
    :param application: the app's name.
    :param expires: when the token ends.
    :param data_access: until when the app may read what the person allowed; about 90 days after the person was last
        seen, for tokens made by a person.
    :param missing_permissions: those of the four the API asks for that it lacks; ``None`` where not known.
    :param pages: the Pages it is listed for, and the requested ones beside them.
    :param all_are_asked_for: whether loads request every Page of the list that the person may analyze (``"all"``).
    :param asked_version: the version of the API that the connection names.
    :param answered_version: the version that replied.
    :param has_app_token: whether the connection holds app id and app secret, which make every token inspectable.
    :param refusal: why the API refuses the token.
    :param inspection_refusal: why ``/debug_token`` would not answer.
    :param list_refusal: why the list of Pages could not be read; a Page token has none.
    :param findings: what to know and what to do, the gravest first.
    """

    asked_at: datetime
    is_valid: bool | None
    kind: TokenKind
    asked_version: str
    answered_version: str | None = None
    owner_id: str | None = None
    owner_name: str | None = None
    app_id: str | None = None
    application: str | None = None
    expires: Lifetime = Lifetime()
    data_access: Lifetime = Lifetime()
    missing_permissions: tuple[str, ...] | None = None
    pages: tuple[PageAccess, ...] = ()
    all_are_asked_for: bool = False
    has_app_token: bool = False
    refusal: MessagingInsightsError | None = None
    inspection_refusal: MessagingInsightsError | None = None
    list_refusal: MessagingInsightsError | None = None
    findings: tuple[TokenFinding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is known that keeps loads from working."""
        return self.is_valid is True and not any(one.severity is Severity.ERROR for one in self.findings)

    @property
    def is_proven(self) -> bool:
        """Whether Pages were read, and each of them gave rows: then whatever is said to be missing is not."""
        tried = [page for page in self.pages if page.was_tried]
        return bool(tried) and all(page.reads_insights for page in tried)

    @property
    def ends_at(self) -> datetime | None:
        """The first known end, of the token or of its data access."""
        ends = (one.ends_at for one in (self.expires, self.data_access) if one.is_known)
        return min((end for end in ends if end is not None), default=None)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: moments as ISO text, errors as their message and evidence."""
        fields: dict[str, Any] = asdict(self, dict_factory=_plain_dict)
        return {"ok": self.ok, "ends_at": _plain(self.ends_at), **fields}


def _plain_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in pairs}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Exception):
        return str(value)
    if isinstance(value, StrEnum):
        return str(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
