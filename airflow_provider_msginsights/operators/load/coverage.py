"""What a load adds to what is known of its dataset: the ledger of its part, and the Pages of the dataset."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_msginsights.exceptions import (
    ConfigurationError,
    FatalGraphAPIError,
    MessagingInsightsError,
    ResponseFormatError,
    RetriableGraphAPIError,
    TransportError,
)
from airflow_provider_msginsights.insights.coverage.answers import RunAnswers
from airflow_provider_msginsights.insights.coverage.ledger import Requester
from airflow_provider_msginsights.insights.coverage.pages import PagesFileError
from airflow_provider_msginsights.insights.dates import pacific_date
from airflow_provider_msginsights.insights.wording import pages_in_words
from airflow_provider_msginsights.operators.load.findings import FindingsBook, NotedFindings
from airflow_provider_msginsights.operators.load.manifest import run_names
from airflow_provider_msginsights.operators.load.publishing import CoveragePublisher
from airflow_provider_msginsights.outputs.changes import ChangeLog, changes_path
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles
from airflow_provider_msginsights.outputs.coverage_recorder import CoverageRecorder, has_coverage
from airflow_provider_msginsights.outputs.maintenance.erasing import erase_late_rows, late_pages
from airflow_provider_msginsights.outputs.maintenance.mentions import without_pages
from airflow_provider_msginsights.outputs.manifest import manifest_name, run_path
from airflow_provider_msginsights.outputs.write_result import WriteResult
from airflow_provider_msginsights.run_days.requested import is_scheduled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import date, datetime

    from airflow_provider_msginsights.insights.coverage.answers import RowLog
    from airflow_provider_msginsights.insights.coverage.ledger import Ledger
    from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
    from airflow_provider_msginsights.operators.load.pending import PendingLoad
    from airflow_provider_msginsights.operators.load.reader import LoadReader
    from airflow_provider_msginsights.outputs.dataset import Dataset


NO_ANSWER = (FatalGraphAPIError, RetriableGraphAPIError, TransportError, ResponseFormatError)
"""Errors by which a request stays without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageKeeper:
    """Keeps the ledger of a part while a load or a fill runs; make it with `open`, before anything is written.

    :param log: where warnings go.
    """

    recorder: CoverageRecorder
    log: Any

    @classmethod
    def open(cls, dataset: Dataset[Any], *, days: Collection[date] | None, log: Any) -> Self | None:
        """Read the part's ledger and look at what others did to its files; ``None`` for periods without coverage.

        :param dataset: claimed.
        :param days: the only days that are looked at; ``None`` for all.
        """
        if not has_coverage(dataset.period):
            return None
        keeper = cls(recorder=CoverageRecorder.open(dataset, days=days), log=log)
        keeper._warn_of_problems()
        return keeper

    def record(
        self,
        reader: LoadReader,
        written: WriteResult,
        *,
        run: str,
        requester: tuple[str, Requester] | None = None,
        fill_since: date | None = None,
        rechecked: Collection[str] = (),
    ) -> Ledger | None:
        """Enter what a reader requested and was answered, and what of it was written.

        :param run: the run's names, as `run_path` gives them.
        :param requester: the task and what it requested, where a schedule made it run.
        :param fill_since: from which day on the run was to fill.
        :param rechecked: Pages of which it requested final days again.
        :return: the ledger as stored; ``None`` where it cannot be used.
        """
        answers = RunAnswers.of(
            reader.outcomes,
            reader.pending.remaining,
            reader.row_log.rows,
            at=reader.started,
            final_after_hours=reader.final_after_hours,
        )
        answered = {piece.page_id for piece in answers.read}

        def change(ledger: Ledger) -> None:
            ledger.apply(answers)
            if requester is not None:
                ledger.enter_request(*requester)
            if fill_since is not None:
                ledger.enter_fill(fill_since.toordinal(), answers.on)
            for page_id in answered & set(rechecked):
                ledger.page(page_id).rechecked_on = answers.on

        ledger = self.recorder.record(change, written, run=run)
        self._warn_of_problems()
        return ledger

    def record_failure(self, reader: LoadReader, error: MessagingInsightsError, *, run: str) -> None:
        """Enter that an error ended a run before anything was answered; nothing for other kinds of trouble.

        :param run: the run's name.
        """
        if len(reader.outcomes) > 0 or not isinstance(error, NO_ANSWER):
            return
        failed = [
            piece
            for query, slices in zip(reader.queries, reader.pending.remaining, strict=True)
            for piece in (query.slices() if slices is None else slices)
        ]
        answers = RunAnswers.without_answer(
            failed, error, at=reader.started, final_after_hours=reader.final_after_hours
        )
        self.recorder.record(lambda ledger: ledger.apply(answers), WriteResult(), run=run)

    def enter_pages(self, pages: PagesOfDataset, rows: RowLog, *, run: str) -> PagesOfDataset:
        """Enter the Pages that had rows and are not named yet in ``_coverage/pages.json``.

        :param pages: as they were read before.
        """
        with_rows = {page_id for page_id, _ in rows.rows}
        if with_rows <= pages.keys():
            return pages
        part = self.recorder.dataset.part
        try:
            return self.recorder.files.update_pages(lambda stored: stored.with_entered(with_rows, part=part, run=run))
        except PagesFileError as error:
            self.log.warning("%s", error)
            return pages

    def note_findings(
        self, ledger: Ledger | None, pages: PagesOfDataset | None, changes: ChangeLog, reader: LoadReader, *, run: str
    ) -> NotedFindings:
        """Look for what a person should see in a dataset without breakdowns, and keep it.

        :param ledger: as stored after the run; ``None`` where it cannot be used.
        """
        if ledger is None or self.recorder.dataset.breakdowns:
            return NotedFindings()
        return self.findings_book(pages, reader.started, reader.final_after_hours, run=run).note(
            ledger, changes.restatements
        )

    def findings_book(
        self, pages: PagesOfDataset | None, at: datetime, final_after_hours: float, *, run: str
    ) -> FindingsBook:
        """Return what keeps the findings of the part."""
        return FindingsBook(
            files=self.recorder.files,
            part=self.recorder.dataset.part,
            pages=pages,
            at=at,
            final_after_hours=final_after_hours,
            run=run,
            log=self.log,
        )

    def _warn_of_problems(self) -> None:
        for problem in self.recorder.problems:
            self.log.warning("%s", problem)
        self.recorder.problems.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadCoverage:
    """What a load keeps of its dataset beside the rows; make it with `open`, before any request.

    :param pending: what is to be read, without the Pages that were erased.
    :param keeper: ``None`` for periods without coverage.
    :param pages: the Pages of the dataset; ``None`` where their file cannot be read.
    :param log: where warnings go.
    :param erased: the Pages whose rows had to go again at the end, as they were erased meanwhile.
    """

    context: Any
    pending: PendingLoad
    keeper: CoverageKeeper | None
    pages: PagesOfDataset | None
    dataset: Dataset[Any]
    keep_changes: bool
    publish: str
    log: Any
    erased: list[str] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        dataset: Dataset[Any],
        context: Any,
        pending: PendingLoad,
        *,
        keep_changes: bool,
        publish: str,
        log: Any,
    ) -> Self:
        """Read what is known of the dataset.

        :param dataset: claimed.
        :param publish: see `CoveragePublisher`.
        :raises ConfigurationError: when all Pages were erased from the dataset.
        """
        pages = read_pages(dataset, log)
        if pages is not None:
            pending = pending.of_pages(without_erased(pending.page_ids, pages, log))
        days = {day for days in pending.ranges for day in days}
        keeper = CoverageKeeper.open(dataset, days=days, log=log)
        return cls(
            context=context,
            pending=pending,
            keeper=keeper,
            pages=pages,
            dataset=dataset,
            keep_changes=keep_changes,
            publish=publish,
            log=log,
        )

    def changes(self, at: datetime) -> ChangeLog:
        """Return what takes the rows that the load changes, for a ``with`` block."""
        return ChangeLog(at=at, keep=self.keep_changes)

    @contextmanager
    def noting_failure(self, reader: LoadReader) -> Iterator[None]:
        """Enter in the ledger that an error leaves everything without an answer, and let it through."""
        try:
            yield
        except MessagingInsightsError as error:
            if self.keeper is not None:
                self.keeper.record_failure(reader, error, run=manifest_name(**run_names(self.context)))
            raise

    def record(
        self, reader: LoadReader, written: WriteResult, changes: ChangeLog, *, follows_schedule: bool
    ) -> tuple[dict[str, Any], NotedFindings]:
        """Enter what the load requested, was answered and wrote; return what its manifest says of that, and findings.

        :param follows_schedule: whether the run, and no parameter, decides which days are loaded.
        """
        names = run_names(self.context)
        name = manifest_name(**names)
        noted = {"changes": changes.store(self.dataset.root, _changes_name(name, reader.started))}
        if self.keeper is None:
            self._erase_late_rows(reader, written, None, self.pages)
            return noted, NotedFindings()
        requester = None
        if follows_schedule and is_scheduled(self.context):
            on, query = pacific_date(reader.started).toordinal(), reader.queries[0]
            request = Requester(names["run_id"], on, self.pending.page_ids, query.metrics)
            requester = (f"{names['dag_id']}/{names['task_id']}", request)
        ledger = self.keeper.record(reader, written, run=run_path(**names), requester=requester)
        pages = self.pages
        if pages is not None:
            pages = self.keeper.enter_pages(pages, reader.row_log, run=name)
        pages = self._erase_late_rows(reader, written, ledger, pages)
        findings = self.keeper.note_findings(ledger, pages, changes, reader, run=name)
        if ledger is not None:
            CoveragePublisher.of(self.context, publish=self.publish, log=self.log).publish_part(
                self.dataset, ledger, pages, at=reader.started, final_after_hours=reader.final_after_hours
            )
        findings.say(self.log)
        findings.send(names)
        return noted | findings.as_fields(), findings

    def without_erased(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Return a manifest without the Pages that were erased while the load ran."""
        kept: dict[str, Any] = without_pages(manifest, frozenset(self.erased)) if self.erased else manifest
        return kept

    def _erase_late_rows(
        self, reader: LoadReader, written: WriteResult, ledger: Ledger | None, pages: PagesOfDataset | None
    ) -> PagesOfDataset | None:
        """Take out again what was stored of Pages that were erased meanwhile; return the Pages as they are now."""
        stored, partitions = {page_id for page_id, _ in reader.row_log.rows}, {file.partition for file in written.files}
        changes = _changes_name(manifest_name(**run_names(self.context)), reader.started) if self.keep_changes else None
        pages, erased = without_late_rows(
            self.dataset, pages, stored, partitions, ledger=ledger, changes=changes, log=self.log
        )
        self.erased.extend(erased)
        return pages


def without_late_rows(
    dataset: Dataset[Any],
    pages: PagesOfDataset | None,
    stored: Collection[str],
    partitions: Collection[str],
    *,
    ledger: Ledger | None,
    changes: str | None,
    log: Any,
) -> tuple[PagesOfDataset | None, list[str]]:
    """Take out again what was stored of Pages that were erased while a run went on, or what a killed one left.

    :param pages: as they were known before; ``None`` where their file cannot be read, which changes nothing.
    :param stored: the Pages that the run had rows of.
    :param partitions: where it stored them; those that the ledger knows are added.
    :param ledger: of the part, as stored after the run.
    :param changes: the name of the run's file of changes, where it may have stored one.
    :return: the Pages as they are stored now, and the erased ones.
    """
    if pages is None or (pages := read_pages(dataset, log)) is None:
        return None, []
    late = {page_id for page_id in stored if page_id in pages and pages[page_id].erased_at is not None}
    if ledger is not None:
        late.update(late_pages(ledger, pages))
    if late:
        path = changes_path(changes) if changes is not None else None
        erase_late_rows(dataset, late, partitions, ledger=ledger, changes=path)
        log.warning("%s erased from this dataset meanwhile: all rows are removed.", pages_in_words(sorted(late)))
    return pages, sorted(late)


def _changes_name(name: str, started: datetime) -> str:
    return f"{name}.{started:%Y%m%dT%H%M%S}"


def read_pages(dataset: Dataset[Any], log: Any) -> PagesOfDataset | None:
    """Read the Pages of a dataset; ``None``, with a warning, where people edited the file to what it cannot be."""
    try:
        return CoverageFiles(dataset.root, conditional=dataset.conditional_writes).pages()
    except PagesFileError as error:
        log.warning("%s", error)
        return None


def without_erased(page_ids: Sequence[str], pages: PagesOfDataset, log: Any) -> tuple[str, ...]:
    """Leave out the Pages whose rows were erased for good, with a warning.

    :raises ConfigurationError: when none is left.
    """
    erased = [page_id for page_id in page_ids if page_id in pages and pages[page_id].erased_at is not None]
    if not erased:
        return tuple(page_ids)
    what = f"{pages_in_words(erased)} erased from this dataset: _coverage/pages.json says when and why"
    if len(erased) == len(page_ids):
        raise ConfigurationError(f"Nothing to load: {what}. Remove the Pages from page_ids.", parameter="page_ids")
    log.warning("%s; not loaded. Remove them from page_ids.", what)
    return tuple(page_id for page_id in page_ids if page_id not in set(erased))
