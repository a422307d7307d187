"""Whatever bytes a server answers, a call ends in a result or in an error of ours without a secret."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.answers import USER
from support.drivers import Driver
from support.examples import so_many
from support.fetch_helpers import make_query
from support.raw_server import RawServer

from airflow_provider_msginsights.exceptions import ConfigurationError, MessagingInsightsError, TransportError
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

ONCE = RetryPolicy(max_attempts=1, total_seconds=5)
KINDS = ("blocking", "nonblocking")
OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = b'{"data": []}'


def whole(body: bytes = EMPTY, *headers: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join((status, length, *headers, b"", body))


REFUSED_REDIRECTS = [
    b"http://[",
    b"http://[1.2.3.4]/",
    b"//",
    b"http://127.0.0.1:99999/",
    b"\xff\xfe",
    "http://127.0.0.1\u2100".encode(),
    b"javascript:x",
    b"http://u:" + USER.encode() + b"@x/?access_token=" + USER.encode(),
    b"",
]

SEEDS = [
    b"",
    b"\r\n\r\n",
    b"{}",
    b"HTTP/0.9 200 OK\r\n\r\n{}",
    b"HTTP/9.9 200 OK\r\n\r\n{}",
    b"HTTP/1.1 99 No\r\n\r\n",
    b"HTTP/1.1 1000 No\r\n\r\n",
    b"HTTP/1.1 OK\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n\x00\x01",
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + whole(),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + whole(),
    whole(EMPTY, b"X: a\x00b"),
    whole(EMPTY, b"X\x01Y: a"),
    whole(EMPTY, b"no colon"),
    whole(EMPTY, b": no name"),
    whole(EMPTY, b" folded: " + USER.encode()),
    whole(EMPTY, b"X: \xff\xfe\xfd"),
    whole(EMPTY, b"Content-Type: text/html; charset=\xff\x00nonsense"),
    whole(EMPTY, b"Content-Type: multipart/mixed"),
    whole(EMPTY, b"Content-Length: 5"),
    OK + b"Content-Length: -5\r\n\r\n{}",
    OK + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    OK + b"Content-Length: five\r\n\r\n{}",
    OK + "Content-Length: \u0665\r\n\r\n{}".encode(),
    OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n{}",
    OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n{}",
    OK + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"e" * 70_000 + b"\r\n{}\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: gzip\r\n\r\n{}",
    OK + b"X: y\r\n" * 500 + b"\r\n{}",
    OK + b"X: " + b"y" * 200_000 + b"\r\n\r\n{}",
    whole(gzip.compress(EMPTY), b"Content-Encoding: gzip, gzip"),
    whole(gzip.compress(EMPTY)[:-5], b"Content-Encoding: gzip"),
    whole(gzip.compress(EMPTY) + b"garbage", b"Content-Encoding: gzip"),
    whole(zlib.compress(EMPTY), b"Content-Encoding: deflate"),
    whole(EMPTY, b"Content-Encoding: br"),
    whole(EMPTY, b"Content-Encoding: zstd"),
    whole(b"\xff\xfe", status=b"HTTP/1.1 400 " + USER.encode() + b"\xff"),
    whole(json.dumps({"error": {"code": 190, "message": USER}}).encode(), status=b"HTTP/1.1 400 Bad"),
    whole(EMPTY, b"Set-Cookie: a=b; expires=\xff; domain=[", b"Set-Cookie: =;;;"),
    *(whole(b"moved", b"Location: " + place, status=b"HTTP/1.1 302 Found") for place in REFUSED_REDIRECTS),
]

lines = st.one_of(
    st.sampled_from([b"Content-Length: 12", b"Transfer-Encoding: chunked", b"Content-Encoding: gzip", b"Location: x"]),
    st.tuples(
        st.sampled_from(
            [b"Content-Length", b"Transfer-Encoding", b"Content-Encoding", b"Location", b"Connection", b"X"]
        ),
        st.binary(max_size=20),
    ).map(b": ".join),
    st.binary(max_size=30),
)
answers = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda version, status, headers, body: b"\r\n".join((version + b" " + status, *headers, b"", body)),
        st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2", b"http/1.1", b"ICY"]),
        st.one_of(st.integers(0, 700).map(lambda n: b"%d OK" % n), st.binary(max_size=12)),
        st.lists(lines, max_size=5),
        st.one_of(
            st.binary(max_size=80), st.just(EMPTY), st.just(gzip.compress(EMPTY)), st.just(b"2\r\n{}\r\n0\r\n\r\n")
        ),
    ),
    st.builds(
        lambda seed, at, junk: seed[:at] + junk + seed[at + len(junk) :],
        st.sampled_from(SEEDS),
        st.integers(0, 80),
        st.binary(max_size=4),
    ),
)


class Served:
    """One server for many answers."""

    answer = b""

    def __call__(self, connection: socket.socket) -> None:
        connection.sendall(self.answer)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Served, str]]:
    served = Served()
    with RawServer(served) as server:
        yield served, server.url


def ask(kind: str, url: str) -> MessagingInsightsError | None:
    """The error the call ends in, or nothing; any other exception is a failure of the test."""
    try:
        Driver(kind, host=url, password=USER).run(fetch_insights(make_query(), policy=ONCE))
    except MessagingInsightsError as caught:
        error = caught
    else:
        return None
    assert USER not in f"{error!r} {vars(error)}"
    assert error.__cause__ is None
    assert error.__context__ is None
    return error


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS, ids=range(len(SEEDS)))
def test_an_odd_answer_is_read_or_refused_in_words_of_ours(kind: str, seed: bytes, served: tuple[Served, str]) -> None:
    served[0].answer = seed
    ask(kind, served[1])


def check_any_bytes(served: tuple[Served, str], count: int) -> None:
    @given(answers)
    @example(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}")
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def check(answer: bytes) -> None:
        served[0].answer = answer
        for kind in KINDS:
            ask(kind, served[1])

    check()


@pytest.mark.hypothesis
def test_any_bytes_are_read_or_refused_in_words_of_ours(served: tuple[Served, str]) -> None:
    check_any_bytes(served, so_many(500))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_more_bytes_are_read_or_refused_in_words_of_ours(served: tuple[Served, str]) -> None:
    check_any_bytes(served, 20_000)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", REFUSED_REDIRECTS, ids=range(len(REFUSED_REDIRECTS)))
def test_a_redirect_to_anywhere_is_refused_as_one(kind: str, place: bytes, served: tuple[Served, str]) -> None:
    served[0].answer = whole(b"moved", b"Location: " + place, status=b"HTTP/1.1 302 Found")
    error = ask(kind, served[1])
    assert isinstance(error, ConfigurationError)
    assert "Redirects are not followed" in str(error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("interim", [100, 102, 103, 199])
def test_the_answer_after_an_interim_one_is_the_answer(kind: str, interim: int, served: tuple[Served, str]) -> None:
    served[0].answer = b"HTTP/1.1 %d Wait\r\nLink: <x>\r\n\r\n" % interim * 3 + whole()
    assert ask(kind, served[1]) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoding", [b"gzip, gzip", b"deflate", b"br", b"zstd", b"gzip, br", b"compress"])
def test_a_compression_nobody_asked_for_is_refused(kind: str, encoding: bytes, served: tuple[Served, str]) -> None:
    served[0].answer = whole(gzip.compress(gzip.compress(EMPTY)), b"Content-Encoding: " + encoding)
    error = ask(kind, served[1])
    assert isinstance(error, TransportError)
    assert "compressed in a way that was not requested" in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_compression_that_can_be_bounded_is_asked_for(kind: str) -> None:
    with RawServer(
        lambda connection: connection.sendall(whole(gzip.compress(EMPTY), b"Content-Encoding: gzip"))
    ) as one:
        assert ask(kind, one.url) is None
    assert b"accept-encoding: gzip\r\n" in one.heard[0].lower()
