"""Secrets are taken out of everything that leaves, in every form they may stand in."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import case
from support.secret_watch import Secrets

from airflow_provider_msginsights.insights.protocol import Request
from airflow_provider_msginsights.transports.credentials import Credentials, RunTokens
from airflow_provider_msginsights.transports.redaction import canonical, redact

if TYPE_CHECKING:
    from collections.abc import Callable

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


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(one):04x}" for one in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "a JSON escape": lambda secret: secret[0] + escaped(secret[1]) + secret[2:],
    "JSON escapes": escaped,
    "JSON escapes in capitals": lambda secret: escaped(secret).upper().replace("\\U", "\\u"),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(escaped(secret))),
    "slashes escaped": lambda secret: secret.replace("/", "\\/"),
    "every character percent-encoded": lambda secret: "".join(f"%{ord(one):02X}" for one in secret),
    "in lower case": lambda secret: "".join(f"%{ord(one):02x}" for one in secret),
    "twice": lambda secret: quote("".join(f"%{ord(one):02x}" for one in secret), safe=""),
    "thrice": lambda secret: quote(quote(quote(secret, safe=""), safe=""), safe=""),
    "percent-encoded in JSON": lambda secret: escaped(quote(secret, safe="")),
    "JSON escapes percent-encoded": lambda secret: quote(escaped(secret), safe=""),
    "as forms do": quote_plus,
    "in HTML": html.escape,
    "in HTML by numbers": lambda secret: "".join(f"&#{ord(one)};" for one in secret),
    "in HTML by hexadecimal numbers": lambda secret: "".join(f"&#x{ord(one):X};" for one in secret),
    "in Python": lambda secret: "".join(f"\\x{ord(one):02x}" for one in secret),
    "in capitals": str.upper,
    "hexadecimal": lambda secret: secret.encode().hex(),
    "hexadecimal in capitals": lambda secret: secret.encode().hex().upper(),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 in a text": lambda secret: base64.urlsafe_b64encode(f"a:{secret}!".encode()).decode(),
}
ERROR_FIELDS = ("message", "error_user_msg", "error_user_title", "error_data", "fbtrace_id", "type")
ODD_TOKEN = "Q7/x+zz=Kd|mm-81_kT.9w/5e"
ODD_SECRETS = Secrets({"token": ODD_TOKEN, "page token": "P" + ODD_TOKEN[::-1], "app secret": "s3cret/of+the=app"})


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("secret", ODD_SECRETS.values)
def test_no_spelling_of_a_secret_survives_in_an_error(spell: Callable[[str], str], secret: str) -> None:
    for field in (*ERROR_FIELDS, "name of a field"):
        with case(field):
            check_error(spell, secret, field)


def check_error(spell: Callable[[str], str], secret: str, field: str) -> None:
    tokens = odd_tokens()
    echoed = spell(ODD_SECRETS.values[secret])
    error = {echoed: 1} if field == "name of a field" else {field: f"refused {echoed}, sorry", "code": 190}
    for body in (json.dumps({"error": error}), json.dumps({"error": error}).replace("\\\\", "\\")):
        for cleaned in (tokens.clean(ASK, body), tokens.clean_headers(ASK, {"www-authenticate": body})):
            found = canonical(str(cleaned)) or ""
            assert not ODD_SECRETS.found_in(found), found
            assert not ODD_SECRETS.found_in(str(cleaned))


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_rows_lose_what_is_spelled_with_escapes_and_stay_rows(spell: Callable[[str], str]) -> None:
    tokens, echoed = odd_tokens(), spell(ODD_TOKEN)
    if spell in [SPELLINGS[name] for name in SPELLINGS if name.startswith(("hexa", "base64"))]:
        return  # looked for in words only
    body = json.dumps({"data": [{"name": "x", "value": echoed, "other": "caf\u00e9 %41 \\u0041"}]})
    cleaned = json.loads(tokens.clean(ASK, body))
    assert not ODD_SECRETS.found_in(canonical(json.dumps(cleaned)) or "")
    assert cleaned["data"][0]["other"] == "caf\u00e9 %41 \\u0041"


def odd_tokens() -> RunTokens:
    tokens = RunTokens(Credentials(token=ODD_TOKEN, app_id="1", app_secret=ODD_SECRETS.values["app secret"]))
    tokens.clean(EXCHANGE, json.dumps({"id": "101", "access_token": ODD_SECRETS.values["page token"]}))
    return tokens


def test_a_proof_that_was_sent_is_a_secret_too() -> None:
    tokens = RunTokens(Credentials(token=ODD_TOKEN, app_id="1", app_secret="s3cret", proof="timed"))
    proofs = [dict(tokens.proven(ODD_TOKEN, second))["appsecret_proof"] for second in range(5)]
    body = json.dumps({"error": {"message": f"Invalid proof {' '.join(proofs)} in the API argument"}})
    assert not any(proof in tokens.clean(ASK, body) for proof in proofs)


def test_the_secrets_of_before_are_hidden_after_the_token_was_renewed() -> None:
    tokens = odd_tokens()
    tokens.renew(Credentials(token="another-token"))
    body = json.dumps({"error": {"message": " ".join(ODD_SECRETS.values.values())}})
    assert not ODD_SECRETS.found_in(tokens.clean(ASK, body))


def test_a_text_escaped_without_end_is_hidden_whole() -> None:
    text = ODD_TOKEN
    for _ in range(40):
        text = quote(json.dumps(text)[1:-1], safe="") if len(text) < 5000 else text.replace("%", "%25")
    assert not ODD_SECRETS.found_in(canonical(odd_tokens().redact(text)) or "")


@pytest.mark.parametrize("odd", ["\n", "\r\n", "\t", "\0", "\x7f", "\u00f6", " ", "\ud800", "\u2028"])
@pytest.mark.parametrize("at", [0, 9, 20])
def test_a_page_token_no_header_can_carry_is_not_kept(odd: str, at: int) -> None:
    plain = "page-token-of-secret"
    token = plain[:at] + odd + plain[at:]
    tokens = RunTokens(Credentials(token="user"))
    cleaned = tokens.clean(EXCHANGE, json.dumps({"data": [{"id": "101", "access_token": token}]}))
    assert json.loads(cleaned) == {"data": [{"id": "101", "access_token": None}]}
    assert tokens.of(ASK) == "user"
    error = json.dumps({"error": {"message": f"Malformed {token} {token!r} {escaped(plain)}"}})
    again = canonical(tokens.clean(ASK, error)) or ""
    assert plain not in again
    assert at != 9 or plain[9:] not in again


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
