"""Ledgers of daily loads, made from what an API would answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from airflow_provider_msginsights.insights.coverage.answers import RunAnswers, SeriesRows
from airflow_provider_msginsights.insights.coverage.gaps import Horizon
from airflow_provider_msginsights.insights.coverage.ledger import Ledger, Requester
from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.query import Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FIRST = date(2026, 10, 1)
CONNECTIONS = "page_messages_total_messaging_connections"
METRICS = ("page_messages_new_conversations_unique", "page_messages_blocked_conversations_unique", CONNECTIONS)


def day(number: int) -> date:
    """The day so many days after the first."""
    return date.fromordinal(FIRST.toordinal() + number)


def ever(page_id: str, metric: str, number: int) -> float | None:  # noqa: ARG001 - one of the answers
    """The same rows each day."""
    return 1000 if metric == CONNECTIONS else 5


@dataclass
class DailyLoads:
    """A dataset loaded once a day with a look-back of two days, after which days are final.

    :param answer: (Page, metric, number of the day) -> the value, ``None`` for no row.
    """

    page_ids: Sequence[str]
    answer: Callable[[str, str, int], float | None] = ever
    metrics: Sequence[str] = METRICS
    refused: Callable[[str, str, int], bool] = lambda page_id, metric, on: False  # noqa: ARG005 - nothing is refused
    ledger: Ledger = field(default_factory=Ledger)
    pages: PagesOfDataset = field(default_factory=PagesOfDataset)
    today: int = 0

    def run(self, until: int, *, lookback: int = 2) -> DailyLoads:
        """Load each morning up to the one of a day, which has not ended then."""
        for on in range(self.today + 1, until + 1):
            self.load(range(max(0, on - 1 - lookback), on), on)
        return self

    def load(self, days: range, on: int) -> None:
        """Load some days on the morning of one."""
        self.today = max(on, self.today)
        span = DateRange(day(days.start), day(days.stop))
        read: list[Slice] = []
        refused: list[tuple[Slice, str]] = []
        rows: dict[tuple[str, str], SeriesRows] = {}
        for page_id in self.page_ids:
            for metric in self.metrics:
                part = Slice(page_id, (metric,), span)
                if self.refused(page_id, metric, on):
                    refused.append((part, "(#100) no valid metric"))
                    continue
                read.append(part)
                for number in days:
                    if (value := self.answer(page_id, metric, number)) is not None:
                        rows.setdefault((page_id, metric), SeriesRows()).add(day(number).toordinal(), [value])
        self.ledger.apply(
            RunAnswers(
                on=day(on).toordinal(),
                ended_before=day(on).toordinal(),
                final_before=day(on - 2).toordinal(),
                read=tuple(read),
                refused=tuple(refused),
                rows=rows,
            )
        )
        self.pages = self.pages.with_entered(sorted({page_id for page_id, _ in rows}), part="0", run=f"run {on}")
        self.ledger.enter_request(
            "dag.load",
            Requester(f"run {on}", day(on).toordinal(), tuple(self.page_ids), tuple(self.metrics)),
        )

    @property
    def horizon(self) -> Horizon:
        """As of the newest load."""
        on = day(self.today).toordinal()
        first = FIRST.toordinal()
        return Horizon(since=first, oldest=first - 365, ended_before=on, final_before=on - 2)
