"""python-facebook-api, whose usage header classes refuse any unknown key, against the emulator."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import pytest
from pyfacebook import GraphAPI
from pyfacebook.exceptions import FacebookError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_msginsights.emulator import GraphEmulator

METRIC = "page_messages_new_conversations_unique"


@pytest.fixture
def api_for(emulator: GraphEmulator) -> Iterator[Callable[..., GraphAPI]]:
    made: list[GraphAPI] = []

    def build(token: str | None = None, **options: Any) -> GraphAPI:
        api = GraphAPI(
            access_token=token,
            version="v24.0",
            base_url=f"{emulator.base_url}/",
            access_token_url=f"{emulator.base_url}/oauth/access_token",
            timeout=30,
            **options,
        )
        api.session.trust_env = False
        made.append(api)
        return api

    yield build
    for api in made:
        api.session.close()


def test_insights_are_a_connection_of_the_page(api_for: Callable[..., GraphAPI]) -> None:
    answer = api_for("page-token-101").get_connection("101", "insights", metric=METRIC, period="day")
    assert [len(entry["values"]) for entry in answer["data"]] == [2]


def test_insights_nest_in_a_page_by_field_expansion(api_for: Callable[..., GraphAPI]) -> None:
    answer = api_for("page-token-101").get_object(
        "101",
        fields=f"name,insights.metric({METRIC},page_messages_sent).period(day).since(2026-11-10).until(2026-11-12)",
    )
    assert answer["id"] == "101"
    assert [entry["name"] for entry in answer["insights"]["data"]] == [METRIC, "page_messages_sent"]
    assert len(answer["insights"]["data"][0]["values"]) == 2


def test_errors_carry_code_and_message(api_for: Callable[..., GraphAPI]) -> None:
    with pytest.raises(FacebookError) as refused:
        api_for("user-token").get_connection("101", "insights", metric=METRIC)
    assert (refused.value.code, refused.value.error_subcode) == (190, 2069032)
    assert refused.value.message == "(#190) This method must be called with a Page Access Token"


def test_a_user_token_is_exchanged_for_a_long_lived_one(api_for: Callable[..., GraphAPI]) -> None:
    api = api_for("user-token", app_id="1", app_secret="app-secret")
    answer = api.exchange_long_lived_user_access_token()
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 5183944)
    pages = api_for(answer["access_token"]).get_connection("me", "accounts")
    assert len(pages["data"]) == 4


def test_an_expired_token_cannot_be_exchanged(api_for: Callable[..., GraphAPI], emulator: GraphEmulator) -> None:
    emulator.expire_token("user-token")
    with pytest.raises(FacebookError) as refused:
        api_for("user-token", app_id="1", app_secret="app-secret").exchange_long_lived_user_access_token()
    assert (refused.value.code, refused.value.error_subcode) == (190, 463)


def test_a_page_token_is_exchanged_from_a_persons_token(api_for: Callable[..., GraphAPI]) -> None:
    assert api_for("user-token").exchange_page_access_token("103") == "page-token-103"
    assert api_for("system-user-token").exchange_page_access_token("103") == "page-token-103"


def test_the_app_token_comes_from_client_credentials_and_inspects_others(
    api_for: Callable[..., GraphAPI],
) -> None:
    api = api_for("user-token")
    app_token = api.get_app_token(app_id="1", app_secret="app-secret")["access_token"]
    inspected = api.debug_token("system-user-token", access_token=app_token)["data"]
    assert (inspected["type"], inspected["expires_at"], inspected["is_valid"]) == ("SYSTEM_USER", 0, True)
    assert "read_insights" in inspected["scopes"]


def test_a_wrong_app_secret_gets_no_app_token(api_for: Callable[..., GraphAPI]) -> None:
    with pytest.raises(FacebookError, match="client secret"):
        api_for("user-token").get_app_token(app_id="1", app_secret="guessed")


def test_every_call_of_a_client_with_an_app_secret_carries_a_valid_proof(
    api_for: Callable[..., GraphAPI], emulator: GraphEmulator
) -> None:
    emulator.configure(require_appsecret_proof=True)
    api = api_for("page-token-101", app_id="1", app_secret="app-secret")
    assert api.get_object("101", fields="name")["id"] == "101"
    assert hmac.new(b"app-secret", b"page-token-101", hashlib.sha256).hexdigest() not in str(emulator.stats())


def test_the_strict_header_classes_accept_both_usage_headers(
    api_for: Callable[..., GraphAPI], emulator: GraphEmulator
) -> None:
    emulator.set_allowance("101", calls=10)
    emulator.set_allowance(None, calls=50)
    api = api_for("page-token-101")
    for _ in range(5):
        api.get_connection("101", "insights", metric=METRIC)
    page_usage = api.rate_limit.get_limit("101", "pages")
    assert (page_usage.type, page_usage.call_count) == ("pages", 50)
    assert page_usage.estimated_time_to_regain_access == 0
    assert api.rate_limit.get_limit().call_count == 10


def test_all_accounts_are_read_by_following_next_links(api_for: Callable[..., GraphAPI]) -> None:
    pages = api_for("user-token").get_full_connections("me", "accounts", count=None, limit=3, fields="id")
    assert [page["id"] for page in pages["data"]] == ["101", "102", "103", "104"]
