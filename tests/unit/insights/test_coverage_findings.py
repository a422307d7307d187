"""What a person should look at is found in the ledger, once, and acknowledged or explained."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.made_ledgers import CONNECTIONS, METRICS, DailyLoads, day, ever

from airflow_provider_msginsights.exceptions import ConfigurationError, PermissionDeniedError
from airflow_provider_msginsights.insights.coverage.answers import Restatement
from airflow_provider_msginsights.insights.coverage.findings.acknowledgements import (
    Acknowledgements,
    AcknowledgementsFileError,
)
from airflow_provider_msginsights.insights.coverage.findings.kinds import FindingKind
from airflow_provider_msginsights.insights.coverage.findings.rules import CoverageFinding, find
from airflow_provider_msginsights.insights.coverage.findings.silent_cause import SilentCause, silent_cause
from airflow_provider_msginsights.insights.coverage.findings.state import FindingsState
from airflow_provider_msginsights.insights.token.report import PageAccess, TokenKind, TokenReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NEW, BLOCKED = METRICS[:2]
FIVE = ("101", "102", "103", "104", "105")


def found(loads: DailyLoads, **more: Any) -> tuple[CoverageFinding, ...]:
    return find(loads.ledger, loads.pages, part="0", horizon=loads.horizon, **more)


def told(findings: Iterable[CoverageFinding]) -> list[tuple[str, str | None, str | None, date]]:
    return [(one.kind, one.page_id, one.metric, one.first_day) for one in findings]


def silent_from(first: int, *page_ids: str) -> Callable[[str, str, int], float | None]:
    return lambda page_id, metric, number: (
        None if page_id in page_ids and number >= first else ever(page_id, metric, number)
    )


def test_a_well_dataset_has_no_findings() -> None:
    for loads in (DailyLoads(FIVE).run(60), DailyLoads(()), DailyLoads(FIVE).run(1)):
        assert found(loads) == ()


def test_a_page_that_falls_silent_is_found_while_others_have_the_day() -> None:
    loads = DailyLoads(FIVE, silent_from(20, "103")).run(20)
    assert found(loads) == ()
    for until in (21, 22, 24, 60):
        (finding,) = found(loads.run(until))
        assert told([finding]) == [("page_silent", "103", None, day(20))]
        assert finding.identity == "page_silent:103:*"
        assert finding.is_final == (until > 22)
        assert "103" in finding.what
    loads.answer = ever
    assert found(loads.run(61)) == ()


def test_a_page_without_rows_on_each_of_seven_loaded_days_before_is_not_silent() -> None:
    def sparse(page_id: str, metric: str, number: int) -> float | None:
        return None if page_id == "103" and (number >= 20 or number == 14) else ever(page_id, metric, number)

    assert found(DailyLoads(FIVE, sparse).run(25)) == ()
    assert found(DailyLoads(FIVE, silent_from(6, "103")).run(10)) == ()
    assert [one.page_id for one in found(DailyLoads(FIVE, silent_from(7, "103")).run(10))] == ["103"]


def test_days_that_were_not_loaded_do_not_count() -> None:
    loads = DailyLoads(FIVE, silent_from(30, "103")).run(10)
    loads.today = 20
    (finding,) = found(loads.run(31, lookback=0))
    assert told([finding]) == [("page_silent", "103", None, day(30))]


def test_most_pages_that_fall_silent_together_are_one_finding() -> None:
    loads = DailyLoads(FIVE, silent_from(20, "101", "103", "104")).run(21)
    (finding,) = found(loads)
    assert told([finding]) == [("page_silent", None, None, day(20))]
    assert finding.page_ids == ("101", "103", "104")
    assert "3 Pages" in finding.what
    assert "of 5" in finding.what
    loads.answer = silent_from(20, "103")
    assert told(found(loads.run(22))) == [("page_silent", "103", None, day(20))]


@pytest.mark.parametrize("page_ids", [("101",), FIVE])
def test_pages_that_are_all_silent_are_found_once_the_day_is_final(page_ids: tuple[str, ...]) -> None:
    loads = DailyLoads(page_ids, silent_from(20, *page_ids))
    assert found(loads.run(22)) == ()
    (finding,) = found(loads.run(23))
    assert finding.page_ids == page_ids
    assert finding.is_final
    assert told(found(loads.run(50))) == told([finding])


def test_a_metric_that_vanishes_from_a_page_is_found_once_the_day_is_final() -> None:
    def without(page_id: str, metric: str, number: int) -> float | None:
        return None if (page_id, metric) == ("103", NEW) and number >= 20 else ever(page_id, metric, number)

    loads = DailyLoads(FIVE, without)
    assert found(loads.run(22)) == ()
    for until in (23, 40):
        (finding,) = found(loads.run(until))
        assert told([finding]) == [("metric_vanished", "103", NEW, day(20))]
    loads.metrics = (BLOCKED, CONNECTIONS)  # nobody wants it any more
    assert found(loads.run(41)) == ()


def test_a_refused_metric_is_found_at_once_and_with_the_reason() -> None:
    loads = DailyLoads(FIVE, refused=lambda page_id, metric, on: (page_id, metric) == ("103", NEW) and on > 20).run(21)
    (finding,) = found(loads)
    assert told([finding]) == [("metric_vanished", "103", NEW, day(20))]
    assert "no valid metric" in finding.what
    loads.refused = lambda page_id, metric, on: metric == NEW  # noqa: ARG005 - of all Pages
    (finding,) = found(loads.run(22))
    assert finding.page_ids == FIVE
    assert finding.page_id is None


def test_a_silent_page_is_not_found_metric_by_metric_too() -> None:
    assert [one.kind for one in found(DailyLoads(FIVE, silent_from(20, "103")).run(40))] == [FindingKind.PAGE_SILENT]


def zero_from(first: int) -> Callable[[str, str, int], float | None]:
    def answer(page_id: str, metric: str, number: int) -> float | None:
        return 0 if page_id == "103" and metric != CONNECTIONS and number >= first else ever(page_id, metric, number)

    return answer


def test_a_page_with_zeros_only_is_found_after_weeks_without_such_a_day() -> None:
    loads = DailyLoads(FIVE, zero_from(30))
    assert found(loads.run(32)) == ()
    known: tuple[CoverageFinding, ...] = ()
    for until in range(33, 90):
        known = found(loads.run(until), ongoing=known)
        assert told(known) == [("all_zero", "103", None, day(30))]
    loads.answer = zero_from(999)
    assert found(loads.run(93), ongoing=known) == ()


def test_a_page_that_has_days_with_zeros_only_is_not_found() -> None:
    def sundays(page_id: str, metric: str, number: int) -> float | None:
        return 0 if metric != CONNECTIONS and number % 7 == 0 else ever(page_id, metric, number)

    loads = DailyLoads(FIVE, sundays)
    assert all(found(loads.run(until)) == () for until in range(1, 60))
    assert found(DailyLoads(FIVE, zero_from(10)).run(13)) == ()  # too short a history


@pytest.mark.parametrize(
    ("old", "new", "is_found"),
    [(1000, 799, True), (1000, 801, False), (200, 149, True), (200, 151, False), (60, 9, True), (50, 0, False)],
)
def test_connections_that_fall_by_a_fifth_and_fifty_are_found(old: int, new: int, is_found: bool) -> None:  # noqa: FBT001 - a case
    def falling(page_id: str, metric: str, number: int) -> float | None:
        if page_id != "103" or metric != CONNECTIONS:
            return ever(page_id, metric, number)
        return new if number >= 20 else old

    loads = DailyLoads(FIVE, falling)
    assert found(loads.run(22)) == ()
    expected = [("connections_down", "103", CONNECTIONS, day(20))] if is_found else []
    assert told(found(loads.run(23))) == told(found(loads.run(29))) == expected
    assert found(loads.run(31)) == ()


def test_a_final_day_restated_by_a_fifth_is_found() -> None:
    loads = DailyLoads(FIVE).run(30)
    graves = [
        Restatement("103", NEW, day(11), 10, 20, was_final=True),
        Restatement("103", NEW, day(10), 10, 13, was_final=True),
        Restatement("104", NEW, day(10), 0, 1, was_final=True),
    ]
    light = [
        Restatement("101", NEW, day(10), 10, 12, was_final=True),
        Restatement("101", NEW, day(10), 10, 99, was_final=False),
        Restatement("999", NEW, day(10), 10, 99, was_final=True),
        Restatement("102", NEW, day(10), None, 99, was_final=True),
    ]
    assert found(loads, restatements=light) == ()
    first, second = found(loads, restatements=[*graves, *light])
    assert told([first, second]) == [("final_day_restated", page_id, NEW, day(10)) for page_id in ("103", "104")]
    assert "from 10 to 13" in first.what
    assert first.identity.endswith("2026-10-11")
    everywhere = [Restatement(page_id, NEW, day(10), 10, None, was_final=True) for page_id in FIVE]
    assert [one.page_ids for one in found(loads, restatements=everywhere)] == [FIVE]


def test_a_page_that_is_requested_no_more_is_found_unless_it_was_retired_or_erased() -> None:
    loads = DailyLoads(FIVE).run(20)
    loads.page_ids = FIVE[:4]
    for until in (21, 60):
        (finding,) = found(loads.run(until))
        assert told([finding]) == [("page_not_listed", "105", None, day(20))]
    for pages in (
        loads.pages.retired(["105"], on=day(20), reason=""),
        loads.pages.erased(["105"], at=datetime(2026, 11, 1, tzinfo=UTC), reason=""),
        loads.pages.moved(["105"], part="eu"),
    ):
        assert find(loads.ledger, pages, part="0", horizon=loads.horizon) == ()


def test_a_page_that_another_schedule_requests_is_listed() -> None:
    loads = DailyLoads(FIVE).run(20)
    other = replace(loads.ledger.requesters["dag.load"], run="other")
    loads.ledger.enter_request("other.load", other)
    loads.page_ids = FIVE[:4]
    assert found(loads.run(50)) == ()
    assert [one.kind for one in found(loads.run(60))] == [FindingKind.PAGE_NOT_LISTED]  # it runs no more


# The state


def a_finding(page_id: str = "101", kind: FindingKind = FindingKind.PAGE_SILENT, **more: Any) -> CoverageFinding:
    return CoverageFinding(
        kind=kind, page_id=page_id, page_ids=(page_id,), first_day=day(1), what="", remedy="", **more
    )


def test_findings_are_new_once_then_go_on_and_end() -> None:
    state = FindingsState()
    silent, vanished = a_finding(), a_finding(kind=FindingKind.METRIC_VANISHED, metric=NEW)
    assert state.update([silent], on=day(2), run="a").new == (silent,)
    change = state.update([silent, vanished], on=day(3), run="b")
    assert (change.new, change.ongoing, change.ended) == ((vanished,), (silent,), ())
    change = state.update([vanished], on=day(4), run="c")
    assert (change.new, change.ongoing, change.ended) == ((), (vanished,), (silent,))
    assert state.update([silent], on=day(5), run="d").new == (silent,)
    assert state.open == (silent,)


def test_a_finding_is_newly_final_once() -> None:
    state = FindingsState()
    early, final = a_finding(), a_finding(is_final=True)
    told_final = [
        state.update([one], on=day(2), run=run).newly_final for one, run in ((early, "a"), (final, "b"), (early, "c"))
    ]
    assert told_final == [(), (final,), ()]


def test_one_page_among_many_that_are_found_together_does_not_end() -> None:
    state = FindingsState()
    one = a_finding("101")
    many = replace(one, page_id=None, page_ids=("101", "102"))
    state.update([one], on=day(2), run="a")
    change = state.update([many], on=day(3), run="b")
    assert (change.new, change.ended) == ((many,), ())
    change = state.update([one], on=day(4), run="c")
    assert (change.new, change.ended) == ((one,), (many,))


def test_an_event_stands_for_a_week_and_ends_without_a_word() -> None:
    state = FindingsState()
    event = a_finding(kind=FindingKind.FINAL_DAY_RESTATED, metric=NEW)
    assert state.update([event], on=day(2), run="a").new == (event,)
    assert state.update([], on=day(9), run="b").ongoing == (event,)
    change = state.update([], on=day(10), run="c")
    assert (change.ongoing, change.ended) == ((), ())


def test_a_cause_stays_with_its_finding() -> None:
    state = FindingsState()
    state.update([a_finding()], on=day(2), run="a")
    assert state.unexplained() == (a_finding(),)
    state.explain(a_finding().identity, SilentCause.ROLE_LOST)
    state.explain("another", SilentCause.ROLE_LOST)
    state = FindingsState.from_bytes(state.to_bytes())
    change = state.update([a_finding()], on=day(3), run="b")
    assert change.ongoing == (a_finding(cause=SilentCause.ROLE_LOST),)
    assert state.unexplained() == ()


findings = st.lists(
    st.builds(
        a_finding,
        st.sampled_from(["101", "102"]),
        st.sampled_from(FindingKind),
        metric=st.sampled_from([None, NEW]),
        is_final=st.booleans(),
    )
    | st.just(replace(a_finding(), page_id=None, page_ids=("101", "102"))),
    max_size=4,
)


@given(st.lists(st.tuples(findings, st.integers(0, 3)), min_size=1, max_size=8))
def test_entering_a_run_again_changes_nothing(runs: list[tuple[list[CoverageFinding], int]]) -> None:
    state, on = FindingsState(), 2
    for number, (some, later) in enumerate(runs):
        on += later
        change = state.update(some, on=day(on), run=f"run {number}")
        data = state.to_bytes()
        state = FindingsState.from_bytes(data)
        assert state.update(some, on=day(on), run=f"run {number}") == change
        assert state.to_bytes() == data
        assert {one.identity for one in change.new + change.ongoing} >= {one.identity for one in some}
        assert state.open == tuple(sorted(change.new + change.ongoing, key=lambda one: one.identity))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def _state_bytes() -> bytes:
    state = FindingsState()
    state.update([a_finding(), a_finding("102")], on=day(2), run="a")
    return state.to_bytes()


A_STATE = json.loads(gzip.decompress(_state_bytes()))


@given(
    st.binary()
    | st.integers(0, len(_state_bytes())).map(lambda cut: _state_bytes()[:cut])
    | json_values.map(lambda value: gzip.compress(json.dumps(value).encode()))
    | st.tuples(st.sampled_from(sorted(A_STATE["findings"][0])), json_values).map(
        lambda pair: gzip.compress(
            json.dumps({**A_STATE, "findings": [{**A_STATE["findings"][0], pair[0]: pair[1]}]}).encode()
        )
    )
)
def test_any_bytes_are_a_state_or_an_empty_one_with_a_warning(data: bytes) -> None:
    state = FindingsState.from_bytes(data)
    assert state.known == {} or not state.warning
    again = FindingsState.from_bytes(state.to_bytes())
    assert again.known == state.known


def test_the_file_of_a_newer_version_is_left_as_it_is() -> None:
    data = gzip.compress(b'{"version": 2, "findings": "of another kind"}')
    state = FindingsState.from_bytes(data)
    change = state.update([a_finding()], on=day(2), run="a")
    assert (change.new, change.ongoing) == ((), (a_finding(),))
    assert "newer version" in state.warning
    assert state.to_bytes() == data


# Acknowledgements


def test_an_acknowledgement_covers_what_it_names_until_its_last_day() -> None:
    silent, vanished = a_finding("101"), a_finding("102", FindingKind.METRIC_VANISHED, metric=NEW)
    many = replace(silent, page_id=None, page_ids=("101", "102"))
    acks = Acknowledgements().with_ack(["101"], until=day(9), reason="the client knows")
    assert acks.covers(silent, day(9)) == acks.acks[0]
    assert acks.covers_page("101", day(9)) == acks.acks[0]
    assert not acks.covers(silent, day(10))
    assert not acks.covers(vanished, day(9))
    assert not acks.covers(many, day(9))
    acks = acks.with_ack(metrics=[NEW], kinds=["metric_vanished"], until=day(20), reason="")
    assert acks.covers(vanished, day(20))
    assert not acks.covers(replace(vanished, metric=BLOCKED), day(20))
    assert not acks.covers_page("102", day(20))
    assert acks.to_bytes().decode() == (
        '{\n  "version": 1,\n  "acknowledged": [\n'
        '    {"page_ids": ["101"], "until": "2026-10-10", "reason": "the client knows"},\n'
        f'    {{"kinds": ["metric_vanished"], "metrics": ["{NEW}"], "until": "2026-10-21"}}\n  ]\n}}\n'
    )
    assert Acknowledgements.from_bytes(acks.to_bytes()) == acks
    assert Acknowledgements.from_bytes(Acknowledgements().to_bytes()) == Acknowledgements.from_bytes(None)


def test_an_acknowledgement_replaces_one_of_the_same_and_is_made_once() -> None:
    acks = Acknowledgements().with_ack(["101"], until=day(9), reason="a").with_ack(["102"], until=day(9), reason="b")
    later = acks.with_ack(["101", "101"], until=day(19), reason="a")
    assert [(ack.page_ids, ack.until) for ack in later.acks] == [(("102",), day(9)), (("101",), day(19))]
    assert later.with_ack(["101"], until=day(19), reason="a") is later
    wrong: list[dict[str, Any]] = [
        {},
        {"page_ids": ["x"]},
        {"kinds": ["silent"]},
        {"metrics": ["a\n"], "page_ids": ["1"]},
    ]
    for arguments in [*wrong[:3], {"page_ids": ["1"], "until": date(2200, 1, 1)}]:
        with pytest.raises(ConfigurationError):
            acks.with_ack(**{"until": day(9), "reason": "", **arguments})


@pytest.mark.parametrize(
    ("fields", "line", "words"),
    [
        ({}, 4, '"until" is missing'),
        ({"until": "2026-12-15"}, 4, "would hide everything"),
        ({"until": "15.12.2026", "page_ids": ["1"]}, 5, "must be a day"),
        ({"until": "2026-12-15", "page_ids": "101"}, 6, "list in brackets"),
        ({"until": "2026-12-15", "page_ids": [101]}, 7, "text in quotes"),
        ({"until": "2026-12-15", "page_ids": ["1", "acme"]}, 8, "not a Page id"),
        ({"until": "2026-12-15", "kinds": ["page_silence"]}, 7, "Did you mean 'page_silent'"),
        ({"until": "2026-12-15", "pages": ["1"]}, 6, "Did you mean 'page_ids'"),
    ],
)
def test_a_wrong_edit_is_refused_with_its_line_and_the_cure(fields: dict[str, Any], line: int, words: str) -> None:
    data = json.dumps({"version": 1, "acknowledged": [fields]}, indent=2).encode()
    with pytest.raises(AcknowledgementsFileError) as refused:
        Acknowledgements.from_bytes(data)
    assert str(refused.value).startswith(f"_coverage/acknowledged.json, line {line}: ")
    assert words in str(refused.value)


names = st.sampled_from(["version", "acknowledged", "page_ids", "kinds", "metrics", "until", "reason"])
acks_like = st.dictionaries(names, st.sampled_from([["101"], ["page_silent"], "2026-12-15", [], None]) | json_values)


@given(
    st.binary()
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.lists(acks_like, max_size=3).map(lambda value: json.dumps({"version": 1, "acknowledged": value}).encode())
)
def test_any_bytes_are_acknowledgements_or_refused(data: bytes) -> None:
    try:
        acks = Acknowledgements.from_bytes(data)
    except AcknowledgementsFileError:
        return
    assert Acknowledgements.from_bytes(acks.to_bytes()) == acks


# Why a Page is silent

REPORT = TokenReport(
    asked_at=datetime(2026, 11, 30, tzinfo=UTC), is_valid=True, kind=TokenKind.USER, asked_version="v26.0"
)
ACCESS = PageAccess(page_id="101", tasks=("ANALYZE",), missing_permissions=(), was_tried=True)


@pytest.mark.parametrize(
    ("report", "access", "more", "cause"),
    [
        ({}, {"reads_insights": True}, {"followers": 7}, SilentCause.NOT_COMPUTED),
        ({"missing_permissions": ("read_insights",)}, {"reads_insights": True}, {}, SilentCause.NOT_COMPUTED),
        ({"is_valid": False}, {}, {}, SilentCause.PERMISSION_LOST),
        ({}, {"missing_permissions": ("read_insights",)}, {}, SilentCause.PERMISSION_LOST),
        ({"missing_permissions": ("read_insights",)}, {"missing_permissions": None}, {}, SilentCause.PERMISSION_LOST),
        ({}, {"tasks": ("MODERATE",)}, {}, SilentCause.ROLE_LOST),
        ({}, None, {}, SilentCause.ROLE_LOST),
        ({"kind": TokenKind.PAGE}, None, {}, SilentCause.UNKNOWN),
        ({"list_refusal": PermissionDeniedError("no list")}, None, {}, SilentCause.UNKNOWN),
        ({}, {}, {"followers": 99}, SilentCause.TOO_SMALL),
        ({}, {}, {"followers": 100}, SilentCause.UNKNOWN),
        ({}, {}, {"followers": 7, "is_published": False}, SilentCause.NOT_PUBLISHED),
        ({}, {"problem": PermissionDeniedError("(#200)")}, {"is_published": True}, SilentCause.PERMISSION_LOST),
        ({}, {"tasks": None}, {}, SilentCause.UNKNOWN),
    ],
)
def test_one_look_tells_why_a_page_is_silent(
    report: dict[str, Any], access: dict[str, Any] | None, more: dict[str, Any], cause: SilentCause
) -> None:
    pages = () if access is None else (replace(ACCESS, **access), PageAccess(page_id="102"))
    assert silent_cause(replace(REPORT, pages=pages, **report), "101", **more) is cause
    assert cause.what.endswith(".")
    assert cause.remedy.endswith(".")
