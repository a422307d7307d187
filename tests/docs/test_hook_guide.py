"""The guides' examples of the hook and its two ways to write a connection, run as they stand there."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import CONNECTION_VARIABLE, connection_to
from support.page_blocks import blocks

from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.query import InsightsQuery, asked_days

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator

SECTION = "The hook in your own tasks"


def code_of(section: str, language: str = "python") -> list[str]:
    return [block.code for block in blocks() if (block.section, block.language) == (section, language)]


@pytest.fixture
def examples(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Everything the section's examples define."""
    connection_to(emulator, monkeypatch, password=emulator.user_token)
    scope: dict[str, Any] = {}
    for block in code_of(SECTION):
        exec(block, scope)  # noqa: S102 - the guide's own code
    return scope


def query(**different: Any) -> InsightsQuery:
    days = asked_days(since="2026-11-01", until="2026-11-08")
    return InsightsQuery.create(**{"page_ids": "101", "metrics": "page_messages_sent", "days": days} | different)


def test_the_task_reads_every_page(examples: dict[str, Any], emulator: GraphEmulator) -> None:
    totals = examples["messages_sent_by_page"].function()
    assert set(totals) == set(emulator.page_ids)
    assert totals["101"] == sum(record.value or 0 for record in MessagingInsightsHook().get_records(query()))


def test_the_async_twins_read_the_same(examples: dict[str, Any], emulator: GraphEmulator) -> None:
    pages, records = asyncio.run(examples["pages_and_records"](query()))
    assert [page.page_id for page in pages] == list(emulator.page_ids)
    assert records == list(MessagingInsightsHook().get_records(query()))


def test_the_probe_sorts_the_metrics(examples: dict[str, Any], emulator: GraphEmulator) -> None:
    emulator.retire_metric("page_messages_sent")
    emulator.hide_metric("page_messages_order_count", page_id="101")
    found = examples["which_metrics_work"](query(metrics="all"))
    assert found["are refused"] == ["page_messages_sent"]
    assert found["are empty"] == ["page_messages_order_count"]
    assert len(found["work"]) == 9
    assert asyncio.run(MessagingInsightsHook().aprobe_metrics(query(metrics="all"))).unavailable_metrics.keys() == {
        "page_messages_sent"
    }


def test_one_transport_serves_many_queries(examples: dict[str, Any]) -> None:
    records = examples["records_over_one_connection"]([query(), query(page_ids="102")])
    assert {record.page_id for record in records} == {"101", "102"}


def test_the_dag_of_the_token_check_is_accepted_by_airflow() -> None:
    (block,) = code_of("Token care")
    scope: dict[str, Any] = {}
    exec(block, scope)  # noqa: S102 - the guide's own code
    scope["dag"].validate()
    assert scope["dag"].get_task("check").require_known_end is True


@pytest.mark.parametrize("number", [0, 1], ids=["json", "uri"])
def test_each_way_to_write_a_connection_is_understood(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = (one for one in code_of("Connection", "bash") if "AIRFLOW_CONN" in one)
    line = block.splitlines()[number]
    value = line.partition("='")[2].removesuffix("'").replace("<page id>", "101").replace("<token>", "EAAB-token")
    monkeypatch.setenv(CONNECTION_VARIABLE, value)
    hook = MessagingInsightsHook()
    assert hook.resolve_page_ids(None) == ("101",)
    with hook.get_conn():
        """Nothing of the connection was refused."""


def test_the_text_of_a_test_is_what_the_hook_says(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator.set_clock(datetime.now(UTC))
    scopes = ("pages_messaging", "pages_read_engagement", "pages_show_list")
    emulator.change_token(
        emulator.page_token("101"),
        scopes=scopes,
        data_access_expires_at=int((emulator.now() + timedelta(days=90, hours=1)).timestamp()),
    )
    connection_to(emulator, monkeypatch, extra={"app_id": "1", "app_secret": "app-secret"})
    (shown,) = code_of("Connection", "text")
    told = MessagingInsightsHook().test_connection()[1]
    moment = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
    for line, said in zip(shown.splitlines(), told.splitlines(), strict=True):
        beginning = moment.sub("then", line).removesuffix("…")
        assert moment.sub("then", said).startswith(beginning)
