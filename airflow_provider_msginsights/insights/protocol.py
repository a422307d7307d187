"""What a flow may ask of the transport that drives it, and what it hears back.

A flow is a generator: it yields a `Step` and resumes with an `Answer`. It never learns a token: a request only says
*whose* token it needs, and a transport adds it last. Rules that every driver keeps and every flow relies on:

* every sent request yields exactly one `Reply`, whatever happened to it;
* `Send` and `Emit` resume with ``None``; `Receive` with the next reply, or ``None`` after its timeout; `RefreshToken`
  with ``True`` when the token is another one now;
* the clock of a flow is ``Reply.at_seconds``: seconds that only ever grow, from a start of no meaning.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from airflow_provider_msginsights.insights.records import Records


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """One read of the Graph API, without host, version or secret.

    :param path: path below the version, such as ``/1234/insights``.
    :param params: query parameters in order; never a token, proof or app secret.
    :param page_id: whose Page token to use when one is known; otherwise the connection's own token is used.
    :param yields_tokens: the reply holds Page tokens; the transport keeps them and hands on the reply without them.
    :param inspects_token: the transport adds the token of ``page_id`` as ``input_token``.
    :param exchanges: the parameter in which the transport sends what is exchanged for a new token, the code of a login
        or the connection's token, beside the app's id and secret. The reply holds the new token; the transport goes on
        with it, and hands on the reply without it.
    """

    path: str
    params: tuple[tuple[str, str], ...] = ()
    page_id: str | None = None
    yields_tokens: bool = False
    inspects_token: bool = False
    exchanges: Literal["code", "fb_exchange_token"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the server answered: a status, headers by lower-case name and the body's text without tokens.

    Bytes of the body that are not UTF-8 stand in the text as halves of characters (``surrogateescape``), so that
    whoever reads it can tell them.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of one request: a response, or why there is none.

    :param at_seconds: when it arrived, on the transport's monotonic clock.
    :param took_seconds: for how long it was under way, from looking up the host on; time in a queue does not count.
    :param failure: one sentence without URL or secret, where no response arrived.
    :param shared: the response or failure is that of a whole batch POST and not of this request alone.
    :param too_large: the response was longer than the transport accepts.
    """

    request: Request
    at_seconds: float
    response: Response | None = None
    failure: str | None = None
    shared: bool = False
    too_large: bool = False
    took_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Send:
    """Start these requests, at most ``batch_limit`` of them in one POST; resumes at once.

    :param time_left: seconds that a request may take in all; one that is not named may take one wait for a connection
        and one for a reply.
    """

    requests: tuple[Request, ...]
    batch_limit: int = 50
    time_left: Mapping[Request, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Receive:
    """Resume with the next reply, or with ``None`` after the timeout (``None``: wait as long as it takes)."""

    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run has come, for whoever drives it to report.

    :param settled: requests that were answered, refused or given up.
    :param planned: those and the ones still to settle; it grows when a request has to be split.
    :param closed: Page -> seconds until a limit lets its requests through again; ``None`` stands for every Page.
    """

    settled: int
    planned: int
    closed: Mapping[str | None, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand these records, maybe none, to the consumer; resumes when it wants more.

    :param complete_before: no request still to be answered asks for days before this one. It is no promise: what was
        left out as refused, and proves not to be, is requested later.
    """

    records: Records
    progress: Progress | None = None
    complete_before: date | None = None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """Read the connection again; resumes with whether its token is another one now."""


Step = Send | Receive | Emit | RefreshToken
Answer = Reply | bool | None
Flow = Generator[Step, Answer, T]


def tap(flow: Flow[T], see: Callable[[Step, Answer], None], *, passes_on: bool = True) -> Flow[T]:
    """Return the same flow; ``see`` gets each step with its answer: of an `Emit`, once its records are taken.

    :param passes_on: whether the consumer gets what is emitted; otherwise ``see`` alone does.
    """
    answer: Answer = None
    try:
        while True:
            try:
                step = flow.send(answer)
            except StopIteration as stop:
                return cast("T", stop.value)
            if passes_on or not isinstance(step, Emit):
                answer = yield step
            else:
                answer = None
            see(step, answer)
    finally:
        flow.close()
