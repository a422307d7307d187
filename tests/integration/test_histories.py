"""Whatever happened, a few fills make a dataset what one undisturbed load would hold, and say what is missing."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.dag_runs import connection_to
from support.examples import few
from support.histories import History, LocalRoot
from support.made_events import late_conversation

from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles
from airflow_provider_msginsights.outputs.dataset import Dataset
from airflow_provider_msginsights.outputs.maintenance.moving import PageMover

if TYPE_CHECKING:
    from airflow_provider_msginsights.emulator import GraphEmulator
    from airflow_provider_msginsights.insights.coverage.ledger import Ledger

START = date(2026, 8, 1)
SENT = "page_messages_sent"
PAGES = ["101", "102", "103", "104", "105", "106"]


@pytest.fixture(autouse=True)
def connection(emulator: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"wait_bound_seconds": 0, "max_attempts": 1}
    connection_to(emulator, monkeypatch, password=emulator.system_user_token, extra=extra)


def a_quarter(emulator: GraphEmulator, history: History, *, fills: bool) -> None:
    """Ninety days with an outage, a pause, a retired metric, a lost permission and two late Pages."""
    emulator.lose_permission(page_id="103", first_day=START + timedelta(55), last_day=START + timedelta(68))
    for number in range(1, 91):
        today = START + timedelta(number)
        if number == 10:
            emulator.start_outage()
        if number == 19:
            emulator.end_outage()
        if number == 40:
            emulator.retire_metric(SENT)
        if number == 54:
            emulator.restore_metric(SENT)
        pages = PAGES[: 4 if number < 20 else 5 if number < 45 else 6]
        if not 30 <= number < 36:
            history.load(today, page_ids=pages)
        if fills:
            history.fill(today, page_ids=pages)


@pytest.mark.slow
def test_a_quarter_with_every_kind_of_trouble_ends_complete(emulator: GraphEmulator, tmp_path: Path) -> None:
    history = History(tmp_path / "daily", emulator, START, {"page_ids": PAGES})
    a_quarter(emulator, history, fills=True)
    assert len(history.failed) == 9, "the outage"
    end = START + timedelta(95)
    history.fill(end)
    again = history.fill(end)
    assert (again["graph_calls"], again["still_missing"]) == (0, {})
    assert history.rows() == history.rows_of_one_load(tmp_path / "once", on=end)


@pytest.mark.slow
def test_one_fill_after_the_trouble_finds_and_fills_all_of_it(emulator: GraphEmulator, tmp_path: Path) -> None:
    history = History(tmp_path / "daily", emulator, START, {"page_ids": PAGES})
    a_quarter(emulator, history, fills=False)
    end = START + timedelta(95)
    once = history.rows_of_one_load(tmp_path / "once", on=end)
    missing = {row for row in once if row not in history.rows()}
    assert len(missing) > len(once) / 5
    result = history.fill(end)
    assert result["filled_cells"] == len(missing)
    assert history.rows() == once


# Random histories


@dataclass(frozen=True)
class Day:
    """What happens on a day, before its load and fill."""

    load: bool
    fill: bool
    outage: bool
    silent: str
    retired: bool
    late: str
    removed: int
    touched: int
    killed_at: int
    max_graph_calls: int


a_page = st.sampled_from(["", "", "", "", "101", "102"])
days = st.builds(
    Day,
    load=st.sampled_from([True, True, True, False]),
    fill=st.booleans(),
    outage=st.sampled_from([False, False, False, True]),
    silent=a_page,
    retired=st.sampled_from([False, False, True]),
    late=a_page,
    removed=st.sampled_from([0, 0, 0, 0, 0, 3]),
    touched=st.sampled_from([0, 0, 0, 4]),
    killed_at=st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5, 7]),
    max_graph_calls=st.sampled_from([2, 1000]),
)
_roots = itertools.count()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("examples", [few(10), pytest.param(500, marks=pytest.mark.slow)])
def test_random_histories_converge(emulator: GraphEmulator, tmp_path: Path, examples: int) -> None:
    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), database=None)
    @given(
        plan=st.lists(days, min_size=6, max_size=14),
        moves_on=st.sampled_from([0, 0, 3, 5]),
        leaves_on=st.sampled_from([0, 0, 6]),
    )
    def check(plan: list[Day], moves_on: int, leaves_on: int) -> None:
        emulator.reset()
        root = tmp_path / str(next(_roots))
        history = History(root / "daily", emulator, START, {})
        play(emulator, history, plan, moves_on=moves_on, leaves_on=leaves_on)
        shutil.rmtree(root)

    check()


def play(emulator: GraphEmulator, history: History, plan: list[Day], *, moves_on: int, leaves_on: int) -> None:
    """Let a history happen and mend; Page 102 may move to a part of its own, and may leave."""
    removed: set[str] = set()
    parts, last_day = {"0": ["101", "102"]}, date.max
    for number, day in enumerate(plan, start=1):
        today = START + timedelta(number)
        if number == moves_on and move(history.root, day.killed_at):
            parts = {"0": ["101"], "b": ["102"]}
        if number == leaves_on and leave(history.root, today - timedelta(1)):
            last_day = today - timedelta(1)
        trouble(emulator, day, today)
        removed |= change_files(history.root, day)
        for part, page_ids in parts.items():
            staying = page_ids if last_day == date.max else [page_id for page_id in page_ids if page_id != "102"]
            with killed_after(day.killed_at):
                if day.load and staying:
                    history.load(today, part=part, page_ids=staying)
            with killed_after(day.killed_at):
                if day.fill and (history.root / "_dataset.json").exists():
                    history.fill(today, max_graph_calls=day.max_graph_calls, part=part, page_ids=page_ids)
        removed -= history.rows().keys()  # loaded anew by the look-back
        trouble_ends(emulator)
    end = START + timedelta(len(plan) + 8)  # more than the week after which a Page that left is asked again
    results = [history.fill(end, part=part, page_ids=page_ids) for _ in range(4) for part, page_ids in parts.items()]
    assert [result["graph_calls"] for result in results[-len(parts) :]] == [0] * len(parts)
    history.parameters = {"page_ids": ["101", "102"]}
    once = history.rows_of_one_load(history.root.parent / "once", on=end)
    assert history.rows() == {
        key: row
        for key, row in once.items()
        if key not in removed and (row["page_id"] != "102" or row["pacific_date"] <= str(last_day))
    }, "what people removed stays so, and nothing is loaded of a Page that left"
    ledgers = CoverageFiles(LocalRoot(history.root)).ledgers()
    assert all(stored.ledger is not None and stored.ledger.covers_all for stored in ledgers.values())


def move(root: Path, killed_at: int) -> bool:
    """Give Page 102 to a part of its own, also when that is killed first; whether there is such a Page."""
    if "102" not in CoverageFiles(LocalRoot(root)).pages():
        return False
    dataset = replace(Dataset.at(LocalRoot(root)), part="b")
    with killed_after(killed_at):
        mover = PageMover(dataset, ["102"])
        mover.run(mover.plan())
    mover = PageMover(dataset, ["102"])
    mover.run(mover.plan())
    return True


def leave(root: Path, last_day: date) -> bool:
    """End the time of Page 102; whether there is such a Page."""
    files = CoverageFiles(LocalRoot(root))
    if "102" not in files.pages():
        return False
    files.update_pages(lambda pages: pages.retired(["102"], on=last_day, reason="left"))
    return True


def trouble(emulator: GraphEmulator, day: Day, today: date) -> None:
    if day.outage:
        emulator.start_outage()
    if day.silent:
        emulator.lose_permission(page_id=day.silent, first_day=today, last_day=today)
    if day.retired:
        emulator.retire_metric(SENT)
    if day.late:
        emulator.add_events(late_conversation(today - timedelta(1), page_id=day.late))


def trouble_ends(emulator: GraphEmulator) -> None:
    emulator.end_outage()
    emulator.restore_metric(SENT)


def change_files(root: Path, day: Day) -> set[str]:
    """Remove a partition as people do, or touch one; the rows that are removed and that a run had told of before.

    Of what a run stored that was killed before it wrote the ledger, nobody knows when it is gone.
    """
    files = sorted(root.glob("dt=*/*.jsonl"))
    if day.touched and len(files) >= day.touched:
        os.utime(files[day.touched - 1])
    if not day.removed or len(files) < day.removed:
        return set()
    gone = files[-day.removed].parent
    rows = [json.loads(line) for file in gone.glob("*.jsonl") for line in file.read_text().splitlines()]
    shutil.rmtree(gone)
    stored = CoverageFiles(LocalRoot(root)).ledgers().values()
    ledgers = [one.ledger for one in stored if one.ledger is not None]
    return {row["record_id"] for row in rows if any(is_stored(ledger, row) for ledger in ledgers)}


def is_stored(ledger: Ledger, row: dict[str, Any]) -> bool:
    """Whether a ledger says that a row is there."""
    day = date.fromisoformat(row["pacific_date"]).toordinal()
    page = ledger.pages.get(row["page_id"])
    code = page.of(row["metric"]).window(day, day + 1) if page is not None else b""
    return code.translate(cells.STORED) == b"1"


class Killed(BaseException):
    """The process ends here."""


class killed_after:  # noqa: N801 - reads as what it does
    """Let the n-th file that is given its name be the last thing that happens; 0 for none."""

    def __init__(self, files: int) -> None:
        self._files, self._count = files, 0

    def __enter__(self) -> None:
        self._patch = pytest.MonkeyPatch()
        if not self._files:
            return
        link, rename = os.link, Path.replace

        def count(original: Any, *arguments: Any) -> Any:
            self._count += 1
            if self._count > self._files:
                raise Killed
            return original(*arguments)

        self._patch.setattr(os, "link", lambda *arguments: count(link, *arguments))
        self._patch.setattr(Path, "replace", lambda *arguments: count(rename, *arguments))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        self._patch.undo()
        return isinstance(error, Killed)
