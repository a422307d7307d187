"""From the login dialog to a token that lasts, and every way in which that is refused."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from support.refusals import code as code_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]

REDIRECT = "http://localhost:8888/callback?mine=1"
SCOPES = ("pages_messaging", "pages_read_engagement", "pages_show_list", "read_insights")
APP = {"client_id": "1", "client_secret": "app-secret"}
NEW = "page_messages_new_conversations_unique"


class Browser:
    """Opens the dialog, ticks boxes and presses a button, without following where it is sent."""

    def __init__(self, emulator: GraphEmulator, http: requests.Session) -> None:
        self._address = f"{emulator.base_url}/v27.0/dialog/oauth"
        self._http = http

    def open(self, **different: str) -> requests.Response:
        self.asked = {
            "client_id": "1",
            "redirect_uri": REDIRECT,
            "state": "s 1",
            "scope": ",".join(SCOPES),
            "response_type": "code",
        } | different
        return self._http.get(self._address, params=self.asked, allow_redirects=False, timeout=10)

    def press(self, button: str, **boxes: list[str]) -> dict[str, str]:
        """Give the parameters that the redirect carries."""
        form = {"answer": button} | boxes
        answer = self._http.post(self._address, params=self.asked, data=form, allow_redirects=False, timeout=10)
        return sent_to(answer)


def sent_to(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    address = urlsplit(answer.headers["Location"])
    assert (address.scheme, address.netloc, address.path) == ("http", "localhost:8888", "/callback")
    return dict(parse_qsl(address.query))


def boxes_in(page: requests.Response) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="checkbox" name="(\w+)" value="([^"]*)" checked', page.text):
        found.setdefault(name, []).append(unescape(value))
    return found


@pytest.fixture
def browser(emulator: GraphEmulator, http: requests.Session) -> Browser:
    return Browser(emulator, http)


def allowed_code(browser: Browser, **boxes: list[str]) -> str:
    page = browser.open()
    return browser.press("allow", **(boxes_in(page) | boxes))["code"]


def exchange(ask: Ask, **params: str) -> requests.Response:
    return ask("/v27.0/oauth/access_token", token=None, **(APP | params))


def token_for(ask: Ask, code: str) -> str:
    token: str = exchange(ask, code=code, redirect_uri=REDIRECT).json()["access_token"]
    return token


# The dialog


def test_the_dialog_shows_what_is_asked_for(browser: Browser) -> None:
    page = browser.open()
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert boxes_in(page) == {"scope": list(SCOPES), "page": ["101", "102", "103", "104"]}


def test_allowing_sends_the_browser_back_with_a_code_and_the_state(browser: Browser) -> None:
    page = browser.open()
    answer = browser.press("allow", **boxes_in(page))
    assert answer.pop("code")
    assert answer == {"mine": "1", "state": "s 1"}


def test_denying_sends_it_back_with_the_documented_error(browser: Browser) -> None:
    browser.open()
    assert browser.press("deny") == {
        "mine": "1",
        "error": "access_denied",
        "error_code": "200",
        "error_description": "Permissions error",
        "error_reason": "user_denied",
        "state": "s 1",
    }


@pytest.mark.parametrize(("answer", "key"), [("allow", "code"), ("deny", "error")])
def test_a_test_can_have_it_answered_without_a_browser(
    answer: str, key: str, emulator: GraphEmulator, browser: Browser
) -> None:
    emulator.configure(login_dialog=answer)
    assert key in sent_to(browser.open())


@pytest.mark.parametrize(
    ("different", "shown"),
    [
        ({"client_id": "2"}, "Invalid App ID"),
        ({"redirect_uri": ""}, "redirect_uri"),
        ({"redirect_uri": "http://127.0.0.1:8888/"}, "URL Blocked"),
        ({"redirect_uri": "https://evil.example/"}, "URL Blocked"),
        ({"redirect_uri": "http://["}, "URL Blocked"),
        ({"redirect_uri": "javascript://localhost/%0aalert(1)"}, "URL Blocked"),
        ({"scope": "read_insights,<b>"}, "Invalid Scopes: &lt;b&gt;"),
        ({"response_type": "token"}, "response_type"),
    ],
)
def test_a_wrong_request_is_shown_and_never_redirected(browser: Browser, different: dict[str, str], shown: str) -> None:
    page = browser.open(**different)
    assert page.status_code == 400
    assert shown in page.text


def test_an_app_in_live_mode_redirects_to_listed_https_addresses_only(
    emulator: GraphEmulator, browser: Browser
) -> None:
    listed = ("https://app.example/back", "http://app.example/back")
    emulator.configure(app_mode="live", redirect_uris=listed)
    assert "URL Blocked" in browser.open().text
    assert [browser.open(redirect_uri=address).status_code for address in listed] == [200, 400]
    emulator.configure(app_mode="development")
    assert [browser.open(redirect_uri=address).status_code for address in listed] == [200, 200]


def test_a_configuration_of_login_for_business_needs_no_scope(browser: Browser) -> None:
    assert boxes_in(browser.open(scope="", config_id="77"))["scope"] == list(SCOPES)


def test_the_permissions_of_a_configuration_are_allowed_together_or_not_at_all(browser: Browser, ask: Ask) -> None:
    for ticked, granted in ((list(SCOPES), list(SCOPES)), (list(SCOPES[:3]), [])):
        browser.open(scope="", config_id="77")
        token = token_for(ask, browser.press("allow", scope=ticked, page=["101"])["code"])
        answered = ask("/v27.0/me/permissions", token=token).json()["data"]
        assert [entry["permission"] for entry in answered] == granted


# From code to token


def test_a_code_becomes_a_short_token_a_long_one_and_a_page_token_without_end(
    browser: Browser, ask: Ask, emulator: GraphEmulator
) -> None:
    answer = exchange(ask, code=allowed_code(browser), redirect_uri=REDIRECT).json()
    assert (answer["token_type"], 3_600 <= answer["expires_in"] <= 7_200) == ("bearer", True)
    short = answer["access_token"]
    longer = exchange(ask, grant_type="fb_exchange_token", fb_exchange_token=short).json()
    assert longer["expires_in"] == 5_183_944
    ends = {}
    for token in (short, longer["access_token"]):
        (page, *_) = ask("/v27.0/me/accounts", token=token).json()["data"]
        debug = ask("/v27.0/debug_token", token="1|app-secret", input_token=page["access_token"]).json()["data"]
        ends[token == short] = debug["expires_at"]
        assert ask("/v27.0/101/insights", token=page["access_token"], metric=NEW).json()["data"]
    assert ends == {True: int(emulator.now().timestamp()) + answer["expires_in"], False: 0}


def test_only_what_the_person_ticked_is_granted(browser: Browser, ask: Ask) -> None:
    scopes = ["pages_messaging", "pages_read_engagement", "pages_show_list"]
    token = token_for(ask, allowed_code(browser, scope=[*scopes, "email"], page=["102", "104", "999"]))
    granted = ask("/v27.0/me/permissions", token=token).json()["data"]
    assert [entry["permission"] for entry in granted] == scopes
    pages = ask("/v27.0/me/accounts", token=token).json()["data"]
    assert [page["id"] for page in pages] == ["102", "104"]
    assert code_of(ask("/v27.0/101", token=token)) == (100, None)
    without = ask("/v27.0/102/insights", token=pages[0]["access_token"], metric=NEW)
    assert without.json() == {"data": []}, "read_insights was refused"
    debug = ask("/v27.0/debug_token", token="1|app-secret", input_token=token).json()["data"]
    assert debug["granular_scopes"][0]["target_ids"] == ["102", "104"]


@pytest.mark.parametrize(
    ("different", "refusal"),
    [
        ({"client_secret": "wrong"}, (1, None)),
        ({"client_id": "2"}, (101, None)),
        ({"redirect_uri": ""}, (191, None)),
        ({"redirect_uri": "http://localhost:8888/callback"}, (100, 36008)),
        ({"code": "nonsense"}, (100, None)),
    ],
)
def test_a_wrong_exchange_is_refused(
    browser: Browser, ask: Ask, different: dict[str, str], refusal: tuple[int, int | None]
) -> None:
    params = {"code": allowed_code(browser), "redirect_uri": REDIRECT} | different
    assert code_of(exchange(ask, **params)) == refusal


def test_a_code_works_once_and_in_time(browser: Browser, ask: Ask, emulator: GraphEmulator) -> None:
    used, misdirected, late = (allowed_code(browser) for _ in range(3))
    assert exchange(ask, code=used, redirect_uri=REDIRECT).ok
    again = exchange(ask, code=used, redirect_uri=REDIRECT)
    assert (code_of(again), again.json()["error"]["message"]) == (
        (100, 36009),
        "This authorization code has been used.",
    )
    assert code_of(exchange(ask, code=misdirected, redirect_uri="http://localhost:1/")) == (100, 36008)
    assert code_of(exchange(ask, code=misdirected, redirect_uri=REDIRECT)) == (100, 36009), "an attempt uses it up"
    emulator.advance(minutes=11)
    assert code_of(exchange(ask, code=late, redirect_uri=REDIRECT)) == (100, 36007)


# Tokens that live on, and that end


def test_a_system_users_token_is_renewed_beside_the_old_one(ask: Ask, emulator: GraphEmulator) -> None:
    emulator.change_token("system-user-token", expires_at=int(emulator.now().timestamp()) + 86_400)
    renew: dict[str, Any] = {"grant_type": "fb_exchange_token", "set_token_expires_in_60_days": "true"}
    first, second = (exchange(ask, **renew, fb_exchange_token="system-user-token").json() for _ in range(2))
    assert first["expires_in"] == 60 * 86_400
    assert len({"system-user-token", first["access_token"], second["access_token"]}) == 3
    for token in ("system-user-token", first["access_token"]):
        assert len(ask("/v27.0/me/accounts", token=token).json()["data"]) == 4
    emulator.advance(days=2)
    assert code_of(exchange(ask, **renew, fb_exchange_token="system-user-token")) == (190, 463)
    assert exchange(ask, **renew, fb_exchange_token=first["access_token"]).ok


def test_a_revoked_token_is_refused_afterwards(browser: Browser, ask: Ask, emulator: GraphEmulator) -> None:
    token = token_for(ask, allowed_code(browser))
    revoke = {**APP, "revoke_token": token}
    assert code_of(ask("/v27.0/oauth/revoke", token="user-token", **(revoke | {"client_secret": "x"}))) == (1, None)
    assert code_of(ask("/v27.0/oauth/revoke", token=None, **revoke)) == (104, None)
    assert ask("/v27.0/oauth/revoke", token="user-token", **revoke).json() == {"success": True}
    assert code_of(ask("/v27.0/me", token=token)) == (190, 467)
    assert ask("/v27.0/me", token="user-token").ok
    secrets = (token, "app-secret")
    assert not any(secret in str(emulator.stats()["journal"]) for secret in secrets)


def test_a_reset_forgets_logins(browser: Browser, ask: Ask, emulator: GraphEmulator) -> None:
    code = allowed_code(browser)
    emulator.reset()
    assert code_of(exchange(ask, code=code, redirect_uri=REDIRECT)) == (100, None)
