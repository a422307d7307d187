"""Faults: what they do, when and to whom."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_msginsights.emulator import Fault
from airflow_provider_msginsights.emulator.error_table import known_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]

NEW = "page_messages_new_conversations_unique"


def insights(ask: Ask, page_id: str = "101", **params: Any) -> requests.Response:
    asked = {"metric": NEW, "period": "day"} | params
    return ask(f"/v26.0/{page_id}/insights", token=f"page-token-{page_id}", **asked)


# What they do


@pytest.mark.parametrize(("code", "subcode"), known_errors())
def test_every_error_of_the_table_can_be_asked_for(
    emulator: GraphEmulator, ask: Ask, code: int, subcode: int | None
) -> None:
    emulator.add_fault(code=code, subcode=subcode)
    answer = insights(ask)
    error = answer.json()["error"]
    assert (error["code"], error.get("error_subcode")) == (code, subcode)
    assert answer.status_code >= 400
    assert error["message"]
    assert error["type"] in {"OAuthException", "GraphMethodException"}
    assert insights(ask).ok


@pytest.mark.parametrize("code", [5, 190])
def test_other_codes_and_subcodes_can_be_made_up(emulator: GraphEmulator, ask: Ask, code: int) -> None:
    emulator.add_fault(code=code, subcode=77, message="Out of the blue", http_status=401, is_transient=True)
    answer = insights(ask)
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert (error["code"], error["error_subcode"], error["message"]) == (code, 77, "Out of the blue")
    assert error["is_transient"] is True


@pytest.mark.parametrize("data", [{"blame_field_specs": [["metric"]]}, '{"blame_field_specs":[["metric"]]}'])
def test_an_error_may_carry_words_for_people_and_data(
    emulator: GraphEmulator, ask: Ask, data: dict[str, Any] | str
) -> None:
    emulator.add_fault(code=100, user_title="Too wide", user_message="Ask for less.", error_data=data)
    error = insights(ask).json()["error"]
    assert (error["error_user_title"], error["error_user_msg"], error["error_data"]) == (
        "Too wide",
        "Ask for less.",
        data,
    )


def test_an_error_may_lack_its_type_and_trace(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_fault(code=1, subcode=99, omit_type=True)
    assert set(insights(ask).json()["error"]) == {"message", "code", "error_subcode", "is_transient"}


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "begins"),
    [
        ("html_500", 500, "text/html; charset=utf-8", "<!DOCTYPE html>"),
        ("unavailable_503", 503, "text/html; charset=utf-8", ""),
        ("unavailable_text", 200, "text/plain; charset=UTF-8", "Service Unavailable"),
        ("garbage_json", 200, "application/json; charset=UTF-8", '{"data":['),
        ("wrong_content_type", 200, "text/html; charset=utf-8", '{"data":['),
    ],
)
def test_bodies_that_are_no_graph_answer(
    emulator: GraphEmulator, ask: Ask, kind: str, status: int, content_type: str, begins: str
) -> None:
    emulator.add_fault(kind=kind)
    answer = insights(ask)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, content_type)
    assert answer.text.startswith(begins)
    if kind == "garbage_json":
        with pytest.raises(ValueError, match="Expecting"):
            answer.json()
    assert insights(ask).ok


def test_any_reply_can_be_given_with_headers_of_ones_own(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_fault(
        kind="reply", body='{"data":[]}', http_status=429, content_type="application/json", headers={"Retry-After": "7"}
    )
    answer = insights(ask)
    assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (429, {"data": []}, "7")


def test_a_reset_connection_is_one(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_fault(kind="reset")
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        insights(ask)
    assert insights(ask).ok


def test_a_body_cut_short_has_a_length_that_promises_more(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_fault(kind="cut")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        insights(ask)
    assert insights(ask).ok


def test_a_hanging_request_ends_when_the_client_gives_up(emulator: GraphEmulator, http: requests.Session) -> None:
    emulator.add_fault(kind="hang")
    with pytest.raises(requests.ReadTimeout):
        http.get(f"{emulator.base_url}/v26.0/101", params={"access_token": "page-token-101"}, timeout=0.2)
    assert http.get(f"{emulator.base_url}/v26.0/101", params={"access_token": "page-token-101"}, timeout=5).ok


def test_a_hanging_request_ends_with_a_reset_of_the_emulator(emulator: GraphEmulator) -> None:
    emulator.add_fault(kind="hang")
    ended: list[type[BaseException]] = []

    def client() -> None:
        try:
            requests.get(f"{emulator.base_url}/v26.0/101", params={"access_token": "page-token-101"}, timeout=30)
        except requests.ConnectionError as error:
            ended.append(type(error))

    thread = threading.Thread(target=client)
    thread.start()
    while emulator.stats()["graph_calls"] == 0:
        time.sleep(0.01)
    emulator.reset()
    thread.join(10)
    assert ended == [requests.ConnectionError]


def test_a_slow_body_drips(emulator: GraphEmulator, http: requests.Session) -> None:
    emulator.add_fault(kind="slow", delay_seconds=0.4)
    answer = http.get(
        f"{emulator.base_url}/v26.0/101/insights",
        params={"access_token": "page-token-101", "metric": NEW},
        stream=True,
        timeout=10,
    )
    started = time.monotonic()
    assert json.loads(answer.content)["data"]
    assert time.monotonic() - started >= 0.3


def test_a_delay_comes_before_the_answer(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_fault(kind="delay", delay_seconds=0.3)
    assert insights(ask).elapsed.total_seconds() >= 0.3
    emulator.add_fault(code=2, delay_seconds=0.3)
    assert insights(ask).elapsed.total_seconds() >= 0.3


def test_jitter_is_added_by_chance_and_repeats_with_the_seed(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.configure(latency_jitter_ms=60)
    waits = [insights(ask).elapsed.total_seconds() for _ in range(8)]
    assert max(waits) - min(waits) > 0.01


def test_a_null_part_by_itself_is_the_batch_timeout(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_fault(kind="null_part")
    assert insights(ask).json()["error"]["code"] == 960


@pytest.mark.parametrize("kind", ["reset", "cut", "slow", "html_500"])
def test_faults_leave_no_trace_in_the_servers_log(
    emulator: GraphEmulator, ask: Ask, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    emulator.add_fault(kind=kind, delay_seconds=0.01)
    with contextlib.suppress(requests.RequestException):
        insights(ask)
    assert insights(ask).ok
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


# When


def test_a_fault_strikes_once_unless_told_otherwise(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_fault(code=2)
    assert [insights(ask).ok for _ in range(3)] == [False, True, True]
    emulator.add_fault(code=2, times=2)
    assert [insights(ask).ok for _ in range(3)] == [False, False, True]
    emulator.add_fault(code=2, times=None)
    assert [insights(ask).ok for _ in range(3)] == [False, False, False]
    assert len(emulator.faults()) == 1
    emulator.clear_faults()
    assert insights(ask).ok


def test_faults_strike_in_the_order_in_which_they_were_added(emulator: GraphEmulator, ask: Ask) -> None:
    for code in (1, 2, 4):
        emulator.add_fault(code=code)
    assert [insights(ask).json()["error"]["code"] for _ in range(3)] == [1, 2, 4]


def test_calls_may_pass_before_a_fault_strikes(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_fault(code=2, skip=2)
    assert [insights(ask).ok for _ in range(4)] == [True, True, False, True]


def test_a_rate_strikes_by_chance_and_the_chance_repeats(emulator: GraphEmulator, ask: Ask) -> None:
    def outcomes() -> list[bool]:
        emulator.reset()
        emulator.add_fault(code=2, rate=0.4, times=None)
        return [ask("/v26.0/101").ok for _ in range(40)]

    first = outcomes()
    assert 5 < first.count(False) < 35
    assert outcomes() == first


# Whom


def test_a_fault_may_be_meant_for_a_page_a_metric_a_path_or_a_method(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_fault(code=2, page_id="102")
    emulator.add_fault(code=4, metric="page_messages_sent")
    emulator.add_fault(code=17, path="/accounts")
    emulator.add_fault(code=1, method="POST")
    assert insights(ask).ok
    assert ask("/v26.0/101/insights/page_messages_sent").json()["error"]["code"] == 4
    assert insights(ask, "102").json()["error"]["code"] == 2
    assert ask("/v26.0/me/accounts", token="user-token").json()["error"]["code"] == 17
    assert len(emulator.faults()) == 1
    fields = "insights.metric(page_messages_sent).period(day)"
    emulator.add_fault(code=4, metric="page_messages_sent")
    assert ask("/v26.0/101", fields=fields).json()["error"]["code"] == 4


def batch(emulator: GraphEmulator, http: requests.Session) -> requests.Response:
    parts = [
        {"method": "GET", "relative_url": f"{page_id}/insights?metric={NEW}&access_token=page-token-{page_id}"}
        for page_id in ("101", "102")
    ]
    return http.post(emulator.base_url, data={"batch": json.dumps(parts), "access_token": "user-token"}, timeout=10)


def test_a_part_is_struck_alone_and_a_batch_whole(emulator: GraphEmulator, http: requests.Session) -> None:
    emulator.add_fault(code=80001, page_id="102")
    assert [part["code"] for part in batch(emulator, http).json()] == [200, 400]
    emulator.add_fault(kind="html_500", page_id="101")
    struck = batch(emulator, http).json()
    assert (struck[0]["code"], struck[0]["body"][:9], struck[1]["code"]) == (500, "<!DOCTYPE", 200)
    emulator.add_fault(code=2, on="batch")
    whole = batch(emulator, http)
    assert (whole.status_code, whole.json()["error"]["code"]) == (500, 2)
    emulator.add_fault(kind="unavailable_text", on="batch")
    assert batch(emulator, http).text == "Service Unavailable"


def test_what_breaks_the_connection_of_a_part_breaks_that_of_its_batch(
    emulator: GraphEmulator, http: requests.Session
) -> None:
    emulator.add_fault(kind="reset", page_id="102")
    with pytest.raises(requests.ConnectionError):
        batch(emulator, http)


def test_the_journal_names_the_fault_that_struck(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.add_fault(kind="unavailable_503")
    insights(ask)
    insights(ask)
    assert [(entry["fault"], entry["status"]) for entry in emulator.stats()["journal"]] == [
        ("unavailable_503", 503),
        (None, 200),
    ]


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"kind": "reply"},
        {"kind": "slow"},
        {"kind": "delay"},
        {"kind": "earthquake"},
        {"code": 2, "on": "tuesday"},
        {"code": 2, "rate": 3},
    ],
    ids=str,
)
def test_a_fault_that_could_do_nothing_is_refused(attributes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Fault|earthquake"):
        Fault(**attributes)
