"""Secrets: held here, added last, taken out of everything that leaves.

Sources: Facebook Login guide "Securing Graph API Requests" (``appsecret_proof``, plain and timed); Graph API reference,
``/debug_token``; Pages API guide "Get Started" (Page tokens).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_msginsights.insights.steps import Request

PROOFS = ("plain", "timed", "off")
HIDDEN = "***"

_NAMES = "access_token|input_token|client_secret|fb_exchange_token|appsecret_proof|app_secret"
_PATTERNS = (
    # name=value in a URL or form, plain or percent-encoded; "name": "value" in JSON, plain or nested in a string
    re.compile(
        rf"((?:{_NAMES})(?:=|%3D|%253D|\\*\"\s*:\s*\\*\"))[^&\"'\s\\]+?(?=%26|%2526|[&\"'\s\\]|$)", re.IGNORECASE
    ),
    re.compile(r"((?:Bearer|OAuth)\s+)[A-Za-z0-9|._~+/=-]{8,}"),
    re.compile(r"()\bEA[A-Za-z0-9]{20,}"),
    re.compile(r"()\b\d{5,20}(?:\||%7C)[A-Za-z0-9_-]{20,}"),
)


def redact(text: str) -> str:
    """The text without anything that looks like a token, an app secret or a proof."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Credentials:
    """What a connection holds. Equal when every part is; never shown and never pickled.

    :param proof: whether calls carry an ``appsecret_proof``: ``plain``, ``timed`` or ``off``.
    """

    token: str
    app_id: str | None = None
    app_secret: str | None = None
    proof: str = "off"

    def __repr__(self) -> str:
        return f"Credentials({HIDDEN})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Credentials are not serialised: name the connection instead.")

    @property
    def app_token(self) -> str | None:
        """The app's own token, which may inspect every token of the app."""
        return f"{self.app_id}|{self.app_secret}" if self.app_id and self.app_secret else None


@dataclass(slots=True, repr=False)
class RunTokens:
    """The tokens of one run: the connection's, and those of Pages as they are exchanged."""

    credentials: Credentials
    _of_pages: dict[str, str] = field(default_factory=dict)

    def renew(self, credentials: Credentials) -> bool:
        """Go on with these credentials; whether they are others."""
        if credentials == self.credentials:
            return False
        self.credentials = credentials
        self._of_pages.clear()
        return True

    def of(self, request: Request) -> str:
        """The token a request is made with."""
        if request.inspects_token:
            return self.credentials.app_token or self.credentials.token
        return self._token_of(request.page_id)

    def _token_of(self, page_id: str | None) -> str:
        return self._of_pages.get(page_id or "", self.credentials.token)

    def must_be_hidden(self, request: Request) -> bool:
        """Whether a request carries a secret beside its token, so that it cannot be a plain GET."""
        return request.inspects_token or self.credentials.proof != "off"

    def secrets_of(self, request: Request, unix_seconds: float) -> tuple[tuple[str, str], ...]:
        """What a part of a batch adds to its address: its token and proof, and the token to inspect."""
        inspected = (("input_token", self._token_of(request.page_id)),)
        return (*self.proven(self.of(request), unix_seconds), *(inspected if request.inspects_token else ()))

    def proven(self, token: str, unix_seconds: float) -> tuple[tuple[str, str], ...]:
        """A token and the proof that its sender knows the app's secret; a timed proof lives for five minutes."""
        secret, proof = self.credentials.app_secret, self.credentials.proof
        if not secret or proof == "off":
            return (("access_token", token),)
        stamp = (("appsecret_time", str(int(unix_seconds))),) if proof == "timed" else ()
        message = "|".join((token, *(value for _, value in stamp)))
        digest = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
        return (("access_token", token), ("appsecret_proof", digest), *stamp)

    def clean(self, request: Request, body: str) -> str:
        """A reply's body for the flow: without any token; Page tokens the request asked for are kept here."""
        if request.yields_tokens:
            body = self._absorb(body, asked_for=request.path.strip("/"))
        if (
            '"error"' in body
        ):  # its words end in logs; looking for every Page's token in every reply would cost too much
            return self.redact(body)
        for secret in {self.credentials.token, self.of(request), self._token_of(request.page_id)}:
            for form in _forms(secret):
                body = body.replace(form, HIDDEN)
        return body

    def redact(self, text: str) -> str:
        """The text without any secret of this run, and without what looks like one."""
        # The longest first: a shorter one may be a part of it, and would leave the rest of it standing.
        for form in sorted({form for secret in self._all() for form in _forms(secret)}, key=len, reverse=True):
            text = text.replace(form, HIDDEN)
        return redact(text)

    def _absorb(self, body: str, *, asked_for: str) -> str:
        """Keep the tokens of a list of Pages by their ids, and that of a single Page also by the alias asked for."""
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return redact(body)
        entries = document.get("data", [document]) if isinstance(document, dict) else []
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and isinstance(token := entry.get("access_token"), str) and "id" in entry:
                self._of_pages[str(entry["id"])] = token
                if entry is document:
                    self._of_pages[asked_for] = token
                entry["access_token"] = HIDDEN
        return redact(json.dumps(document))

    def _all(self) -> Iterator[str]:
        yield self.credentials.token
        yield from filter(None, (self.credentials.app_secret, self.credentials.app_token))
        yield from self._of_pages.values()


def _forms(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), quote_plus(secret)}
