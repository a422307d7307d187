"""The reading of one turn: what the work names leaves as rows, stored as it arrives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.outputs.formats import json_ready
from airflow_provider_msginsights.outputs.schema import Row, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.insights.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.query import InsightsQuery
    from airflow_provider_msginsights.operators.progress import ProgressLog
    from airflow_provider_msginsights.operators.work import Work
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.stored import Stored


class LoadStoppedError(BaseException):
    """Airflow is ending the task. No ``Exception``, so that nothing on the way out takes it for an error to handle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A turn of reading.

    :param queries: one for each range of the work.
    :param final_after_hours: how long after its end a day is taken to change no more.
    :param outcomes: what became of each query; complete once the rows are.
    :param days: the last Pacific day of every row so far -> whether all its rows are final.
    """

    hook: MessagingInsightsHook
    queries: Sequence[InsightsQuery]
    work: Work
    final_after_hours: float
    extra_columns: Mapping[str, str]
    progress: ProgressLog
    outcomes: list[FetchOutcome] = field(default_factory=list)
    days: dict[date, bool] = field(default_factory=dict)

    def to_dataset(self, dataset: Dataset[Any]) -> Stored:
        """Store every row that could be read."""
        with dataset.writer() as writer:
            for row in self._rows():
                writer.add(row)
            return writer.finish()

    def to_rows(self, *, max_rows: int) -> list[dict[str, Any]]:
        """Give every row that could be read, ready for JSON.

        :raises ConfigurationError: as soon as there are more than ``max_rows``.
        """
        held: list[dict[str, Any]] = []
        for row in self._rows():
            held.append(json_ready(row))
            if len(held) > max_rows:
                raise ConfigurationError(
                    f"The load has more than xcom_max_rows={max_rows} rows, and XCom lives in Airflow's database. "
                    "Set output_path to have them in files, or ask for less."
                )
        return held

    def _rows(self) -> Iterator[Row]:
        final_if_ended_by = datetime.now(UTC) - timedelta(hours=self.final_after_hours)
        with self.hook.get_conn() as transport:
            for query, rest in zip(self.queries, self.work.rests, strict=True):
                fetching = self.hook.fetching(query, slices=rest)
                records = transport.records(self.progress.watching(fetching, str(query.days)))
                while True:
                    try:
                        record = next(records)
                    except StopIteration as end:
                        self.outcomes.append(end.value)
                        break
                    row = row_of(record, final_if_ended_by=final_if_ended_by, extra_columns=self.extra_columns)
                    day = row["pacific_date"]
                    self.days[day] = self.days.get(day, True) and row["is_final"]
                    yield row
