"""A connection's parts become settings and credentials; every wrong value is refused by the name of its field."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.transports.settings import EXTRA_FIELDS, TransportSettings, from_connection_parts

TOKEN = "a-token-that-is-secret"
SECRET = "a-secret-of-the-app"


def settings(extra: dict[str, object] | None = None, **parts: Any) -> TransportSettings:
    return from_connection_parts(password=TOKEN, extra=extra, **parts)[0]


def test_a_token_alone_is_enough() -> None:
    made, credentials = from_connection_parts(password=f"  {TOKEN}\n")
    assert made == TransportSettings(retry_policy=made.retry_policy)
    assert (made.base_url, made.api_version) == ("https://graph.facebook.com", "v26.0")
    assert credentials.token == TOKEN
    assert credentials.proof == "off"
    draws = {made.retry_policy.uniform() for _ in range(5)}
    assert len(draws) > 1, "back-offs of parallel tasks must not fall together"


@pytest.mark.parametrize(
    ("host", "base_url"),
    [
        (None, "https://graph.facebook.com"),
        ("", "https://graph.facebook.com"),
        ("graph.facebook.com", "https://graph.facebook.com"),
        ("https://graph.facebook.com/", "https://graph.facebook.com"),
        ("http://127.0.0.1:8099", "http://127.0.0.1:8099"),
        ("http://localhost:8099/", "http://localhost:8099"),
        ("http://[::1]:8099", "http://[::1]:8099"),
        ("https://gateway.example/graph/", "https://gateway.example/graph"),
    ],
)
def test_a_host_is_a_base_url(host: str | None, base_url: str) -> None:
    assert settings(host=host).base_url == base_url


@pytest.mark.parametrize(
    ("host", "port", "base_url"),
    [
        ("https://graph.facebook.com/", 443, "https://graph.facebook.com"),
        ("https://graph.facebook.com", None, "https://graph.facebook.com"),
        (" graph.facebook.com\n", "443", "https://graph.facebook.com"),
        (None, 443, "https://graph.facebook.com"),
        (None, 8443, "https://graph.facebook.com:8443"),
        ("https://gateway.example/graph/", 8443, "https://gateway.example:8443/graph"),
        ("https://gateway.example:8443/graph", 8443, "https://gateway.example:8443/graph"),
        ("http://127.0.0.1", 8099, "http://127.0.0.1:8099"),
        ("http://127.0.0.1:8099/", 8099, "http://127.0.0.1:8099"),
        ("http://[::1]/", 8099, "http://[::1]:8099"),
        ("https://[2001:db8::1]", 443, "https://[2001:db8::1]"),
        ("HTTPS://Graph.Facebook.com:443//", 443, "https://graph.facebook.com"),
    ],
)
def test_a_host_and_the_port_field_make_one_base_url(host: str | None, port: Any, base_url: str) -> None:
    assert settings(host=host, port=port).base_url == base_url


def test_a_port_given_twice_must_be_the_same() -> None:
    with pytest.raises(ConfigurationError, match=r"port 8099, and its port field says 443"):
        settings(host="http://127.0.0.1:8099", port=443)


@pytest.mark.parametrize("port", [0, -1, 65536, "x", True, 1.5, "\u0664"])
def test_a_port_that_cannot_be_is_refused(port: Any) -> None:
    with pytest.raises(ConfigurationError, match="connection's port"):
        settings(port=port)


@pytest.mark.parametrize("name", ["x.localhost", "localhost.", "0.0.0.0", "127.1", "[::ffff:10.0.0.1]"])  # noqa: S104
def test_what_may_not_be_this_machine_needs_consent_too(name: str) -> None:
    with pytest.raises(ConfigurationError, match="allow_plain_http"):
        settings(host=f"http://{name}:8099")


def test_plain_http_needs_a_word_of_consent() -> None:
    with pytest.raises(ConfigurationError, match="allow_plain_http"):
        settings(host="http://emulator:8099")
    assert settings({"allow_plain_http": True}, host="http://emulator:8099").base_url == "http://emulator:8099"


@pytest.mark.parametrize(
    "host",
    [
        "ftp://x",
        "http://",
        "https://x:port",
        "https://x:65536",
        "https://x:0",
        "https://x/?a=1",
        "https://x/#a",
        "https://user:pw@x",
        "://",
        "https://a..b",
        f"https://{'a' * 70}.example",
        "https://[1.2.3.4]",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://256.1.1.1",
        "https://127.0.0.1\u2100",
        "https://gr\u00e4ph.example",
        "https://graph. facebook.com",
        "https://graph.facebook.com\\@x",
    ],
)
def test_a_host_that_is_no_base_url_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match="connection's host"):
        settings(host=host)


def test_a_login_names_the_pages_asked_for_by_default() -> None:
    assert settings(login="101, 102").default_page_ids == ("101", "102")
    assert settings(login=None).default_page_ids == ()


def test_values_may_come_as_the_text_of_a_form() -> None:
    made = settings(
        {
            "batch_size": "10",
            "concurrency": 2.0,
            "read_timeout_seconds": "7.5",
            "max_attempts": "3",
            "wait_bound_seconds": "0",
            "allow_plain_http": "False",
            "proxy": "",
            "ca_bundle": None,
        }
    )
    assert (made.batch_size, made.concurrency, made.read_timeout_seconds) == (10, 2, 7.5)
    assert (made.retry_policy.max_attempts, made.retry_policy.wait_bound_seconds) == (3, 0)
    assert made.proxy is None
    assert type(made.batch_size) is int


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("api_version", "26"),
        ("api_version", "v26"),
        ("api_version", "v٢.0"),
        ("api_version", "v26.0/../x"),
        ("app_id", "my app"),
        ("app_secret", 5),
        ("app_secret", "sécret"),
        ("appsecret_proof", "always"),
        ("allow_plain_http", "perhaps"),
        ("proxy", "proxy.example:3128"),
        ("proxy", "socks5://x"),
        ("ca_bundle", "ca.pem"),
        ("ca_bundle", True),
        ("batch_size", 51),
        ("batch_size", 0),
        ("batch_size", 2.5),
        ("batch_size", "many"),
        ("batch_size", True),
        ("batch_size", [1]),
        ("concurrency", 65),
        ("connect_timeout_seconds", 0),
        ("read_timeout_seconds", "nan"),
        ("max_response_bytes", 10),
        ("max_attempts", 0),
        ("total_seconds", -5),
        ("slow_above_percent", 100),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(field: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=field):
        settings({field: value})


def test_a_field_nobody_knows_is_refused_and_the_right_one_named() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'app_secret'"):
        settings({"app_secert": SECRET})


@pytest.mark.parametrize("password", [None, "", "  ", "two words", "tok\x00en", "tökén"])
def test_a_password_that_is_no_token_is_refused_without_being_shown(password: str | None) -> None:
    with pytest.raises(ConfigurationError, match="password") as caught:
        from_connection_parts(password=password)
    assert not (password or "").strip() or str(password) not in str(caught.value)


def test_a_wrong_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings({"app_secret": "sécret-of-the-app"})
    assert "sécret" not in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        settings({"proxy": "user:pa55word@proxy"})
    assert "pa55word" not in str(caught.value)


def test_nothing_shows_a_secret_and_nothing_carries_one_away() -> None:
    made, credentials = from_connection_parts(
        password=TOKEN, extra={"app_secret": SECRET, "app_id": "12", "proxy": "http://user:pa55word@proxy:3128"}
    )
    shown = f"{made!r} {made} {credentials!r} {credentials} {credentials:}"
    for secret in (TOKEN, SECRET, "pa55word"):
        assert secret not in shown
    with pytest.raises(TypeError, match="not serialised"):
        pickle.dumps(credentials)
    assert credentials.proof == "plain"
    assert credentials.app_token == f"12|{SECRET}"


@given(
    st.dictionaries(
        st.sampled_from(EXTRA_FIELDS),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()),
    ),
    st.none() | st.text(),
    st.none() | st.text(),
)
def test_any_connection_gives_settings_or_an_error_of_ours(extra: dict[str, Any], host: Any, login: Any) -> None:
    try:
        made, _ = from_connection_parts(host=host, login=login, password=TOKEN, extra=extra)
    except ConfigurationError:
        return
    assert made.base_url.startswith("http")
    assert 1 <= made.batch_size <= 50


@pytest.mark.parametrize(
    "secret", [SECRET, f"/{SECRET}", f"http://u:{SECRET}@x:port", f"{SECRET}\n", [SECRET], {SECRET: 1}]
)
@pytest.mark.parametrize("field", [name for name in EXTRA_FIELDS if name != "app_secret"])
def test_a_secret_typed_into_any_field_is_never_quoted(field: str, secret: object) -> None:
    if field == "ca_bundle" and str(secret).startswith("/"):
        return  # that is a path
    with pytest.raises(ConfigurationError, match=field) as caught:
        settings({field: secret})
    assert SECRET not in f"{caught.value!r} {vars(caught.value)}"


@pytest.mark.parametrize("part", ["host", "port", "login"])
def test_a_secret_typed_into_a_standard_field_is_never_quoted(part: str) -> None:
    typed: dict[str, Any] = {part: f"http://{SECRET}"}
    with pytest.raises(ConfigurationError, match=part) as caught:
        settings(**typed)
    assert SECRET not in f"{caught.value!r} {vars(caught.value)}"


def test_a_secret_typed_as_the_name_of_a_field_is_never_quoted() -> None:
    with pytest.raises(ConfigurationError, match="unknown field") as caught:
        settings({SECRET: "app_secret"})
    assert SECRET not in str(caught.value)


def test_nothing_is_given_by_null_in_any_field() -> None:
    made, credentials = from_connection_parts(password=TOKEN, extra=dict.fromkeys(EXTRA_FIELDS))
    assert made == TransportSettings(retry_policy=made.retry_policy)
    assert credentials.proof == "off"
