"""What a person should look at in a dataset without breakdowns: found in the ledger's cells and latest values.

The rules, where a *loaded* day is one for which the API answered:

- a Page fell silent: rows on each of its last 7 loaded days and none since, while other Pages have rows of a day since;
  where no Page has, once the day is final;
- a metric vanished from a Page: rows on each of its last 7 loaded days, then refused, or without a row of a final day
  on which the Page has other rows;
- everything is zero, but the total of connections, on the last final days, after three weeks or more without such a
  day;
- total connections down by more than a fifth, and by more than 50, between two of the last final days;
- a final day restated by more than a fifth;
- a Page that scheduled loads request no more, and that was not retired.

What meets more than half of the Pages together is one finding.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_msginsights.insights.coverage.findings.kinds import WORDS, WORDS_OF_MANY, FindingKind
from airflow_provider_msginsights.insights.coverage.findings.part_days import (
    GONE,
    HAD,
    LOADED,
    PartDays,
    first_of_both,
    is_steady,
)
from airflow_provider_msginsights.insights.coverage.series import KEPT_VALUES
from airflow_provider_msginsights.insights.wording import pages_in_words, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airflow_provider_msginsights.insights.coverage.answers import Restatement
    from airflow_provider_msginsights.insights.coverage.findings.silent_cause import SilentCause
    from airflow_provider_msginsights.insights.coverage.gaps import Horizon
    from airflow_provider_msginsights.insights.coverage.ledger import Ledger, PageCells
    from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
    from airflow_provider_msginsights.insights.coverage.series import Series

CONNECTIONS = "page_messages_total_messaging_connections"
RECENT_DAYS = 7
"""Loaded days with rows that make a silence a finding, and days for which a fall of connections is one."""
_FALL_SHARE, _FALL_COUNT = 0.2, 50
_RESTATED_SHARE = 0.2
_UNKNOWN, _ZERO, _NOT_ZERO = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageFinding:
    """One thing a person should look at.

    :param page_id: the Page; ``None`` where it is about many.
    :param page_ids: all Pages it is about, sorted.
    :param metric: ``None`` where it is about all.
    :param first_day: the Pacific day on which the trouble began.
    :param is_final: whether that day is final, so that waiting alone does not help.
    :param cause: why a Page is silent, once a fill looked at it.
    """

    kind: FindingKind
    first_day: date
    what: str
    remedy: str
    page_id: str | None = None
    page_ids: tuple[str, ...] = ()
    metric: str | None = None
    is_final: bool = False
    cause: SilentCause | None = None

    @property
    def advice(self) -> str:
        """What helps, as exactly as is known."""
        return self.remedy if self.cause is None else self.cause.remedy

    @property
    def identity(self) -> str:
        """A name that stays the same as long as the trouble goes on; that of an event has its day in it."""
        name = f"{self.kind}:{self.page_id or '*'}:{self.metric or '*'}"
        return f"{name}:{self.first_day}" if self.kind.is_event else name


class _Trouble(NamedTuple):
    """What a rule found of one Page.

    :param day: ordinal of the day on which it began.
    """

    kind: FindingKind
    page_id: str
    metric: str | None
    day: int
    detail: str = ""


def find(
    ledger: Ledger,
    pages: PagesOfDataset,
    *,
    part: str,
    horizon: Horizon,
    restatements: Iterable[Restatement] = (),
    ongoing: Iterable[CoverageFinding] = (),
) -> tuple[CoverageFinding, ...]:
    """Return what is found in a part, sorted by kind and Page.

    :param pages: empty where the file cannot be read; then every Page of the ledger counts.
    :param part: the part that the ledger is of: Pages that another one holds do not count.
    :param horizon: which days have ended, and which are final.
    :param restatements: stored values that this run changed.
    :param ongoing: what is known already: a Page without messages for weeks is remembered there, and no longer in the
        ledger's values.
    """
    days = PartDays.of(ledger, pages, part=part, horizon=horizon)
    zero_since = {
        page_id: old.first_day.toordinal()
        for old in ongoing
        if old.kind is FindingKind.ALL_ZERO
        for page_id in old.page_ids
    }
    met: Counter[tuple[FindingKind, str | None]] = Counter()
    troubles = [
        *_silent(days, met),
        *_vanished(days, met),
        *_all_zero(days, zero_since),
        *_connections_down(days),
        *_restated(days, restatements),
        *_not_listed(days, ledger),
    ]
    findings = _findings(troubles, met, len(days.pages) + len(days.unlisted), days.final_before)
    order = tuple(FindingKind)
    return tuple(sorted(findings, key=lambda one: (order.index(one.kind), one.page_id or "", one.identity)))


# The rules


def _silent(days: PartDays, met: Counter[tuple[FindingKind, str | None]]) -> Iterator[_Trouble]:
    kind = FindingKind.PAGE_SILENT
    for page_id, page in days.pages.items():
        last = page.had.rfind(b"1")
        if last < 0 or not is_steady(page.had, page.loaded, last, RECENT_DAYS):
            continue
        met[kind, None] += 1
        place = page.loaded.find(b"1", last + 1)
        if place >= 0 and (
            days.first + place < days.final_before or first_of_both(page.loaded, days.had, last + 1) >= 0
        ):
            yield _Trouble(kind, page_id, None, days.first + place)


def _vanished(days: PartDays, met: Counter[tuple[FindingKind, str | None]]) -> Iterator[_Trouble]:
    kind = FindingKind.METRIC_VANISHED
    for page_id, page in days.pages.items():
        newest = page.had.rfind(b"1")
        for metric, series in page.cells.series.items():
            if not series.codes or (days.metrics is not None and metric not in days.metrics):
                continue
            met[kind, metric] += 1
            had = series.marks(days.first, days.end, HAD)
            last = had.rfind(b"1")
            if not 0 <= last < newest:
                continue
            loaded, gone = (series.marks(days.first, days.end, table) for table in (LOADED, GONE))
            place = first_of_both(gone, page.had, last + 1)
            if place >= 0 and is_steady(had, loaded, last, RECENT_DAYS):
                day = days.first + place
                reason = next((note.reason for note in series.notes if note.first <= day < note.end), "")
                yield _Trouble(kind, page_id, metric, day, f": the API refuses it ({reason})" if reason else "")


def _all_zero(days: PartDays, zero_since: Mapping[str, int]) -> Iterator[_Trouble]:
    for page_id, page in days.pages.items():
        newest, states = _zero_days(page.cells, days.final_before)
        if not states or states[-1] != _ZERO:
            continue
        last = max((place for place, state in enumerate(states) if state == _NOT_ZERO), default=-1)
        first = newest - len(states) + 1 + states.index(_ZERO, last + 1)
        steady = states[: last + 1]
        if page_id in zero_since:
            yield _Trouble(FindingKind.ALL_ZERO, page_id, None, min(first, zero_since[page_id]))
        elif _ZERO not in steady and steady.count(_NOT_ZERO) >= KEPT_VALUES - RECENT_DAYS:
            yield _Trouble(FindingKind.ALL_ZERO, page_id, None, first)


def _zero_days(page: PageCells, before: int) -> tuple[int, list[int]]:
    """Return the newest day with a value, and for it and the kept days before whether all values are zero.

    Most Pages have messages on that day: then nothing is returned of the others.
    """
    others = [series for metric, series in page.series.items() if metric != CONNECTIONS]
    ends = [min(before, series.values_first + len(series.values)) for series in others]
    newest = max((end for end, series in zip(ends, others, strict=True) if end > series.values_first), default=1) - 1
    if not newest or any(
        series.values[newest - series.values_first]
        for end, series in zip(ends, others, strict=True)
        if end == newest + 1 > series.values_first
    ):
        return newest, []
    kept = [(series.values_first, series.values[: max(0, before - series.values_first)]) for series in others]
    states = [_UNKNOWN] * KEPT_VALUES
    oldest = newest - KEPT_VALUES + 1
    for first, values in kept:
        for day, value in enumerate(values, first - oldest):
            if value is not None and day >= 0:
                states[day] = max(states[day], _NOT_ZERO if value else _ZERO)
    return newest, states


def _connections_down(days: PartDays) -> Iterator[_Trouble]:
    for page_id, page in days.pages.items():
        series = page.cells.series.get(CONNECTIONS)
        if series is None:
            continue
        for day, old, new in _falls(series, days.final_before):
            detail = f" from {old:,.0f} to {new:,.0f}"
            yield _Trouble(FindingKind.CONNECTIONS_DOWN, page_id, CONNECTIONS, day, detail)


def _falls(series: Series, before: int) -> Iterator[tuple[int, float, float]]:
    """Give the days within the last ones on which the total fell far, with the values before and on them."""
    values: Sequence[float | None] = series.values[: max(0, before - series.values_first)]
    for place in range(max(1, len(values) - RECENT_DAYS), len(values)):
        old, new = values[place - 1], values[place]
        if old is not None and new is not None and old - new > max(_FALL_SHARE * old, _FALL_COUNT):
            yield series.values_first + place, old, new


def _restated(days: PartDays, restatements: Iterable[Restatement]) -> Iterator[_Trouble]:
    grave: defaultdict[tuple[str, str], list[Restatement]] = defaultdict(list)
    for one in restatements:
        if one.was_final and one.old is not None and one.page_id in days.pages:
            change = abs((one.new or 0) - one.old)
            if change > _RESTATED_SHARE * abs(one.old):
                grave[one.page_id, one.metric].append(one)
    for (page_id, metric), some in grave.items():
        first = min(some, key=lambda one: one.day)
        more = f", and {plural(len(some) - 1, 'later day')} too" if len(some) > 1 else ""
        new = "no row" if first.new is None else f"{first.new:,g}"
        detail = f" from {first.old or 0:,g} to {new}{more}"
        yield _Trouble(FindingKind.FINAL_DAY_RESTATED, page_id, metric, first.day.toordinal(), detail)


def _not_listed(days: PartDays, ledger: Ledger) -> Iterator[_Trouble]:
    for page_id in days.unlisted:
        known = ledger.pages.get(page_id)
        end = max((series.end for series in known.series.values()), default=0) if known else 0
        yield _Trouble(FindingKind.PAGE_NOT_LISTED, page_id, None, end or days.end)


# From what the rules found to findings


def _findings(
    troubles: Iterable[_Trouble], met: Counter[tuple[FindingKind, str | None]], pages: int, final_before: int
) -> Iterator[CoverageFinding]:
    """Make findings: one of what meets more than half of the Pages together, and one each of all else.

    :param met: how many Pages a rule could have met, where not all.
    :param pages: how many Pages there are.
    """
    groups: defaultdict[tuple[FindingKind, str | None, int], list[_Trouble]] = defaultdict(list)
    for trouble in troubles:
        together = trouble.day if trouble.kind.is_event or trouble.kind is FindingKind.PAGE_SILENT else 0
        groups[trouble.kind, trouble.metric, together].append(trouble)
    for (kind, metric, _), group in groups.items():
        among = met.get((kind, metric), pages)
        if len(group) > 1 and 2 * len(group) > among:
            yield _finding(group, among, final_before)
        else:
            yield from (_finding([trouble], among, final_before) for trouble in group)


def _finding(group: Sequence[_Trouble], among: int, final_before: int) -> CoverageFinding:
    trouble = min(group, key=lambda one: one.day)
    page_ids = tuple(sorted(one.page_id for one in group))
    is_one = len(group) == 1
    words = WORDS[trouble.kind] if is_one else WORDS_OF_MANY[trouble.kind]
    day = date.fromordinal(trouble.day)
    what = words[0].format(
        who=pages_in_words(page_ids), among=among, metric=trouble.metric, day=day, detail=trouble.detail
    )
    return CoverageFinding(
        kind=trouble.kind,
        page_id=trouble.page_id if is_one else None,
        page_ids=page_ids,
        metric=trouble.metric,
        first_day=day,
        is_final=trouble.day < final_before,
        what=what,
        remedy=words[1],
    )
