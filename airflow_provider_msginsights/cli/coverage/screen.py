"""The report on a dataset for people: within ten seconds one knows whether somebody must act."""

from __future__ import annotations

import sys
from calendar import month_abbr
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING
from uuid import uuid4

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.insights.coverage.report.model import REBUILD, PageStatus
from airflow_provider_msginsights.insights.coverage.report.shown_cells import DayState
from airflow_provider_msginsights.insights.wording import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from airflow_provider_msginsights.insights.coverage.report.model import CoverageReport, PageReport, ReportedFinding

_WORST_PAGES = 10
_MONTHS = 3
_MARKS = {
    PageStatus.NEEDS_PERSON: ("✗", "x", "bold red"),
    PageStatus.FILLING: ("~", "~", "yellow"),
    PageStatus.ACKNOWLEDGED: ("•", "*", "cyan"),
    PageStatus.NOT_BUILT: ("?", "?", "magenta"),
    PageStatus.COMPLETE: ("✓", "ok", "green"),
}
_DAYS = {
    DayState.FINAL: ("■", "#", "green", "final"),
    DayState.RESTATED: ("■", "#", "green", "final"),
    DayState.PROVISIONAL: ("□", "+", "green", "not final yet"),
    DayState.PARTIAL: ("▨", "/", "yellow", "some cells"),
    DayState.MISSING: ("×", "x", "bold red", "missing"),  # noqa: RUF001 - a mark, no letter
    DayState.FAILED: ("×", "x", "bold red", "missing"),  # noqa: RUF001 - a mark, no letter
    DayState.REFUSED: ("r", "r", "red", "refused"),
    DayState.NO_ROW: ("-", "-", "dim", "no row"),
    DayState.REMOVED: ("d", "d", "magenta", "deleted"),
    DayState.TOO_OLD: (".", ".", "dim", "too old"),
    DayState.NOT_MANAGED: (" ", " ", "", ""),
}


def show(
    report: CoverageReport,
    problems: Sequence[str],
    *,
    not_built: Sequence[str],
    has_ledgers: bool,
    root: str,
    at: datetime,
    all_months: bool = False,
) -> None:
    """Print a report.

    :param problems: ledgers that cannot be used.
    :param not_built: parts whose ledger does not know every stored row.
    :param all_months: print the calendar of every month; else of the last three.
    """
    say = output.console().print
    plain = not _encodes("✗■□▨")
    since = date.fromordinal(report.window[0])
    say(f"{root}   since {since}   checked {at:%H:%M} UTC", markup=False, style="bold", soft_wrap=True)
    say("   ".join(_counts(report, plain=plain)), soft_wrap=True)
    for problem in problems:
        say(problem, markup=False, soft_wrap=True, style="bold red")
    if not_built or not has_ledgers:
        whose = f"Part {', '.join(not_built)}" if not_built else "The dataset"
        say(f"{whose}: {REBUILD}", markup=False, soft_wrap=True, style="magenta")
    lines = list(_lines(report, plain=plain))
    for mark, style, text in lines[:_WORST_PAGES]:
        say(f"[{style}]{mark:>3}[/]  ", end="")
        say(text, markup=False, soft_wrap=True)
    if len(lines) > _WORST_PAGES:
        say(f"     and {len(lines) - _WORST_PAGES} more; --json has all of them")
    _show_calendar(report, say, plain=plain, all_months=all_months)


def write_page(file: Path, report: CoverageReport, problems: Sequence[str], *, root: str, at: datetime) -> None:
    """Write a report as a page for a browser; the file appears when it is complete.

    :param problems: ledgers that cannot be used.
    :raises OSError: when it cannot be written.
    """
    from airflow_provider_msginsights.coverage_page.html_file import html_page

    shown_at = f"{_short(at.date())}, {at:%H:%M} UTC"
    text = html_page(report.to_json(values=True), name=root, checked_at=shown_at, problems=problems)
    new_file = file.with_name(f".{file.name}.{uuid4().hex}.tmp")
    try:
        new_file.write_text(text, encoding="utf-8")
        new_file.replace(file)
    finally:
        new_file.unlink(missing_ok=True)


def _counts(report: CoverageReport, *, plain: bool) -> Iterator[str]:
    counts = report.counts
    words = {
        PageStatus.NEEDS_PERSON: "needs a person" if counts[PageStatus.NEEDS_PERSON] == 1 else "need a person",
        PageStatus.FILLING: "being filled",
        PageStatus.ACKNOWLEDGED: "acknowledged",
        PageStatus.NOT_BUILT: "without a ledger",
    }
    for status, text in words.items():
        if counts[status]:
            mark, style = _mark(status, plain=plain)
            yield f"[{style}]{mark} {counts[status]} {text}[/]"
    mark, style = _mark(PageStatus.COMPLETE, plain=plain)
    through = f" to {_short(report.complete_through)}" if report.complete_through else ""
    complete = f"{counts[PageStatus.COMPLETE]} of {plural(report.managed_pages, 'Page')} complete{through}"
    yield f"[{style}]{mark} {complete}[/]" if counts[PageStatus.COMPLETE] else complete


