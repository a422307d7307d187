"""Whatever happened, a few fills make a dataset what one undisturbed load makes, without requesting too much."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from hypothesis import strategies as st
from support.examples import holds_for

from airflow_provider_msginsights.insights.coverage.answers import RunAnswers, SeriesRows
from airflow_provider_msginsights.insights.coverage.gaps import Horizon, Managed, Stretch, missing, requests
from airflow_provider_msginsights.insights.coverage.ledger import Ledger
from airflow_provider_msginsights.insights.coverage.ledger_file import ledger_text, read_ledger
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.query import Slice

Cell: TypeAlias = tuple[str, str, int]
Table: TypeAlias = dict[Cell, float]
Stretches: TypeAlias = list[tuple[str, int, int]]

PAGES = ("101", "102")
METRICS = ("a", "b", "c")
START = date(2026, 1, 1).toordinal()
DAYS = 40
FINAL_AFTER_DAYS = 2
LOOKBACK_DAYS = 2


@dataclass
class Api:
    """An API with a history: what it answers depends on the day of asking.

    :param outages: days on which nobody is answered; ``down``: (Page, day) that fail.
    :param silent: (Page, day) that are answered without any row.
    :param refused: (metric, day) that are refused.
    :param released: metric -> the first day that has rows.
    """

    outages: set[int]
    down: set[tuple[str, int]]
    silent: set[tuple[str, int]]
    refused: set[tuple[str, int]]
    released: dict[str, int]
    is_well: bool = False
    answered: Counter[Cell] = field(default_factory=Counter)

    def value(self, cell: Cell, on: int) -> int:
        """The value of a day, which changes until the day is final."""
        page, metric, day = cell
        return int(page) + ord(metric) + day * 7 % 1000 + (0 if on > day + FINAL_AFTER_DAYS else 1)

    def has(self, cell: Cell) -> bool:
        return cell[2] >= self.released.get(cell[1], 0)

    def ask(self, slices: list[Slice], on: int, wanted: set[Cell] | None = None) -> tuple[RunAnswers, Table]:
        """Answer slices on a day, in the ledger's form and as rows; counts the cells that were wanted."""
        read: list[Slice] = []
        refused: list[tuple[Slice, str]] = []
        failed: list[tuple[Slice, str]] = []
        stored: Table = {}
        for part in slices:
            if not self.is_well and (on in self.outages or (part.page_id, on) in self.down):
                failed.append((part, "down"))
                continue
            good = tuple(one for one in part.metrics if self.is_well or (one, on) not in self.refused)
            if len(good) < len(part.metrics):
                refused.append((part.without(good), "refused"))
            if good:
                read.append(part.of(good))
            if self.is_well or (part.page_id, on) not in self.silent:
                cells = ((part.page_id, metric, day.toordinal()) for metric in good for day in part.days)
                stored |= {cell: self.value(cell, on) for cell in cells if cell[2] < on and self.has(cell)}
        self.answered.update(cell for cell in stored if wanted is None or cell in wanted)
        rows: dict[tuple[str, str], SeriesRows] = {}
        for (page, metric, day), value in sorted(stored.items()):
            rows.setdefault((page, metric), SeriesRows()).add(day, [value])
        run = RunAnswers(
            on=on,
            ended_before=on,
            final_before=on - FINAL_AFTER_DAYS,
            read=tuple(read),
            refused=tuple(refused),
            failed=tuple(failed),
            rows=rows,
        )
        return run, stored


def load(api: Api, ledger: Ledger, table: Table, on: int) -> None:
    days = DateRange(date.fromordinal(max(START, on - 1 - LOOKBACK_DAYS)), date.fromordinal(on))
    run, stored = api.ask([Slice(page, METRICS, days) for page in PAGES], on)
    ledger.apply(run)
    table |= stored


def fill(api: Api, ledger: Ledger, table: Table, on: int) -> list[Stretch]:
    """Fill what is missing, and return what that was."""
    horizon = Horizon(since=START, oldest=START - 300, ended_before=on, final_before=on - FINAL_AFTER_DAYS)
    stretches = list(missing(ledger, {page: Managed(first=START, end=on) for page in PAGES}, METRICS, horizon))
    wanted = {(one.page_id, one.metric, day) for one in stretches for day in range(one.first, one.end)}
    run, stored = api.ask(requests(stretches, ledger, horizon), on, wanted)
    ledger.apply(run)
    table |= stored
    return stretches


def spread(stretches: Stretches) -> set[tuple[str, int]]:
    return {(name, day) for name, first, length in stretches for day in range(first, first + length)}


a_day = st.integers(START, START + DAYS)
some_days = st.sets(a_day, max_size=12)


def stretches_of(names: tuple[str, ...]) -> st.SearchStrategy[Stretches]:
    return st.lists(st.tuples(st.sampled_from(names), a_day, st.integers(1, 14)), max_size=4)


@holds_for(
    thorough=200,
    slow=3_000,
    outages=some_days,
    skipped=some_days,
    fills=some_days,
    down=stretches_of(PAGES),
    silent=stretches_of(PAGES),
    refused=stretches_of(METRICS),
    released=st.dictionaries(st.sampled_from(METRICS), a_day, max_size=2),
)
def test_a_dataset_converges_to_one_undisturbed_load(
    outages: set[int],
    skipped: set[int],
    fills: set[int],
    down: Stretches,
    silent: Stretches,
    refused: Stretches,
    released: dict[str, int],
) -> None:
    before_release = {(metric, day) for metric, first in released.items() for day in range(START, first)}
    api = Api(outages, spread(down), spread(silent), spread(refused) | before_release, released)
    ledger, table = Ledger(), Table()
    for on in range(START + 1, START + DAYS):
        if on not in skipped:
            load(api, ledger, table, on)
        if on in fills:
            fill(api, ledger, table, on)
        ledger = read_ledger(ledger_text(ledger))
    api.is_well = True
    end = START + DAYS + 5
    for _ in range(3):
        fill(api, ledger, table, end)
    final_before = end - FINAL_AFTER_DAYS
    every = {(page, metric, day) for page in PAGES for metric in METRICS for day in range(START, final_before)}
    assert {cell: value for cell, value in table.items() if cell[2] < final_before} == {
        cell: api.value(cell, end) for cell in every if api.has(cell)
    }
    assert fill(api, ledger, table, end) == []
    assert max(api.answered.values()) <= 1 + LOOKBACK_DAYS + 2
