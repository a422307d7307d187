"""Secrets are taken out of everything that leaves, in every form they may stand in."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.insights.steps import Request
from airflow_provider_msginsights.transports.credentials import Credentials, RunTokens
from airflow_provider_msginsights.transports.redaction import redact

TOKEN = "EAABtoken0123456789abcdefghij"
ASK = Request("/101/insights", (), "101")
EXCHANGE = Request("/me/accounts", (), None, yields_tokens=True)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://x/y?access_token=abc&since=1", "https://x/y?access_token=***&since=1"),
        ("since=1&input_token=abc", "since=1&input_token=***"),
        ("client_secret=abc&fb_exchange_token=def", "client_secret=***&fb_exchange_token=***"),
        ("appsecret_proof=0a1b", "appsecret_proof=***"),
        (
            "next=https%3A%2F%2Fx%3Faccess_token%3Dabc%26since%3D1",
            "next=https%3A%2F%2Fx%3Faccess_token%3D***%26since%3D1",
        ),
        ('{"access_token": "abc", "id": "1"}', '{"access_token": "***", "id": "1"}'),
        (r'"{\"access_token\":\"abc\"}"', r'"{\"access_token\":\"***\"}"'),
        ("Authorization: Bearer abcdefgh", "Authorization: Bearer ***"),
        (f"Malformed access token {TOKEN}!", "Malformed access token ***!"),
        ("app token 123456789|AbCdEfGhIjKlMnOpQrStUv", "app token ***"),
        ("nothing to hide, Page 101 on 2026-03-08", "nothing to hide, Page 101 on 2026-03-08"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, clean: str) -> None:
    assert redact(text) == clean


secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40)


@given(secrets, secrets, st.text())
def test_no_known_secret_survives_in_any_encoding(token: str, app_secret: str, around: str) -> None:
    tokens = RunTokens(Credentials(token=token, app_id="1", app_secret=app_secret))
    tokens.clean(EXCHANGE, json.dumps({"id": "101", "access_token": "page" + token}))
    for secret in (token, app_secret, "page" + token):
        for form in (secret, quote(secret, safe=""), quote_plus(secret)):
            left = tokens.redact(around + form + around).split("***")
            assert all(form not in piece for piece in left)


def test_a_secret_that_begins_like_another_leaves_nothing_of_itself() -> None:
    tokens = RunTokens(Credentials(token="abcdefgh", app_id="1", app_secret="abcdefgh-and-more"))
    assert tokens.redact("abcdefgh-and-more, abcdefgh") == "***, ***"


def test_page_tokens_are_kept_and_handed_on_as_a_sign_only() -> None:
    tokens = RunTokens(Credentials(token="user"))
    body = tokens.clean(
        EXCHANGE,
        json.dumps(
            {
                "data": [{"id": "101", "access_token": "secret-1"}, {"id": "102"}, 7],
                "paging": {"next": "https://graph.facebook.com/me/accounts?access_token=user&after=x"},
            }
        ),
    )
    assert json.loads(body)["data"] == [{"id": "101", "access_token": "***"}, {"id": "102"}, 7]
    assert "secret-1" not in body
    assert "user" not in body
    assert tokens.of(ASK) == "secret-1"
    assert tokens.of(Request("/102/insights", (), "102")) == "user"
    assert tokens.of(Request("/me")) == "user"


def test_the_token_of_a_page_asked_for_by_its_alias_is_found_by_it() -> None:
    tokens = RunTokens(Credentials(token="user"))
    tokens.clean(
        Request("/my.page", (), None, yields_tokens=True), json.dumps({"id": "101", "access_token": "secret-1"})
    )
    assert tokens.of(Request("/my.page/insights", (), "my.page")) == "secret-1"
    assert tokens.of(ASK) == "secret-1"


@pytest.mark.parametrize(
    "body", ["", "<html>", "[1]", "{", "[" * 100_000, '{"data": {"id": "1"}}', '{"access_token": 5, "id": 1}']
)
def test_an_exchange_that_answers_nonsense_keeps_nothing(body: str) -> None:
    tokens = RunTokens(Credentials(token="user"))
    tokens.clean(EXCHANGE, body)
    assert tokens.of(ASK) == "user"


def test_other_credentials_make_all_page_tokens_void() -> None:
    tokens = RunTokens(Credentials(token="user"))
    tokens.clean(EXCHANGE, json.dumps({"id": "101", "access_token": "secret-1"}))
    assert not tokens.renew(Credentials(token="user"))
    assert tokens.of(ASK) == "secret-1"
    assert tokens.renew(Credentials(token="rotated"))
    assert tokens.of(ASK) == "rotated"


def test_a_paging_link_loses_its_token() -> None:
    tokens = RunTokens(Credentials(token="a|b c"))
    body = f'{{"next": "https://x?access_token={quote("a|b c")}&s=1", "previous": "https://x?access_token=a|b c"}}'
    assert (
        tokens.clean(ASK, body)
        == '{"next": "https://x?access_token=***&s=1", "previous": "https://x?access_token=***"}'
    )
