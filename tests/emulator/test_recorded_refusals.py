"""Refusals are worded as recorded: those of the emulator's own, and those that a test asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_msginsights.emulator.documentation import BREAKDOWNS, DATE_PRESETS

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]

NEW = "page_messages_new_conversations_unique"
SENT = "page_messages_sent"


def message(ask: Ask, **params: Any) -> str:
    answer = ask("/v26.0/101/insights", **({"metric": SENT, "period": "day"} | params))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)
    text: str = answer.json()["error"]["message"]
    return text


def test_an_unknown_breakdown_is_answered_with_those_that_exist(ask: Ask) -> None:
    known = ", ".join(BREAKDOWNS)
    text = "(#100) breakdown[{}] must be one of the following values: " + known
    assert message(ask, breakdown="horoscope") == text.format(0)
    assert message(ask, breakdown="campaign_id,horoscope") == text.format(1)


def test_a_breakdown_that_the_metric_has_not_is_incompatible(ask: Ask) -> None:
    topic = "recurring_notifications_topic"
    assert message(ask, metric=NEW, breakdown=topic) == f"(#100) Incompatible breakdowns ({topic}) for metric ({NEW})"
    assert message(ask, metric=f"{SENT},{NEW}", breakdown=f"{topic},campaign_id") == (
        f"(#100) Incompatible breakdowns ({topic}, campaign_id) for metric ({NEW})"
    )


def test_an_unknown_preset_is_answered_with_those_that_exist(ask: Ask) -> None:
    expected = f"(#100) date_preset must be one of the following values: {', '.join(DATE_PRESETS)}"
    assert message(ask, date_preset="never") == expected


def test_an_unknown_period_is_answered_with_those_that_exist(ask: Ask) -> None:
    assert message(ask, period="lifetime") == (
        "(#100) For field 'insights': Param period must be one of {day, week, month, days_28, total_over_range}"
    )


def test_a_period_that_metrics_do_not_have_is_incompatible(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.configure(offered_periods=("day", "month"))
    assert (
        message(ask, period="week") == f"(#100) The following periods (week) are incompatible with the metric ({SENT})"
    )
    assert [entry["period"] for entry in ask("/v26.0/101/insights", metric=SENT).json()["data"]] == ["day"]


def test_more_than_fifty_parts_are_a_batch_exception(emulator: GraphEmulator, http: requests.Session) -> None:
    parts = ",".join(['{"method":"GET","relative_url":"101"}'] * 51)
    form = {"access_token": "page-token-101", "batch": f"[{parts}]"}
    answer = http.post(f"{emulator.base_url}/v27.0/", data=form, timeout=10)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["message"]) == (
        400,
        "GraphBatchException",
        "Too many requests in batch message. Maximum batch size is 50",
    )


REFUSALS: list[dict[str, Any]] = [
    {"code": 100, "message": "(#100) Missing Permission"},
    {"code": 200, "message": "API access blocked.", "http_status": 400},
    {
        "code": 1,
        "message": "There cannot be more than 93 days (8035200 s) between since and until",
        "http_status": 400,
        "is_transient": False,
    },
    {"code": 190, "message": "Error validating application. Application has been deleted."},
    {"code": 100, "message": "Unsupported get request.", "type": "GraphMethodException", "subcode": 33},
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(refusal["message"])[:30])
def test_one_page_is_refused_whole_in_the_words_that_a_test_asks_for(
    refusal: dict[str, Any], emulator: GraphEmulator, ask: Ask
) -> None:
    emulator.add_fault(**refusal, page_id="102", times=None)
    assert ask("/v26.0/101/insights", metric=NEW).ok
    for _ in range(2):
        answer = ask("/v26.0/102/insights", token="page-token-102", metric=NEW)
        error = answer.json()["error"]
        assert answer.status_code == 400
        assert (error["code"], error["message"]) == (refusal["code"], refusal["message"])
        assert error["type"] == refusal.get("type", "OAuthException")
        assert error["fbtrace_id"]
