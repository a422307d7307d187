"""Access tokens: their kinds, what makes them stop working, and the proofs that go with them.

Graph API guides "Access tokens", "Securing requests" and "Error handling" (subcodes of 190); Messaging Insights API
page, "Before you start" (the four permissions, the ANALYZE task).
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from airflow_provider_msginsights.emulator import documentation
from airflow_provider_msginsights.emulator.error_table import table_error
from airflow_provider_msginsights.emulator.errors import GRAPH_METHOD, GraphError
from airflow_provider_msginsights.emulator.pacific_days import PACIFIC
from airflow_provider_msginsights.emulator.validation import check_range, check_types

LONG_LIVED = "-long-lived"
_PROOF_LIFETIME_SECONDS = 300
_LATEST_SECONDS = 7_000_000_000
_OF_THE_PERSON = frozenset({458, 459, 460, 464})
"""What ends a person's session ends the Page tokens made from it; the mere expiry of a user token does not."""


class TokenKind(StrEnum):
    """The `type` that debug_token reports."""

    USER = "USER"
    SYSTEM_USER = "SYSTEM_USER"
    PAGE = "PAGE"
    APP = "APP"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Token:
    """One access token. Moments are unix seconds; 0 means never.

    :param value: what is sent.
    :param kind: whose token it is.
    :param page_id: the Page, of a Page token.
    :param user_id: the person or system user it was made by.
    :param scopes: its permissions.
    :param issued_at: when it was made.
    :param expires_at: when it ends.
    :param data_access_expires_at: until when the app may read what the person allowed.
    :param invalid_subcode: the subcode of code 190 with which it is refused; None while it is good.
    :param parent: the token it was made from.
    :param of_developer: False for a person without a role on the app, who may not inspect tokens.
    :param app_id: another than the emulator's makes it a token of another app.
    :param page_ids: the Pages that a person gave it in a login; None for all of theirs.
    """

    value: str
    kind: TokenKind
    page_id: str | None = None
    user_id: str | None = None
    scopes: tuple[str, ...] = documentation.SCOPES
    issued_at: int = 0
    expires_at: int = 0
    data_access_expires_at: int = 0
    invalid_subcode: int | None = None
    parent: str | None = None
    of_developer: bool = True
    app_id: str = documentation.APP_ID
    page_ids: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse fields that mean nothing.

        Raises ValueError naming the field.
        """
        object.__setattr__(self, "kind", TokenKind(self.kind))
        check_types(self)
        for name in ("issued_at", "expires_at", "data_access_expires_at"):
            check_range(self, name, 0, _LATEST_SECONDS)
        if not self.value:
            raise ValueError("Token: 'value' is missing.")

    def __repr__(self) -> str:
        """Kind and owner; never the value."""
        return f"<{self.label}>"

    @property
    def is_long_lived(self) -> bool:
        """True for a token that was exchanged for one of about 60 days."""
        return self.value.endswith(LONG_LIVED)

    @property
    def label(self) -> str:
        """What the journal calls the token."""
        owner = self.page_id or self.user_id or documentation.APP_ID
        return f"{self.kind} token of {owner}"


def page_token_value(page_id: str) -> str:
    """Return the fixed token of a Page."""
    return f"page-token-{page_id}"


class TokenRegistry:
    """All tokens that exist. Built anew by a reset."""

    def __init__(self, tokens: Iterable[Token] = ()) -> None:
        self._tokens = {token.value: token for token in tokens}

    def put(self, token: Token) -> None:
        """Add the token, or change the one of the same value."""
        self._tokens[token.value] = token

    def get(self, value: str) -> Token | None:
        """Return the token of this value."""
        return self._tokens.get(value)

    def has_user(self, user_id: str) -> bool:
        """Return True when a token is of this person."""
        return any(token.user_id == user_id for token in self._tokens.values())

    def all(self) -> tuple[Token, ...]:
        """Every token."""
        return tuple(self._tokens.values())

    def change(self, value: str, **changes: object) -> Token:
        """Change fields of a token.

        Raises LookupError when there is no such token; the message does not repeat the value.
        """
        token = self._tokens.get(value)
        if token is None:
            raise LookupError("There is no such token in the emulator.")
        changed = replace(token, **changes)  # type: ignore[arg-type]  # dataclasses.replace checks names only at run time
        self._tokens[value] = changed
        return changed

    def problem(self, token: Token, *, now_seconds: float) -> GraphError | None:
        """Why the token is refused now, or None."""
        if token.invalid_subcode is not None:
            return table_error(190, token.invalid_subcode)
        if token.expires_at and token.expires_at <= now_seconds:
            error = table_error(190, 463)
            error.message = (
                f"Error validating access token: Session has expired on {_spelled(token.expires_at)}. "
                f"The current time is {_spelled(now_seconds)}."
            )
            return error
        parent = self._tokens.get(token.parent) if token.parent else None
        if parent is not None and parent.invalid_subcode in _OF_THE_PERSON:
            return table_error(190, parent.invalid_subcode)
        return None


def _spelled(moment_seconds: float) -> str:
    return datetime.fromtimestamp(moment_seconds, PACIFIC).strftime("%A, %d-%b-%y %H:%M:%S %Z")


def check_proof(params: Mapping[str, str], token: Token, *, required: bool, now_seconds: float) -> None:
    """Check `appsecret_proof`, plain or timed, against the very token of the call.

    Plain: HMAC-SHA256 of the token, keyed with the app secret. Timed: of `token|seconds`, with the same seconds in
    `appsecret_time`, good for five minutes. Raises GraphError with code 100.
    """
    proof = params.get("appsecret_proof")
    if not proof:
        if required and token.kind is not TokenKind.APP:
            raise GraphError(
                code=100, kind=GRAPH_METHOD, message="API calls from the server require an appsecret_proof argument"
            )
        return
    signed = token.value
    signed_at = params.get("appsecret_time")
    if signed_at is not None:
        fresh = signed_at.isdecimal() and abs(now_seconds - int(signed_at)) <= _PROOF_LIFETIME_SECONDS
        signed = f"{token.value}|{signed_at}" if fresh else ""
    expected = hmac.new(documentation.APP_SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
    if not signed or not hmac.compare_digest(expected.encode(), proof.encode()):
        raise GraphError(code=100, kind=GRAPH_METHOD, message="Invalid appsecret_proof provided in the API argument")
