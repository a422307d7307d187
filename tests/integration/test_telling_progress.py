"""Long loads tell how far they are, and what all came to; Airflow's metrics hear of it."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.dag_runs import connection_to
from support.fetch_helpers import make_query
from support.operator_calls import execute
from support.scripted import ScriptedApi, insights, refusal

from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.operators.load.progress import ProgressLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator
    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.protocol import Request, Response

LOG = logging.getLogger("test_telling_progress")
MOMENT = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO, logger=LOG.name)
    return lambda: [record.getMessage() for record in caplog.records if record.name == LOG.name]


def watch(answer: Callable[[Request], Response], *, pages: int, latency_seconds: float) -> FetchOutcome:
    """A load of these Pages, whose clock is that of the scripted API."""
    api = ScriptedApi(answer, latency_seconds=latency_seconds)
    progress = ProgressLog(log=LOG, clock=lambda: api.now, now=lambda: MOMENT)
    policy = RetryPolicy(uniform=lambda: 1.0, max_in_flight=1)
    outcome = api.run(progress.watching(fetch_insights(make_query(pages=pages), policy=policy), "2026-03-01"))
    progress.summarize([outcome], None)
    return outcome


def test_a_short_load_tells_its_end_alone(lines: Callable[[], list[str]]) -> None:
    watch(insights, pages=3, latency_seconds=1)
    assert lines() == ["33 rows in 3.0 s; API calls: 3, of them retries: 0."]


def test_a_long_load_tells_how_far_it_is_every_few_seconds(lines: Callable[[], list[str]]) -> None:
    watch(insights, pages=8, latency_seconds=2)
    *told, _ = lines()
    assert told == [
        "2026-03-01: 3 of 8 requests done, 33 rows; about 0:00:10 left.",
        "2026-03-01: 6 of 8 requests done, 66 rows; about 0:00:04 left.",
    ]


def test_who_is_held_back_and_until_when_is_told(lines: Callable[[], list[str]]) -> None:
    usage = {"102": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 1}]}
    refusals = iter([refusal(80001, headers={"x-business-use-case-usage": json.dumps(usage)})])

    def answer(request: Request) -> Response:
        return (request.page_id == "102" and next(refusals, None)) or insights(request)

    watch(answer, pages=3, latency_seconds=6)
    told, end = lines()[1], lines()[-1]
    assert "for a rate limit until 12:0" in told
    assert "Page 102" in told
    assert "s of them waiting for rate limits" in end


class Stats:
    """Takes what is sent to Airflow's metrics."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}
        self.tags: list[dict[str, str]] = []

    def incr(self, name: str, count: int = 1, *, tags: dict[str, str]) -> None:
        self.sent[name] = self.sent.get(name, 0) + count
        self.tags.append(tags)

    def gauge(self, name: str, value: float, *, tags: dict[str, str]) -> None:
        self.sent[name] = value
        self.tags.append(tags)


@pytest.fixture
def stats(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stats]:
    from airflow_provider_msginsights.airflow_names import airflow_stats

    stats, target = Stats(), airflow_stats()
    for name in ("incr", "gauge"):
        monkeypatch.setattr(target, name, getattr(stats, name))
    return stats  # type: ignore[return-value]


def test_airflow_s_metrics_hear_of_calls_rows_failures_and_usage(
    emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stats: Stats
) -> None:
    connection_to(emulator, monkeypatch, password=emulator.system_user_token)
    emulator.set_allowance("101", calls=10)
    execute(page_ids=["101", "999"], max_failed_pages=1, output_path=tmp_path.as_uri())
    assert stats.sent["msginsights.rows"] == 4
    assert stats.sent["msginsights.graph_calls"] == emulator.stats()["graph_calls"]
    assert stats.sent["msginsights.failed_pages"] == 1
    assert stats.sent["msginsights.throttled_seconds"] == 0
    assert stats.sent["msginsights.usage_percent"] >= 10
    expected: Any = {"dag_id": "no-dag", "task_id": "no-task", "conn_id": "msginsights_default"}
    assert all(tags.items() <= expected.items() for tags in stats.tags)
    gauges = {"missing_cells", "new_findings", "newest_complete_day_age_days"}
    assert {f"msginsights.{name}" for name in gauges} <= stats.sent.keys()


def test_airflow_s_own_metrics_take_them(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the stand-in: Airflow refuses names and tags it cannot send."""
    connection_to(emulator, monkeypatch)
    assert len(execute()) == 4
