"""`GraphEmulator` as an object: life, reset, and what it remembers."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_msginsights.emulator import Event, EventKind, GraphEmulator

if TYPE_CHECKING:
    from collections.abc import Callable

METRIC = "page_messages_new_conversations_unique"


def test_it_answers_as_soon_as_it_is_entered_and_no_longer_when_left() -> None:
    with GraphEmulator() as emulator:
        address = emulator.base_url
        asked = requests.get(
            f"{address}/v26.0/101/insights", params={"metric": METRIC, "access_token": "page-token-101"}, timeout=10
        )
        assert asked.status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=2)


def test_a_port_that_is_taken_is_refused_and_leaves_nothing_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(OSError, match="in use"):
        GraphEmulator(port=listener.getsockname()[1]).start()


def test_methods_say_so_when_it_does_not_run() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        GraphEmulator().stats()


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"style": "fancy"}, "fancy"), ({"latency_ms": -1}, "latency_ms"), ({"earnings": "gold"}, "earnings")],
)
def test_settings_that_mean_nothing_are_refused_by_name(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        GraphEmulator(**settings)


def test_reset_undoes_events_pages_faults_clock_settings_tokens_and_counters(
    emulator: GraphEmulator, ask: Callable[..., requests.Response]
) -> None:
    asked = {"metric": METRIC, "period": "day", "since": "2026-11-18", "until": "2026-11-20"}
    before = ask("/v26.0/101/insights", **asked).json()["data"]
    started_at = emulator.now()
    emulator.add_page("700", likes=9)
    emulator.add_events(
        [Event(page_id="101", kind=EventKind.PERSON_ACTED, at=started_at - timedelta(hours=30), person_id="zoe")]
    )
    assert ask("/v26.0/101/insights", **asked).json()["data"] != before
    emulator.configure(style="documentation", readiness_lag_hours=5)
    emulator.expire_token("page-token-101")
    emulator.add_fault(code=2, times=None)
    emulator.retire_metric(METRIC)
    emulator.hide_metric(METRIC, page_id="101")
    emulator.change_page("101", tasks=())
    emulator.set_throttled("101", minutes=5)
    emulator.set_clock(datetime(2026, 1, 1, tzinfo=UTC))

    emulator.reset()

    assert emulator.now() == started_at
    assert emulator.page_ids == ("101", "102", "103", "104")
    assert emulator.stats()["http_requests"] == 0
    assert emulator.stats()["journal"] == []
    assert ask("/v26.0/101/insights", **asked).json()["data"] == before


def test_a_page_changed_before_its_first_use_is_the_seeded_one_after_a_reset() -> None:
    with GraphEmulator(pages=1) as emulator:
        emulator.change_page("101", scale=0.1, currency="EUR")
        emulator.add_page("500", seeded=True, scale=0.5)
        small, other = len(emulator.events("101")), len(emulator.events("500"))
        emulator.reset()
        emulator.add_page("500")
        assert emulator.events("500") == []
        assert small < other < len(emulator.events("101"))
        assert {event.currency for event in emulator.events("101", kinds=[EventKind.ORDER_PAID])} == {"USD"}


def test_the_journal_tells_each_call_and_no_token(
    emulator: GraphEmulator, http: requests.Session, ask: Callable[..., requests.Response]
) -> None:
    ask("/v26.0/101/insights", metric=METRIC)
    http.get(f"{emulator.base_url}/v25.0/102", params={"access_token": "page-token-102"}, timeout=10)
    ask("/v26.0/101/insights", metric="nonsense")
    stats = emulator.stats()
    assert stats["http_requests"] == stats["graph_calls"] == 3
    assert stats["errors"] == 1
    assert stats["calls_by_page"] == {"101": 2, "102": 1}
    assert [(entry["path"], entry["version"], entry["token_place"], entry["code"]) for entry in stats["journal"]] == [
        ("/101/insights", "v26.0", "header", None),
        ("/102", "v25.0", "query", None),
        ("/101/insights", "v26.0", "header", 100),
    ]
    assert stats["journal"][0]["token"] == "PAGE token of 101"
    assert "page-token" not in str(stats)


def test_latency_is_added_to_every_request(emulator: GraphEmulator, ask: Callable[..., requests.Response]) -> None:
    emulator.configure(latency_ms=150)
    assert ask("/v26.0/101").elapsed >= timedelta(milliseconds=150)


def test_ids_are_opaque_text(emulator: GraphEmulator, ask: Callable[..., requests.Response]) -> None:
    people = ["7", "007", "1e5", "100000", "7.0", "-7", "ann", "9" * 30, "٣", " 7"]
    emulator.add_page("0500")
    at = emulator.now() - timedelta(hours=30)
    emulator.add_events(Event(page_id="0500", kind=EventKind.BLOCKED, at=at, person_id=person) for person in people)
    assert [event.person_id for event in emulator.events("0500")] == people
    answer = ask(
        "/v26.0/0500/insights",
        token="page-token-0500",
        metric="page_messages_blocked_conversations_unique",
        date_preset="last_3d",
        period="total_over_range",
    )
    assert answer.json()["data"][0]["values"][0]["value"] == len(people)


def test_a_users_event_may_be_about_a_seeded_person(emulator: GraphEmulator) -> None:
    person = emulator.events("101", kinds=[EventKind.PERSON_ACTED])[-1].person_id
    at = emulator.now() - timedelta(minutes=1)
    emulator.add_events([Event(page_id="101", kind=EventKind.REPORTED, at=at, person_id=person)])
    assert emulator.events("101", kinds=[EventKind.REPORTED])[-1].person_id == person


def test_events_are_added_all_or_none(emulator: GraphEmulator) -> None:
    emulator.add_page("500")
    good = Event(page_id="500", kind=EventKind.BLOCKED, at=emulator.now(), person_id="ann")
    unstorable = Event(page_id="500", kind=EventKind.BLOCKED, at=emulator.now(), person_id="half a \ud800")
    nobodys = Event(page_id="999", kind=EventKind.BLOCKED, at=emulator.now(), person_id="ann")
    for bad in (unstorable, nobodys):
        with pytest.raises(ValueError, match=r"surrogates|999"):
            emulator.add_events([good, bad])
        assert emulator.events("500") == []
    emulator.add_events([good])
    assert [event.person_id for event in emulator.events("500")] == ["ann"]


@pytest.mark.parametrize("together", [True, False])
def test_a_tap_takes_the_attributes_of_its_message_unless_it_has_its_own(
    emulator: GraphEmulator,
    together: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    emulator.add_page("500")
    at = emulator.now()
    sent = Event(
        page_id="500",
        kind=EventKind.MARKETING_MESSAGE_SENT,
        at=at,
        person_id="ann",
        message_id="m",
        campaign_id="Spring sale 2",
        messaging_channel="instagram",
        recurring_notifications_topic="newproducts",
    )
    tap = Event(
        page_id="500",
        kind=EventKind.MARKETING_MESSAGE_TAPPED,
        at=at,
        person_id="ann",
        message_id="m",
        recurring_notifications_topic="its own",
    )
    for batch in [[tap, sent]] if together else [[sent], [tap]]:
        emulator.add_events(batch)
    (stored,) = emulator.events("500", kinds=[EventKind.MARKETING_MESSAGE_TAPPED])
    assert (stored.campaign_id, stored.messaging_channel) == ("Spring sale 2", "instagram")
    assert stored.recurring_notifications_topic == "its own"


def test_many_events_of_ones_own_are_added_and_taken_away(emulator: GraphEmulator) -> None:
    emulator.add_page("500")
    at = emulator.now() - timedelta(hours=30)
    emulator.add_events(
        Event(page_id="500", kind=EventKind.MARKETING_MESSAGE_SENT, at=at, person_id="ann", message_id=str(number))
        for number in range(20_000)
    )
    emulator.reset()
    emulator.add_page("500")
    assert emulator.events("500") == []


def test_requests_open_at_the_same_time_are_counted(emulator: GraphEmulator) -> None:
    emulator.configure(latency_ms=400)
    with ThreadPoolExecutor(3) as pool:
        addresses = [f"{emulator.base_url}/v26.0/101?access_token=page-token-101"] * 3
        assert all(answer.ok for answer in pool.map(requests.get, addresses))
    assert emulator.stats()["max_concurrent_requests"] == 3


def test_two_emulators_do_not_share_anything(emulator: GraphEmulator) -> None:
    with GraphEmulator(pages=2) as other:
        assert other.base_url != emulator.base_url
        other.expire_token("page-token-101")
        for one, works in ((emulator, True), (other, False)):
            answer = requests.get(f"{one.base_url}/v26.0/101", params={"access_token": "page-token-101"}, timeout=10)
            assert answer.ok is works


def test_numbers_follow_the_clock(emulator: GraphEmulator, ask: Callable[..., requests.Response]) -> None:
    def last_end() -> str:
        rows = ask("/v26.0/101/insights", metric=METRIC, period="day").json()["data"][0]["values"]
        return str(rows[-1]["end_time"])

    assert last_end() == "2026-11-20T08:00:00+0000"
    emulator.advance(days=2)
    assert last_end() == "2026-11-22T08:00:00+0000"
    emulator.set_clock(datetime(2026, 6, 1, 12, tzinfo=UTC))
    assert last_end() == "2026-06-01T07:00:00+0000"
