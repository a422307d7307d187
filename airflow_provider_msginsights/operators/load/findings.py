"""What a run's data shows that a person should look at: kept, said once, and where wanted an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.airflow_names import airflow_stats
from airflow_provider_msginsights.exceptions import ConfigurationError, MessagingInsightsError, NewFindingsError
from airflow_provider_msginsights.insights.coverage.answers import first_unfinal
from airflow_provider_msginsights.insights.coverage.filling import newest_complete_day
from airflow_provider_msginsights.insights.coverage.findings.acknowledgements import Acknowledgements
from airflow_provider_msginsights.insights.coverage.findings.rules import find
from airflow_provider_msginsights.insights.coverage.findings.silent_cause import silent_cause
from airflow_provider_msginsights.insights.coverage.findings.state import FindingsChange, finding_to_json
from airflow_provider_msginsights.insights.coverage.gaps import Horizon, missing
from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
from airflow_provider_msginsights.insights.dates import first_day_kept, pacific_date
from airflow_provider_msginsights.insights.wording import MOST_NAMED
from airflow_provider_msginsights.operators.load.airflow_ui import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.insights.coverage.answers import Restatement
    from airflow_provider_msginsights.insights.coverage.findings.rules import CoverageFinding
    from airflow_provider_msginsights.insights.coverage.findings.silent_cause import SilentCause
    from airflow_provider_msginsights.insights.coverage.findings.state import FindingsState
    from airflow_provider_msginsights.insights.coverage.ledger import Ledger
    from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles

ON_FINDING = ("warn", "fail")
MOST_LOOKS = 5
"""Silent Pages that a run looks at; each takes a few calls of the API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedFindings:
    """The findings of a part after a run.

    :param new: found for the first time, and not acknowledged.
    :param ended: found before, and no more.
    :param ongoing: found before, or acknowledged.
    :param newly_final: those whose day became final with this run, not acknowledged.
    """

    new: tuple[CoverageFinding, ...] = ()
    ended: tuple[CoverageFinding, ...] = ()
    ongoing: tuple[CoverageFinding, ...] = ()
    newly_final: tuple[CoverageFinding, ...] = ()
    gauges: Mapping[str, float] = field(default_factory=dict)

    def as_fields(self) -> dict[str, Any]:
        """Return what a manifest says of them."""
        return {
            "findings": {
                "new": [finding_to_json(finding) for finding in self.new],
                "ended": [finding_to_json(finding) for finding in self.ended],
                "ongoing": [finding_to_json(finding) for finding in self.ongoing],
            }
        }

    def send(self, run: Mapping[str, Any]) -> None:
        """Set the gauges.

        :param run: the names of the run.
        """
        stats = airflow_stats()
        tags = {"dag_id": run["dag_id"], "task_id": run["task_id"]}
        for name, value in self.gauges.items():
            stats.gauge(f"{PREFIX}.{name}", value, tags=tags)

    def say(self, log: Any) -> None:
        """Warn of the new ones and say which ended, the first few of each."""
        for finding in self.new[:MOST_NAMED]:
            log.warning("New finding: %s %s", finding.what, finding.advice)
        for finding in self.ended[:MOST_NAMED]:
            log.info("No longer so: %s", finding.what)
        unsaid = max(0, len(self.new) - MOST_NAMED) + max(0, len(self.ended) - MOST_NAMED)
        if unsaid:
            log.warning("And %s more findings; the manifest lists them all.", unsaid)

    def raise_if_wanted(self, on_finding: str) -> None:
        """Apply ``on_finding`` to what is new about final days.

        :raises NewFindingsError: with ``fail``.
        """
        if on_finding == "fail" and self.newly_final:
            said = " ".join(finding.what for finding in self.newly_final[:MOST_NAMED])
            raise NewFindingsError(
                f"Everything is stored, and the data shows something new: {said} {self.newly_final[0].advice} Or "
                "acknowledge it: msginsights coverage ack"
            )


