"""Secrets: held here, added last, taken out of everything that leaves.

Sources: Facebook Login guide "Securing Graph API Requests" (``appsecret_proof``, plain and timed); Graph API reference,
``/debug_token``; Pages API guide "Get Started" (Page tokens).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, NoReturn

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.graph.json_text import NotJsonError, decode
from airflow_provider_msginsights.transports.redaction import (
    HIDDEN,
    Spellings,
    canonical,
    escaped_part,
    hide,
    holds,
    looks_secret,
    redact,
    replaced,
    scrubbed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_msginsights.insights.protocol import Request

PROOFS = ("plain", "timed", "off")
_MOST_PROOFS = 4096
_RECENT_PROOFS = 8
_MARGIN = 40  # a number of an app and a bar may stand before its secret
_SENDABLE = re.compile(r"[!-~]{8,}")
"""What is left to hide of a token that is none: spellings are known of printable ASCII alone."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Credentials:
    """What a connection holds. Equal when every part is; never shown and never pickled.

    :param proof: whether calls carry an ``appsecret_proof``: ``plain``, ``timed`` or ``off``.
    :param login_code: the code of a login, to be exchanged for a token.
    """

    token: str
    app_id: str | None = None
    app_secret: str | None = None
    proof: str = "off"
    login_code: str | None = None

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
    _retired: set[str] = field(default_factory=set)
    _proofs: dict[str, None] = field(default_factory=dict)
    _spellings: dict[str, Spellings] = field(default_factory=dict)

    def renew(self, credentials: Credentials) -> bool:
        """Go on with these credentials; whether they are others."""
        if credentials == self.credentials:
            return False
        self._retired.update(self._current())
        self.credentials = credentials
        self._of_pages.clear()
        return True

    def of(self, request: Request) -> str:
        """Return the token a request is made with."""
        if request.inspects_token:
            return self.credentials.app_token or self.credentials.token
        return self._token_of(request.page_id)

    def of_page(self, page_id: str) -> Credentials | None:
        """Return the credentials of a Page whose token was given."""
        token = self._of_pages.get(page_id)
        return None if token is None else replace(self.credentials, token=token)

    def exchanged(self, request: Request) -> dict[str, str]:
        """Return what a request for a new token carries: the app's id and secret, and what it gives for the token.

        :raises ConfigurationError: when one of them is missing.
        """
        held = self.credentials
        given = held.login_code if request.exchanges == "code" else held.token
        if not (held.app_id and held.app_secret and given):
            raise ConfigurationError(
                "A token is exchanged by the app it belongs to: app_id and app_secret are missing.", parameter="app_id"
            )
        return {"client_id": held.app_id, "client_secret": held.app_secret, str(request.exchanges): given}

    def _token_of(self, page_id: str | None) -> str:
        return self._of_pages.get(page_id or "", self.credentials.token)

    def must_be_hidden(self, request: Request) -> bool:
        """Whether a request carries a secret beside its token, so that it cannot be a plain GET."""
        return request.inspects_token or self.credentials.proof != "off"

    def secrets_of(self, request: Request, unix_seconds: float) -> tuple[tuple[str, str], ...]:
        """Return what a part of a batch adds to its address: its token and proof, and the token to inspect."""
        inspected = (("input_token", self._token_of(request.page_id)),)
        return (*self.proven(self.of(request), unix_seconds), *(inspected if request.inspects_token else ()))

    def proven(self, token: str, unix_seconds: float) -> tuple[tuple[str, str], ...]:
        """Return a token and the proof that its sender knows the app's secret; a timed proof lives for five minutes."""
        secret, proof = self.credentials.app_secret, self.credentials.proof
        if not secret or proof == "off":
            return (("access_token", token),)
        stamp = (("appsecret_time", str(int(unix_seconds))),) if proof == "timed" else ()
        message = "|".join((token, *(value for _, value in stamp)))
        digest = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
        self._proofs[digest] = None
        if len(self._proofs) > _MOST_PROOFS:
            oldest = next(iter(self._proofs))
            del self._proofs[oldest]
            self._spellings.pop(oldest, None)
        return (("access_token", token), ("appsecret_proof", digest), *stamp)

    def clean(self, request: Request, body: str) -> str:
        """Return a reply's body for the flow: without any secret; Page tokens it requested are kept here.

        Rows are searched for the secrets that the request was made with, words (errors, names) for all of this run and
        for whatever looks like one: looking for every Page's token in every reply would cost too much.
        """
        if request.exchanges is not None:
            body = self._adopt(body)
        if request.yields_tokens:
            body = self._absorb(body, asked_for=request.path.strip("/"))
        used = self._used_by(request)
        own = self._spelled(used)
        margin = max(_MARGIN, *(len(secret) for secret in used))
        looked_for = [one.plain for one in own]
        # Mostly a link holds the token: replaced where it stands, which keeps the rest of the body as it came.
        body = replaced(body, {form for one in own for form in one.raw})
        plain = canonical(escaped_part(body, margin))
        if plain is None or any(holds(text, looked_for) for text in (body, plain)):
            return self._scrub(body)
        texts = (body, plain)
        is_error = '"error"' in body or '"error"' in plain
        has_words = is_error or request.yields_tokens or request.inspects_token or '"access_token"' in body
        if has_words and any(map(looks_secret, texts)):
            return self._scrub(body)
        if is_error:
            looked_for = [form for one in self._spelled(self._all()) for form in (one.plain, *one.coded)]
            return self._scrub(body) if any(holds(text, looked_for) for text in texts) else body
        return body

    def clean_headers(self, request: Request, headers: dict[str, str]) -> dict[str, str]:
        """Return a reply's headers without any secret that the request was made with or that looks like one."""
        own = self._spelled(self._used_by(request))
        plain = canonical("\n".join(headers.values()))
        looked_for = (form for one in own for form in (one.plain, *one.coded))
        if plain is not None and not holds(plain, looked_for) and not looks_secret(plain):
            return headers
        return {name: redact(hide(value, own)) for name, value in headers.items()}

    def redact(self, text: str) -> str:
        """Return the text without any secret of this run, and without what looks like one."""
        return redact(hide(text, self._spelled(self._all())))

    def _scrub(self, body: str) -> str:
        """Redact a body by its decoded texts; as it is where there is nothing to hide after all."""
        try:
            document, fault = decode(body)
            is_error = isinstance(document, dict) and "error" in document
            if fault is not None and not is_error:
                return self.redact(body)  # written anew it would lose its fault; nobody uses or quotes such a reply
            cleaned = scrubbed(document, self.redact)
            return body if cleaned == document else json.dumps(cleaned)
        except (ValueError, RecursionError):
            return self.redact(body)

    def _absorb(self, body: str, *, asked_for: str) -> str:
        """Keep the tokens of a list of Pages by their ids, and that of a single Page also by the requested alias."""
        try:
            document, fault = decode(body)
        except NotJsonError:
            return body
        if fault is not None:
            return body  # nobody uses such a reply
        entries = document.get("data", [document]) if isinstance(document, dict) else []
        has_changed = False
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and isinstance(token := entry.get("access_token"), str) and "id" in entry:
                has_changed = True
                if not is_sendable(token):
                    self._retired.update((token, *_SENDABLE.findall(token)))
                    entry["access_token"] = None
                    continue
                self._of_pages[str(entry["id"])] = token
                if entry is document:
                    self._of_pages[asked_for] = token
                entry["access_token"] = HIDDEN
        return json.dumps(document) if has_changed else body

    def _adopt(self, body: str) -> str:
        """Go on with the token that an exchange gave; one that no request can carry is handed on as none."""
        try:
            document, fault = decode(body)
        except NotJsonError:
            return body
        if fault is not None or not isinstance(document, dict) or not isinstance(document.get("access_token"), str):
            return body
        token, document["access_token"] = document["access_token"], None
        if is_sendable(token):
            self.renew(replace(self.credentials, token=token, login_code=None))
            document["access_token"] = HIDDEN
        else:
            self._retired.update((token, *_SENDABLE.findall(token)))
        return json.dumps(document)

    def _used_by(self, request: Request) -> set[str]:
        """Return what a request may have been made with."""
        used = {self.credentials.token, self.of(request), self._token_of(request.page_id)}
        used.update(filter(None, (self.credentials.app_secret, self.credentials.app_token)))
        if request.exchanges is not None:
            used.update(filter(None, (self.credentials.login_code, *self._retired)))
        return used.union(islice(reversed(self._proofs), _RECENT_PROOFS))

    def _spelled(self, secrets: Iterable[str]) -> list[Spellings]:
        found = []
        for secret in secrets:
            if (one := self._spellings.get(secret)) is None:
                one = self._spellings[secret] = Spellings.of(secret)
            found.append(one)
        return found

    def _all(self) -> Iterator[str]:
        yield from self._current()
        yield from filter(None, self._retired)
        yield from self._proofs

    def _current(self) -> Iterator[str]:
        yield self.credentials.token
        held = self.credentials
        yield from filter(None, (held.app_secret, held.app_token, held.login_code))
        yield from filter(None, self._of_pages.values())


def is_sendable(token: str) -> bool:
    """Return whether a header can carry the token; HTTP libraries raise errors that quote one that is not."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token
