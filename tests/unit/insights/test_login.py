"""The login dialog: its address, and every answer that a redirect or a person may bring."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.exceptions import AuthenticationError, ConfigurationError
from airflow_provider_msginsights.insights.token.login import DIALOG_PROBLEMS, code_in, dialog_address, is_answer

STATE = "the state"


def address(**different: object) -> tuple[str, dict[str, list[str]]]:
    options = {
        "base_url": "https://graph.facebook.com",
        "api_version": "v27.0",
        "app_id": "1",
        "redirect_uri": "http://localhost:8910/",
        "state": STATE,
    } | different
    made = urlsplit(dialog_address(**options))  # type: ignore[arg-type] # some differ
    return f"{made.scheme}://{made.netloc}{made.path}", parse_qs(made.query)


def answer(**params: str) -> str:
    return f"http://localhost:8910/?{urlencode(params)}#_=_"


def test_the_dialog_lives_beside_the_api() -> None:
    assert address()[0] == "https://www.facebook.com/v27.0/dialog/oauth"
    assert address(base_url="http://127.0.0.1:8099")[0] == "http://127.0.0.1:8099/v27.0/dialog/oauth"
    assert address(base_url="https://graph.facebook.example")[0] == "https://www.facebook.example/v27.0/dialog/oauth"


def test_it_asks_for_the_four_permissions_or_names_a_configuration() -> None:
    plain, configured = address()[1], address(config_id="5")[1]
    assert plain["scope"] == ["pages_messaging,pages_read_engagement,pages_show_list,read_insights"]
    assert (plain["response_type"], plain["state"]) == (["code"], [STATE])
    assert "scope" not in configured
    assert configured["config_id"] == ["5"]
    assert "auth_type" not in plain
    assert address(asks_again=True)[1]["auth_type"] == ["rerequest"]


def test_the_code_is_given_only_with_the_state_of_this_login() -> None:
    assert code_in(answer(code="c 1", state=STATE), state=STATE) == "c 1"
    for foreign in ({"state": "another"}, {"state": ""}, {}):
        with pytest.raises(AuthenticationError, match="another login"):
            code_in(answer(code="c", **foreign), state=STATE)


@pytest.mark.parametrize("name", ["error", "error_reason"])
def test_a_denial_is_told_as_one(name: str) -> None:
    said = {"error": "access_denied"} if name == "error" else {"error_reason": "user_denied"}
    with pytest.raises(AuthenticationError, match=r"denied.*pages_show_list"):
        code_in(answer(**said, state=STATE), state=STATE)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Invalid Scopes: read_insights.", "use case"),
        ("App Not Active: This app is not accessible right now", "App roles"),
        ("Can't Load URL: The domain of this URL isn't included in the app's domains", "--redirect-uri"),
        ("Insecure Login Blocked: You can't get an access token from an insecure page", "--redirect-uri"),
        ("Feature Unavailable: Facebook Login is currently unavailable for this app", "Alerts"),
        ("Invalid App ID: The provided app ID does not look like a valid app ID.", "--app-id"),
        ("Something else", "Log in again"),
    ],
)
def test_a_refusal_of_the_dialog_says_what_to_change(said: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        code_in(answer(error_message=said, error_code="100", state=STATE), state=STATE)
    assert words in refused.value.message
    if words != "Log in again":
        with pytest.raises(ConfigurationError, match=r"The login dialog says") as pasted:
            code_in(said, state=STATE)
        assert words in pasted.value.message


def test_every_known_problem_is_found_by_what_is_shown() -> None:
    for problem in DIALOG_PROBLEMS:
        with pytest.raises(ConfigurationError) as refused:
            code_in(problem.shown, state=STATE)
        assert problem.remedy in refused.value.message


@given(st.text() | st.builds(lambda text: f"http://localhost/?{text}", st.text()))
def test_whatever_is_pasted_ends_in_an_error_of_ours(text: str) -> None:
    with pytest.raises((AuthenticationError, ConfigurationError)):
        code_in(text, state="a state that no example has")


@pytest.mark.parametrize(
    ("query", "is_one"),
    [("code=1", True), ("error=access_denied", True), ("", False), ("utm=1", False), ("code=", False)],
)
def test_only_answers_of_the_dialog_are_taken_for_one(query: str, *, is_one: bool) -> None:
    assert is_answer(query) is is_one
