"""How a request may be written, and what every answer carries."""

from __future__ import annotations

import gzip
import json
import socket
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_msginsights.emulator.documentation import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]

NEW = "page_messages_new_conversations_unique"
SENT = "page_messages_sent"


def names(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [entry["name"] for entry in answer.json()["data"]]


# Paths


@pytest.mark.parametrize(
    "path",
    [
        "/v26.0/101/insights",
        "/v26.0/101/insights/",
        "/v26.0//101/insights",
        "/101/insights",
        "/v26.0/me/insights",
        f"/v26.0/101/insights/{NEW}",
        f"/me/insights/{NEW}/",
    ],
)
def test_the_edge_is_reached_by_every_path_clients_use(ask: Ask, path: str) -> None:
    assert names(ask(path, metric=NEW, period="day")) == [NEW]


def test_a_metric_in_the_path_stands_for_the_parameter(ask: Ask) -> None:
    assert names(ask(f"/v26.0/101/insights/{SENT}", period="day")) == [SENT]
    assert ask("/v26.0/101/insights/nonsense").json()["error"]["code"] == 100


@pytest.mark.parametrize(
    ("asked", "answering"),
    [
        ("/v27.0", "v27.0"),
        ("/v26.0", "v26.0"),
        ("/v21.0", "v21.0"),
        ("/v20.0", "v21.0"),
        ("/v3.2", "v21.0"),
        ("/v2.12", "v21.0"),
        ("", "v26.0"),
    ],
)
def test_a_version_that_ended_is_served_by_the_oldest_living_one(ask: Ask, asked: str, answering: str) -> None:
    answer = ask(f"{asked}/101/insights", metric=NEW)
    assert answer.ok
    assert answer.headers["facebook-api-version"] == answering


def test_v26_is_answered_until_two_years_after_its_successor(emulator: GraphEmulator, ask: Ask) -> None:
    for day, answering in ((3, "v26.0"), (4, "v27.0")):
        emulator.set_clock(datetime(2028, 11, day, 20, tzinfo=UTC))
        assert ask("/v26.0/101").headers["facebook-api-version"] == answering


@pytest.mark.parametrize("version", ["v99.0", "v28.0", "v0.1", "v25.1", "v2.13", "v27.1"])
def test_a_version_that_never_existed_is_an_unknown_path(ask: Ask, version: str) -> None:
    error = ask(f"/{version}/101/insights", metric=NEW).json()["error"]
    assert (error["code"], error["message"][:23]) == (2500, "Unknown path components")


@pytest.mark.parametrize("path", ["/v26.0/999", "/v26.0/999/insights", "/v26.0/insights"])
def test_an_unknown_object_is_code_100_subcode_33(ask: Ask, path: str) -> None:
    error = ask(path, metric=NEW).json()["error"]
    assert (error["code"], error["error_subcode"], error["type"]) == (100, 33, "GraphMethodException")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v26.0/101/feed", 100),
        ("/v26.0/101/insights/a/b", 2500),
        ("/v26.0/999/a/b", 2500),
        ("/v26.0", 100),
        ("/v26.0/me/likes", 100),
    ],
)
def test_edges_that_do_not_exist_are_refused(ask: Ask, path: str, code: int) -> None:
    assert ask(path).json()["error"]["code"] == code


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "OPTIONS", "POST"])
def test_insights_are_only_read(emulator: GraphEmulator, http: requests.Session, method: str) -> None:
    answer = http.request(
        method,
        f"{emulator.base_url}/v26.0/101/insights",
        params={"metric": NEW, "access_token": "page-token-101"},
        timeout=10,
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)
    assert f"Unsupported {method.lower()} request" in answer.json()["error"]["message"]


def test_a_head_request_has_headers_and_no_body(emulator: GraphEmulator, http: requests.Session) -> None:
    answer = http.head(f"{emulator.base_url}/v26.0/101", headers={"Authorization": "Bearer page-token-101"}, timeout=10)
    assert (answer.status_code, answer.content) == (200, b"")


# Parameters


def test_lists_are_read_as_comma_list_and_as_json(ask: Ask) -> None:
    comma = ask("/v26.0/101/insights", metric=f"{NEW},{SENT}", period="day")
    array = ask("/v26.0/101/insights", metric=json.dumps([NEW, SENT]), period="day")
    assert names(comma) == names(array) == [NEW, SENT]


def test_the_last_of_a_repeated_parameter_wins(emulator: GraphEmulator, http: requests.Session) -> None:
    url = f"{emulator.base_url}/v26.0/101/insights?metric=nonsense&period=week&metric={NEW}&period=day"
    answer = http.get(url, headers={"Authorization": "Bearer page-token-101"}, timeout=10)
    assert [(entry["name"], entry["period"]) for entry in answer.json()["data"]] == [(NEW, "day")]


