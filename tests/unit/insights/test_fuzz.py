"""Replies bent out of shape become records or errors of ours, never another exception.

uv run pytest -m slow tests/unit/insights/test_fuzz.py      (20,000 examples)
"""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.examples import so_many
from support.fetch_helpers import NEW
from support.paths import SAMPLES
from support.scripted import ScriptedApi

from airflow_provider_msginsights.exceptions import MessagingInsightsError
from airflow_provider_msginsights.insights.dates import DateRange, end_of_day
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import (
    FetchOutcome,
    fetch_insights,
    list_pages,
    probe_availability,
)
from airflow_provider_msginsights.insights.protocol import Response
from airflow_provider_msginsights.insights.query import InsightsQuery
from airflow_provider_msginsights.insights.records import InsightsRecord, Records
from airflow_provider_msginsights.insights.token.inspection import inspect_token
from airflow_provider_msginsights.insights.token.render import render_report
from airflow_provider_msginsights.insights.token.report import TokenReport
from airflow_provider_msginsights.outputs.rows import RowMaker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_msginsights.insights.protocol import Flow

QUERIES = {
    "two_metrics_as_documented": InsightsQuery.create(
        page_ids="101",
        metrics=[NEW, "page_messages_blocked_conversations_unique"],
        days=DateRange(date(2022, 10, 1), date(2022, 10, 9)),
    ),
    "total_over_range_as_documented": InsightsQuery.create(
        page_ids="101", metrics=NEW, days=DateRange(date(2022, 10, 1), date(2022, 10, 9)), period="total_over_range"
    ),
    "breakdown_as_documented": InsightsQuery.create(
        page_ids="101",
        metrics="recurring_notifications_tokens",
        days=DateRange(date(2022, 10, 1), date(2022, 10, 9)),
        period="total_over_range",
        breakdowns=["recurring_notifications_topic", "recurring_notifications_frequency"],
    ),
    "days_as_sent": InsightsQuery.create(
        page_ids=["101", "102"], metrics=NEW, days=DateRange(date(2026, 3, 7), date(2026, 3, 10))
    ),
    "earnings_as_money": InsightsQuery.create(
        page_ids="101",
        metrics="page_messages_paid_order_earnings",
        days=DateRange(date(2026, 3, 8), date(2026, 3, 10)),
    ),
    "error": InsightsQuery.create(
        page_ids=["101", "102"], metrics="all", days=DateRange(date(2026, 3, 7), date(2026, 3, 15))
    ),
}
ERROR = {
    "error": {
        "message": "(#100) The value must be a valid insights metric",
        "type": "OAuthException",
        "code": 100,
        "error_subcode": 1504018,
        "is_transient": False,
        "error_data": {"blame_field_specs": [["metric"]]},
        "fbtrace_id": "AbC",
    }
}
DOCUMENTS = {name: ERROR if name == "error" else json.loads((SAMPLES / f"{name}.json").read_text()) for name in QUERIES}

NUMBERS = [
    None,
    True,
    False,
    0,
    -1,
    2**63,
    10**400,
    1e308,
    float("inf"),
    float("nan"),
    4,
    100,
    190,
    200,
    2500,
    80001,
    99,
]
TEXTS = ["", "0", "-0", "1e400", "NaN", "\ud800", "1773039600", "day", "week", NEW, "102/insights/x/day"]
TIMES = ["2026-03-09T07:00:00+0000", "2026-03-09", "9999-12-31T23:59:59+0000", "0001-01-01T00:00:00+0000"]
SUBCODES = [99, 463, 2069032, 1504016, 1504018, 1504028]
SCALARS = st.sampled_from([*NUMBERS, *TEXTS, *TIMES, *SUBCODES])
JSON = st.recursive(
    SCALARS | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
CHANGES = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from(["put", "put", "drop", "twice", "rename", "wrap"]), JSON), max_size=4
)
CUTS = st.none() | st.tuples(st.integers(0, 2000), st.sampled_from(["", "}", "]", "\x00", '"', "<html>", ","]))
HEADERS = st.dictionaries(
    st.sampled_from(["x-app-usage", "x-business-use-case-usage", "x-page-usage", "retry-after", "date"]),
    JSON.map(lambda value: json.dumps({"101": [{"type": "pages", "call_count": value}], "call_count": value}))
    | st.text(),
    max_size=2,
)
STATUSES = st.sampled_from([200, 200, 200, 200, 302, 400, 403, 404, 429, 500, 503])


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    keys: Any = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from places(node[key])


