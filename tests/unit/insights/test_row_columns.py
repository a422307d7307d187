"""Rows are read as columns only where that gives what reading them one by one gives."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_msginsights.exceptions import ResponseFormatError
from airflow_provider_msginsights.insights.dates import DateRange
from airflow_provider_msginsights.insights.graph.error_table import Problem
from airflow_provider_msginsights.insights.graph.record_parser import RecordParser
from airflow_provider_msginsights.insights.graph.replies import read_reply
from airflow_provider_msginsights.insights.graph.row_columns import decode_columns
from airflow_provider_msginsights.insights.protocol import Reply, Request, Response
from airflow_provider_msginsights.insights.query import InsightsQuery

METRIC = "page_messages_new_conversations_unique"
OTHER = "page_messages_blocked_conversations_unique"
DAYS = DateRange(date(2026, 3, 8), date(2026, 3, 12))
QUERY = InsightsQuery.create(page_ids=["101", "102"], metrics=[METRIC, OTHER], days=DAYS)
ENDS = [f"{DAYS.first_day + timedelta(days)}T07:00:00+0000" for days in range(-1, 6)]

VALUES = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([None, True, "7"])
)
ROWS = st.fixed_dictionaries(
    {"value": VALUES, "end_time": st.one_of(st.sampled_from(ENDS), st.just("1773039600"))},
    optional={"start_time": st.sampled_from(ENDS)},
)
PLAIN_ROWS = st.fixed_dictionaries({"value": st.integers(0, 2**40), "end_time": st.sampled_from(ENDS)})
TEXTS = st.one_of(st.none(), st.text(max_size=8), st.sampled_from(['":', "\\u003a", "a: b"]))
ENTRIES = st.fixed_dictionaries(
    {
        "name": st.sampled_from([METRIC, OTHER, "another"]),
        "period": st.sampled_from(["day", "day", "week"]),
        "values": st.one_of(st.lists(PLAIN_ROWS, max_size=5), st.lists(ROWS, max_size=5)),
    },
    optional={
        "title": TEXTS,
        "description": TEXTS,
        "id": st.sampled_from(["101/insights/x/day", "102/insights/x/day", "7/x", 5, ""]),
    },
)
SPELLINGS = st.sampled_from([{}, {"separators": (",", ":")}, {"indent": 1}, {"ensure_ascii": False}])


def records_of(text: str) -> object:
    """What a reply gives: records and what was left out, or an error's sentence; numbers told apart by type."""
    reply = Reply(request=Request("/101/insights", (), "101"), at_seconds=0.0, response=Response(status=200, body=text))
    document = read_reply(reply)
    if isinstance(document, Problem):
        return str(document.error)
    try:
        parsed = RecordParser(QUERY).parse(document, QUERY.slices()[0])
    except ResponseFormatError as error:
        return str(error)
    return [repr(record) for record in parsed.records], parsed.answered, parsed.dropped


@example([{"name": METRIC, "period": "day", "values": [{"value": 10**400, "end_time": ENDS[1]}]}], {})
@given(st.lists(ENTRIES, max_size=4), SPELLINGS)
def test_columns_give_the_records_of_rows(entries: list[dict[str, Any]], spelling: dict[str, Any]) -> None:
    usual = json.dumps({"data": entries}, **spelling)
    by_rows = json.dumps({"data": entries, "not usual": 1}, **spelling)
    assert decode_columns(by_rows) is None
    assert records_of(usual) == records_of(by_rows)


def reply_of(*, values: str = "", entry: str = "", document: str = "") -> str:
    rows = f'{{"value":5,"end_time":"{ENDS[1]}"}}, {{"value":6,"end_time":"{ENDS[2]}"{values}}}'
    return f'{{"data":[{{"name":"{METRIC}","period":"day","values":[{rows}],"title":"a: b"{entry}}}]{document}}}'


@pytest.mark.parametrize(
    "text",
    [
        reply_of(),
        reply_of(entry=',"description":"say \\":\\"", "id":"101/x"'),
        reply_of(document=',"paging":{"next":"https:\\/\\/graph.facebook.com\\/v1?a=b:c","cursors":{"after":"x"}}'),
    ],
)
def test_the_usual_reply_is_read_as_columns(text: str) -> None:
    document = decode_columns(text)
    assert document is not None
    assert isinstance(document["data"], list)
    assert [list(entry["values"]) for entry in document["data"]] == [json.loads(text)["data"][0]["values"]]


@pytest.mark.parametrize(
    "twice",
    [
        {"values": ',"value":7'},
        {"values": ',"value":"a:b:c"'},
        {"values": ',"value":6'},
        {"values": ',"v\\u0061lue":7'},
        {"values": f',"end_time":"{ENDS[3]}"'},
        {"values": ',"end_time":""'},
        {"values": ',"value":7', "entry": ',"description":"\\u003a"'},
        {"entry": ',"values":[]'},
        {"entry": ',"title":"another"'},
        {"entry": ',"description":{"a":1,"a":2}'},
        {"entry": ',"id":"101/x","id":"102/x"'},
        {"document": ',"data":[]'},
        {"document": ',"paging":{"next":"a","next":"b"}'},
    ],
)
def test_a_key_twice_anywhere_in_a_usual_reply_is_a_fault(twice: dict[str, str]) -> None:
    assert decode_columns(reply_of(**twice)) is None
    assert "the same key stands twice in one object" in str(records_of(reply_of(**twice)))


@pytest.mark.parametrize("odd", ["NaN", "Infinity", '"caf\udce9"', "1e999", "[" * 100_000 + "]" * 100_000])
def test_what_is_no_sound_json_is_never_read_as_columns(odd: str) -> None:
    for text in (reply_of(entry=f',"description":{odd}'), reply_of(document=f',"paging":[{odd}]')):
        assert decode_columns(text) is None