def test_without_a_period_every_period_comes_all_metrics_of_one_before_the_next(ask: Ask) -> None:
    entries = ask("/v26.0/101/insights", metric=f"{NEW},{SENT}").json()["data"]
    assert [(entry["period"], entry["name"]) for entry in entries] == [
        (period, metric) for period in ("day", "week", "days_28") for metric in (NEW, SENT)
    ]


def test_one_bad_metric_fails_the_whole_request_without_being_named(ask: Ask) -> None:
    answer = ask("/v26.0/101/insights", metric=f"{NEW},page_messages_open_conversations_unique,{SENT}")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == (100, "(#100) The value must be a valid insights metric")
    assert "open" not in answer.text


def test_entries_have_title_description_and_id(ask: Ask) -> None:
    for entry in ask("/v26.0/101/insights", metric=",".join(METRICS), period="day").json()["data"]:
        assert list(entry) == ["name", "period", "values", "title", "description", "id"]
        assert entry["id"] == f"101/insights/{entry['name']}/day"


def test_the_description_from_the_documentation_comes_when_asked_for(ask: Ask) -> None:
    for flag, present in (("true", True), ("1", True), ("false", False)):
        (entry,) = ask("/v26.0/101/insights", metric=NEW, period="day", show_description_from_api_doc=flag).json()[
            "data"
        ]
        assert ("description_from_api_doc" in entry) is present


def test_insights_nest_in_a_page_by_field_expansion(ask: Ask) -> None:
    fields = f"name,insights.metric({NEW},{SENT}).period(day).since(2026-11-10).until(2026-11-12){{name,values}}"
    answer = ask("/v26.0/101", fields=fields).json()
    assert set(answer) == {"name", "insights", "id"}
    assert set(answer["insights"]["data"][0]) == {"name", "values", "id"}
    assert [entry["name"] for entry in answer["insights"]["data"]] == [NEW, SENT]
    assert "paging" in answer["insights"]
    for broken in (f"insights.metric({NEW}", "name}", "insights.metric"):
        assert ask("/v26.0/101", fields=broken).json()["error"]["code"] in {2500, 3001}


def test_fields_of_the_edge_choose_what_an_entry_has(ask: Ask) -> None:
    (entry,) = ask("/v26.0/101/insights", metric=NEW, period="day", fields="values,title").json()["data"]
    assert set(entry) == {"values", "title", "id"}
    assert ask("/v26.0/101/insights", metric=NEW, fields="values,mood").json()["error"]["code"] == 100


def test_fields_that_do_not_exist_are_refused(ask: Ask) -> None:
    error = ask("/v26.0/101", fields="name,horoscope").json()["error"]
    assert error["message"] == "(#100) Tried accessing nonexisting field (horoscope) on node type (Page)"


# Bodies


