"""The public API as a DAG with types uses it: mypy checks this file with the rest, and nothing runs it.

What is said by `assert_type` may not become vaguer. Each line that mypy must refuse has an ignore with its error code;
an ignore that is needed no longer is an error itself.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

from airflow.sdk import DAG, Asset, AssetWatcher, ObjectStoragePath, task

from airflow_provider_msginsights.emulator import Event, EventKind, GraphEmulator, Stats
from airflow_provider_msginsights.exceptions import AuthenticationError, MessagingInsightsError, RateLimitError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
from airflow_provider_msginsights.insights.query import InsightsQuery, Slice, asked_days
from airflow_provider_msginsights.operators.coverage_check import MessagingInsightsCoverageCheckOperator
from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from airflow_provider_msginsights.operators.token_check import MessagingInsightsTokenCheckOperator
from airflow_provider_msginsights.retry_policies import MessagingInsightsRetryPolicy
from airflow_provider_msginsights.sensors.msginsights import MessagingInsightsSensor
from airflow_provider_msginsights.triggers.new_day import MessagingInsightsNewDayTrigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from airflow_provider_msginsights.insights.records import InsightsRecord


def dag_with_every_class() -> DAG:
    new_day = Asset(
        "new_day",
        watchers=[AssetWatcher(name="new", trigger=MessagingInsightsNewDayTrigger(page_ids=["101", 102]))],
    )
    with DAG("typed", schedule=[new_day]) as dag:
        wait = MessagingInsightsSensor(
            task_id="wait", page_ids="101,102", min_ready_pages=0.9, poke_interval=timedelta(minutes=5), deferrable=True
        )
        load = MessagingInsightsOperator(
            task_id="load",
            page_ids=[101, "102"],
            metrics=("page_messages_sent",),
            breakdowns=["campaign_id"],
            since=date(2026, 3, 8),
            until="{{ data_interval_end }}",
            lookback_days=2,
            output_path=ObjectStoragePath("s3://bucket/insights"),
            extra_columns={"client": "bakery"},
            max_failed_pages=0.1,
            retry_bounds={"max_attempts": 2},
            retry_policy=MessagingInsightsRetryPolicy(max_reschedules=3),
            outlets=[Asset("loaded")],
        )
        fill = MessagingInsightsFillOperator(task_id="fill", output_path=Path("/data"), fill_since="2025-01-01")
        check = MessagingInsightsTokenCheckOperator(task_id="check", fail_within_days=7, require_known_end=True)
        gate = MessagingInsightsCoverageCheckOperator(task_id="gate", output_path="s3://bucket/insights", last_days=7)
        check >> wait >> load >> fill >> gate
        MessagingInsightsOperator.partial(task_id="mapped", metrics="all").expand(page_ids=[["101"], ["102"]])
    return dag


def dag_with_mistakes() -> None:
    MessagingInsightsOperator(task_id="a", page_ids=101.5)  # type: ignore[arg-type]
    MessagingInsightsOperator(task_id="b", lookback_days=None)  # type: ignore[arg-type]
    MessagingInsightsOperator("c")  # type: ignore[call-arg]
    MessagingInsightsFillOperator(task_id="d", output_path="/data")  # type: ignore[call-arg]
    MessagingInsightsCoverageCheckOperator(task_id="f", output_path=None)  # type: ignore[arg-type]
    MessagingInsightsSensor(task_id="e", deferrable="yes")  # type: ignore[arg-type]
    MessagingInsightsNewDayTrigger()  # type: ignore[call-arg]
    MessagingInsightsHook(max_attempts=2).settings.token = "t"  # type: ignore[attr-defined]
    InsightsQuery.create(page_ids="101", metrics="all", days="2026-03-08")  # type: ignore[arg-type]


@task
def typed_task() -> dict[str, float]:
    hook = MessagingInsightsHook("msginsights_bakery", api_version="v26.0", retry_bounds={"total_seconds": 60})
    days = asked_days(since="2026-11-01", until=date(2026, 11, 8))
    if days is not None:
        assert_type(days.last_day, date)
    page_ids = assert_type(hook.resolve_page_ids("all"), tuple[str, ...])
    query = InsightsQuery.create(page_ids=page_ids, metrics="page_messages_sent", days=days, period="day")
    totals: dict[str, float] = {}
    for record in hook.get_records(query):
        assert_type(record.pacific_date, date)
        assert_type(record.end_time, datetime)
        assert_type(record.breakdowns, tuple[tuple[str, str | None], ...])
        totals[record.page_id] = totals.get(record.page_id, 0) + (assert_type(record.value, float | None) or 0)
    return totals


def what_the_hook_returns(hook: MessagingInsightsHook, query: InsightsQuery) -> Iterator[InsightsRecord]:
    assert_type([page.page_id for page in hook.list_pages()], list[str])
    report = hook.inspect_token(page_ids=["101"])
    assert_type(report.ok, bool)
    assert_type(report.ends_at, datetime | None)
    assert_type(report.missing_permissions, tuple[str, ...] | None)
    assert_type(report.as_dict(), dict[str, Any])
    outcome = assert_type(hook.probe_metrics(query), FetchOutcome)
    assert_type(outcome.answered, tuple[Slice, ...])
    assert_type(sorted(outcome.unavailable_metrics), list[str])
    assert_type(hook.probe_availability(query, now=datetime.now(UTC)).outcome, FetchOutcome)
    assert_type(hook.test_connection(), tuple[bool, str])
    with hook.get_conn() as transport:
        yield from transport.records(hook.fetch_flow(query))


async def async_twins(hook: MessagingInsightsHook, query: InsightsQuery) -> AsyncIterator[str]:
    assert_type((await hook.ainspect_token()).ok, bool)
    assert_type([page.may_analyze for page in await hook.alist_pages()], list[bool | None])
    async for record in hook.aget_records(query):
        yield assert_type(record.metric, str)


def errors_and_their_evidence(error: MessagingInsightsError) -> float | None:
    if isinstance(error, RateLimitError):
        return assert_type(error.retry_after_seconds, float | None)
    if isinstance(error, AuthenticationError):
        assert_type(error.error_subcode, int | None)
        assert_type(error.fbtrace_id, str | None)
    return None


def test_of_ones_own(graph_emulator: GraphEmulator) -> None:
    assert_type(graph_emulator.page_token("101"), str)
    assert_type(graph_emulator.stats(), Stats)
    graph_emulator.add_fault(code=190, subcode=463, times=None)
    graph_emulator.add_events([Event(page_id="101", kind=EventKind.BLOCKED, at=datetime.now(UTC), person_id="ann")])
    with GraphEmulator(pages=2, readiness_lag_hours=6) as emulator:
        assert_type(emulator.base_url, str)
        emulator.set_clock("2026-03-08")  # type: ignore[arg-type]
