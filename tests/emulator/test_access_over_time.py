"""What is lost and comes back in the middle of history: permissions, metrics, Pages, and the whole API."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests
from support.refusals import code

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_msginsights.emulator import GraphEmulator

    Ask = Callable[..., requests.Response]

NEW = "page_messages_new_conversations_unique"
SENT = "page_messages_sent"
TOTAL = "page_messages_total_messaging_connections"
PEOPLE = ("user-token", "system-user-token")


def insights(ask: Ask, page_id: str = "101", **params: Any) -> requests.Response:
    asked = {"metric": NEW, "period": "day", "since": "2026-11-10", "until": "2026-11-15"} | params
    return ask(f"/v26.0/{page_id}/insights", token=f"page-token-{page_id}", **asked)


def days(answer: requests.Response) -> list[str]:
    """The Pacific days of the rows, by the day their end names."""
    return [row["end_time"][:10] for entry in answer.json()["data"] for row in entry["values"]]


def at_noon(emulator: GraphEmulator, day: int) -> None:
    emulator.set_clock(datetime(2026, 11, day, 20, tzinfo=UTC))


# Permissions


def test_requests_made_while_read_insights_is_lost_are_answered_empty(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.lose_permission("read_insights", first_day=date(2026, 11, 18), last_day=date(2026, 11, 19))
    found = {}
    for day in (17, 18, 19, 20):
        at_noon(emulator, day)
        answer = insights(ask)
        assert answer.status_code == 200
        found[day] = len(days(answer))
    assert found == {17: 5, 18: 0, 19: 0, 20: 5}


def test_a_permission_is_lost_at_once_and_until_it_is_restored(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.lose_permission()
    assert insights(ask).json() == {"data": []}
    granted = ask("/v26.0/me/permissions", token="user-token").json()["data"]
    assert "read_insights" not in [entry["permission"] for entry in granted]
    emulator.restore_permission()
    assert days(insights(ask))
    emulator.lose_permission("pages_messaging")
    assert code(insights(ask)) == (200, None)
    emulator.reset()
    assert days(insights(ask))


def test_a_permission_can_be_lost_for_one_page_and_restored_for_one(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.lose_permission(page_id="102")
    assert (bool(days(insights(ask))), days(insights(ask, "102"))) == (True, [])
    debug = ask("/v26.0/debug_token", token="1|app-secret", input_token="system-user-token").json()["data"]
    targets = {entry["scope"]: entry.get("target_ids") for entry in debug["granular_scopes"]}
    assert (targets["read_insights"], targets["pages_messaging"]) == (["101", "103", "104"], None)
    emulator.lose_permission()
    emulator.restore_permission(page_id="102")
    assert (days(insights(ask)), bool(days(insights(ask, "102")))) == ([], True)


def test_without_pages_show_list_no_page_is_listed(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.lose_permission("pages_show_list")
    assert ask("/v26.0/me/accounts", token="user-token").json() == {"data": []}


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": "email"},
        {"page_id": "999"},
        {"first_day": date(2026, 11, 2), "last_day": date(2026, 11, 1)},
    ],
    ids=str,
)
def test_a_loss_that_could_not_be_is_refused(wrong: dict[str, Any], emulator: GraphEmulator) -> None:
    with pytest.raises(ValueError, match="Emulator: "):
        emulator.lose_permission(**wrong)


# Metrics


def test_a_retired_metric_comes_back_with_rows_since_its_release(emulator: GraphEmulator, ask: Ask) -> None:
    whole = insights(ask).json()["data"][0]["values"]
    emulator.retire_metric(NEW)
    assert code(insights(ask)) == (100, None)
    emulator.restore_metric(NEW, first_day=date(2026, 11, 12))
    assert insights(ask).json()["data"][0]["values"] == whole[2:]
    assert days(insights(ask, since="2026-11-05", until="2026-11-10")) == []
    assert len(days(insights(ask, metric=SENT))) == 5
    emulator.restore_metric(NEW)
    assert insights(ask).json()["data"][0]["values"] == whole


def test_longer_periods_count_from_the_release(emulator: GraphEmulator, ask: Ask) -> None:
    def value(metric: str, since: str) -> Any:
        asked = {"metric": metric, "period": "total_over_range", "since": since, "until": "2026-11-15"}
        return insights(ask, **asked).json()["data"][0]["values"][0]["value"]

    since_release, ever = value(SENT, "2026-11-12"), value(TOTAL, "2026-11-10")
    for metric in (SENT, TOTAL):
        emulator.restore_metric(metric, first_day=date(2026, 11, 12))
    assert value(SENT, "2026-11-01") == since_release
    assert value(TOTAL, "2026-11-10") == ever, "a state at the end of the range"
    assert days(insights(ask, metric=SENT, period="week", since="2026-11-10", until="2026-11-14")) == [
        "2026-11-13",
        "2026-11-14",
    ]


def test_one_page_has_a_metric_that_the_others_have_lost(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.retire_metric(NEW)
    emulator.restore_metric(NEW, page_id="102", first_day=date(2026, 11, 14))
    assert code(insights(ask)) == (100, None)
    assert days(insights(ask, "102")) == ["2026-11-15"]
    emulator.retire_metric(NEW, page_id="102")
    assert code(insights(ask, "102")) == (100, None)


def test_a_hidden_metric_is_restored_too(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.hide_metric(NEW, page_id="101")
    assert days(insights(ask)) == []
    emulator.restore_metric(NEW, page_id="101")
    assert days(insights(ask))


# Pages


def listed(ask: Ask, token: str) -> list[str]:
    return [entry["id"] for entry in ask("/v26.0/me/accounts", token=token).json()["data"]]


def test_an_unshared_page_is_gone_until_it_is_shared_again(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.unshare_page("102")
    for token in PEOPLE:
        assert listed(ask, token) == ["101", "103", "104"]
        refused = ask("/v26.0/102", token=token, fields="access_token")
        assert code(refused) == (100, None)
        assert "cannot be loaded due to missing permission" in refused.json()["error"]["message"]
    assert code(insights(ask, "102")) == (190, 492)
    debug = ask("/v26.0/debug_token", token="1|app-secret", input_token="page-token-102").json()["data"]
    assert debug["is_valid"] is False
    assert days(insights(ask))
    emulator.share_page("102")
    assert listed(ask, "user-token") == ["101", "102", "103", "104"]
    assert days(insights(ask, "102"))


def test_a_page_can_be_unshared_with_one_person(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.unshare_page("102", user_id="9002")
    assert [len(listed(ask, token)) for token in PEOPLE] == [4, 3]
    assert ask("/v26.0/102", token="user-token", fields="access_token").json()["access_token"]
    assert code(ask("/v26.0/102", token="system-user-token", fields="access_token")) == (100, None)
    with pytest.raises(ValueError, match="no person 5"):
        emulator.share_page("102", user_id="5")
    with pytest.raises(ValueError, match="Page 999 does not exist"):
        emulator.unshare_page("999")


def test_a_page_may_be_missing_from_the_list_and_be_read_all_the_same(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.change_page("102", listed=False)
    assert listed(ask, "user-token") == ["101", "103", "104"]
    token = ask("/v26.0/102", token="user-token", fields="access_token").json()["access_token"]
    assert ask("/v26.0/102/insights", token=token, metric=NEW).ok


# Outage


def test_an_outage_strikes_every_request_until_it_ends(
    emulator: GraphEmulator, ask: Ask, http: requests.Session
) -> None:
    form = {"access_token": "user-token", "batch": '[{"method":"GET","relative_url":"101"}]'}
    emulator.add_fault(code=190)
    emulator.start_outage()
    for _ in range(3):
        assert insights(ask).status_code == 503
        assert http.post(f"{emulator.base_url}/v26.0/", data=form, timeout=10).status_code == 503
    emulator.end_outage()
    assert code(insights(ask)) == (190, None), "a fault that waited strikes afterwards"
    assert insights(ask).ok
    assert http.post(f"{emulator.base_url}/v26.0/", data=form, timeout=10).json()[0]["code"] == 200


def test_an_outage_may_be_of_any_kind(emulator: GraphEmulator, ask: Ask) -> None:
    emulator.start_outage("error", code=2)
    assert code(insights(ask)) == (2, None)
    emulator.start_outage("reset")
    with pytest.raises(requests.ConnectionError):
        insights(ask)
    emulator.reset()
    assert (emulator.outage(), insights(ask).ok) == (None, True)
    with pytest.raises(ValueError, match="'times'"):
        emulator.start_outage(times=3)


def test_the_control_plane_does_the_same(emulator: GraphEmulator, ask: Ask, http: requests.Session) -> None:
    def post(name: str, **body: Any) -> Any:
        answer = http.post(f"{emulator.base_url}/_emulator/{name}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    post("permissions", lose="read_insights", first_day="2026-11-20", last_day="2026-11-20")
    assert days(insights(ask)) == []
    post("permissions", restore="read_insights")
    post("metrics", retire=NEW)
    post("metrics", restore=NEW, first_day="2026-11-14", page_id="101")
    assert days(insights(ask)) == ["2026-11-15"]
    post("sharing", unshare="102", user_id="9001")
    assert "102" not in listed(ask, "user-token")
    post("sharing", share="102")
    assert "102" in listed(ask, "user-token")
    assert post("outage", kind="html_500")["outage"]["kind"] == "html_500"
    assert insights(ask).status_code == 500
    assert http.delete(f"{emulator.base_url}/_emulator/outage", timeout=10).json() == {"outage": None}
    assert insights(ask).ok
    wrong = http.post(f"{emulator.base_url}/_emulator/permissions", json={"lose": "x"}, timeout=10)
    assert wrong.status_code == 400
    wrong = http.post(f"{emulator.base_url}/_emulator/metrics", json={"restore": NEW, "first_day": "soon"}, timeout=10)
    assert "first_day" in wrong.json()["error"]["message"]
