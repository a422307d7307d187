"""Rate limits: how calls are counted, announced and refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]

NEW = "page_messages_new_conversations_unique"


def insights(ask: Ask) -> requests.Response:
    return ask("/v26.0/101/insights", metric=NEW, period="day")


def usage(answer: requests.Response) -> dict[str, Any]:
    (only,) = json.loads(answer.headers["x-business-use-case-usage"])["101"]
    return dict(only)


def test_there_are_no_usage_headers_while_hardly_any_calls_were_made(ask: Ask) -> None:
    answer = insights(ask)
    assert "x-business-use-case-usage" not in answer.headers
    assert "x-app-usage" not in answer.headers


def test_the_page_header_rises_with_every_call_and_has_exactly_the_documented_keys(
    emulator: GraphEmulator, ask: Ask
) -> None:
    emulator.set_allowance("101", calls=10)
    seen = [usage(insights(ask)) for _ in range(3)]
    assert [entry["call_count"] for entry in seen] == [10, 20, 30]
    assert set(seen[0]) == {"type", "call_count", "total_cputime", "total_time", "estimated_time_to_regain_access"}
    assert seen[0]["type"] == "pages"
    assert seen[0]["estimated_time_to_regain_access"] == 0
    assert all(isinstance(value, int) for name, value in seen[0].items() if name != "type")


def test_the_app_header_has_the_three_documented_keys(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.set_allowance(None, calls=4)
    answer = ask("/v26.0/me", token="user-token")
    assert json.loads(answer.headers["x-app-usage"]) == {"call_count": 25, "total_time": 12, "total_cputime": 8}


def test_the_allowance_grows_with_engaged_users(emulator: GraphEmulator, ask: Ask) -> None:
    for page_id, engaged_users in (("500", 0), ("501", 1)):
        emulator.add_page(page_id, engaged_users=engaged_users)
    nobody = ask("/v26.0/500/insights", token="page-token-500", metric=NEW)
    assert nobody.json()["error"]["code"] == 80001
    answers = [ask("/v26.0/501/insights", token="page-token-501", metric=NEW) for _ in range(48)]
    # 48 of 4,800 calls are one percent.
    assert json.loads(answers[-1].headers["x-business-use-case-usage"])["501"][0]["call_count"] == 1


def test_a_page_out_of_calls_is_refused_with_80001_and_the_minutes_to_wait(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.set_allowance("101", calls=2)
    assert insights(ask).ok
    emulator.advance(hours=1)
    assert insights(ask).ok
    refused = insights(ask)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["is_transient"]) == (400, 80001, True)
    assert error["message"].startswith("(#80001) There have been too many calls to this Page account.")
    assert "retry-after" not in refused.headers
    assert usage(refused)["call_count"] == 150
    assert usage(refused)["estimated_time_to_regain_access"] == 23 * 60
    # Another Page is not concerned.
    assert ask("/v26.0/102/insights", token="page-token-102", metric=NEW).ok


def test_calls_made_while_refused_still_count(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.set_allowance("101", calls=1)
    insights(ask)
    emulator.advance(hours=10)
    assert usage(insights(ask))["estimated_time_to_regain_access"] == 14 * 60
    emulator.advance(hours=10)
    assert usage(insights(ask))["estimated_time_to_regain_access"] == 14 * 60
    # What was left of the wait has passed, but the refused calls have taken its place.
    emulator.advance(hours=5)
    assert insights(ask).json()["error"]["code"] == 80001
    emulator.advance(hours=24)
    assert insights(ask).ok


def test_a_throttled_page_is_free_again_after_its_minutes_unless_it_is_called(
    emulator: GraphEmulator, ask: Ask
) -> None:
    emulator.set_throttled("101", minutes=10)
    emulator.advance(minutes=9)
    refused = insights(ask)
    assert refused.json()["error"]["code"] == 80001
    assert usage(refused)["estimated_time_to_regain_access"] == 10
    emulator.advance(minutes=9)
    assert not insights(ask).ok
    emulator.advance(minutes=10)
    assert insights(ask).ok


@pytest.mark.parametrize(
    ("token", "code", "expected", "kind"),
    [
        ("page-token-101", None, 80001, "pages"),
        ("page-token-101", 80006, 80006, "messenger"),
        ("system-user-token", None, 80001, "pages"),
        ("user-token", None, 32, "pages"),
    ],
)
def test_the_code_of_a_throttled_page_depends_on_token_and_use_case(
    emulator: GraphEmulator, ask: Ask, token: str, code: int | None, expected: int, kind: str
) -> None:
    emulator.set_throttled("101", minutes=5, code=code)
    refused = ask("/v26.0/101", token=token)
    assert refused.json()["error"]["code"] == expected
    assert usage(refused)["type"] == kind


@pytest.mark.parametrize("code", [4, 17])
def test_user_and_app_tokens_fall_under_the_platform_limit(emulator: GraphEmulator, ask: Ask, code: int) -> None:
    emulator.set_throttled(None, minutes=5, code=code)
    refused = ask("/v26.0/me", token="user-token")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
    # The business limit goes before the platform limit.
    assert insights(ask).ok


def test_the_app_has_its_calls_back_after_an_hour(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.set_allowance(None, calls=1)
    assert ask("/v26.0/me", token="user-token").ok
    assert ask("/v26.0/me", token="user-token").json()["error"]["code"] == 4
    emulator.advance(hours=1)
    assert ask("/v26.0/me", token="user-token").ok
