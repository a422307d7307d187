"""The hook as authors of tasks of their own use it."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from support.dag_runs import connection_to

from airflow_provider_msginsights.exceptions import AuthenticationError, ConfigurationError, ServiceUnavailableError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.query import InsightsQuery, asked_days

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

pytestmark = pytest.mark.usefixtures("connection")


def query(page_ids: str = "101") -> InsightsQuery:
    days = asked_days(since="2026-11-01", until="2026-11-03")
    assert days is not None
    return InsightsQuery.create(page_ids=page_ids, metrics="page_messages_sent", days=days)


def test_making_it_reads_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_MSGINSIGHTS_DEFAULT")
    MessagingInsightsHook()


def test_records_arrive_one_by_one() -> None:
    records = list(MessagingInsightsHook().get_records(query()))
    assert [record.pacific_date for record in records] == [date(2026, 11, 1), date(2026, 11, 2)]


def test_both_worlds_tell_whether_days_are_there(emulator: GraphEmulator) -> None:
    emulator.set_clock(datetime(2026, 11, 3, 9, tzinfo=UTC))
    emulator.configure(readiness_lag_hours=6)
    hook, now = MessagingInsightsHook(), datetime.now(UTC)
    missing = (("101", "page_messages_sent", date(2026, 11, 2)),)
    assert hook.probe_availability(query(), now=now).missing == missing
    assert asyncio.run(hook.aprobe_availability(query(), now=now)).missing == missing
    emulator.advance(hours=6)
    assert hook.probe_availability(query(), now=now).ready
    assert asyncio.run(hook.aprobe_availability(query(), now=now)).ready


def test_both_worlds_raise_the_same_error_and_hide_the_token(emulator: GraphEmulator) -> None:
    emulator.expire_token(emulator.page_token("101"))
    hook, now = MessagingInsightsHook(), datetime.now(UTC)
    with pytest.raises(AuthenticationError) as blocking:
        hook.probe_availability(query(), now=now)
    with pytest.raises(AuthenticationError) as nonblocking:
        asyncio.run(hook.aprobe_availability(query(), now=now))
    assert (blocking.value.code, blocking.value.error_subcode) == (190, 463)
    assert blocking.value.evidence.keys() == nonblocking.value.evidence.keys()
    assert emulator.page_token("101") not in f"{blocking.value!r} {nonblocking.value!r} {vars(hook)!r}"


def test_pages_are_those_named_else_the_connection_s_else_all(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MessagingInsightsHook().resolve_page_ids("102, 103") == ("102", "103")
    assert MessagingInsightsHook().resolve_page_ids(None) == ("101",)
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    assert set(MessagingInsightsHook().resolve_page_ids("all")) == set(emulator.page_ids)


def test_a_wrong_field_is_refused_with_its_name_and_the_connection_s(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_to(emulator, monkeypatch, extra={"read_timeout_second": 5})
    with pytest.raises(ConfigurationError, match=r"'msginsights_default'.*'read_timeout_seconds'"):
        MessagingInsightsHook().get_conn()


@pytest.mark.parametrize("with_port", [True, False])
def test_a_connection_may_be_a_uri(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, *, with_port: bool
) -> None:
    _, host, port = emulator.base_url.split(":")
    address = f"{quote('http:' + host, safe='')}:{port}" if with_port else quote(emulator.base_url, safe="")
    uri = f"msginsights://101:{quote(emulator.page_token('101'))}@{address}/?max_attempts=1"
    monkeypatch.setenv("AIRFLOW_CONN_MSGINSIGHTS_DEFAULT", uri)
    assert len(list(MessagingInsightsHook().get_records(query()))) == 2
    assert MessagingInsightsHook().retry_policy().max_attempts == 1


def test_a_task_may_bound_its_retries_otherwise_than_the_connection(emulator: GraphEmulator) -> None:
    emulator.add_fault(code=2, times=10)
    with pytest.raises(ServiceUnavailableError):
        MessagingInsightsHook(retry_bounds={"max_attempts": "2", "base_seconds": 0}).list_pages()
    assert emulator.stats()["graph_calls"] == 2


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ({"max_atempts": 2}, "'max_attempts'"),
        ({"max_attempts": 0}, r"retry_bounds\['max_attempts'\]=0 .* from 1 to"),
        ({"max_attempts": "two"}, r"retry_bounds\['max_attempts'\]='two' .* a whole number"),
        ({"uniform": 1}, "retry_bounds"),
    ],
)
def test_retry_bounds_that_mean_nothing_are_refused_by_name(
    emulator: GraphEmulator, bounds: dict[str, object], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        list(MessagingInsightsHook(retry_bounds=bounds).get_records(query()))
    assert emulator.stats()["http_requests"] == 0
