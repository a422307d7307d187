"""A dataset over time: loads and fills on days of their own, against an emulator whose clock moves with them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import time_machine

from airflow_provider_msginsights.operators.fill import MessagingInsightsFillOperator
from airflow_provider_msginsights.operators.msginsights import MessagingInsightsOperator
from support.operator_calls import run_context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_msginsights.emulator import GraphEmulator

NOON = 20
"""Hours UTC: about noon in California."""


@dataclass
class History:
    """A dataset whose days pass one by one.

    :param parameters: of loads and fills alike.
    :param failed: days on which a load failed.
    """

    root: Path
    emulator: GraphEmulator
    since: date
    parameters: dict[str, Any]
    failed: list[date] = field(default_factory=list)

    @contextmanager
    def on(self, day: date) -> Iterator[datetime]:
        """Let it be noon of a Pacific day, here and at the API."""
        moment = datetime(day.year, day.month, day.day, NOON, tzinfo=UTC)
        with time_machine.travel(moment, tick=True):
            self.emulator.set_clock(moment)
            yield moment

    def load(self, on: date, *, lookback_days: int = 2, **different: Any) -> Any:
        """Load the day that ended and the days before it; ``None`` for a load that failed."""
        days = {"since": max(self.since, on - timedelta(1 + lookback_days)), "until": on}
        given = self.parameters | days | {"on_empty": "succeed", "max_failed_pages": None} | different
        task = MessagingInsightsOperator(task_id="load", output_path=str(self.root), **given)
        try:
            with self.on(on):
                return task.execute(run_context(run_id=f"load {on}"))  # type: ignore[arg-type]
        except Exception:  # noqa: BLE001 - whatever an outage makes of it
            self.failed.append(on)
            return None

    def fill(self, on: date, **different: Any) -> dict[str, Any]:
        """Fill what is missing."""
        given = self.parameters | {"fill_since": self.since, "below_percent": 100} | different
        task = MessagingInsightsFillOperator(task_id="fill", output_path=str(self.root), **given)
        with self.on(on):
            result: dict[str, Any] = task.execute(run_context(run_id=f"fill {on}"))  # type: ignore[arg-type]
        return result

    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows by their id, without what depends on when they were loaded."""
        return rows_at(self.root)

    def rows_of_one_load(self, elsewhere: Path, *, on: date) -> dict[str, dict[str, Any]]:
        """What one undisturbed load of all days holds, that runs on a day."""
        days = {"since": self.since, "until": on}
        with self.on(on):
            given = self.parameters | days | {"on_empty": "succeed"}
            MessagingInsightsOperator(task_id="once", output_path=str(elsewhere), **given).execute({})
        return rows_at(elsewhere)


def rows_at(root: Path) -> dict[str, dict[str, Any]]:
    """The rows of a dataset in JSON Lines, by id and without ``is_final``."""
    lines = [line for file in sorted(root.glob("dt=*/*.jsonl")) for line in file.read_text().splitlines()]
    found = [json.loads(line) for line in lines]
    assert len({row["record_id"] for row in found}) == len(found), "a row is there twice"
    return {row["record_id"]: {name: row[name] for name in row if name != "is_final"} for row in found}


class LocalRoot:
    """A directory of this machine, as stores take it."""

    protocol, fs = "file", None

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __str__(self) -> str:
        return self.path
