"""Servers that drip, say nothing or never end: a call ends with the time its request may take, in both drivers."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from support.answers import healthy
from support.double import Answer, Call, GraphDouble, Heard
from support.drivers import Driver
from support.fetch_helpers import make_query
from support.raw_server import RawServer, dripping, silent

from airflow_provider_msginsights.exceptions import ConfigurationError, TransportError
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.transports.blocking import BlockingTransport
from airflow_provider_msginsights.transports.settings import from_connection_parts

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
SHORT = RetryPolicy(max_attempts=1, total_seconds=0.5)
TOTAL_SECONDS, GRACE_SECONDS, MOST_MEGABYTES = 3, 2, 60


NEVER_ENDING: dict[str, Callable[[socket.socket], None]] = {
    "body by the byte": dripping(OK + b"Content-Length: 100000\r\n\r\n", b"x"),
    "body without length": dripping(OK + b"\r\n", b"x"),
    "chunks by the byte": dripping(CHUNKED, b"1\r\nx\r\n"),
    "size of a chunk by the digit": dripping(CHUNKED, b"0"),
    "trailers": dripping(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n"),
    "a header by the byte": dripping(OK + b"X: ", b"y"),
    "headers": dripping(OK, b"X: y\r\n"),
    "a status by the byte": dripping(b"", b"H"),
    "interim answers": dripping(b"", HINTS),
    "interim answers without a pause": dripping(b"", HINTS * 1000, 0),
    "compressed by the byte": dripping(
        OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10], b"\0\0\0\xff\xff"
    ),
    "a redirect's headers": dripping(b"HTTP/1.1 302 Found\r\nLocation: ", b"x"),
    "nothing": silent,
}


@pytest.mark.parametrize("answer", NEVER_ENDING.values(), ids=NEVER_ENDING)
def test_a_server_that_never_ends_its_answer_is_given_up_in_time(
    driver: Driver, answer: Callable[[socket.socket], None]
) -> None:
    with RawServer(answer) as server:
        driver.host = server.url
        with pytest.raises(TransportError, match=r"no complete answer within 0\.5 s.*total_seconds"):
            driver.run(fetch_insights(make_query(), policy=SHORT))


@pytest.mark.parametrize("answer", [silent, dripping(b"", b"\x16")], ids=["nothing", "a record by the byte"])
def test_a_tls_handshake_that_never_ends_is_given_up_in_time(
    driver: Driver, answer: Callable[[socket.socket], None]
) -> None:
    with RawServer(answer, hears_first=False) as server:
        driver.host = f"https://127.0.0.1:{server.port}"
        with pytest.raises(TransportError, match=r"could not be reached"):
            driver.run(fetch_insights(make_query(), policy=SHORT))


def test_a_proxy_that_never_opens_its_tunnel_is_given_up_in_time(driver: Driver) -> None:
    with RawServer(dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")) as server:
        driver.host, driver.extra = "https://graph.example", {"proxy": server.url}
        with pytest.raises(TransportError, match=r"no complete answer within 0\.5 s"):
            driver.run(fetch_insights(make_query(), policy=SHORT))
    assert server.heard[0].startswith(b"CONNECT graph.example:443 ")


def test_all_tries_of_a_request_share_its_time(driver: Driver) -> None:
    with RawServer(dripping(OK + b"Content-Length: 100000\r\n\r\n", b"x")) as server:
        driver.host = server.url
        with pytest.raises(TransportError, match="no complete answer"):
            driver.run(fetch_insights(make_query(), policy=RetryPolicy(max_attempts=9, total_seconds=0.5)))
    assert len(server.heard) == 1
    assert driver.slept == []


def test_time_spent_on_tries_and_on_waiting_counts_together(driver: Driver, serve: Any) -> None:
    def answer(_: Call) -> Answer:
        driver.now += 4
        return Answer(document="down", status=500)

    serve(answer)
    policy = RetryPolicy(max_attempts=99, total_seconds=20, base_seconds=1, uniform=lambda: 1.0)
    outcome = driver.run(fetch_insights(make_query(), policy=policy))
    assert "HTTP 500" in str(outcome.stopped_by or outcome.page_failures["101"])
    assert driver.slept == [1, 2, 4]  # 4 tries of 4 s and 7 s of waiting; the next wait would be 8 s


def test_requests_for_less_share_the_time_of_the_one_they_stand_for(driver: Driver, serve: Any) -> None:
    def whole(_: Heard) -> tuple[int, dict[str, str], bytes]:
        driver.now += 4
        return 200, {}, b" " * 50_000

    double = serve(whole=whole)
    driver.extra = {"max_response_bytes": 10_000}
    with pytest.raises(TransportError, match="longer than 10000 bytes"):
        driver.run(fetch_insights(make_query(days=80), policy=RetryPolicy(total_seconds=10)))
    assert len(double.heard) == 3


def test_a_server_that_drips_while_another_request_is_refused_holds_nobody_up(driver: Driver) -> None:
    """The refusal stops the run, which hears what is under way no longer than that may take."""
    release = threading.Event()
    posts: list[int] = []

    def whole(heard: Heard) -> tuple[int, dict[str, str], bytes] | None:
        if heard.method != "POST":
            return None
        posts.append(1)
        if len(posts) > 1:
            release.wait(120)
        return 400, {}, json.dumps({"error": {"code": 190, "message": "Expired"}}).encode()

    began = time.monotonic()
    with GraphDouble(healthy, whole=whole) as double:
        driver.host, driver.extra = double.url, {"batch_size": 10}
        outcome = driver.run(fetch_insights(make_query(pages=40), policy=SHORT))
        took = time.monotonic() - began
        release.set()
    assert outcome.stopped_by is not None
    assert took < 15, "the run waited for a server that does not end its answer"


def test_closing_ends_what_is_under_way_and_its_threads() -> None:
    with RawServer(silent) as server:
        settings, credentials = from_connection_parts(host=server.url, password="user-token")
        with BlockingTransport(settings, credentials) as transport:
            runner = threading.Thread(target=_run_until_closed, args=(transport,), daemon=True)
            runner.start()
            while not server.heard:
                time.sleep(0.01)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("msginsights_call")]


def _run_until_closed(transport: BlockingTransport) -> None:
    with pytest.raises(TransportError):
        transport.run(fetch_insights(make_query(), policy=RetryPolicy(max_attempts=1)))


def test_a_call_that_hangs_in_looking_up_its_host_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: release.wait(20) or [])
    driver = Driver("blocking", host="https://graph.example")
    with pytest.raises(TransportError, match=r"no complete answer within 0\.5 s"):
        driver.run(fetch_insights(make_query(), policy=SHORT))
    release.set()


def test_a_redirect_s_body_is_not_read(driver: Driver) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 300000000\r\n\r\n"
    with RawServer(dripping(moved, b"x" * 2**16, 0)) as server:
        driver.host = server.url
        with pytest.raises(ConfigurationError, match="Redirects are not followed"):
            driver.run(fetch_insights(make_query()))


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_body_of_any_status_is_read_up_to_the_bound(driver: Driver, serve: Any, status: int, encoding: str) -> None:
    long = b" " * 50_000
    body = gzip.compress(long) if encoding == "gzip" else long
    serve(whole=lambda _: (status, {"Content-Encoding": encoding}, body))
    driver.extra = {"max_response_bytes": 10_000}
    with pytest.raises(TransportError, match="longer than 10000 bytes"):
        driver.run(fetch_insights(make_query(), policy=RetryPolicy(max_attempts=1)))


# In processes of their own: time and memory

_FLOODS: dict[str, Callable[[socket.socket], None]] = {
    "chunks": dripping(CHUNKED, b"FFFF\r\n" + b"x" * 65535 + b"\r\n", 0),
    "size of a chunk": dripping(CHUNKED, b"0" * 2**16, 0),
    "a header": dripping(OK + b"X: ", b"y" * 2**16, 0),
    "headers": dripping(OK, b"X: y\r\n" * 1000, 0),
    "trailers": dripping(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n" * 1000, 0),
    "an error": dripping(b"HTTP/1.1 500 Down\r\nContent-Length: 300000000\r\n\r\n", b"x" * 2**16, 0),
    "a redirect": dripping(b"HTTP/1.1 302 Found\r\nContent-Length: 300000000\r\n\r\n", b"x" * 2**16, 0),
}


@cache
def _compressed(times: int) -> bytes:
    return gzip.compress(_compressed(times - 1) if times > 1 else b"\0" * 300_000_000, 1)


def _bomb(times: int) -> Callable[[socket.socket], None]:
    encoding = OK + b"Content-Encoding: " + b", ".join([b"gzip"] * times) + b"\r\n\r\n"
    return lambda connection: connection.sendall(encoding + _compressed(times))


_CHILD = f"""
import json, re, sys, time
sys.path[:0] = json.loads(sys.argv[3])
from support.drivers import Driver
from support.fetch_helpers import make_query
from airflow_provider_msginsights.exceptions import MessagingInsightsError
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from support.double import GraphDouble
from support.answers import healthy

