"""What `debug_token` and its neighbours tell of a token, and what a token is exchanged for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.refusals import code

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]

NEW = "page_messages_new_conversations_unique"


def test_debug_token_tells_kind_owner_scopes_and_lifetime(emulator: GraphEmulator, ask: Ask) -> None:
    def inspected(token: str, asking: str = "1|app-secret") -> dict[str, object]:
        answer = ask("/v26.0/debug_token", token=asking, input_token=token)
        assert answer.status_code == 200
        data: dict[str, object] = answer.json()["data"]
        return data

    page = inspected("page-token-101", asking="user-token")
    assert (page["type"], page["profile_id"], page["app_id"], page["is_valid"]) == ("PAGE", "101", "1", True)
    assert page["expires_at"] == 0
    assert page["scopes"] == ["pages_messaging", "pages_read_engagement", "pages_show_list", "read_insights"]
    assert {"scope": "read_insights", "target_ids": ["101"]} in list(page["granular_scopes"])  # type: ignore[call-overload]  # JSON
    user = inspected("user-token")
    assert (user["type"], "profile_id" in user, user["user_id"]) == ("USER", False, "9001")
    assert inspected("system-user-token")["type"] == "SYSTEM_USER"
    assert inspected("1|app-secret")["type"] == "APP"
    emulator.expire_token("page-token-101")
    ended = inspected("page-token-101")
    assert (ended["is_valid"], ended["scopes"]) == (False, [])
    assert {"code": 190, "subcode": 463}.items() <= dict(ended["error"]).items()  # type: ignore[call-overload]  # JSON
    assert inspected("rubbish")["is_valid"] is False


def test_debug_token_is_for_the_token_s_own_app(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.change_token("page-token-101", app_id="2")
    answer = ask("/v26.0/debug_token", token="1|app-secret", input_token="page-token-101")
    assert code(answer) == (100, None)
    assert answer.json()["error"]["message"] == "(#100) The App_id in the input_token did not match the Viewing App"


def test_debug_token_refuses_people_without_a_role_on_the_app(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.change_token("user-token", of_developer=False)
    answer = ask("/v26.0/debug_token", token="user-token", input_token="user-token")
    assert code(answer) == (100, None)
    assert "owner or developer of the app" in answer.json()["error"]["message"]


def test_a_person_s_permissions_can_be_read_and_a_page_has_none(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.change_token("user-token", scopes=("read_insights",))
    answer = ask("/v26.0/me/permissions", token="user-token")
    assert answer.json() == {"data": [{"permission": "read_insights", "status": "granted"}]}
    assert code(ask("/v26.0/me/permissions")) == (100, None)
    assert code(ask("/v26.0/me/accounts")) == (100, None)


def test_debug_token_is_for_app_tokens_and_developers(ask: Ask) -> None:
    assert code(ask("/v26.0/debug_token", token="page-token-101", input_token="user-token")) == (100, None)
    assert code(ask("/v26.0/debug_token", token="1|app-secret")) == (100, None)
    assert code(ask("/v26.0/debug_token", token=None, input_token="user-token")) == (104, None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"grant_type": "authorization_code"}, 100),
        ({"client_id": "2"}, 101),
        ({"client_id": ""}, 101),
        ({"client_secret": "guessed"}, 1),
        ({"fb_exchange_token": ""}, 100),
        ({"fb_exchange_token": "rubbish"}, 190),
    ],
    ids=str,
)
def test_an_exchange_that_is_not_right_is_refused(ask: Ask, changes: dict[str, str], expected: int) -> None:
    good = {
        "grant_type": "fb_exchange_token",
        "client_id": "1",
        "client_secret": "app-secret",
        "fb_exchange_token": "user-token",
    }
    assert ask("/oauth/access_token", token=None, **good).ok
    assert code(ask("/oauth/access_token", token=None, **(good | changes)))[0] == expected


def test_an_exchanged_token_lives_sixty_days(emulator: GraphEmulator, ask: Ask) -> None:
    answer = ask(
        "/v26.0/oauth/access_token",
        token=None,
        grant_type="fb_exchange_token",
        client_id="1",
        client_secret="app-secret",
        fb_exchange_token="user-token",
    ).json()
    assert set(answer) == {"access_token", "token_type", "expires_in"}
    emulator.advance(days=59)
    assert ask("/v26.0/me", token=answer["access_token"]).ok
    emulator.advance(days=2)
    assert code(ask("/v26.0/me", token=answer["access_token"])) == (190, 463)
