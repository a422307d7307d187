"""Read what is pending: records come from the hook and leave as rows, stored as they arrive."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage.answers import RowLog
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
    from airflow_provider_msginsights.operators.load.pending import PendingLoad
    from airflow_provider_msginsights.operators.load.progress import ProgressLog
    from airflow_provider_msginsights.outputs.changes import ChangeLog
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.write_result import WriteResult


class LoadStoppedError(BaseException):
    """Airflow is ending the task; not an ``Exception``, so that no handler on the way out catches it."""


@dataclass(frozen=True, kw_only=True)
class LoadReader:
    """Reads a pending load once, into a dataset or a list.

    :param queries: one for each range of the pending load.
    :param final_after_hours: how long after its end a day counts as final.
    :param row_log: which days had rows, of what is stored.
    :param started: days count as final, or not, at this moment.
    :param outcomes: the outcome of each query; complete once all rows are read.
    """

    hook: MessagingInsightsHook
    queries: Sequence[InsightsQuery]
    pending: PendingLoad
    final_after_hours: float
    extra_columns: Mapping[str, str]
    progress: ProgressLog
    row_log: RowLog = field(default_factory=RowLog)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    outcomes: list[FetchOutcome] = field(default_factory=list)

    @cached_property
    def _rows(self) -> RowMaker:
        final_if_ended_by = self.started - timedelta(hours=self.final_after_hours)
        return RowMaker(final_if_ended_by=final_if_ended_by, extra_columns=self.extra_columns)

    @property
    def days(self) -> Mapping[date, bool]:
        """The last Pacific day of every row so far, with whether all rows of that day are final."""
        return self._rows.days

    def to_dataset(self, dataset: Dataset[Any], changes: ChangeLog | None = None) -> WriteResult:
        """Store every row that can be read; a day's file is written as soon as no more rows of it are expected.

        :param changes: takes what changed in rows that were stored before.
        """
        with DatasetWriter(dataset, changes=changes) as writer:
            for records in self._batches(writer.settle):
                self.row_log.add(records)
                for part in self._rows.parts(records):
                    writer.add(part)
            return writer.finish()

    def to_rows(self, *, max_rows: int) -> list[dict[str, Any]]:
        """Return every row that can be read, ready for JSON.

        :raises ConfigurationError: as soon as there are more than ``max_rows``.
        """
        held: list[dict[str, Any]] = []
        for records in self._batches():
            held += map(json_ready, self._rows.rows(records))
            if len(held) > max_rows:
                raise ConfigurationError(
                    f"The load has more rows than xcom_max_rows={max_rows}, and XCom is stored in Airflow's database. "
                    "Set output_path to write files, or request fewer Pages, metrics or days.",
                    parameter="xcom_max_rows",
                )
        return held

    def _batches(self, settle: Callable[[date], None] | None = None) -> Iterator[Records]:
        """Yield the records of all queries, those of one reply together.

        :param settle: is called with the day before which no more records are expected.
        """
        with self.hook.get_conn() as transport:
            for place, (query, slices) in enumerate(zip(self.queries, self.pending.remaining, strict=True)):
                reading = self.progress.watching(self.hook.fetch_flow(query, slices=slices), str(query.days))
                if settle is not None:
                    days_to_come = [later.days.first_day for later in self.queries[place + 1 :]]
                    reading = tap(reading, partial(_settle_days, settle, days_to_come))
                self.outcomes.append((yield from transport.batches(reading)))


def _settle_days(settle: Callable[[date], None], days_to_come: list[date], step: Step, _: Answer) -> None:
    if isinstance(step, Emit) and step.complete_before is not None:
        settle(min([step.complete_before, *days_to_come]))
