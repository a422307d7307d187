"""What a load should have left and what it left, fact by fact."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from airflow_provider_msginsights.emulator.documentation import METRICS
from airflow_provider_msginsights.emulator.pacific_days import PACIFIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_msginsights.emulator import GraphEmulator

Fact = tuple[str, str, str, float]
"""Page, metric, Pacific day and value."""

_LONGEST_DAYS = 89


def facts_of_emulator(
    emulator: GraphEmulator, page_ids: Iterable[str], metrics: Iterable[str], first_day: date, end_day: date
) -> Counter[Fact]:
    """Ask the emulator directly, window by window, with nothing of ours in between."""
    facts: Counter[Fact] = Counter()
    names = ",".join(metrics)
    with httpx.Client(base_url=f"{emulator.base_url}/v26.0", timeout=60) as client:
        for page_id in page_ids:
            headers = {"Authorization": f"Bearer {emulator.page_token(page_id)}"}
            for since, until in _windows(first_day, end_day):
                query = {"metric": names, "period": "day", "since": since.isoformat(), "until": until.isoformat()}
                answer = client.get(f"/{page_id}/insights", params=query, headers=headers).raise_for_status().json()
                facts.update(_facts_in(page_id, answer))
    return facts


def _windows(first_day: date, end_day: date) -> Iterator[tuple[date, date]]:
    while first_day < end_day:
        until = min(end_day, first_day + timedelta(days=_LONGEST_DAYS))
        yield first_day, until
        first_day = until


def _facts_in(page_id: str, answer: dict[str, Any]) -> Iterator[Fact]:
    for entry in answer["data"]:
        for row in entry["values"]:
            end = datetime.fromisoformat(row["end_time"]).astimezone(PACIFIC)
            yield page_id, entry["name"], (end.date() - timedelta(days=1)).isoformat(), row["value"]


def facts_stored(file_system: Any, path: str) -> Counter[Fact]:
    """Read every row of every partition, and check that it lies in the partition of its day."""
    facts: Counter[Fact] = Counter()
    names = [name for name in file_system.find(path) if "/dt=" in name]
    for name, content in (file_system.cat(names) if names else {}).items():
        partition = name.rpartition("/dt=")[2].partition("/")[0]
        for line in content.splitlines():
            row = json.loads(line)
            assert row["pacific_date"] == partition
            facts[row["page_id"], row["metric"], row["pacific_date"], row["value"]] += 1
    return facts


def assert_same_facts(stored: Counter[Fact], expected: Counter[Fact]) -> None:
    """Every row exactly once, none missing, none that nobody asked for."""
    assert expected
    missing, extra = expected - stored, stored - expected
    assert (sum(missing.values()), sum(extra.values())) == (0, 0), f"missing {_some(missing)}, extra {_some(extra)}"


def assert_no_request_was_answered_twice(emulator: GraphEmulator) -> None:
    """Each question got one answer, and every refusal says why it was no answer."""
    answered = Counter(
        (call["page_id"], *sorted(call["params"].items()))
        for call in emulator.stats()["journal"]
        if call["path"].endswith("/insights") and call["code"] is None
    )
    assert answered
    assert [question for question, times in answered.items() if times > 1] == []


def _some(facts: Counter[Fact]) -> list[Fact]:
    return sorted(facts)[:5]


ALL_METRICS = tuple(METRICS)
STABLE_METRICS = tuple(name for name, metric in METRICS.items() if not metric.in_development)
