"""Every setting that may be changed takes effect on the next request."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_msginsights.emulator import Event, EventKind
from airflow_provider_msginsights.emulator.state.settings import CHANGEABLE_SETTINGS, SETTING_NAMES, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]
    Probe = Callable[[GraphEmulator, Ask], Any]

NEW = "page_messages_new_conversations_unique"
SENT = "page_messages_sent"
EARNINGS = "page_messages_paid_order_earnings"
RATIO = "page_messages_read_ratio"
LATENCY_MS = 300


def insights(ask: Ask, **params: Any) -> Any:
    asked = {"metric": NEW, "period": "day", "since": "2026-11-16", "until": "2026-11-20"} | params
    return ask("/v26.0/101/insights", **asked).json()


def first_value(**params: Any) -> Probe:
    return lambda _, ask: insights(ask, **params)["data"][0]["values"][0]


def row_count(**params: Any) -> Probe:
    return lambda _, ask: sum(len(entry["values"]) for entry in insights(ask, **params)["data"])


def is_slow(send: Callable[[GraphEmulator], requests.Response]) -> Probe:
    def seconds(emulator: GraphEmulator) -> float:
        started = time.perf_counter()
        assert send(emulator).ok
        return time.perf_counter() - started

    # The fastest of three: a busy machine makes some calls slow, and none faster.
    return lambda emulator, _: min(seconds(emulator) for _ in range(3)) > LATENCY_MS / 1000 / 2


def one_call(emulator: GraphEmulator) -> requests.Response:
    return requests.get(f"{emulator.base_url}/v26.0/101", params={"access_token": "page-token-101"}, timeout=10)


def one_batch(emulator: GraphEmulator) -> requests.Response:
    part = '{"method":"GET","relative_url":"101"}'
    data = {"access_token": "page-token-101", "batch": f"[{','.join([part] * 8)}]"}
    return requests.post(f"{emulator.base_url}/v26.0/", data=data, timeout=10)


def small_page(emulator: GraphEmulator, ask: Ask) -> Any:
    emulator.change_page("101", likes=12)
    return sorted(insights(ask))


def foreign_page(emulator: GraphEmulator, ask: Ask) -> Any:
    emulator.change_page("101", owned=False)
    return len(insights(ask)["data"])


def page_without_messages(emulator: GraphEmulator, ask: Ask) -> Any:
    if "500" not in emulator.page_ids:
        emulator.add_page("500")
    asked = {"metric": RATIO, "period": "day", "since": "2026-11-16", "until": "2026-11-20"}
    return len(ask("/v26.0/500/insights", token="page-token-500", **asked).json()["data"])


def dialog(emulator: GraphEmulator, redirect_uri: str = "http://localhost:8000/") -> requests.Response:
    params = {"client_id": "1", "redirect_uri": redirect_uri}
    return requests.get(f"{emulator.base_url}/v27.0/dialog/oauth", params=params, allow_redirects=False, timeout=10)


CASES: dict[str, tuple[Any, Probe]] = {
    "history_years": (1, row_count(since="2025-01-01", until="2025-01-05")),
    "latency_ms": (LATENCY_MS, is_slow(one_call)),
    # The same chances after every reset: none of those in the three calls is below a tenth.
    "latency_jitter_ms": (LATENCY_MS * 5, is_slow(one_call)),
    "batch_part_ms": (LATENCY_MS / 4, is_slow(one_batch)),
    "batch_part_jitter_ms": (LATENCY_MS / 2, is_slow(one_batch)),
    "readiness_lag_hours": (30, row_count()),
    "unready": ("provisional", row_count(until="2026-11-22")),
    "style": ("documentation", first_value()),
    "small_page": ("error", small_page),
    "earnings": ("object", first_value(metric=EARNINGS)),
    "empty_ratio": ("absent", page_without_messages),
    "zero_buckets": ("zero", row_count(metric=SENT, breakdown="campaign_id")),
    "offered_periods": (("week",), lambda _, ask: sorted(insights(ask))),
    "legacy_features": ((), lambda _, ask: sorted(insights(ask, date_format="U"))),
    "app_mode": ("live", lambda emulator, _: dialog(emulator).status_code),
    "redirect_uris": (
        ("https://app.example/",),
        lambda emulator, _: dialog(emulator, "https://app.example/").status_code,
    ),
    "login_dialog": ("deny", lambda emulator, _: dialog(emulator).status_code),
    "require_appsecret_proof": (True, lambda _, ask: sorted(insights(ask))),
    "advanced_access": (True, foreign_page),
    "default_version": ("v25.0", lambda _, ask: ask("/101").headers["facebook-api-version"]),
    "usage_headers_from_percent": (0, lambda _, ask: "x-app-usage" in ask("/v26.0/101").headers),
}


def test_there_is_a_case_for_every_changeable_setting() -> None:
    assert set(CASES) == set(CHANGEABLE_SETTINGS)


@pytest.mark.parametrize("name", CHANGEABLE_SETTINGS)
def test_a_changed_setting_takes_effect_at_once_and_a_reset_undoes_it(
    name: str, emulator: GraphEmulator, ask: Ask
) -> None:
    value, probe = CASES[name]
    before = probe(emulator, ask)
    emulator.configure(**{name: value})
    assert getattr(emulator.current_settings(), name) == value
    assert probe(emulator, ask) != before
    emulator.reset()
    assert probe(emulator, ask) == before


@pytest.mark.parametrize("name", sorted(set(SETTING_NAMES) - set(CHANGEABLE_SETTINGS)))
def test_a_setting_of_the_start_is_refused_later(name: str, emulator: GraphEmulator) -> None:
    with pytest.raises(ValueError, match=f"'{name}' cannot be changed"):
        emulator.configure(**{name: getattr(emulator.current_settings(), name)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("zero_buckets", "some"),
        ("offered_periods", ("hour",)),
        ("offered_periods", "day"),
        ("legacy_features", ("etags",)),
        ("default_version", "v99.0"),
        ("redirect_uris", (1,)),
        ("login_dialog", "sulk"),
    ],
)
def test_a_value_that_means_nothing_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"'{name}'"):
        Settings(**{name: value})


@pytest.mark.parametrize(
    ("change", "probe"),
    [
        ({"scale": 3.0}, first_value(metric=SENT)),
        ({"liveliness": "silent"}, first_value(metric=SENT)),
        ({"seeded": False}, first_value(metric=SENT)),
        ({"first_day": date(2026, 11, 1)}, row_count(since="2026-10-25", until="2026-11-05")),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_changed_page_has_another_history_at_once(
    change: dict[str, Any], probe: Probe, emulator: GraphEmulator, ask: Ask
) -> None:
    before = probe(emulator, ask)
    emulator.change_page("101", **change)
    assert probe(emulator, ask) != before
    emulator.reset()
    assert probe(emulator, ask) == before


def test_a_changed_page_keeps_the_events_that_were_added_to_it(emulator: GraphEmulator, ask: Ask) -> None:
    at = datetime(2026, 11, 18, 20, tzinfo=UTC)
    insights(ask)
    emulator.add_events([Event(page_id="101", kind=EventKind.PERSON_ACTED, at=at, person_id="ann")])
    emulator.change_page("101", liveliness="silent")
    values = insights(ask, since="2026-11-18", until="2026-11-19")["data"][0]["values"]
    assert [row["value"] for row in values] == [1]


def test_changed_engaged_users_change_the_allowance_of_a_page_that_was_asked_before(
    emulator: GraphEmulator, ask: Ask
) -> None:
    assert ask("/v26.0/101").ok
    emulator.change_page("101", engaged_users=0)
    assert ask("/v26.0/101").json()["error"]["code"] == 80001
    emulator.set_allowance("101", calls=50)
    assert ask("/v26.0/101").ok, "what a test allows goes before what follows from the Page"


def test_zero_buckets_are_those_that_occurred_on_other_days(emulator: GraphEmulator, ask: Ask) -> None:
    asked = {"metric": SENT, "breakdown": "campaign_id", "since": "2026-11-10", "until": "2026-11-20"}
    sparse = insights(ask, **asked)["data"][0]["values"]
    emulator.configure(zero_buckets="zero")
    full = insights(ask, **asked)["data"][0]["values"]
    assert [row for row in full if row["value"]] == sparse
    by_day: dict[str, set[str]] = {}
    for row in full:
        by_day.setdefault(row["end_time"], set()).add(row["campaign_id"])
    buckets = next(iter(by_day.values()))
    assert all(names == buckets for names in by_day.values())
    assert len(full) == len(by_day) * len(buckets) > len(sparse)
