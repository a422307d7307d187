"""Which token the emulator takes from where, for what, and until when."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support.refusals import code

from airflow_provider_msginsights.emulator import Token, TokenKind

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]

NEW = "page_messages_new_conversations_unique"


def proof_of(message: str, secret: str = "app-secret") -> str:
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


# Where a token stands


@pytest.mark.parametrize("scheme", ["Bearer", "OAuth", "bearer"])
def test_a_token_may_stand_in_the_header(emulator: GraphEmulator, http: requests.Session, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} page-token-101"}
    assert http.get(f"{emulator.base_url}/v26.0/101", headers=headers, timeout=10).ok


def test_a_token_in_the_query_goes_before_one_in_the_header(emulator: GraphEmulator, http: requests.Session) -> None:
    answer = http.get(
        f"{emulator.base_url}/v26.0/me",
        params={"access_token": "page-token-102"},
        headers={"Authorization": "Bearer page-token-101"},
        timeout=10,
    )
    assert answer.json()["id"] == "102"
    (entry,) = emulator.stats()["journal"]
    assert (entry["token_place"], entry["secrets_in_url"]) == ("query", ["access_token"])


def test_without_a_token_nothing_is_read(ask: Ask) -> None:
    for path, expected in (("/v26.0/101/insights", 104), ("/v26.0/101", 104), ("/v26.0/me", 2500)):
        assert code(ask(path, token=None, metric=NEW)) == (expected, None)


@pytest.mark.parametrize("header", ["Basic cGFnZTp0b2tlbg==", "Bearer", "page-token-101", ""])
def test_other_authorization_headers_are_no_token(emulator: GraphEmulator, http: requests.Session, header: str) -> None:
    answer = http.get(f"{emulator.base_url}/v26.0/101", headers={"Authorization": header}, timeout=10)
    assert code(answer) == (104, None)


# Kinds


def test_me_is_the_page_for_a_page_token_and_the_person_for_others(ask: Ask) -> None:
    assert ask("/v26.0/me").json()["id"] == "101"
    assert ask("/v26.0/me", token="user-token").json() == {"id": "9001", "name": "Emulator Analyst"}
    assert ask("/v26.0/me", token="system-user-token").json()["id"] == "9002"
    assert code(ask("/v26.0/me", token="1|app-secret")) == (2500, None)


def test_a_page_token_reads_no_other_page(ask: Ask) -> None:
    assert code(ask("/v26.0/102/insights", metric=NEW)) == (10, None)


def test_a_page_token_comes_from_the_page_for_whoever_has_a_role(emulator: GraphEmulator, ask: Ask) -> None:
    for token in ("user-token", "system-user-token", "page-token-102"):
        assert ask("/v26.0/102", token=token, fields="access_token").json() == {
            "access_token": "page-token-102",
            "id": "102",
        }
    assert ask("/v26.0/102", fields="access_token,id").json() == {"id": "102"}
    emulator.change_page("102", tasks=())
    assert ask("/v26.0/102", token="user-token", fields="access_token").json() == {"id": "102"}


# Accounts


def test_accounts_list_the_pages_with_token_category_and_tasks(ask: Ask) -> None:
    answer = ask("/v26.0/me/accounts", token="user-token").json()
    assert [page["access_token"] for page in answer["data"]] == [f"page-token-{number}" for number in range(101, 105)]
    assert set(answer["data"][0]) == {"access_token", "category", "category_list", "name", "id", "tasks"}
    assert "ANALYZE" in answer["data"][0]["tasks"]
    assert set(answer["paging"]) == {"cursors"}


def test_accounts_are_read_page_by_page_both_ways(http: requests.Session, ask: Ask) -> None:
    first = ask("/v26.0/me/accounts", token="user-token", limit=3, fields="id").json()
    assert [page["id"] for page in first["data"]] == ["101", "102", "103"]
    second = http.get(first["paging"]["next"], timeout=10).json()
    assert [page["id"] for page in second["data"]] == ["104"]
    assert "next" not in second["paging"]
    back = http.get(second["paging"]["previous"], timeout=10).json()
    assert back["data"] == first["data"]
    by_cursor = ask("/v26.0/me/accounts", token="user-token", limit=3, after=first["paging"]["cursors"]["after"])
    assert [page["id"] for page in by_cursor.json()["data"]] == ["104"]


def test_accounts_stop_at_a_hundred_a_call(emulator: GraphEmulator, ask: Ask) -> None:
    for number in range(1000, 1110):
        emulator.add_page(str(number))
    answer = ask("/v26.0/me/accounts", token="user-token", limit=500, fields="id").json()
    assert len(answer["data"]) == 100
    assert len(ask("/v26.0/me/accounts", token="user-token", fields="id").json()["data"]) == 25


def test_accounts_leave_out_pages_without_a_role_and_all_without_pages_show_list(
    emulator: GraphEmulator, ask: Ask
) -> None:
    emulator.change_page("102", tasks=())
    answer = ask("/v26.0/me/accounts", token="user-token", fields="id").json()
    assert [page["id"] for page in answer["data"]] == ["101", "103", "104"]
    short = ask("/v26.0/me/accounts", token="user-token", fields="id", limit=2).json()
    assert [page["id"] for page in short["data"]] == ["101"]
    assert "next" in short["paging"], "a short page is not the last one"
    emulator.change_token("user-token", scopes=("read_insights",))
    assert ask("/v26.0/me/accounts", token="user-token").json() == {"data": []}


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "many"}, {"after": "%%"}, {"before": "Zm9v"}], ids=str)
def test_limits_and_cursors_that_cannot_be_read_are_refused(ask: Ask, params: dict[str, str]) -> None:
    assert code(ask("/v26.0/me/accounts", token="user-token", **params)) == (100, None)


# How a token ends


def test_an_expired_token_says_since_when(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.expire_token("page-token-101")
    answer = ask("/v26.0/101/insights", metric=NEW)
    assert code(answer) == (190, 463)
    assert answer.json()["error"]["message"] == (
        "Error validating access token: Session has expired on Friday, 20-Nov-26 11:59:00 PST. "
        "The current time is Friday, 20-Nov-26 12:00:00 PST."
    )


def test_a_token_expires_when_its_time_comes(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.change_token("page-token-101", expires_at=int((emulator.now() + timedelta(hours=2)).timestamp()))
    assert ask("/v26.0/101").ok
    emulator.advance(hours=2)
    assert code(ask("/v26.0/101")) == (190, 463)


@pytest.mark.parametrize("subcode", [458, 459, 460, 463, 464, 467, 492])
def test_each_way_a_token_is_refused_has_its_subcode(emulator: GraphEmulator, ask: Ask, subcode: int) -> None:
    emulator.revoke_token("page-token-101", subcode=subcode)
    answer = ask("/v26.0/101/insights", metric=NEW)
    assert code(answer) == (190, subcode)
    assert answer.headers["WWW-Authenticate"].startswith('OAuth "Facebook Platform" "invalid_token"')


def test_a_changed_password_ends_the_page_tokens_too_but_the_mere_expiry_of_the_users_does_not(
    emulator: GraphEmulator, ask: Ask
) -> None:
    emulator.expire_token("user-token")
    assert code(ask("/v26.0/me", token="user-token")) == (190, 463)
    assert ask("/v26.0/101").ok
    emulator.revoke_token("user-token", subcode=460)
    assert code(ask("/v26.0/101")) == (190, 460)


def test_a_token_nobody_issued_is_garbage(ask: Ask) -> None:
    answer = ask("/v26.0/101", token="EAAB-something")
    assert code(answer) == (190, None)
    assert answer.json()["error"]["message"] == "Invalid OAuth access token - Cannot parse access token"


def test_changing_a_token_that_does_not_exist_does_not_repeat_it(emulator: GraphEmulator) -> None:
    with pytest.raises(LookupError) as refused:
        emulator.expire_token("somebody-elses-secret")
    assert "somebody" not in str(refused.value)
    assert "page-token" not in repr(emulator.tokens())


# Proofs


def test_a_plain_proof_is_checked_against_the_very_token_of_the_call(ask: Ask) -> None:
    assert ask("/v26.0/101", appsecret_proof=proof_of("page-token-101")).ok
    for wrong in (proof_of("page-token-102"), proof_of("page-token-101", "other-secret"), "nonsense", "ü"):
        answer = ask("/v26.0/101", appsecret_proof=wrong)
        assert code(answer) == (100, None)
        assert answer.json()["error"]["type"] == "GraphMethodException"
        assert answer.json()["error"]["message"] == "Invalid appsecret_proof provided in the API argument"


def test_a_timed_proof_is_good_for_five_minutes(emulator: GraphEmulator, ask: Ask) -> None:
    signed_at = int(emulator.now().timestamp())
    timed = {"appsecret_proof": proof_of(f"page-token-101|{signed_at}"), "appsecret_time": signed_at}
    assert ask("/v26.0/101", **timed).ok
    emulator.advance(minutes=5)
    assert ask("/v26.0/101", **timed).ok
    emulator.advance(seconds=1)
    assert code(ask("/v26.0/101", **timed)) == (100, None)
    # A plain proof is none once a time is given.
    assert code(ask("/v26.0/101", appsecret_proof=proof_of("page-token-101"), appsecret_time="soon")) == (100, None)


def test_a_required_proof_is_asked_of_every_token_but_the_apps(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.configure(require_appsecret_proof=True)
    answer = ask("/v26.0/101")
    assert answer.json()["error"]["message"] == "API calls from the server require an appsecret_proof argument"
    assert ask("/v26.0/101", appsecret_proof=proof_of("page-token-101")).ok
    assert ask("/v26.0/debug_token", token="1|app-secret", input_token="page-token-101").ok


def test_a_token_of_ones_own_works_as_told(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_token(Token(value="mine", kind=TokenKind.PAGE, page_id="103", user_id="9001", scopes=()))
    assert ask("/v26.0/me", token="mine").json()["id"] == "103"
    assert code(ask("/v26.0/103/insights", token="mine", metric=NEW)) == (200, None)