def bent(document: Any, changes: list[tuple[int, str, Any]]) -> Any:
    root = {"root": copy.deepcopy(document)}
    for number, change, value in changes:
        found = list(places(root))
        container, key = found[number % len(found)]
        if change == "drop" and container is not root:
            container.pop(key)
        elif change == "twice" and isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        elif change == "rename" and isinstance(container, dict) and isinstance(value, str) and container is not root:
            container[value] = container.pop(key)
        elif change == "wrap":
            container[key] = [container[key]]
        else:
            container[key] = value
    return root["root"]


def check(name: str, response: Response) -> None:
    check_flows(name, ScriptedApi(lambda _: response, renews=[True]))


def check_flows(name: str, api: Any) -> None:
    """Run every flow against an API: each gives a result that can be stored and shown, or an error of ours."""
    policy = RetryPolicy(max_attempts=2, total_seconds=5)
    query = QUERIES[name]
    flows: tuple[Flow[object], ...] = (
        fetch_insights(query, policy=policy),
        probe_availability(query, now=end_of_day(query.days.last_day), policy=policy),
        list_pages(policy),
        inspect_token(policy, now=end_of_day(query.days.last_day), asked_version="v26.0"),
    )
    errors: list[MessagingInsightsError] = []
    for flow in flows:
        try:
            result = api.run(flow)
        except MessagingInsightsError as raised:
            errors.append(raised)
        else:
            errors += result.errors if isinstance(result, FetchOutcome) else ()
            if isinstance(result, TokenReport):
                assert f"{render_report(result)}{json.dumps(result.as_dict(), ensure_ascii=False)}".encode()
    for error in errors:
        assert f"{error} {error!r}".encode(), "an error must fit every log"
    for record in api.records:
        assert type(record) is InsightsRecord
        assert record.pacific_date in query.days
    rows = RowMaker(final_if_ended_by=end_of_day(query.days.last_day)).rows(Records((tuple(api.records),)))
    assert json.dumps(rows, default=str, allow_nan=False, ensure_ascii=False).encode()


def text_of(document: Any, cut: tuple[int, str] | None) -> str:
    text = json.dumps(document)
    return text if cut is None else text[: cut[0]] + cut[1]


@example("days_as_sent", [(3, "put", 10**400)], None, 200, {})
@example("days_as_sent", [(5, "put", "9999-12-31T23:59:59+0000")], None, 200, {})
@example("breakdown_as_documented", [(9, "put", "\ud800")], None, 200, {})
@example("error", [(3, "put", True)], None, 400, {"retry-after": "-5"})
@example("error", [(2, "put", {"a": 1})], None, 500, {"x-app-usage": '{"call_count": 1e999}'})
@settings(max_examples=so_many(400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(QUERIES)), CHANGES, CUTS, STATUSES, HEADERS)
def test_a_reply_bent_out_of_shape_is_records_or_an_error_of_ours(
    name: str, changes: list[tuple[int, str, Any]], cut: tuple[int, str] | None, status: int, headers: dict[str, str]
) -> None:
    check(name, Response(status=status, headers=headers, body=text_of(bent(DOCUMENTS[name], changes), cut)))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(QUERIES)), CHANGES, CUTS, STATUSES, HEADERS)
def test_20_000_replies_bent_out_of_shape_are_records_or_errors_of_ours(
    name: str, changes: list[tuple[int, str, Any]], cut: tuple[int, str] | None, status: int, headers: dict[str, str]
) -> None:
    check(name, Response(status=status, headers=headers, body=text_of(bent(DOCUMENTS[name], changes), cut)))
