"""Reading records by the hook: all of them, or an error; in both worlds alike."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to

from airflow_provider_msginsights.exceptions import AuthenticationError, PermissionDeniedError, RateLimitError
from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
from airflow_provider_msginsights.insights.query import InsightsQuery, asked_days

if TYPE_CHECKING:
    from collections.abc import Generator

    from airflow_provider_msginsights.emulator import GraphEmulator
    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.records import InsightsRecord


@pytest.fixture(autouse=True)
def connected(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection_to(emulator, monkeypatch, password=emulator.user_token, extra={"wait_bound_seconds": 0})


def query(page_ids: str = "101, 102") -> InsightsQuery:
    days = asked_days(since="2026-11-01", until="2026-11-03")
    assert days is not None
    return InsightsQuery.create(page_ids=page_ids, metrics="page_messages_sent", days=days)


def read(world: str, page_ids: str = "101, 102") -> tuple[list[str], Exception | None]:
    """The Pages of the records that arrived, and what was raised after them."""
    hook, pages = MessagingInsightsHook(), []

    async def nonblocking() -> None:
        async for record in hook.aget_records(query(page_ids)):
            pages.append(record.page_id)  # noqa: PERF401 - what came before an error counts

    try:
        if world == "async":
            asyncio.run(nonblocking())
        else:
            for record in hook.get_records(query(page_ids)):
                pages.append(record.page_id)  # noqa: PERF401 - what came before an error counts
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return pages, error
    return pages, None


@pytest.mark.parametrize("world", ["blocking", "async"])
def test_a_page_that_fails_is_raised_after_the_records_of_the_others(emulator: GraphEmulator, world: str) -> None:
    emulator.change_page("102", tasks=("MODERATE",))
    pages, error = read(world)
    assert pages == ["101", "101"]
    assert isinstance(error, PermissionDeniedError)
    assert error.page_id == "102"


@pytest.mark.parametrize("world", ["blocking", "async"])
def test_a_limit_is_raised_with_the_moment_it_ends(emulator: GraphEmulator, world: str) -> None:
    emulator.set_throttled("102", minutes=15)
    pages, error = read(world)
    assert pages == ["101", "101"]
    assert isinstance(error, RateLimitError)
    assert 14 * 60 < (error.retry_after_seconds or 0) < 18 * 60


@pytest.mark.parametrize("world", ["blocking", "async"])
def test_what_stops_the_whole_run_is_raised_as_it_is(emulator: GraphEmulator, world: str) -> None:
    emulator.expire_token(emulator.user_token)
    pages, error = read(world)
    assert not pages
    assert isinstance(error, AuthenticationError)


@pytest.mark.parametrize("world", ["blocking", "async"])
def test_without_trouble_all_is_there(world: str) -> None:
    pages, error = read(world)
    assert (sorted(pages), error) == (["101", "101", "102", "102"], None)


def test_who_asks_for_it_gets_the_outcome_instead_of_an_error(emulator: GraphEmulator) -> None:
    emulator.change_page("102", tasks=("MODERATE",))
    outcomes: list[FetchOutcome] = []

    def read_all() -> Generator[InsightsRecord, None, None]:
        outcomes.append((yield from MessagingInsightsHook().get_records(query(), allow_partial=True)))

    assert len(list(read_all())) == 2
    assert list(outcomes[0].page_failures) == ["102"]


def test_an_async_reader_that_stops_early_leaves_nothing_running() -> None:
    async def read_one() -> int:
        records: Any = MessagingInsightsHook().aget_records(query("101, 102, 103, 104"))
        async for _ in records:
            break
        await records.aclose()
        return len(asyncio.all_tasks())

    assert asyncio.run(read_one()) == 1


def test_an_async_reader_that_is_cancelled_stops_at_once(emulator: GraphEmulator) -> None:
    emulator.add_fault(kind="hang", times=10)

    async def read_until_cancelled() -> int:
        async def read_all() -> None:
            async for _ in MessagingInsightsHook().aget_records(query()):
                pass

        task = asyncio.create_task(read_all())
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(asyncio.all_tasks())

    assert asyncio.run(read_until_cancelled()) == 1


def test_the_connection_is_read_without_blocking_for_every_twin(emulator: GraphEmulator) -> None:
    async def ask() -> tuple[object, ...]:
        hook = MessagingInsightsHook()
        async with await hook.aget_conn() as transport:
            outcome = await transport.run(hook.fetch_flow(query("101")))
        return len(await hook.alist_pages()), outcome.counts["records"]

    assert asyncio.run(ask()) == (len(emulator.page_ids), 2)
