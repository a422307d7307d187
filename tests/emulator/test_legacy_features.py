"""Protocol features that apps made since v27.0 may not use: they work for older apps, and are refused to new ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.refusals import code

from airflow_provider_msginsights.emulator.documentation import LEGACY_FEATURES

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]

NEW = "page_messages_new_conversations_unique"
DAY = {"metric": NEW, "period": "day", "since": "2026-11-10", "until": "2026-11-11"}


def by_post(emulator: GraphEmulator, http: requests.Session) -> requests.Response:
    form = {**DAY, "access_token": "page-token-101", "method": "get"}
    return http.post(f"{emulator.base_url}/v27.0/101/insights", data=form, timeout=10)


@pytest.mark.parametrize("feature", LEGACY_FEATURES)
def test_an_app_made_since_v27_may_not_use_it(
    feature: str, emulator: GraphEmulator, ask: Ask, http: requests.Session
) -> None:
    calls: dict[str, Callable[[], requests.Response]] = {
        "date_format": lambda: ask("/v27.0/101/insights", **DAY, date_format="U"),
        "field_aliases": lambda: ask("/v27.0/101", fields="id,name.as(title)"),
        "ids": lambda: ask("/v27.0/", token="user-token", ids="101,102"),
        "jsonp": lambda: ask("/v27.0/101", callback="show"),
        "method_override": lambda: by_post(emulator, http),
    }
    assert calls[feature]().status_code == 200
    emulator.configure(legacy_features=tuple(name for name in LEGACY_FEATURES if name != feature))
    refused = calls[feature]()
    assert refused.status_code == 400
    assert feature in refused.text
    emulator.configure(legacy_features=(feature,))
    assert calls[feature]().status_code == 200


def test_a_call_that_uses_none_is_answered_to_a_new_app(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.configure(legacy_features=())
    assert ask("/v27.0/101/insights", **DAY).ok
    assert ask("/v27.0/101", fields="id,name").ok


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("U", 1794384000),
        ("Y-m-d", "2026-11-11"),
        ("c", "2026-11-11T08:00:00+00:00"),
        ("D, j M y G:i", "Wed, 11 Nov 26 8:00"),
        (r"\Y\\Y", r"Y\2026"),
        ("Q", "Q"),
    ],
)
def test_date_format_writes_times_as_php_does(ask: Ask, pattern: str, written: Any) -> None:
    (entry,) = ask("/v26.0/101/insights", **DAY, date_format=pattern).json()["data"]
    assert [row["end_time"] for row in entry["values"]] == [written]


def test_ids_read_several_objects_by_one_token(ask: Ask) -> None:
    answer = ask("/v26.0/", token="user-token", ids="101,102", fields="id,access_token").json()
    assert answer == {page: {"id": page, "access_token": f"page-token-{page}"} for page in ("101", "102")}
    assert ask("/v26.0/insights", ids="101", **DAY).json()["101"]["data"][0]["name"] == NEW
    assert code(ask("/v26.0/insights", ids="101,102", **DAY)) == (10, None)
    assert code(ask("/v26.0/", token="user-token", ids="101,999")) == (100, 33)
    assert code(ask("/v26.0/", ids=",".join(map(str, range(51))))) == (100, None)


def test_each_of_several_ids_counts_as_a_call(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.set_allowance("102", calls=0)
    assert code(ask("/v26.0/", token="system-user-token", ids="101,102")) == (80001, None)


def test_an_alias_names_a_field_of_the_answer(ask: Ask) -> None:
    answer = ask("/v26.0/101", fields="name.as(title),insights.metric(" + NEW + ").as(figures){values.as(rows)}").json()
    assert set(answer) == {"title", "figures", "id"}
    assert set(answer["figures"]["data"][0]) == {"rows", "id"}
    assert ask("/v26.0/me", token="user-token", fields="name.as(who)").json() == {
        "who": "Emulator Analyst",
        "id": "9001",
    }


def test_jsonp_hands_the_answer_to_a_function(ask: Ask) -> None:
    answer = ask("/v26.0/101", fields="id", callback="my.show")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.text == '/**/ my.show({"id":"101"});'
    assert json.loads(ask("/v26.0/101", callback="alert(1)//").text)["error"]["code"] == 100
