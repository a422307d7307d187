"""``pages.json`` is people's: loads only add to it, and a wrong edit is refused with its line and the cure."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_msginsights.exceptions import ConfigurationError
from airflow_provider_msginsights.insights.coverage.gaps import Managed
from airflow_provider_msginsights.insights.coverage.pages import (
    PageEntry,
    PagesFileError,
    PagesOfDataset,
    PageState,
)

AT = datetime(2026, 11, 30, 14, 0, tzinfo=UTC)
TOKEN = "EAAGm0PX4ZCpsBAKZCZBexampleTokenThatIsLongEnough"
PAGES = PagesOfDataset(
    {
        "102": PageEntry("0", entered_by="scheduled__2026-11-30T08:00:00+00:00"),
        "101": PageEntry("eu", date(2026, 1, 1), date(2026, 9, 30), None, "left"),
        "103": PageEntry("0", None, None, AT, "Anfrage der Kundin, § 17"),
    }
)


def written(**entry: Any) -> bytes:
    """A file as an editor leaves it: the entry's first field on line 5."""
    return json.dumps({"version": 1, "pages": {"101": entry}}, indent=2).encode()


def test_each_page_has_a_line_that_people_can_read() -> None:
    assert PAGES.to_bytes().decode() == (
        '{\n  "version": 1,\n  "pages": {\n'
        '    "101": {"part": "eu", "active_from": "2026-01-01", "active_until": "2026-09-30", "reason": "left"},\n'
        '    "102": {"part": "0", "entered_by": "scheduled__2026-11-30T08:00:00+00:00"},\n'
        '    "103": {"part": "0", "erased_at": "2026-11-30T14:00:00+00:00", "reason": "Anfrage der Kundin, § 17"}\n'
        "  }\n}\n"
    )
    assert PagesOfDataset.from_bytes(PAGES.to_bytes()) == PAGES
    assert PagesOfDataset().to_bytes() == b'{\n  "version": 1,\n  "pages": {}\n}\n'
    assert PagesOfDataset.from_bytes(None) == PagesOfDataset.from_bytes(PagesOfDataset().to_bytes()) == {}


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"", 1, "empty"),
        (b" \n\n ", 1, "empty"),
        (b'{\n"version": 1,\n"pages": {\n"101": {"part": "\xff"}}}', 4, "UTF-8"),
        ('{"version": 1}'.encode("utf-16"), 1, "UTF-8"),
        (b'{\n  "version": 1,\n  "pages": {"101": {"part": "0"},}\n}', 3, "not JSON"),
        (b'{\n  "version": 1\n  "pages": {}\n}', 3, "not JSON"),
        (b'{\n  "version": 1, // ours\n  "pages": {}\n}', 2, "not JSON"),
        (b"[" * 100_000, 1, "lists in lists"),
        (b"[]", 1, "braces"),
        (b'{"pages": {}}', 1, '"version": 1'),
        (b'{\n"pages": {},\n"version": "1"}', 3, '"version": 1'),
        (b'{\n"pages": {},\n"version": true}', 3, '"version": 1'),
        (b'{\n"pages": {},\n"version": 0}', 3, '"version": 1'),
        (b'{\n"shops": {},\n"version": 2}', 3, "upgrade"),
        (b'{"version": 1}', 1, '"pages" is missing'),
        (b'{\n"version": 1, "pages": {},\n"Pages": {}}', 3, "Did you mean 'pages'"),
        (b'{\n"version": 1,\n"pages": []}', 3, "braces"),
        (b'{\n"version": 1,\n"pages": {\n"101": "0"}}', 4, "braces"),
        (b'{\n"version": 1,\n"pages": {\n"acme": {"part": "0"}}}', 4, "'acme' is not a Page id"),
        (b'{"version": 1,\n"pages": {\n"1": {"part": "0"},\n"2": {},\n"1": {"part": "1"}}}', 5, "'1' stands there"),
        (b'{"version": 1,\n"pages": {"1": {"part": "0",\n"reason": "",\n"part": "1"}}}', 4, "'part' stands there"),
        (written(), 4, '"part" is missing'),
        (written(part=0), 5, "text in quotes"),
        (written(part=None), 5, "text in quotes"),
        (written(part=""), 5, 'use "0"'),
        (written(part="None"), 5, 'use "0"'),
        (written(part="../eu"), 5, "cannot stand in a file name"),
        (written(part="0", active_form="2026-01-01"), 6, "Did you mean 'active_from'"),
        (written(part="0", active_from="1.1.2026"), 6, "2026-11-30"),
        (written(part="0", active_from="2026-02-30"), 6, "2026-11-30"),
        (written(part="0", active_from="1926-02-03"), 6, "2004"),
        (written(part="0", active_from=20260101), 6, "2026-11-30"),
        (written(part="0", active_until="2026-01-01T00:00:00Z"), 6, "2026-11-30"),
        (written(part="0", active_until="2026-01-01", active_from="2026-01-02"), 6, "before active_from"),
        (written(part="0", erased_at="2026-11-30"), 6, "2026-11-30T14:00:00+00:00"),
        (written(part="0", erased_at="2026-11-30T14:00:00"), 6, "offset"),
        (written(part="0", erased_at=1), 6, "moment"),
        (written(part="0", reason=["left"]), 6, "text in quotes"),
        (written(part="0", reason="a\nb"), 6, "control characters"),
        (written(part="0", reason="\ud800"), 6, "control characters"),
        (b'{\n"version": ' + b"9" * 5000 + b', "pages": {}}', 2, '"version": 1'),
    ],
)
def test_a_wrong_edit_is_refused_with_its_line_and_the_cure(data: bytes, line: int, words: str) -> None:
    with pytest.raises(PagesFileError) as refused:
        PagesOfDataset.from_bytes(data)
    message = str(refused.value)
    assert message.startswith(f"_coverage/pages.json, line {line}: ")
    assert words in message
    assert isinstance(pickle.loads(pickle.dumps(refused.value)), PagesFileError)  # noqa: S301 - made here


