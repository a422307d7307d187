"""The sensor outside a DAG run; its runs in every mode are in test_dag_runs.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to

from airflow_provider_msginsights.airflow_names import AirflowFailException
from airflow_provider_msginsights.exceptions import AuthenticationError, ResponseFormatError
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("connection")

DAY = {"since": "2026-11-01", "until": "2026-11-02"}


def sensor(**parameters: Any) -> MessagingInsightsSensor:
    return MessagingInsightsSensor(task_id="wait", **DAY | parameters)


def test_a_day_that_is_there_is_named() -> None:
    answer = sensor(page_ids="101").poke({})
    assert answer.is_done
    assert answer.xcom_value == {"days": ["2026-11-01"], "page_ids": ["101"]}


def test_a_day_that_is_not_there_yet_is_waited_for(emulator: GraphEmulator) -> None:
    emulator.set_clock(datetime(2026, 11, 2, 9, tzinfo=UTC))
    emulator.configure(readiness_lag_hours=6)
    assert not sensor().poke({}).is_done
    emulator.advance(hours=6)
    assert sensor().poke({}).is_done


def test_pokes_of_one_process_exchange_tokens_once_and_then_ask_fifty_pages_in_one_request(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_ids = [emulator.add_page(str(page_id)) and str(page_id) for page_id in range(501, 551)]
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    emulator.set_clock(datetime(2026, 11, 2, 9, tzinfo=UTC))
    emulator.configure(readiness_lag_hours=6)
    asked = sensor(page_ids=page_ids)
    requests = []
    for _ in range(3):
        assert not asked.poke({}).is_done
        requests.append(emulator.stats()["http_requests"])
    assert requests == [2, 3, 4]
    emulator.advance(hours=6)
    assert asked.poke({}).is_done
    assert emulator.stats()["http_requests"] == 5


def test_a_token_replaced_between_two_pokes_is_used(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator.set_clock(datetime(2026, 11, 2, 9, tzinfo=UTC))
    emulator.configure(readiness_lag_hours=6)
    asked = sensor(page_ids=["101", "102"])
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    assert not asked.poke({}).is_done
    emulator.revoke_token(emulator.system_user_token)
    connection_to(emulator, monkeypatch, password="user-token")
    emulator.advance(hours=6)
    assert asked.poke({}).is_done


@pytest.mark.parametrize("hours", [-1, float("nan"), True])
def test_hours_that_mean_nothing_are_refused_before_anything_is_asked(emulator: GraphEmulator, hours: float) -> None:
    with pytest.raises(AirflowFailException, match=r"final_after_hours=.* use a number from 0 to"):
        sensor(wait_for="final", final_after_hours=hours, timeout=60).poke({})
    assert emulator.stats()["http_requests"] == 0


def test_a_provisional_row_is_not_enough(emulator: GraphEmulator) -> None:
    emulator.configure(unready="provisional")
    emulator.set_clock(datetime(2026, 11, 1, 20, tzinfo=UTC))
    today = (datetime.now(UTC) + timedelta(days=2)).date()
    assert not sensor(until=today).poke({}).is_done


def test_nothing_is_asked_before_the_last_day_has_ended(emulator: GraphEmulator) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date()
    assert not sensor(until=tomorrow).poke({}).is_done
    assert emulator.stats()["http_requests"] == 0


def test_every_page_and_metric_must_be_there(emulator: GraphEmulator) -> None:
    emulator.hide_metric("page_messages_reported_conversations_unique", page_id="101")
    assert sensor().poke({}).is_done
    assert not sensor(metrics="stable").poke({}).is_done


def test_a_broken_token_does_not_look_like_a_skip_under_soft_fail(emulator: GraphEmulator) -> None:
    emulator.expire_token(emulator.page_token("101"))
    with pytest.raises(AirflowFailException):
        sensor().execute({})
    with pytest.raises(AuthenticationError):
        sensor(soft_fail=True).execute({})


def test_an_error_told_by_the_trigger_is_the_one_a_poke_would_have_raised() -> None:
    failed = {"status": "failed", "kind": "AuthenticationError", "message": "No.", "evidence": {"code": 190}}
    with pytest.raises(AirflowFailException, match=r"No\. \(code 190\) Connection: msginsights_default\."):
        sensor().execute_complete({}, failed)
    with pytest.raises(AuthenticationError):
        sensor(soft_fail=True).execute_complete({}, failed)


@pytest.mark.parametrize("event", [None, {}, {"status": "splendid"}])
def test_an_event_of_another_version_is_refused(event: dict[str, Any] | None) -> None:
    with pytest.raises(ResponseFormatError, match="does not know"):
        sensor(soft_fail=True).execute_complete({}, event)
