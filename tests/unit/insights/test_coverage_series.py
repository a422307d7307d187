"""A series is what a table of days would be, however its days come; equal series share their codes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.insights.coverage import cells
from airflow_provider_msginsights.insights.coverage.ledger import Ledger
from airflow_provider_msginsights.insights.coverage.ledger_file import NewerLedgerError, ledger_text, read_ledger
from airflow_provider_msginsights.insights.coverage.series import Series

DAYS = st.integers(700_000, 700_040)
CODES = st.text(cells.CODES.decode(), max_size=12).map(str.encode)
TABLES = st.sampled_from([cells.EMPTY_BEFORE_ROW, cells.REFUSAL, cells.FAILURE, cells.REMOVAL, cells.REOPENED_SILENT])
CHANGES = st.one_of(st.tuples(DAYS, CODES), st.tuples(DAYS, DAYS, TABLES))


@given(st.lists(CHANGES, max_size=8), DAYS, DAYS)
def test_a_series_says_of_each_day_what_was_entered_last(changes: list[Any], first: int, end: int) -> None:
    series, table = Series(), dict[int, int]()
    for change in changes:
        if len(change) == 2:
            series.put(*change)
            table.update(enumerate(change[1], change[0]))
        else:
            series.change(*change)
            table |= {day: change[2][table.get(day, cells.NEVER[0])] for day in range(change[0], change[1])}
    wanted = bytes(table.get(day, cells.NEVER[0]) for day in range(first, end))
    assert series.window(first, end) == wanted
    assert series.marks(first, end, cells.STORED) == wanted.translate(cells.STORED)
    rows = [day for day, code in sorted(table.items()) if bytes([code]).translate(cells.STORED) == b"1"]
    assert series.first_row() == (rows[0] if rows else 0)


def a_ledger() -> Ledger:
    ledger = Ledger()
    for page_id in ("101", "102"):
        series = ledger.page(page_id).of("page_messages_blocked_conversations_unique")
        series.put(700_000, cells.FINAL * 30)
        series.put(700_030, cells.REFUSED)
        series.note(700_030, 700_031, "(#100) refused", 700_032)
        series.remember(700_000, [1, 2.5, None])
    return ledger


def test_equal_series_share_their_codes_after_a_ledger_was_read_and_changed() -> None:
    ledger = read_ledger(ledger_text(a_ledger()))
    for _, _, series in ledger.series():
        series.put(700_031, cells.PROVISIONAL)
    assert len({id(series.codes) for _, _, series in ledger.series()}) == 1


def test_a_ledger_is_read_as_it_was_written() -> None:
    assert read_ledger(ledger_text(a_ledger())) == a_ledger()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pages", []),
        ("codes", ["F?"]),
        ("codes", []),
        ("reasons", []),
        ("files", {"dt=2026-03-01": [1, "tag", 3, 0]}),
        ("pages", {"101": {"wait": [], "rechecked": 0, "series": {"x": [1, 0, [], 1, ["many"]]}}}),
        ("pages", {"101": {"wait": [], "rechecked": 0, "series": {"x": [1, 0, [], 1, [], "more"]}}}),
        ("pages", {"101": {"wait": [1, 2, 3], "rechecked": 0, "series": {}}}),
    ],
)
def test_a_damaged_ledger_is_told_from_a_sound_one(field: str, value: object) -> None:
    damaged = json.loads(ledger_text(a_ledger())) | {field: value}
    with pytest.raises(ValueError, match="damaged"):
        read_ledger(json.dumps(damaged).encode())


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"version": "1"}', b"\xff", b"[" * 10_000])
def test_what_is_no_ledger_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"damaged|not a ledger"):
        read_ledger(text)


def test_a_newer_ledger_is_told_from_a_damaged_one_whatever_it_holds() -> None:
    with pytest.raises(NewerLedgerError, match="ledger 2"):
        read_ledger(b'{"version": 2, "pages": "elsewhere"}')
