"""Any bytes as a reply, alone or in a batch, with any headers: records or errors of ours, and never another exception.

uv run pytest -m slow tests/unit/insights/test_fuzz_answers.py      (20,000 examples)
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.examples import so_many
from unit.insights.test_fuzz import CHANGES, DOCUMENTS, JSON, QUERIES, STATUSES, bent, check_flows
from unit.insights.test_odd_replies import ODD_BODIES, ODD_HEADERS

from airflow_provider_msginsights.insights.protocol import Emit, Receive, Send
from airflow_provider_msginsights.transports.credentials import Credentials, RunTokens
from airflow_provider_msginsights.transports.settings import TransportSettings
from airflow_provider_msginsights.transports.wire import Exchange, HttpAnswer, Wire

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.protocol import Answer, Flow, Reply
    from airflow_provider_msginsights.insights.records import InsightsRecord

T = TypeVar("T")
TOKEN = "token-that-is-secret"


@dataclass
class Server:
    """Answers every HTTP call alike, through everything that stands between a socket and a flow."""

    answer: HttpAnswer
    parts: HttpAnswer | None = None
    now: float = 1000.0
    records: list[InsightsRecord] = field(default_factory=list)

    def run(self, flow: Flow[T]) -> T:
        wire = Wire(TransportSettings(), RunTokens(Credentials(token=TOKEN)), lambda: self.now)
        replies: deque[Reply] = deque()
        answer: Answer = None
        while True:
            try:
                step = flow.send(answer)
            except StopIteration as stop:
                return cast("T", stop.value)
            answer = None
            if isinstance(step, Send):
                for group in wire.groups(step):
                    call = wire.call(group)
                    content = self.answer if call.method == "GET" or self.parts is None else self._batch(len(group))
                    replies += wire.replies(Exchange(group, call, content, self.now, 0.0))
            elif isinstance(step, Receive):
                self.now += step.timeout_seconds or 0.0
                answer = replies.popleft() if replies else None
            elif isinstance(step, Emit):
                self.records += step.records
            else:
                answer = False

    def _batch(self, count: int) -> HttpAnswer:
        """The answer, as each part of a batch reply."""
        assert self.parts is not None
        return HttpAnswer(status=200, headers={}, content=b"[" + b",".join([bytes(self.parts.content)] * count) + b"]")


def part(status: object, headers: object, body: bytes) -> bytes:
    text = json.dumps(body.decode("utf-8", "surrogateescape"), ensure_ascii=False).encode("utf-8", "surrogateescape")
    return b'{"code": %s, "headers": %s, "body": %s}' % (
        json.dumps(status).encode(),
        json.dumps(headers).encode(),
        text,
    )


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


BENT = st.builds(bent, st.sampled_from([DOCUMENTS[name] for name in sorted(DOCUMENTS)]), CHANGES)
TEXTS = st.builds(
    lambda document, ascii_only, indent: json.dumps(document, ensure_ascii=ascii_only, indent=indent),
    BENT | JSON,
    st.booleans(),
    st.sampled_from([None, 1]),
)
WHOLE = st.builds(
    lambda text, encoding: text.encode(encoding, "ignore"),
    TEXTS,
    st.sampled_from(["utf-8", "latin-1", "utf-16", "utf-8-sig"]),
)
DAMAGED = st.builds(
    lambda body, at, damage: body[: at % (len(body) + 1)] + damage + body[at % (len(body) + 1) :],
    WHOLE,
    st.integers(0, 3_000),
    st.sampled_from(
        [b"\xff", b"\xed\xa0\x80", b'"value":1,', b"\x00", b"NaN", b"9" * 400, b'":', b"\\ud800", b"\\", b'"']
    ),
)
BODIES = WHOLE | DAMAGED | st.binary(max_size=40)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["x-app-usage", "x-business-use-case-usage", "x-page-usage", "retry-after", "date", "facebook-api-version",
         "www-authenticate", "x-fb-trace-id"]
    )
    | st.text(max_size=5),
    JSON.map(lambda value: json.dumps({"101": [{"type": value, "call_count": value}], "call_count": value}))
    | JSON.map(json.dumps)
    | st.text(max_size=20),
    max_size=3,
)  # fmt: skip
PART_STATUSES = STATUSES | st.sampled_from([True, None, "200", -1, 10**400, 1.5])
PART_HEADERS = HEADERS.map(lambda told: [{"name": name, "value": value} for name, value in told.items()]) | JSON
NAMES = st.sampled_from(sorted(QUERIES))


def run(name: str, body: bytes, status: int, headers: dict[str, str], inner: Any) -> None:
    answer = HttpAnswer(status=status, headers=headers, content=body)
    parts = None if inner is None else HttpAnswer(status=200, headers={}, content=part(inner[0], inner[1], body))
    check_flows(name, Server(answer, parts))


INNER = st.none() | st.tuples(PART_STATUSES, PART_HEADERS)


def with_seeds(test: Any) -> Any:
    """The test, with every reply and header that once made trouble."""
    for body in ODD_BODIES:
        test = example("days_as_sent", encoded(body), 200, {}, None)(test)
        test = example("days_as_sent", encoded(body), 200, {}, (200, []))(test)
    for headers in ODD_HEADERS:
        test = example("days_as_sent", encoded(json.dumps(DOCUMENTS["days_as_sent"])), 200, headers, None)(test)
    return test


@with_seeds
@settings(max_examples=so_many(500), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(NAMES, BODIES, STATUSES, HEADERS, INNER)
def test_any_bytes_are_records_or_an_error_of_ours(
    name: str, body: bytes, status: int, headers: dict[str, str], inner: Any
) -> None:
    run(name, body, status, headers, inner)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(NAMES, BODIES, STATUSES, HEADERS, INNER)
def test_20_000_answers_of_any_bytes_are_records_or_errors_of_ours(
    name: str, body: bytes, status: int, headers: dict[str, str], inner: Any
) -> None:
    run(name, body, status, headers, inner)