def test_a_token_in_the_wrong_place_is_not_shown() -> None:
    for data in (written(part=TOKEN + "!"), written(part="0", active_from=TOKEN), written(part="0", **{TOKEN: 1})):
        with pytest.raises(PagesFileError) as refused:
            PagesOfDataset.from_bytes(data)
        assert TOKEN not in str(refused.value)


def test_what_editors_add_does_not_matter() -> None:
    data = b"\xef\xbb\xbf" + written(part="0", active_from=None, erased_at=None).replace(b"\n", b"\r\n")
    assert PagesOfDataset.from_bytes(data) == {"101": PageEntry("0")}
    elsewhere = written(part="0", erased_at="2026-11-30T06:00:00-08:00")
    assert PagesOfDataset.from_bytes(elsewhere)["101"].erased_at == AT


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["version", "pages", "part", "active_from", "active_until", "erased_at", "reason", "entered_by"]
)
entries = st.dictionaries(
    names, st.sampled_from(["0", "2026-01-01", "2026-01-01T00:00:00Z", "", None, 1]) | json_values, max_size=6
)
files = st.dictionaries(
    names, st.sampled_from([1, 2]) | st.dictionaries(st.sampled_from(["101", "a"]), entries) | json_values
)


@given(
    st.binary()
    | json_values.map(lambda value: json.dumps(value).encode())
    | files.map(lambda value: json.dumps({"version": 1, **value}).encode())
    | st.tuples(st.integers(0, 300), st.binary(max_size=2)).map(
        lambda cut: PAGES.to_bytes()[: cut[0]] + cut[1] + PAGES.to_bytes()[cut[0] + 1 :]
    )
)
def test_any_bytes_are_pages_or_refused(data: bytes) -> None:
    try:
        pages = PagesOfDataset.from_bytes(data)
    except PagesFileError:
        return
    assert PagesOfDataset.from_bytes(pages.to_bytes()) == pages


