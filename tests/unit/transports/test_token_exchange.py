"""A token is exchanged in the body of a POST; flows, addresses and errors hold none, and a code is sent once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from support.answers import POLICY, USER
from support.double import Answer, GraphDouble

from airflow_provider_msginsights.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ResponseFormatError,
    ServiceUnavailableError,
)
from airflow_provider_msginsights.insights.flows import list_pages
from airflow_provider_msginsights.insights.protocol import Receive, Reply, Request, Send
from airflow_provider_msginsights.insights.token.exchange import lengthen_token, redeem_code
from airflow_provider_msginsights.insights.token.report import TokenKind
from airflow_provider_msginsights.transports.blocking import BlockingTransport
from airflow_provider_msginsights.transports.settings import from_connection_parts

if TYPE_CHECKING:
    from support.double import Call
    from support.drivers import Driver

    from airflow_provider_msginsights.insights.protocol import Flow

NEW = "a-new-token-of-60-days"
SECRET = "the-apps-secret"
CODE = "the-code-of-the-login"
APP = {"app_id": "1", "app_secret": SECRET, "appsecret_proof": "off"}


def gives(token: object = NEW) -> Any:
    def answer(call: Call) -> Answer:
        if "oauth" in call.path:
            return Answer(document={"access_token": token, "token_type": "bearer", "expires_in": 5_183_944})
        return Answer(document={"data": []})

    return answer


def then_pages(kind: TokenKind) -> Flow[int]:
    yield from lengthen_token(POLICY, kind=kind)
    return len((yield from list_pages(POLICY)))


@pytest.mark.parametrize("kind", [TokenKind.USER, TokenKind.SYSTEM_USER])
def test_a_token_is_exchanged_in_a_form_and_the_next_request_carries_the_new_one(
    kind: TokenKind, driver: Driver, serve: Any
) -> None:
    driver.extra = dict(APP)
    double = serve(gives())
    assert driver.run(then_pages(kind)) == 0
    exchange, pages = double.heard
    assert (exchange.method, exchange.target) == ("POST", "/v26.0/oauth/access_token")
    assert "authorization" not in exchange.headers
    form = {name: values[0] for name, values in parse_qs(exchange.body).items()}
    renewal = form.pop("set_token_expires_in_60_days", None)
    assert form == {
        "grant_type": "fb_exchange_token",
        "client_id": "1",
        "client_secret": SECRET,
        "fb_exchange_token": USER,
    }
    assert renewal == ("true" if kind is TokenKind.SYSTEM_USER else None)
    assert pages.headers["authorization"] == f"Bearer {NEW}"


def test_a_flow_hears_that_there_is_a_token_and_never_which(driver: Driver, serve: Any) -> None:
    driver.extra = dict(APP)
    serve(gives())

    def asks() -> Flow[str]:
        yield Send((Request("/oauth/access_token", exchanges="fb_exchange_token"),))
        reply = yield Receive()
        assert isinstance(reply, Reply)
        assert reply.response is not None
        return reply.response.body

    assert json.loads(driver.run(asks()))["access_token"] == "***"


@pytest.mark.parametrize("token", ["", "a b", "a\nb", None, 5])
def test_a_token_that_no_header_can_carry_is_not_taken(token: object, driver: Driver, serve: Any) -> None:
    driver.extra = dict(APP)
    serve(gives(token))
    with pytest.raises(ResponseFormatError, match="access_token"):
        driver.run(lengthen_token(POLICY, kind=TokenKind.USER))


def test_without_the_apps_secret_nothing_is_sent(driver: Driver, serve: Any) -> None:
    double = serve(gives())
    with pytest.raises(ConfigurationError, match="app_secret"):
        driver.run(lengthen_token(POLICY, kind=TokenKind.USER))
    assert double.heard == []


@pytest.mark.parametrize(
    ("code", "subcode", "message", "kind"),
    [
        (1, None, "Error validating client secret.", ConfigurationError),
        (101, None, "Error validating application. Cannot get application info.", ConfigurationError),
        (191, None, "Missing redirect_uri parameter.", ConfigurationError),
        (100, 36007, "This authorization code has expired.", AuthenticationError),
        (100, 36008, "Error validating verification code. Please make sure", AuthenticationError),
        (100, 36009, "This authorization code has been used.", AuthenticationError),
        (100, None, "Invalid verification code format.", AuthenticationError),
        (190, 463, f"Session of {USER} has expired", AuthenticationError),
    ],
)
def test_a_refusal_is_told_without_a_secret_and_asked_once(
    code: int, subcode: int | None, message: str, kind: type[Exception], driver: Driver, serve: Any
) -> None:
    driver.extra = dict(APP)
    error = {"message": f"{message} {SECRET}", "code": code, "error_subcode": subcode, "type": "OAuthException"}
    double = serve(lambda _: Answer(document={"error": error}, status=400))
    with pytest.raises(kind) as refused:
        driver.run(lengthen_token(POLICY, kind=TokenKind.USER))
    assert len(double.heard) == 1
    assert USER not in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_code_is_sent_once_even_where_the_answer_is_lost() -> None:
    with GraphDouble(lambda _: Answer(document={"error": {"message": "Down", "code": 2}}, status=500)) as double:
        settings, credentials = from_connection_parts(host=double.url, password=USER, extra=APP)
        with (
            BlockingTransport(settings, replace(credentials, login_code=CODE)) as transport,
            pytest.raises(ServiceUnavailableError) as failed,
        ):
            transport.run(redeem_code(POLICY, redirect_uri="http://localhost:8910/"))
    (heard,) = double.heard
    form = parse_qs(heard.body)
    assert (form["code"], form["redirect_uri"]) == ([CODE], ["http://localhost:8910/"])
    assert CODE not in heard.target + str(failed.value)