def _lines(report: CoverageReport, *, plain: bool) -> Iterator[tuple[str, str, str]]:
    """Give what is said one by one: a finding about many Pages once, then Pages; mark, style and text each."""
    said: set[str] = set()
    for page in report.pages:
        if page.status in (PageStatus.COMPLETE, PageStatus.NOT_BUILT, PageStatus.NOT_MANAGED):
            continue
        mark, style = _mark(page.status, plain=plain)
        findings = [one for one in page.findings if one.finding.identity not in said]
        said.update(one.finding.identity for one in findings)
        for one in findings:
            yield _finding_mark(one, mark), style, _finding_in_words(one)
        if not page.findings or page.missing_cells:
            yield mark, style, _page_in_words(page)


def _finding_mark(one: ReportedFinding, mark: str) -> str:
    return "NEW" if one.is_new and one.ack is None else mark


def _finding_in_words(one: ReportedFinding) -> str:
    text = one.finding.what.rstrip(".")
    if one.finding.cause is not None:
        text += f": {str(one.finding.cause).replace('_', ' ')}"
    if one.ack is not None:
        return f"{text}, known until {_short(one.ack.until)}" + (f" ({one.ack.reason})" if one.ack.reason else "")
    return f"{text} → {one.finding.advice}"


def _page_in_words(page: PageReport) -> str:
    text = f"Page {page.page_id}   {page.missing_days} of {plural(page.total_days, 'day')} missing"
    if page.ack is not None:
        return f"{text}, known until {_short(page.ack.until)} ({page.ack.reason or 'no reason given'})"
    if page.failures and page.status is PageStatus.NEEDS_PERSON:
        reason = next(iter(page.by_reason), "")
        return f"{text}, failed {page.failures} times: {reason} → msginsights check"
    calls = f"about {plural(page.fill_calls, 'API call')}"
    if page.status is PageStatus.FILLING:
        waits = f", waits until {_short(page.waits_until)} as it failed" if page.waits_until else ""
        return f"{text}, {calls}{waits}"
    if page.findings:
        return f"{text}, {calls}"
    return f"{text} and no fill works on them, {calls} → MessagingInsightsFillOperator"


def _show_calendar(report: CoverageReport, say: Callable[..., None], *, plain: bool, all_months: bool) -> None:
    document = report.to_json()
    first = date.fromordinal(report.window[0])
    months = list(_by_month(_states(document["days"]), first))
    hidden = 0 if all_months else max(0, len(months) - _MONTHS)
    if hidden:
        say(f"… {plural(hidden, 'earlier month')}: --since {first}", markup=False)
    for month, days in months[hidden:]:
        say(f"{month:>8} {_painted(days, plain=plain)}")
    worst = [page for page in document["pages"] if page["missing_cells"]][:_WORST_PAGES]
    for page in worst if len(document["pages"]) > 1 else ():
        month, days = list(_by_month(_states(page["days"]), first))[-1]
        say(f"{month:>8} {_painted(days, plain=plain)}  Page {page['page_id']}")
    present = {state for state, _ in document["days"]} | {state for page in worst for state, _ in page["days"]}
    legend = {_DAYS[DayState(state)] for state in present if _DAYS[DayState(state)][3]}
    words = sorted(f"{ascii_mark if plain else mark} {what}" for mark, ascii_mark, _, what in legend)
    say(f"{'':8} {'   '.join(dict.fromkeys(words))}", markup=False, style="dim")


def _states(runs: Iterable[Sequence[object]]) -> Iterator[DayState]:
    for state, count in runs:
        yield from [DayState(str(state))] * int(str(count))


def _by_month(states: Iterable[DayState], first: date) -> Iterator[tuple[str, list[tuple[date, DayState]]]]:
    dated = [(first + timedelta(days=number), state) for number, state in enumerate(states)]
    for (year, month), days in groupby(dated, key=lambda item: (item[0].year, item[0].month)):
        yield f"{month_abbr[month]} {year}", list(days)


def _painted(days: Sequence[tuple[date, DayState]], *, plain: bool) -> str:
    """Return the days of a month as marks, each at its place."""
    marks = " " * (days[0][0].day - 1)
    for style, together in groupby(days, key=lambda item: _DAYS[item[1]][2]):
        text = "".join(_DAYS[state][1 if plain else 0] for _, state in together)
        marks += f"[{style}]{text}[/]" if style else text
    return marks


def _mark(status: PageStatus, *, plain: bool) -> tuple[str, str]:
    mark, ascii_mark, style = _MARKS[status]
    return (ascii_mark if plain else mark), style


def _short(day: date | None) -> str:
    return f"{month_abbr[day.month]} {day.day}" if day is not None else ""


def _encodes(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