def bodies(fields: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"data": fields},
        {"files": {name: (None, value) for name, value in fields.items()}},
        {"json": fields},
    ]


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["form", "multipart", "json"])
def test_a_post_with_method_get_is_a_get_with_its_parameters_in_the_body(
    emulator: GraphEmulator, http: requests.Session, kind: int
) -> None:
    fields = {"method": "get", "metric": NEW, "period": "day", "access_token": "page-token-101"}
    answer = http.post(f"{emulator.base_url}/v26.0/101/insights", timeout=10, **bodies(fields)[kind])
    assert names(answer) == [NEW]
    (entry,) = emulator.stats()["journal"]
    assert (entry["token_place"], entry["secrets_in_url"]) == ("body", [])


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{not json", "application/json"),
        (b"[1, 2]", "application/json"),
        (b"--x\r\nbroken", "multipart/form-data"),
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_graphs_envelope(
    emulator: GraphEmulator, http: requests.Session, body: bytes, content_type: str
) -> None:
    answer = http.post(f"{emulator.base_url}/v26.0/", data=body, headers={"Content-Type": content_type}, timeout=10)
    assert answer.status_code == 400
    assert "message" in answer.json()["error"]


# What ended in October 2026


@pytest.mark.parametrize(
    "extra", [{"pretty": "1"}, {"debug": "all"}, {"metadata": "1"}, {"suppress_http_code": "0"}], ids=str
)
def test_protocol_features_that_ended_are_ignored(ask: Ask, extra: dict[str, str]) -> None:
    plain = ask("/v26.0/101/insights", metric=NEW, period="day", since="2026-11-10", until="2026-11-11")
    with_it = ask("/v26.0/101/insights", metric=NEW, period="day", since="2026-11-10", until="2026-11-11", **extra)
    assert with_it.json()["data"] == plain.json()["data"]
    assert set(with_it.json()) == {"data", "paging"}
    assert b"\n" not in with_it.content


def test_if_none_match_never_gives_304(emulator: GraphEmulator, http: requests.Session) -> None:
    headers = {"Authorization": "Bearer page-token-101", "If-None-Match": '"anything"'}
    answer = http.get(f"{emulator.base_url}/v26.0/101", headers=headers, timeout=10)
    assert answer.status_code == 200
    assert "etag" not in answer.headers


# Headers


def test_every_answer_carries_the_recorded_headers(ask: Ask) -> None:
    for answer in (ask("/v26.0/101"), ask("/v26.0/101/insights")):
        assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
        assert answer.headers["Cache-Control"] == "private, no-cache, no-store, must-revalidate"
        assert answer.headers["Expires"] == "Sat, 01 Jan 2000 00:00:00 GMT"
        assert answer.headers["Pragma"] == "no-cache"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert {"x-fb-trace-id", "x-fb-request-id", "x-fb-rev", "x-fb-debug"} <= set(answer.headers)


def test_javascript_is_the_content_type_for_clients_that_prefer_it(
    emulator: GraphEmulator, http: requests.Session
) -> None:
    headers = {"Authorization": "Bearer page-token-101", "Accept": "text/javascript"}
    answer = http.get(f"{emulator.base_url}/v26.0/101", headers=headers, timeout=10)
    assert answer.headers["Content-Type"] == "text/javascript; charset=UTF-8"


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [("gzip", True), ("deflate, gzip;q=0.5", True), ("identity", False), ("gzip;q=0", False), ("br", False)],
)
def test_answers_are_compressed_when_the_client_asks(
    emulator: GraphEmulator,
    http: requests.Session,
    accepted: str,
    compressed: bool,  # noqa: FBT001 - a parameter
) -> None:
    headers = {"Authorization": "Bearer page-token-101", "Accept-Encoding": accepted}
    answer = http.get(
        f"{emulator.base_url}/v26.0/101/insights", params={"metric": NEW}, headers=headers, timeout=10, stream=True
    )
    body = answer.raw.read(decode_content=False)
    assert (answer.headers.get("Content-Encoding") == "gzip") is compressed
    assert json.loads(gzip.decompress(body) if compressed else body)["data"]


def test_failures_name_their_kind_in_www_authenticate(ask: Ask) -> None:
    refused = ask("/v26.0/101/insights", token="rubbish", metric=NEW)
    assert refused.headers["WWW-Authenticate"] == (
        'OAuth "Facebook Platform" "invalid_token" "Invalid OAuth access token - Cannot parse access token"'
    )
    assert '"invalid_request"' in ask("/v26.0/101/insights").headers["WWW-Authenticate"]


def test_an_error_has_message_type_code_and_trace(ask: Ask) -> None:
    first, second = (ask("/v26.0/101/insights", metric="x").json()["error"] for _ in range(2))
    assert set(first) == {"message", "type", "code", "fbtrace_id"}
    assert first["type"] == "OAuthException"
    assert first["fbtrace_id"] != second["fbtrace_id"]


# The connection


def test_a_kept_connection_is_not_slower_than_a_new_one(emulator: GraphEmulator) -> None:
    """A body held back until the client acknowledges the headers would cost 40 ms a request on a kept one."""

    def seconds(get: Callable[..., requests.Response]) -> float:
        started = time.perf_counter()
        assert get(f"{emulator.base_url}/v26.0/101", params={"access_token": "page-token-101"}, timeout=10).ok
        return time.perf_counter() - started

    with requests.Session() as session:
        seconds(session.get)
        # In turns: where something else runs meanwhile, both have the same share of it.
        pairs = [(seconds(session.get), seconds(requests.get)) for _ in range(20)]
    kept, fresh = map(sorted, zip(*pairs, strict=True))
    assert kept[10] < 4 * fresh[10]


def test_many_requests_share_one_connection(emulator: GraphEmulator) -> None:
    host, port = emulator.base_url.removeprefix("http://").split(":")
    request = f"GET /v26.0/101 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer page-token-101\r\n\r\n".encode()
    with socket.create_connection((host, int(port)), timeout=10) as connection, connection.makefile("rb") as reader:
        for _ in range(5):
            connection.sendall(request)
            assert reader.readline() == b"HTTP/1.1 200 OK\r\n"
            length = 0
            while (line := reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            assert json.loads(reader.read(length))["id"] == "101"
