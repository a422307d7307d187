"""Log how far a load has come: at most a line every few seconds, and a summary at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_msginsights.insights.protocol import Emit, tap
from airflow_provider_msginsights.insights.wording import days_in_words, pages_in_words, plural

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
    """Logs the progress of a load's flows, which run one after the other.

    :param log: where the lines go.
    :param clock: monotonic seconds.
    :param now: returns the present moment, for "until when".
    """

    log: Any
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    rows: int = 0
    _started: float | None = None
    _last_line: float = 0.0

    def watching(self, flow: Flow[T], label: str) -> Flow[T]:
        """Run a flow and log its progress.

        :param label: what the flow reads, in words.
        """
        began = self._last_line = self.clock()
        self._started = began if self._started is None else self._started

        def see(step: Step, _: Answer) -> None:
            if isinstance(step, Emit):
                self.rows += len(step.records)
                if step.progress is not None:
                    self._log_progress(step.progress, label, began)

        return (yield from tap(flow, see))

    def summarize(
        self,
        outcomes: list[FetchOutcome],
        stored: Mapping[str, Any] | None,
        *,
        days: Iterable[date] = (),
        output_path: str | None = None,
    ) -> None:
        """Log two lines: the figures of the load, and what was loaded.

        :param stored: the manifest, where the rows went to files.
        :param days: Pacific days with rows.
        :param output_path: where the files are.
        """
        calls, retries = (sum(outcome.counts[name] for outcome in outcomes) for name in ("calls", "retries"))
        throttled = sum(outcome.throttled_seconds for outcome in outcomes)
        seconds = self.clock() - self._started if self._started is not None else 0.0
        line = f"{plural(self.rows, 'row')} in {seconds:.1f} s"
        if throttled >= 1:
            line += f", {throttled:.0f} s of them waiting for rate limits"
        line += f"; API calls: {calls}, of them retries: {retries}"
        if stored is not None:
            line += (
                f"; files: {len(stored['files'])}; rows added: {stored['rows_added']}, "
                f"changed: {stored['rows_changed']}, unchanged: {stored['rows_unchanged']}; "
                f"days restated: {len(stored['restated_days'])}"
            )
        self.log.info("%s.", line)
        if days := sorted(days):
            page_ids = dict.fromkeys(piece.page_id for outcome in outcomes for piece in outcome.answered)
            where = f", to {output_path}" if output_path else ""
            self.log.info("Loaded %s of %s%s.", days_in_words(days), pages_in_words(page_ids), where)

    def _log_progress(self, progress: Progress, label: str, began: float) -> None:
        now = self.clock()
        if now - self._last_line < EVERY_SECONDS:
            return
        self._last_line = now
        requests = plural(progress.planned, "request")
        line = f"{label}: {progress.settled} of {requests} done, {plural(self.rows, 'row')}"
        if closed := self._closed_in_words(progress):
            line += f"; {closed}"
        if progress.settled:
            left = (now - began) / progress.settled * (progress.planned - progress.settled)
            left = max(left, progress.closed.get(None, 0.0))
            line += f"; about {timedelta(seconds=round(left))} left"
        self.log.info("%s.", line)

    def _closed_in_words(self, progress: Progress) -> str:
        if not progress.closed:
            return ""
        until = self.now() + timedelta(seconds=max(progress.closed.values()))
        pages = sorted(page_id for page_id in progress.closed if page_id is not None)
        if None in progress.closed:
            who = "all Pages wait"
        elif len(pages) > _MOST_PAGES_NAMED:
            who = f"{len(pages)} Pages wait"
        else:
            who = f"Pages {', '.join(pages)} wait" if len(pages) > 1 else f"Page {pages[0]} waits"
        return f"{who} for a rate limit until {until:%H:%M:%S} UTC"
