"""Requests <-> HTTP: how a group of requests is written as one call, and what its answer means for each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlencode

from airflow_provider_msginsights.insights.graph import batch
from airflow_provider_msginsights.insights.protocol import Reply, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpx
    import requests

    from airflow_provider_msginsights.insights.protocol import Request, Send
    from airflow_provider_msginsights.transports.credentials import RunTokens
    from airflow_provider_msginsights.transports.settings import TransportSettings

Group = tuple["Request", ...]
Signable = TypeVar("Signable", "requests.PreparedRequest", "httpx.Request")

_REASONS = {
    # names of exceptions of requests, httpx and ssl, the special before the general
    "SSLError": "the TLS handshake failed; check ca_bundle and proxy in the connection's extra",
    "ConnectTimeout": "no connection within {connect_timeout_seconds:g} s",
    "ReadTimeout": "no answer within {read_timeout_seconds:g} s",
    "Timeout": "no answer in time",
    "TimeoutException": "no answer in time",
    "ProxyError": "the proxy refused or failed",
    "ContentDecodingError": "the answer was compressed wrongly",
    "DecodingError": "the answer was compressed wrongly",
    "ConnectError": "no connection; check the connection's host and proxy",
    "ConnectionError": "the connection could not be made or broke; check the connection's host and proxy",
}


_HEADERS = frozenset(
    {
        "date",
        "facebook-api-version",
        "retry-after",
        "www-authenticate",
        "x-ad-account-usage",
        "x-app-usage",
        "x-business-use-case-usage",
        "x-fb-trace-id",
        "x-page-usage",
    }
)
"""What flows may hear of a reply's headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One HTTP request. The token stands in the header or in the form, and never in the address.

    :param token: ``None`` for a request that the app signs by its id and secret in the form.
    """

    method: str
    url: str
    token: str | None = field(repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def is_batch(self) -> bool:
        """Whether the answer holds one for each request."""
        return self.form is not None and "batch" in self.form

    def sign(self, request: Signable) -> Signable:
        """Set the header last: as an ``auth`` callable it stands where a netrc entry would otherwise be read."""
        if self.token is not None:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """An HTTP answer as it came; headers by lower-case name."""

    status: int
    headers: dict[str, str]
    content: bytes | bytearray = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """Why an HTTP call brought no usable answer, in a sentence without address or secret.

    :param took_seconds: how long it was waited for, where that was all the time it had.
    """

    why: str
    too_large: bool = False
    took_seconds: float = 0.0


class Exchange(NamedTuple):
    """A group of requests, the call they travelled in (none, if it was given up), what came of it, and its time."""

    group: Group
    call: HttpCall | None
    answer: HttpAnswer | Lost
    at_seconds: float
    took_seconds: float


class Wire:
    """The HTTP side of one run; both drivers speak through it."""

    def __init__(self, settings: TransportSettings, tokens: RunTokens, unix_clock: Callable[[], float]) -> None:
        self._settings = settings
        self._tokens = tokens
        self._unix_clock = unix_clock

    def groups(self, send: Send) -> list[Group]:
        """Return the requests of a step, by the HTTP call they travel in."""
        limit = min(send.batch_limit, self._settings.batch_size)
        alone = [(one,) for one in send.requests if one.exchanges is not None]
        return [*batch.pack([one for one in send.requests if one.exchanges is None], limit=limit), *alone]

    def limit_seconds(self, send: Send, group: Group) -> float:
        """How long a call may take, from looking up the host to the last byte: what its requests have left."""
        settings = self._settings
        alone = settings.connect_timeout_seconds + settings.read_timeout_seconds
        return min((send.time_left[one] for one in group if one in send.time_left), default=alone)

    def call(self, group: Group) -> HttpCall:
        """Return a plain GET for one request without a further secret, else a batch POST; made anew at each try."""
        tokens, root = self._tokens, f"{self._settings.base_url}/{self._settings.api_version}"
        if (exchange := group[0]).exchanges is not None:
            form = {**dict(exchange.params), **tokens.exchanged(exchange)}
            return HttpCall(method="POST", url=f"{root}{exchange.path}", token=None, form=form)
        if len(group) == 1 and not tokens.must_be_hidden(group[0]):
            url = f"{root}{group[0].path}?{urlencode(group[0].params)}"
            return HttpCall(method="GET", url=url, token=tokens.of(group[0]))
        # A part alone is sent under its own token: the app's own can ask about one that no longer works.
        now, own = self._unix_clock(), tokens.of(group[0]) if len(group) == 1 else tokens.credentials.token
        parts = batch.encode(group, lambda request: tokens.secrets_of(request, now))
        return HttpCall(
            method="POST", url=f"{root}/", token=own, form={"batch": parts, **dict(tokens.proven(own, now))}
        )

    def replies(self, exchange: Exchange) -> tuple[Reply, ...]:
        """Return what the answer to a call means for each request of its group: one reply each, whatever happened."""
        group, call, answer, *_ = exchange
        if call is None or isinstance(answer, Lost):
            lost = answer if isinstance(answer, Lost) else Lost("The call was given up.")
            return tuple(self._lost(one, lost, exchange, shared=len(group) > 1) for one in group)
        text = answer.content.decode("utf-8", "surrogateescape")
        whole = Response(status=answer.status, headers=answer.headers, body=text)
        parts = batch.decode(whole, len(group)) if call.is_batch else None
        if parts is None:
            return tuple(self._heard(one, whole, exchange, shared=len(group) > 1) for one in group)
        return tuple(
            self._lost(one, Lost(part), exchange) if isinstance(part, str) else self._heard(one, part, exchange)
            for one, part in zip(group, parts, strict=True)
        )

    def _heard(self, request: Request, response: Response, exchange: Exchange, *, shared: bool = False) -> Reply:
        headers = {name: value for name, value in response.headers.items() if name in _HEADERS}
        clean = Response(
            status=response.status,
            headers=self._tokens.clean_headers(request, headers),
            body=self._tokens.clean(request, response.body),
        )
        return Reply(
            request=request,
            at_seconds=exchange.at_seconds,
            took_seconds=exchange.took_seconds,
            response=clean,
            shared=shared,
        )

    @staticmethod
    def _lost(request: Request, lost: Lost, exchange: Exchange, *, shared: bool = False) -> Reply:
        return Reply(
            request=request,
            at_seconds=exchange.at_seconds,
            took_seconds=max(lost.took_seconds, exchange.took_seconds),
            failure=lost.why,
            shared=shared,
            too_large=lost.too_large and not shared,
        )


def out_of_time(limit_seconds: float) -> Lost:
    """Why a call was ended: connecting, sending and reading took longer than its requests may take in all."""
    return Lost(
        f"The Graph API could not be reached: no complete answer within {limit_seconds:.3g} s, which is all the time "
        "that total_seconds leaves the request.",
        took_seconds=limit_seconds,
    )


def why_lost(error: Exception, settings: TransportSettings) -> Lost:
    """Return a sentence of our own for an HTTP library's exception, whose text may hold the address."""
    names = {kind.__name__ for one in _chain(error) for kind in type(one).__mro__}
    reason = next((text for name, text in _REASONS.items() if name in names), "the connection broke")
    sentence = reason.format(
        connect_timeout_seconds=settings.connect_timeout_seconds, read_timeout_seconds=settings.read_timeout_seconds
    )
    return Lost(f"The Graph API could not be reached: {sentence}.")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
