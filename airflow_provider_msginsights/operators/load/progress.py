"""Tells in the log how far a load has come: at most a line every few seconds, and a summary at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_msginsights.insights.protocol import Emit, tap
from airflow_provider_msginsights.insights.wording import days_in_words, pages_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from airflow_provider_msginsights.insights.fetch.outcome import FetchOutcome
    from airflow_provider_msginsights.insights.protocol import Answer, Flow, Progress, Step

T = TypeVar("T")

EVERY_SECONDS = 5.0
_MOST_PAGES_NAMED = 3


@dataclass(slots=True, kw_only=True)
class ProgressLog:
    """Watches the flows of a load, one after the other.

    :param log: where the lines go.
    :param clock: monotonic seconds.
    :param now: the present moment, for "until when".
    """

    log: Any
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    rows: int = 0
    _started: float | None = None
    _last_line: float = 0.0

    def watching(self, flow: Flow[T], label: str) -> Flow[T]:
        """Give the same flow, told about while it runs.

        :param label: what it reads, in words.
        """
        began = self._last_line = self.clock()
        self._started = began if self._started is None else self._started

        def see(step: Step, _: Answer) -> None:
            if isinstance(step, Emit):
                self.rows += len(step.records)
                if step.progress is not None:
                    self._tell(step.progress, label, began)

        return (yield from tap(flow, see))

    def summarize(
        self,
        outcomes: list[FetchOutcome],
        stored: Mapping[str, Any] | None,
        *,
        days: Iterable[date] = (),
        output_path: str | None = None,
    ) -> None:
        """Say in two lines what all came to, and what was loaded.

        :param stored: the manifest, where the rows went to files.
        :param days: Pacific days with rows.
        :param output_path: where the files are.
        """
        calls, retries = (sum(outcome.counts[name] for outcome in outcomes) for name in ("calls", "retries"))
        throttled = sum(outcome.throttled_seconds for outcome in outcomes)
        seconds = self.clock() - self._started if self._started is not None else 0.0
        told = f"{self.rows} rows in {seconds:.1f} s"
        if throttled >= 1:
            told += f", {throttled:.0f} s of them held back by limits"
        told += f"; calls of the API: {calls}, of them retries: {retries}"
        if stored is not None:
            told += (
                f"; files: {len(stored['files'])}; rows added: {stored['rows_added']}, "
                f"changed: {stored['rows_changed']}, unchanged: {stored['rows_unchanged']}; "
                f"days restated: {len(stored['restated_days'])}"
            )
        self.log.info("%s.", told)
        if days := sorted(days):
            page_ids = dict.fromkeys(part.page_id for outcome in outcomes for part in outcome.answered)
            where = f", to {output_path}" if output_path else ""
            self.log.info("Loaded %s of %s%s.", days_in_words(days), pages_in_words(page_ids), where)

    def _tell(self, progress: Progress, label: str, began: float) -> None:
        now = self.clock()
        if now - self._last_line < EVERY_SECONDS:
            return
        self._last_line = now
        told = f"{label}: {progress.settled} of {progress.planned} requests done, {self.rows} rows"
        if closed := self._closed_in_words(progress):
            told += f"; {closed}"
        if progress.settled:
            left = (now - began) / progress.settled * (progress.planned - progress.settled)
            left = max(left, progress.closed.get(None, 0.0))
            told += f"; about {timedelta(seconds=round(left))} to go"
        self.log.info("%s.", told)

    def _closed_in_words(self, progress: Progress) -> str:
        if not progress.closed:
            return ""
        until = self.now() + timedelta(seconds=max(progress.closed.values()))
        pages = sorted(page_id for page_id in progress.closed if page_id is not None)
        if None in progress.closed:
            who = "all Pages"
        elif len(pages) > _MOST_PAGES_NAMED:
            who = f"{len(pages)} Pages"
        else:
            who = f"Page{'s' if len(pages) > 1 else ''} {', '.join(pages)}"
        return f"{who} held back by a limit until {until:%H:%M:%S} UTC"
