"""A reply with something odd in it costs its Page and no other, and headers cost nobody anything."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.fetch_helpers import NEW, asked, fetch, fetched, make_query
from support.scripted import ScriptedApi, insights, insights_document, refusal

from airflow_provider_msginsights.exceptions import AuthenticationError, MessagingInsightsError, ResponseFormatError
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import probe_availability
from airflow_provider_msginsights.insights.graph.batch import decode
from airflow_provider_msginsights.insights.protocol import Response

if TYPE_CHECKING:
    from airflow_provider_msginsights.insights.protocol import Request

END = "2026-03-02T08:00:00+0000"
NOW = datetime(2026, 4, 1, tzinfo=UTC)
DEEP = "[" * 700 + "]" * 700
DEEPER = "[" * 50_000 + "]" * 50_000

ODD_VALUES = [
    "9" * 400,
    "-" + "9" * 400,
    "9" * 5_000,
    "1e999",
    "NaN",
    "-Infinity",
    "9223372036854775808",
    f'"{"9" * 400}"',
    f'"{"9" * 5_000}"',
    '"1e999"',
    '"NaN"',
    '"\\ud800"',
    '"4\udce92"',
    "true",
    "[]",
    DEEP,
    DEEPER,
    '{"a": ' * 300 + "1" + "}" * 300,
    f'{{"currency": "USD", "microAmount": {"9" * 400}}}',
    '{"currency": "USD", "microAmount": 1, "microAmount": 2}',
    f'{{"currency": "{"X" * 10_000}", "microAmount": 1}}',
    '{"currency": "\\ud800", "microAmount": 1}',
    '1, "value": 2',
]
ODD_TIMES = [
    "9" * 400,
    "9" * 5_000,
    "1e30",
    "1e999",
    "NaN",
    "-1",
    "-99999999999999",
    '"9999-12-31T23:59:59+0000"',
    '"0001-01-01T00:00:00+2359"',
    f'"{"9" * 400}"',
    '"\\ud800"',
    "true",
    "{}",
    DEEP,
    '"2026-03-02"',
    f'"{END}", "end_time": "2026-03-03T08:00:00+0000"',
]
ODD_ROWS = [
    *(f'{{"value": {one}, "end_time": "{END}"}}' for one in ODD_VALUES),
    *(f'{{"value": 1, "end_time": {one}}}' for one in ODD_TIMES),
    f'{{"value": 1, "end_time": "{END}", "zone": "\\udcff"}}',
    f'{{"value": 1, "end_time": "{END}", "zone": "\udcff"}}',
    f'{{"value": 1, "end_time": "{END}", "zo\\udcffne": "a"}}',
    f'{{"value": 1, "end_time": "{END}", "zone": {DEEPER}}}',
    f'{{"value": 1, "end_time": "{END}"}}, {{"value": 2, "end_time": "{END}"}}',
    "null",
    "7",
    "[]",
    "{}",
]


def entry(rows: str, *, name: str = f'"{NEW}"', period: str = '"day"') -> str:
    return f'{{"data": [{{"name": {name}, "period": {period}, "values": [{rows}]}}]}}'


GOOD_ROW = f'{{"value": 1, "end_time": "{END}"}}'
ODD_BODIES = [
    *map(entry, ODD_ROWS),
    *(entry(GOOD_ROW, name=odd) for odd in ("7", "null", "[]", "{}", DEEP)),
    *(entry(GOOD_ROW, period=odd) for odd in ("7", "null", "[]", '"day", "period": "week"')),
    '{"data": {}}',
    '{"data": "x"}',
    '{"data": [[]]}',
    f'{{"data": {DEEP}}}',
    f'{{"data": [{{"name": "{NEW}", "period": "day"}}]}}',
    f'{{"data": [{{"name": "{NEW}", "period": "day", "values": "x"}}]}}',
    f'{{"data": [], "data": {json.dumps(NEW)}}}',
    "[]",
    "7",
    '"\udcff"',
    DEEPER,
]


def answering(body: str, *, status: int = 200) -> ScriptedApi:
    def answer(request: Request) -> Response:
        return Response(status=status, body=body) if request.page_id == "102" else insights(request)

    return ScriptedApi(answer)


@pytest.mark.parametrize("body", ODD_BODIES, ids=range(len(ODD_BODIES)))
def test_an_odd_reply_fails_its_page_and_keeps_the_others(body: str) -> None:
    query = make_query(pages=3, metrics=NEW)
    api = answering(body)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query, but_pages=["102"])
    if body in map(entry, (f'{{"value": 1, "end_time": {one}}}' for one in ODD_TIMES)) and not outcome.page_failures:
        assert outcome.dropped == {"outside the range": 1}
        return
    assert list(outcome.page_failures) == ["102"]
    assert type(outcome.page_failures["102"]) is ResponseFormatError
    assert len(str(outcome.page_failures["102"])) < 500


@pytest.mark.parametrize("body", ODD_BODIES, ids=range(len(ODD_BODIES)))
def test_an_odd_reply_to_a_poll_is_told_of_its_page_and_the_others_are_ready(body: str) -> None:
    query = make_query(pages=3, metrics=NEW)
    api = answering(body)
    found = api.run(probe_availability(query, now=NOW, policy=RetryPolicy(max_attempts=1)))
    assert {page_id for page_id, _, _ in found.missing} == {"102"}
    assert set(found.outcome.page_failures) <= {"102"}


@pytest.mark.parametrize(
    "told",
    [
        {"code": 10**400},
        {"code": "190"},
        {"code": 190.0},
        {"code": [190]},
        {"code": {}},
        {"code": True},
        {"code": "9" * 400},
        {"code": float("inf")},
        {"code": 4, "error_subcode": 10**400},
        {"code": 100, "message": 10**4000},
        {"code": 100, "message": {"a": [1]}},
        {"code": 100, "message": "\ud800 {permissions} {0} %s"},
        {"code": 100, "fbtrace_id": {"a": 1}},
        {"code": 100, "is_transient": []},
        {"code": -1},
        {},
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_odd_error_object_is_an_error_of_ours(told: dict[str, Any], status: int) -> None:
    query = make_query(pages=2, metrics=NEW)
    api = answering(json.dumps({"error": told}), status=status)
    with contextlib.suppress(MessagingInsightsError):
        outcome = fetch(api, query, max_attempts=1)
        assert all(len(str(error)) < 2_000 for error in outcome.errors)
    assert "102" not in {page_id for page_id, _, _ in fetched(api)}


def test_an_error_is_known_by_its_code_in_every_type_it_comes_as() -> None:
    codes: tuple[object, ...] = (190, "190", 190.0)
    for code in codes:
        refused = Response(status=400, body=json.dumps({"error": {"code": code, "message": "Ended."}}))
        with pytest.raises(AuthenticationError) as caught:
            fetch(ScriptedApi(lambda _: refused), make_query())  # noqa: B023 - called before the next turn
        assert caught.value.code == 190


ODD_HEADERS = [
    {"x-business-use-case-usage": json.dumps({"101": [{"type": ["pages"], "call_count": 5}]})},
    {"x-business-use-case-usage": json.dumps({"101": [{"type": {"a": 1}}, {"type": 7}, {"type": None}, 5, None, []]})},
    {"x-business-use-case-usage": json.dumps({"101": {"type": "pages", "call_count": 10**400}})},
    {"x-business-use-case-usage": '{"101": [{"type": "pages", "call_count": NaN}]}'},
    {"x-business-use-case-usage": '{"101": [{"type": "pages", "estimated_time_to_regain_access": -5}]}'},
    {"x-business-use-case-usage": '{"101": [{"type": "pages", "estimated_time_to_regain_access": [1]}]}'},
    {"x-business-use-case-usage": DEEPER},
    {"x-business-use-case-usage": "\udcff\x00"},
    {"x-app-usage": f'{{"call_count": {"9" * 5_000}}}'},
    {"x-app-usage": '{"call_count": 1e999}'},
    {"x-app-usage": '{"call_count": {"a": 1}, "total_time": []}'},
    {"x-app-usage": "[[]]"},
    {"x-page-usage": '"x"'},
    {"facebook-api-version": "v26.0\r\nx: y"},
    {"facebook-api-version": "\udcff"},
    {"facebook-api-version": "9" * 10_000},
    {"retry-after": "9" * 5_000},
    {"retry-after": "-1"},
    {"retry-after": "Mon, 99 Foo 99999 99:99:99 +9999", "date": "\udcff"},
    {"retry-after": "Fri, 31 Dec 9999 23:59:59 -2359", "date": "Mon, 01 Jan 0001 00:00:00 +2359"},
    {"": "", "\udcff": "\udcff", "X" * 10_000: "1"},
]


@pytest.mark.parametrize("headers", ODD_HEADERS, ids=range(len(ODD_HEADERS)))
def test_no_header_fails_a_load(headers: dict[str, str]) -> None:
    query = make_query(pages=2, days=3)

    def answer(request: Request) -> Response:
        return Response(status=200, headers=headers, body=json.dumps(insights_document(request)))

    api = ScriptedApi(answer)
    outcome = fetch(api, query)
    assert fetched(api) == asked(query)
    assert not outcome.errors
    assert outcome.api_versions == frozenset()


@pytest.mark.parametrize("headers", ODD_HEADERS, ids=range(len(ODD_HEADERS)))
def test_no_header_hides_what_an_error_says(headers: dict[str, str]) -> None:
    with pytest.raises(MessagingInsightsError, match="code 190"):
        fetch(ScriptedApi(lambda _: refusal(190, headers=headers)), make_query())


# Batches


def reply(*parts: str) -> Response:
    return Response(status=200, body=f"[{','.join(parts)}]")


GOOD = '{"code": 200, "body": "{}"}'


@pytest.mark.parametrize(
    "part",
    [
        '{"code": 200, "code": 200, "body": "{}"}',
        '{"code": 200, "body": "{}", "body": "[]"}',
        '{"code": 200, "body": {"a": 1, "a": 2}}',
        f'{{"code": {"9" * 400}, "body": "{{}}"}}',
        '{"code": NaN, "body": "{}"}',
        '{"code": true, "body": "{}"}',
        '{"code": 99, "body": "{}"}',
        '{"code": 200.5, "body": "{}"}',
    ],
)
def test_a_part_that_cannot_be_read_for_certain_is_lost_alone(part: str) -> None:
    parts = decode(reply(GOOD, part, GOOD), 3)
    assert parts is not None
    assert [isinstance(one, Response) for one in parts] == [True, False, True]


def test_bytes_that_are_not_utf_8_are_told_of_their_part_alone() -> None:
    parts = decode(reply(GOOD, '{"code": 200, "body": "{\\"data\\": \\"\udce9\\"}"}'), 2)
    assert parts is not None
    assert [one.body for one in parts if isinstance(one, Response)] == ["{}", '{"data": "\udce9"}']


@pytest.mark.parametrize(
    "headers",
    [
        "7",
        "{}",
        "[7]",
        '[{"name": 7, "value": 1}]',
        f'[{{"name": "X", "value": {"9" * 4_000}}}]',
        f'[{{"value": {DEEP}}}]',
    ],
)
def test_odd_headers_of_a_part_fail_nobody(headers: str) -> None:
    parts = decode(reply(GOOD, f'{{"code": 200, "headers": {headers}, "body": "{{}}"}}'), 2)
    assert parts is not None
    assert all(isinstance(one, Response) for one in parts)
