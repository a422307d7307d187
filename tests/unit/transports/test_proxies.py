"""Which proxy carries a call, whoever names it, and what becomes of one that is none: the same in both drivers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fetch_helpers import make_query
from support.raw_server import RawServer

from airflow_provider_msginsights.exceptions import ConfigurationError, TransportError
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.transports.addresses import is_loopback, parse_address
from airflow_provider_msginsights.transports.proxies import parse_proxy

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from support.drivers import Driver

ONCE = RetryPolicy(max_attempts=1, total_seconds=2)
PASSWORD = "pa55word"
NO_PROXIES = [
    f"http://u:{PASSWORD}@127.0.0.1\u2100:3128",
    f"u:{PASSWORD}@proxy.example:3128",
    "proxy.example:3128",
    f"socks5://u:{PASSWORD}@proxy.example:1080",
    f"http://u:{PASSWORD}@proxy.example:65536",
    f"http://u:{PASSWORD}@proxy.example:port",
    f"http://u:{PASSWORD}@[1.2.3.4]:3128",
    f"http://u:{PASSWORD}@[::1",
    f"http://u:{PASSWORD} @proxy.example",
    f"http://u:{PASSWORD}/x@proxy.example",
    f"http://u:{PASSWORD}\u00e9@proxy.example",
    f"http://u:{PASSWORD}%0a@proxy.example",
    f"http://u:{PASSWORD}@proxy..example",
    f"http://u:{PASSWORD}@256.0.0.1:3128",
    f"http://u:{PASSWORD}@proxy.example/path",
    f"http://u:{PASSWORD}@",
    "http://",
]


def answer_empty(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"data": []}')


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture
def proxy() -> Iterator[RawServer]:
    with RawServer(answer_empty) as server:
        yield server


def ask(driver: Driver, host: str, **extra: Any) -> None:
    driver.host, driver.extra = host, {"allow_plain_http": True, "connect_timeout_seconds": 0.3, **extra}
    driver.run(fetch_insights(make_query(), policy=ONCE))


@pytest.mark.parametrize("text", NO_PROXIES, ids=range(len(NO_PROXIES)))
@pytest.mark.parametrize("where", ["proxy", "https_proxy", "HTTPS_PROXY"])
def test_what_is_no_proxy_is_refused_without_its_password(
    driver: Driver, text: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where != "proxy":
        monkeypatch.setenv(where, text)
    with pytest.raises(ConfigurationError, match=where) as caught:
        ask(driver, "https://graph.example", **({"proxy": text} if where == "proxy" else {}))
    assert PASSWORD not in f"{caught.value!r} {vars(caught.value)}"
    assert caught.value.__context__ is None


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.sampled_from(["", "http://", "https://", "http://u:p@"]))
def test_any_text_is_a_proxy_both_libraries_can_read_or_none(text: str, scheme: str) -> None:
    import httpx
    from urllib3.util import parse_url

    if (found := parse_proxy(scheme + text)) is not None:
        assert parse_url(found.url).host == found.name
        assert f"{httpx.Proxy(found.url).url.host}".strip("[]") == found.name.strip("[]")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
def test_any_text_is_a_host_both_libraries_can_read_or_none(text: str) -> None:
    import httpx
    import requests

    if (found := parse_address(f"https://{text}")) is not None:
        url = f"{found.url}/v26.0/101"
        assert httpx.URL(url).raw_host.decode().strip("[]") == found.name.strip("[]")
        assert requests.Request("GET", url).prepare().url == url or found.user_info


@pytest.mark.parametrize(
    "name",
    ["127.0.0.1", "localhost", "LOCALHOST", "127.1", "0x7f.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"],  # noqa: S104
)
@pytest.mark.parametrize("named_by", ["environment", "connection"])
def test_traffic_to_this_machine_goes_through_no_proxy(
    driver: Driver, serve: Any, proxy: RawServer, name: str, named_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = serve().url.replace("127.0.0.1", name)
    if named_by == "environment":
        for variable in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(variable, proxy.url)
    ask(driver, host, **({"proxy": proxy.url} if named_by == "connection" else {}))
    assert driver.records
    assert proxy.heard == []


@pytest.mark.parametrize(
    ("name", "is_this_machine"),
    [
        ("any.name.localhost", True),
        ("localhost.", True),
        ("127.255.0.3", True),
        ("[::1]", True),
        ("[::]", True),
        ("2130706433", True),
        ("localhost.example", False),
        ("notlocalhost", False),
        ("128.0.0.1", False),
        ("[::ffff:128.0.0.1]", False),
        ("127.0.0.1.example", False),
        ("graph.facebook.com", False),
    ],
)
def test_this_machine_has_many_names(name: str, *, is_this_machine: bool) -> None:
    assert is_loopback(name) is is_this_machine


def test_a_wrong_proxy_of_the_environment_is_no_matter_where_none_is_used(
    driver: Driver, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "proxy.example:3128")
    ask(driver, serve().url)
    assert driver.records


@pytest.mark.parametrize(
    "no_proxy",
    [
        "graph.example",
        ".example",
        "*.example",
        "example",
        "graph.example:8080",
        "*",
        "a, *",
        "10.0.0.0/8,graph.example",
    ],
)
def test_no_proxy_keeps_a_host_from_it(
    driver: Driver, proxy: RawServer, no_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    with pytest.raises(TransportError, match="could not be reached"):
        ask(driver, "http://graph.example:8080")
    assert proxy.heard == []


@pytest.mark.parametrize("no_proxy", ["192.0.2.0/24", "192.0.2.9", "192.0.0.0/16, x"])
def test_no_proxy_may_name_networks(
    driver: Driver, proxy: RawServer, no_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    with pytest.raises(TransportError):
        ask(driver, "http://192.0.2.9:9")
    assert proxy.heard == []


@pytest.mark.parametrize("no_proxy", ["", "other.example", "h.example", "192.0.3.0/24", ",,[,:::,/8,*."])
def test_no_proxy_that_names_others_changes_nothing(
    driver: Driver, proxy: RawServer, no_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    ask(driver, "http://graph.example:8080")
    assert len(proxy.heard) == 1


def test_a_password_reaches_the_proxy_alone_and_decoded(driver: Driver, proxy: RawServer) -> None:
    import base64

    ask(driver, "http://graph.example:8080", proxy=proxy.url.replace("//", "//us%40er:pa%2Fss+word@"))
    (heard,) = proxy.heard
    assert b"Basic " + base64.b64encode(b"us@er:pa/ss+word") in heard
    assert heard.startswith(b"GET http://graph.example:8080/v26.0/101/insights?")


def test_https_through_a_proxy_is_a_tunnel(driver: Driver, proxy: RawServer) -> None:
    with pytest.raises(TransportError):
        ask(driver, "https://graph.example:8443", proxy=proxy.url)
    assert proxy.heard[0].startswith(b"CONNECT graph.example:8443 HTTP/1.")
    assert b"Bearer" not in proxy.heard[0]