def horizon_at(moment: datetime, final_after_hours: float, since: date | None = None) -> Horizon:
    """Return between which days cells are looked at.

    :param since: the first day wanted; ``None`` for all that the API keeps.
    """
    today = pacific_date(moment)
    oldest = first_day_kept(today).toordinal()
    return Horizon(
        since=oldest if since is None else since.toordinal(),
        oldest=oldest,
        ended_before=today.toordinal(),
        final_before=first_unfinal(moment, final_after_hours),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsBook:
    """The findings of a part, as a run keeps them.

    :param pages: ``None`` where their file cannot be read.
    :param at: when the run asked, aware.
    :param run: the run's name.
    """

    files: CoverageFiles
    part: str
    pages: PagesOfDataset | None
    at: datetime
    final_after_hours: float
    run: str
    log: Any

    def note(self, ledger: Ledger, restatements: Iterable[Restatement]) -> NotedFindings:
        """Look for what a person should see, and keep it with what was found before.

        :param ledger: of a dataset without breakdowns, as stored after the run.
        """
        horizon, today = horizon_at(self.at, self.final_after_hours), pacific_date(self.at)
        known = PagesOfDataset() if self.pages is None else self.pages

        def change(state: FindingsState) -> FindingsChange:
            if state.warning:
                self.log.warning("The findings of part %r in _coverage/: %s.", self.part, state.warning)
            found = find(ledger, known, part=self.part, horizon=horizon, restatements=restatements, ongoing=state.open)
            return state.update(found, on=today, run=self.run)

        changed = self.files.update_findings(self.part, change)
        quiet = _acknowledgements(self.files, self.log)
        new = tuple(finding for finding in changed.new if quiet.covers(finding, today) is None)
        acknowledged = tuple(finding for finding in changed.new if finding not in new)
        return NotedFindings(
            new=new,
            ended=changed.ended,
            ongoing=changed.ongoing + acknowledged,
            newly_final=tuple(finding for finding in changed.newly_final if quiet.covers(finding, today) is None),
            gauges={"new_findings": len(new)} | _gaps(ledger, known, self.part, horizon, today),
        )

    def explain(self, hook: MessagingInsightsHook) -> None:
        """Look once at each Page that fell silent, a few in a run, and keep why it did."""
        for finding in self.files.findings(self.part).unexplained()[:MOST_LOOKS]:
            page_id = finding.page_id or finding.page_ids[0]
            try:
                report, facts = hook.inspect_token(page_ids=(page_id,)), hook.read_page_facts(page_id)
            except MessagingInsightsError as error:
                self.log.warning("Page %s could not be looked at: %s", page_id, error)
                continue
            cause = silent_cause(report, page_id, followers=facts.followers, is_published=facts.is_published)
            self.log.warning("%s %s %s", finding.what, cause.what, cause.remedy)
            self.files.update_findings(self.part, partial(_explain, finding.identity, cause))


def _explain(identity: str, cause: SilentCause, state: FindingsState) -> None:
    state.explain(identity, cause)


def _acknowledgements(files: CoverageFiles, log: Any) -> Acknowledgements:
    try:
        return files.acknowledgements()
    except ConfigurationError as error:
        log.warning("%s", error)
        return Acknowledgements()


def _gaps(ledger: Ledger, pages: PagesOfDataset, part: str, horizon: Horizon, today: date) -> dict[str, float]:
    """Return the gauges of what is missing; none of a dataset whose ledger does not know all rows."""
    if not ledger.covers_all:
        return {}
    begun = ledger.fill_since or ledger.first_row_day() or horizon.ended_before
    wanted = Horizon(
        since=begun, oldest=horizon.oldest, ended_before=horizon.ended_before, final_before=horizon.final_before
    )
    metrics = sorted({metric for _, metric, _ in ledger.series()})
    stretches = list(missing(ledger, pages.managed(part, default_first=begun), metrics, wanted))
    gauges: dict[str, float] = {"missing_cells": sum(stretch.end - stretch.first for stretch in stretches)}
    newest = newest_complete_day(stretches, wanted)
    if newest is not None:
        gauges["newest_complete_day_age_days"] = (today - timedelta(days=1) - newest).days
    return gauges
