"""The reading of one turn: what the work names leaves as rows, stored as it arrives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.protocol import Emit, tap
from airflow_provider_msginsights.outputs.formats.json_values import json_ready
from airflow_provider_msginsights.outputs.rows import RowMaker
from airflow_provider_msginsights.outputs.writer import DatasetWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.protocol import Answer, Step
    from airflow_provider_msginsights.insights.query import InsightsQuery
    from airflow_provider_msginsights.insights.records import Records
    from airflow_provider_msginsights.operators.load.pending import Work
    from airflow_provider_msginsights.operators.load.progress import ProgressLog
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.write_result import WriteResult


class LoadStoppedError(BaseException):
    """Airflow is ending the task. No ``Exception``, so that nothing on the way out takes it for an error to handle."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """A turn of reading.

    :param queries: one for each range of the work.
    :param final_after_hours: how long after its end a day is taken to change no more.
    :param outcomes: what became of each query; complete once the rows are.
    """

    hook: MessagingInsightsHook
    queries: Sequence[InsightsQuery]
    work: Work
    final_after_hours: float
    extra_columns: Mapping[str, str]
    progress: ProgressLog
    outcomes: list[FetchOutcome] = field(default_factory=list)

    @cached_property
    def _rows(self) -> RowMaker:
        final_if_ended_by = datetime.now(UTC) - timedelta(hours=self.final_after_hours)
        return RowMaker(final_if_ended_by=final_if_ended_by, extra_columns=self.extra_columns)

    @property
    def days(self) -> Mapping[date, bool]:
        """The last Pacific day of every row so far -> whether all its rows are final."""
        return self._rows.days

    def to_dataset(self, dataset: Dataset[Any]) -> WriteResult:
        """Store every row that could be read; a day's file is begun when the day is settled."""
        with DatasetWriter(dataset) as writer:
            for records in self._batches(writer.settle):
                writer.add(self._rows.values(records))
            return writer.finish()

    def to_rows(self, *, max_rows: int) -> list[dict[str, Any]]:
        """Give every row that could be read, ready for JSON.

        :raises ConfigurationError: as soon as there are more than ``max_rows``.
        """
        held: list[dict[str, Any]] = []
        for records in self._batches():
            held += map(json_ready, self._rows.rows(records))
            if len(held) > max_rows:
                raise ConfigurationError(
                    f"The load has more than xcom_max_rows={max_rows} rows, and XCom lives in Airflow's database. "
                    "Set output_path to have them in files, or ask for less."
                )
        return held

    def _batches(self, settle: Callable[[date], None] | None = None) -> Iterator[Records]:
        """The records of all queries, those of a reply together.

        :param settle: told, as the reading goes on, before which day no more records are expected.
        """
        with self.hook.get_conn() as transport:
            for place, (query, rest) in enumerate(zip(self.queries, self.work.rests, strict=True)):
                reading = self.progress.watching(self.hook.fetch_flow(query, slices=rest), str(query.days))
                if settle is not None:
                    still_to_come = [later.days.first_day for later in self.queries[place + 1 :]]
                    reading = tap(reading, partial(_tell_settled, settle, still_to_come))
                self.outcomes.append((yield from transport.batches(reading)))


def _tell_settled(settle: Callable[[date], None], still_to_come: list[date], step: Step, _: Answer) -> None:
    if isinstance(step, Emit) and step.complete_before is not None:
        settle(min([step.complete_before, *still_to_come]))