def test_loads_only_add_pages() -> None:
    pages = PAGES.with_entered(["101", "104"], part="eu", run="run\u2028\ud800 1", active_from=date(2026, 11, 1))
    assert pages["101"] == PAGES["101"]
    assert pages["104"] == PageEntry("eu", date(2026, 11, 1), entered_by="run?? 1")
    assert PagesOfDataset.from_bytes(pages.to_bytes()) == pages
    assert pages.with_entered(["104", "101"], part="us", run="another") is pages
    assert PAGES.keys() == {"101", "102", "103"}
    with pytest.raises(ConfigurationError, match="not a Page id"):
        PAGES.with_entered(["all"], part="0", run="run")


days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
reasons = st.sampled_from(["", "client left", "§ 17 \N{SNOWMAN}"])
ids = st.lists(st.sampled_from(["101", "102", "103"]), max_size=3)
changes = st.one_of(
    st.tuples(st.just("retired"), ids, st.fixed_dictionaries({"on": days, "reason": reasons})),
    st.tuples(
        st.just("erased"),
        ids,
        st.fixed_dictionaries({"at": st.datetimes(AT.replace(tzinfo=None), timezones=st.just(UTC)), "reason": reasons}),
    ),
    st.tuples(st.just("moved"), ids, st.fixed_dictionaries({"part": st.sampled_from(["0", "eu"])})),
    st.tuples(st.just("with_entered"), st.lists(st.sampled_from(["101", "105"])), st.just({"part": "us", "run": "r"})),
)


@given(st.lists(changes, max_size=6))
def test_a_change_made_twice_is_made_once(made: list[tuple[str, list[str], dict[str, Any]]]) -> None:
    pages = PAGES
    for name, page_ids, arguments in made:
        try:
            changed: PagesOfDataset = getattr(pages, name)(page_ids, **arguments)
        except ConfigurationError:
            continue
        again = getattr(PagesOfDataset.from_bytes(changed.to_bytes()), name)(reversed(page_ids), **arguments)
        assert again.to_bytes() == changed.to_bytes()
        pages = changed


def test_what_cannot_be_changed_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="does not name 2 Pages"):
        PAGES.erased(["7", "8", "101"], at=AT, reason="")
    with pytest.raises(ConfigurationError, match=r"Erased before.*Page 103"):
        PAGES.retired(["103"], on=date(2026, 1, 1), reason="")
    with pytest.raises(ConfigurationError, match=r"Erased before.*Page 103"):
        PAGES.moved(["103"], part="1")
    with pytest.raises(ConfigurationError, match="from 2026-01-01 on"):
        PAGES.retired(["101"], on=date(2025, 12, 31), reason="")
    with pytest.raises(ConfigurationError, match="2200-01-01"):
        PAGES.retired(["101"], on=date(2200, 1, 1), reason="")
    with pytest.raises(ConfigurationError, match="part"):
        PAGES.moved(["101"], part="../x")
    with pytest.raises(ConfigurationError, match="reason"):
        PAGES.erased(["101"], at=AT, reason="a\nb")


def test_an_erased_page_keeps_when_and_why() -> None:
    here = AT.astimezone(timezone(timedelta(hours=2))) + timedelta(microseconds=7)
    pages = PAGES.erased(["101", "103"], at=here + timedelta(days=1), reason="asked")
    assert pages["103"] == PAGES["103"]
    assert pages["101"].erased_at == AT + timedelta(days=1)
    assert pages["101"].reason == "asked"


def test_the_time_of_a_page_begins_and_ends_with_its_days() -> None:
    first, last = date(2026, 1, 1), date(2026, 9, 30)
    managed = PAGES.managed(None, default_first=7)
    assert managed["101"] == Managed(first=first.toordinal(), end=last.toordinal() + 1)
    assert managed.keys() == {"101", "102"}
    assert managed["102"].first == 7
    assert managed["102"].end > date(2150, 1, 1).toordinal()
    assert PAGES.managed("0", default_first=7).keys() == {"102"}
    one_day = timedelta(days=1)
    states = [PAGES.state_of("101", day) for day in (first - one_day, first, last, last + one_day)]
    assert states == [PageState.NOT_YET, PageState.ACTIVE, PageState.ACTIVE, PageState.RETIRED]
    assert [state.is_managed for state in states] == [False, True, True, False]
    assert PAGES.state_of("103", first) is PageState.ERASED
    assert PAGES.state_of("7", first) is PageState.UNKNOWN
