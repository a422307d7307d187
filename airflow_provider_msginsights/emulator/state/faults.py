"""Faults that a test asks for: which calls they strike, how often, and what they do."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from airflow_provider_msginsights.emulator.call import Call, Mishap, Reply
from airflow_provider_msginsights.emulator.error_table import table_error
from airflow_provider_msginsights.emulator.errors import GraphError
from airflow_provider_msginsights.emulator.validation import check_range, check_types

_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]+")
_HEADER_VALUE = re.compile(r"[\t -~]*")
_BOUNDS = (
    ("http_status", 200, 599),
    ("delay_seconds", 0, 3_600),
    ("times", 1, 1_000_000_000),
    ("rate", 0, 1),
    ("skip", 0, 1_000_000_000),
)
_HTML = "<!DOCTYPE html><html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>"


class FaultKind(StrEnum):
    """What a fault does to the call it strikes."""

    ERROR = "error"
    """A Graph error by `code` and `subcode`, with the text and HTTP status of the table unless given."""
    REPLY = "reply"
    """`body` with `http_status` and `content_type`, as given."""
    HTML_500 = "html_500"
    """HTTP 500 with a page of HTML."""
    UNAVAILABLE_503 = "unavailable_503"
    """HTTP 503 with an empty body."""
    UNAVAILABLE_TEXT = "unavailable_text"
    """HTTP 200 with the bare text "Service Unavailable"."""
    GARBAGE_JSON = "garbage_json"
    """HTTP 200 with a body that begins like JSON and is none."""
    WRONG_CONTENT_TYPE = "wrong_content_type"
    """The right answer, declared as HTML."""
    SLOW = "slow"
    """The right answer, dripping over `delay_seconds`."""
    DELAY = "delay"
    """The right answer, `delay_seconds` late."""
    CUT = "cut"
    """Half of the right answer, then the connection ends."""
    RESET = "reset"
    """The connection is reset before a byte is sent."""
    HANG = "hang"
    """No byte ever comes; the connection stays open until the client leaves or the emulator is reset."""
    NULL_PART = "null_part"
    """The batch part is answered `null`, as one that did not finish in time. A call by itself gets code 960."""


_MISHAPS = {
    FaultKind.SLOW: Mishap.SLOW,
    FaultKind.CUT: Mishap.CUT,
    FaultKind.RESET: Mishap.RESET,
    FaultKind.HANG: Mishap.HANG,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. The first one in order that matches a call strikes it; `times` strikes and it is spent.

    :param kind: what it does.
    :param code: the error's code, for the kind "error"; its text and HTTP status are Meta's own unless given.
    :param subcode: the error's `error_subcode`.
    :param message: the error's text.
    :param is_transient: whether the error says of itself that it passes.
    :param user_title: the error's `error_user_title`.
    :param user_message: the error's `error_user_msg`.
    :param error_data: the error's `error_data`.
    :param type: the error's type, such as "OAuthException".
    :param omit_type: leave out the error's type and trace id.
    :param http_status: the answer's HTTP status.
    :param body: the answer's body, for the kind "reply".
    :param content_type: the answer's content type.
    :param headers: headers that are added to the answer.
    :param delay_seconds: how long the answer is held back.
    :param times: how many calls are struck; None for all.
    :param rate: strike each matching call with this probability.
    :param skip: so many matching calls pass unharmed first.
    :param page_id: strike only calls of this Page.
    :param metric: strike only calls that name this metric.
    :param path: strike only calls with this in their path.
    :param method: strike only calls of this HTTP method.
    :param on: "call" for single calls and parts of a batch, "batch" for the whole POST of one.
    """

    kind: FaultKind = FaultKind.ERROR
    code: int | None = None
    subcode: int | None = None
    message: str | None = None
    is_transient: bool | None = None
    user_title: str | None = None
    user_message: str | None = None
    error_data: dict[str, Any] | str | None = None
    type: str | None = None
    omit_type: bool = False
    http_status: int | None = None
    body: str | None = None
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    times: int | None = 1
    rate: float | None = None
    skip: int = 0
    page_id: str | None = None
    metric: str | None = None
    path: str | None = None
    method: str | None = None
    on: str = "call"

    def __post_init__(self) -> None:
        """Refuse a fault that could do nothing.

        Raises ValueError saying what is missing.
        """
        object.__setattr__(self, "kind", FaultKind(self.kind))
        check_types(self)
        for name, least, most in _BOUNDS:
            check_range(self, name, least, most)
        for name, value in {**self.headers, "Content-Type": self.content_type or ""}.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise ValueError("Fault: 'headers' and 'content_type' must be such as HTTP allows.")
        if self.kind is FaultKind.ERROR and self.code is None:
            raise ValueError("Fault: 'code' is missing; kind 'error' needs one, for example 190.")
        if self.kind is FaultKind.REPLY and self.body is None:
            raise ValueError("Fault: 'body' is missing; kind 'reply' needs one.")
        if self.kind in {FaultKind.SLOW, FaultKind.DELAY} and self.delay_seconds <= 0:
            raise ValueError(f"Fault: 'delay_seconds' is missing; kind '{self.kind}' needs it.")
        if self.on not in {"call", "batch"}:
            raise ValueError("Fault: 'on' is 'call' or 'batch'.")

    def matches(self, call: Call, *, on: str, page_id: str | None, metrics: Sequence[str]) -> bool:
        """Return True when the fault is meant for the call."""
        return (
            self.on == on
            and self.page_id in {None, page_id}
            and (self.metric is None or self.metric in metrics)
            and (self.path is None or self.path in call.path)
            and (self.method is None or self.method.upper() == call.method)
        )

    def as_error(self) -> GraphError:
        """Return the Graph error of a fault of kind `error`."""
        error = table_error(self.code or 0, self.subcode)
        error.message = self.message or error.message
        error.http_status = self.http_status or error.http_status
        error.is_transient = error.is_transient if self.is_transient is None else self.is_transient
        error.user_title = self.user_title or error.user_title
        error.user_message = self.user_message or error.user_message
        error.error_data = self.error_data
        error.kind = None if self.omit_type else self.type or error.kind
        error.headers = dict(self.headers)
        return error

    def replacement(self) -> Reply | None:
        """Return the reply that takes the place of the right one; None when the right one is still needed."""
        prepared: dict[FaultKind, tuple[int, str, str]] = {
            FaultKind.REPLY: (200, self.body or "", "text/plain; charset=UTF-8"),
            FaultKind.HTML_500: (500, _HTML, "text/html; charset=utf-8"),
            FaultKind.UNAVAILABLE_503: (503, "", "text/html; charset=utf-8"),
            FaultKind.UNAVAILABLE_TEXT: (200, "Service Unavailable", "text/plain; charset=UTF-8"),
            FaultKind.GARBAGE_JSON: (200, '{"data":[{"name":', "application/json; charset=UTF-8"),
        }
        if self.kind not in prepared:
            return None
        status, body, content_type = prepared[self.kind]
        return Reply(
            status=self.http_status or status,
            raw_body=(body if self.body is None else self.body).encode("utf-8", "replace"),
            content_type=self.content_type or content_type,
        )

    def touch(self, reply: Reply) -> Reply:
        """Do to the reply what the fault does to it on its way out."""
        reply.headers.update(self.headers)
        reply.mishap = _MISHAPS.get(self.kind, reply.mishap)
        reply.delay_seconds += self.delay_seconds
        if self.kind is FaultKind.WRONG_CONTENT_TYPE:
            reply.content_type = self.content_type or "text/html; charset=utf-8"
        return reply