def kilobytes(name):
    return int(re.search(name + r":\\s+(\\d+)", open("/proc/self/status").read())[1])

with GraphDouble(healthy) as double:
    Driver(sys.argv[1], host=double.url).run(fetch_insights(make_query()))
before, began = kilobytes("VmRSS"), time.monotonic()
class OnTime(Driver):
    now = property(lambda self: time.monotonic(), lambda self, moment: None)
    _sleep = staticmethod(time.sleep)

driver = OnTime(sys.argv[1], host=sys.argv[2], extra={{"read_timeout_seconds": 2}})
try:
    driver.run(fetch_insights(make_query(pages=3), policy=RetryPolicy(total_seconds={TOTAL_SECONDS})))
except MessagingInsightsError as error:
    took = time.monotonic() - began
    print(json.dumps([took, (kilobytes("VmHWM") - before) / 1024, type(error).__name__]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["blocking", "nonblocking"])
@pytest.mark.parametrize(
    "answer",
    [*NEVER_ENDING.values(), *_FLOODS.values(), _bomb(1), _bomb(2)],
    ids=[*NEVER_ENDING, *(f"flood: {name}" for name in _FLOODS), "a bomb", "a bomb in a bomb"],
)
def test_neither_time_nor_memory_grows_with_what_a_server_sends(
    kind: str, answer: Callable[[socket.socket], None]
) -> None:
    _compressed(2)  # making it takes longer than answering may
    with RawServer(answer) as server:
        child = [sys.executable, "-c", _CHILD, kind, server.url, json.dumps(sys.path)]
        done = subprocess.run(  # noqa: S603
            child, check=True, capture_output=True, text=True, timeout=60
        )
    took, megabytes, error = json.loads(done.stdout)
    assert error in ("TransportError", "ConfigurationError")
    assert took <= TOTAL_SECONDS + GRACE_SECONDS
    assert megabytes <= MOST_MEGABYTES
