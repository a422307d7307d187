"""The control plane: the same as the methods, for other processes and other languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_msginsights.emulator.control.handlers import HANDLERS

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]
    Control = Callable[..., Any]

NEW = "page_messages_new_conversations_unique"
BLOCKED = "page_messages_blocked_conversations_unique"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def control(emulator: GraphEmulator, http: requests.Session) -> Control:
    """Call a route, insist on success, and return its JSON."""

    def call(method: str, name: str, body: Any = None, **query: str) -> Any:
        answer = http.request(method, f"{emulator.base_url}/_emulator/{name}", json=body, params=query, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return call


def insights(ask: Ask, page_id: str = "101", **params: Any) -> requests.Response:
    asked = {"metric": NEW, "period": "day"} | params
    return ask(f"/v26.0/{page_id}/insights", token=f"page-token-{page_id}", **asked)


def test_the_index_names_every_route_and_its_methods(emulator: GraphEmulator, http: requests.Session) -> None:
    for path in ("/_emulator", "/_emulator/"):
        index = http.get(emulator.base_url + path, timeout=10).json()
        assert index == {f"/_emulator/{name}": sorted(methods) for name, methods in HANDLERS.items()}


def test_stats_are_those_of_the_method_and_reset_sets_them_to_zero(
    emulator: GraphEmulator, ask: Ask, control: Control
) -> None:
    insights(ask)
    stats = control("GET", "stats")
    assert stats == emulator.stats()
    assert (stats["graph_calls"], stats["journal"][0]["path"]) == (1, "/101/insights")
    assert "page-token" not in str(stats)
    control("POST", "reset")
    assert control("GET", "stats")["graph_calls"] == 0


def test_calls_of_the_control_plane_are_not_counted(control: Control) -> None:
    control("GET", "clock")
    assert control("GET", "stats")["http_requests"] == 0


def test_the_clock_is_set_and_advanced(control: Control) -> None:
    assert control("POST", "clock", {"now": "2026-03-08T12:00:00-08:00"}) == {
        "now": "2026-03-08T20:00:00+00:00",
        "unix": 1773000000,
    }
    assert control("POST", "clock", {"advance_seconds": 90})["unix"] == 1773000090
    assert control("GET", "clock")["unix"] == 1773000090
    control("POST", "clock", {"now": 1773000000, "ticking": True})
    assert 1773000000 <= control("GET", "clock")["unix"] <= 1773000060


def test_faults_are_added_listed_and_taken_away(ask: Ask, control: Control) -> None:
    control("POST", "faults", {"code": 190, "subcode": 463, "page_id": "101"})
    listed = control("POST", "faults", {"faults": [{"kind": "html_500"}, {"kind": "unavailable_503", "times": 2}]})
    assert [fault["kind"] for fault in listed["faults"]] == ["error", "html_500", "unavailable_503"]
    assert insights(ask).json()["error"]["error_subcode"] == 463
    assert control("DELETE", "faults") == {"faults": []}
    assert insights(ask).ok


def test_events_are_added_and_read(ask: Ask, control: Control) -> None:
    control("POST", "pages", {"page_id": "500"})
    added = control(
        "POST",
        "events",
        {
            "events": [
                {"page_id": "500", "kind": "blocked", "at": "2026-11-03T10:00:00-08:00", "person_id": "ann"},
                {
                    "page_id": "500",
                    "kind": "order_paid",
                    "at": 1793734200,
                    "person_id": 7,
                    "order_id": 1,
                    "amount": 9.5,
                },
            ]
        },
    )
    assert added == {"added": 2}
    control("POST", "events", {"page_id": "500", "kind": "opted_in", "at": "2026-11-04", "person_id": "ben"})
    (entry,) = insights(ask, "500", metric=BLOCKED, since="2026-11-03", until="2026-11-04").json()["data"]
    assert entry["values"][0]["value"] == 1
    listed = control("GET", "events", page_id="500")["events"]
    assert [event["kind"] for event in listed] == ["blocked", "order_paid", "opted_in"]
    assert listed[0] == {
        "page_id": "500",
        "kind": "blocked",
        "at": "2026-11-03T18:00:00+00:00",
        "person_id": "ann",
        "conversation_id": "ann",
        "messaging_channel": "messenger",
    }
    assert (listed[1]["amount"], listed[1]["order_id"]) == (9.5, "1")
    assert [
        event["kind"]
        for event in control("GET", "events", page_id="500", since="2026-11-03", until="2026-11-04", kind="blocked")[
            "events"
        ]
    ] == ["blocked"]


def test_what_is_read_can_be_added_again(control: Control) -> None:
    control("POST", "pages", {"page_id": "500"})
    seeded = control("GET", "events", page_id="101", since="2026-11-10", until="2026-11-12")["events"]
    assert seeded
    moved = [event | {"page_id": "500"} for event in seeded]
    control("POST", "events", {"events": moved})
    assert control("GET", "events", page_id="500")["events"] == moved


def test_tokens_are_ended_changed_and_added_and_never_shown(ask: Ask, control: Control) -> None:
    control("POST", "tokens", {"value": "page-token-101", "expire": True})
    assert insights(ask).json()["error"]["error_subcode"] == 463
    control("POST", "tokens", {"value": "page-token-102", "revoke": 460})
    assert insights(ask, "102").json()["error"]["error_subcode"] == 460
    control("POST", "tokens", {"value": "page-token-103", "scopes": ["read_insights"]})
    assert insights(ask, "103").json()["error"]["code"] == 200
    listed = control("POST", "tokens", {"value": "my-own", "kind": "PAGE", "page_id": "104", "scopes": []})
    assert ask("/v26.0/me", token="my-own").json()["id"] == "104"
    assert {"kind": "PAGE", "page_id": "104", "scopes": []}.items() <= listed["tokens"][-1].items()
    assert not any(secret in str(listed) for secret in ("page-token", "my-own", "user-token", "app-secret"))


def test_pages_are_added_and_changed(ask: Ask, control: Control) -> None:
    control("POST", "pages", {"page_id": "500", "name": "Mine", "first_day": "2026-11-01", "tasks": ["ANALYZE"]})
    assert insights(ask, "500").ok
    control("POST", "pages", {"page_id": "101", "tasks": []})
    assert insights(ask).json()["error"]["error_subcode"] == 2853006
    listed = {page["page_id"]: page for page in control("GET", "pages")["pages"]}
    assert (listed["500"]["name"], listed["500"]["first_day"], listed["101"]["tasks"]) == ("Mine", "2026-11-01", [])


def test_metrics_are_retired_and_hidden(ask: Ask, control: Control) -> None:
    control("POST", "metrics", {"hide": NEW, "page_id": "101"})
    assert insights(ask).json()["data"] == []
    control("POST", "metrics", {"retire": NEW, "page_id": "101"})
    assert insights(ask).json()["error"]["code"] == 100
    assert insights(ask, "102").ok
    control("POST", "metrics", {"retire": NEW})
    assert insights(ask, "102").json()["error"]["code"] == 100


def test_limits_are_set(ask: Ask, control: Control) -> None:
    control("POST", "limits", {"page_id": "101", "minutes": 5, "code": 80006})
    assert insights(ask).json()["error"]["code"] == 80006
    control("POST", "limits", {"page_id": "102", "calls": 0})
    assert insights(ask, "102").json()["error"]["code"] == 80001
    control("POST", "limits", {"calls": 0})
    assert ask("/v26.0/me", token="user-token").json()["error"]["code"] == 4


def test_settings_are_read_and_changed(ask: Ask, control: Control) -> None:
    assert control("GET", "settings")["style"] == "real"
    assert control("POST", "settings", {"style": "documentation"})["style"] == "documentation"
    assert insights(ask).json()["data"][0]["values"][0]["end_time"].isdecimal()


@pytest.mark.parametrize(
    ("method", "name", "body", "named"),
    [
        ("POST", "clock", {"now": "sometime"}, "now"),
        ("POST", "clock", {"then": 1}, "then"),
        ("POST", "clock", {"now": "1800-01-01"}, "clock"),
        ("POST", "clock", {"advance_seconds": "soon"}, "soon"),
        ("POST", "clock", {"advance_seconds": 1e300}, "clock"),
        ("POST", "faults", {}, "code"),
        ("POST", "faults", {"colour": "red"}, "colour"),
        ("POST", "faults", {"faults": 3}, "faults"),
        ("POST", "events", {"page_id": "101"}, "kind"),
        ("POST", "events", {"page_id": "101", "kind": "blocked", "at": "then", "person_id": "a"}, "at"),
        ("POST", "events", {"page_id": "999", "kind": "blocked", "at": 0, "person_id": "a"}, "999"),
        ("POST", "events", {"page_id": "101", "kind": "blocked", "at": 0}, "person_id"),
        ("POST", "events", {"page_id": "101", "kind": "order_paid", "at": 0, "person_id": "a"}, "order_id"),
        (
            "POST",
            "events",
            {"page_id": "101", "kind": "order_paid", "at": 0, "person_id": "a", "order_id": "o", "amount": "much"},
            "amount",
        ),
        ("POST", "events", {"page_id": "101", "kind": "blocked", "at": 0, "person_id": "a", "mood": "bad"}, "mood"),
        ("GET", "events", None, "page_id"),
        ("POST", "tokens", {}, "value"),
        ("POST", "tokens", {"value": "nobodys", "expire": True}, "no such token"),
        ("POST", "pages", {}, "page_id"),
        ("POST", "pages", {"page_id": "101", "colour": "red"}, "colour"),
        ("POST", "metrics", {"retire": "page_horoscope"}, "page_horoscope"),
        ("POST", "metrics", {"hide": NEW}, "page_id"),
        ("POST", "limits", {"page_id": "999", "minutes": 1}, "999"),
        ("POST", "limits", {"page_id": "101", "minutes": -1}, "minutes"),
        ("POST", "limits", {"page_id": "101", "calls": -1}, "calls"),
        ("POST", "limits", {"page_id": "101", "minutes": 5, "code": 190}, "code"),
        ("POST", "settings", {"seed": 5}, "seed"),
        ("POST", "settings", {"style": "baroque"}, "baroque"),
        ("POST", "settings", [1], "settings"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    emulator: GraphEmulator, http: requests.Session, method: str, name: str, body: Any, named: str
) -> None:
    answer = http.request(method, f"{emulator.base_url}/_emulator/{name}", json=body, timeout=10)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "EmulatorControlError"
    assert named in error["message"]
    assert "nobodys" not in error["message"]


@pytest.mark.parametrize(
    ("method", "name", "status"), [("GET", "secrets", 404), ("DELETE", "stats", 405), ("GET", "reset", 405)]
)
def test_routes_that_do_not_exist_are_refused(
    emulator: GraphEmulator, http: requests.Session, method: str, name: str, status: int
) -> None:
    answer = http.request(method, f"{emulator.base_url}/_emulator/{name}", timeout=10)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, "EmulatorControlError")


def test_a_body_that_is_no_json_is_refused(emulator: GraphEmulator, http: requests.Session) -> None:
    answer = http.post(f"{emulator.base_url}/_emulator/clock", data="{", headers=JSON, timeout=10)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "EmulatorControlError")