@dataclass(slots=True)
class _Waiting:
    fault: Fault
    still_to_skip: int
    strikes_left: int | None


class Faults:
    """The faults in force, in order."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self.outage: Fault | None = None
        self._waiting: list[_Waiting] = []
        self._chance = random.Random(seed)

    def add(self, fault: Fault) -> None:
        """Put the fault behind those that wait already."""
        self._waiting.append(_Waiting(fault, fault.skip, fault.times))

    def clear(self) -> None:
        """Take all faults away, and end the outage; chances begin anew."""
        self.outage = None
        self._waiting.clear()
        self._chance = random.Random(self._seed)

    def waiting(self) -> tuple[Fault, ...]:
        """Return the faults that may still strike."""
        return tuple(entry.fault for entry in self._waiting)

    def strike(self, call: Call, *, on: str, page_id: str | None, metrics: Sequence[str]) -> Fault | None:
        """Return the fault that strikes this call, if one does; it is used up by one."""
        if self.outage is not None and (on == "batch" or call.part_number is None):
            return self.outage
        for entry in self._waiting:
            fault = entry.fault
            if not fault.matches(call, on=on, page_id=page_id, metrics=metrics):
                continue
            if entry.still_to_skip > 0:
                entry.still_to_skip -= 1
                continue
            if fault.rate is not None and self._chance.random() >= fault.rate:
                continue
            if entry.strikes_left is not None:
                entry.strikes_left -= 1
                if entry.strikes_left <= 0:
                    self._waiting.remove(entry)
            return fault
        return None
